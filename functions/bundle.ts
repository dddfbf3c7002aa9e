import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { BackupError } from '../core/domain/errors.ts';
import { formatBytes, type Bytes } from '../core/domain/units.ts';

export const functionNames = ['backup', 'restore', 'rotate', 'check'] as const;
export type FunctionName = (typeof functionNames)[number];
export type Bundle = { name: FunctionName; folder: string; bytes: Bytes };

/** A cold start reads and compiles all of it. */
const largestBytes: Bytes = 5_000_000;

/** Packages of CommonJS ask for Node's own modules by `require`, which an ES module does not have. */
const requireBanner = "import { createRequire as nightjarRequire } from 'node:module';const require = nightjarRequire(import.meta.url);";

/** Bundles a function into `<out>/<name>/index.mjs`, with the licences of what is in it beside it. Throws `internal` when it has grown too large. */
export async function bundleFunction(name: FunctionName, out: string): Promise<Bundle> {
  const folder = join(out, name);
  await mkdir(folder, { recursive: true });
  const outfile = join(folder, 'index.mjs');
  await build({
    entryPoints: [join(import.meta.dirname, `${name}.ts`)],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    // an optional driver of pg, which nothing of ours loads
    external: ['pg-native'],
    banner: { js: requireBanner },
    minify: true,
    keepNames: true,
    legalComments: 'linked',
    logLevel: 'warning',
  });
  const { size } = await stat(outfile);
  if (size > largestBytes) throw new BackupError('internal', `the bundle of ${name} is ${formatBytes(size)}, over ${formatBytes(largestBytes)}`);
  return { name, folder, bytes: size };
}

if (import.meta.main) {
  const out = join(import.meta.dirname, '../dist/functions');
  for (const name of functionNames) {
    const { folder, bytes } = await bundleFunction(name, out);
    console.log(`${name}: ${formatBytes(bytes)} in ${folder}`);
  }
}
