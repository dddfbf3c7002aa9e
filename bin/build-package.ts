import { execFile } from 'node:child_process';
import { copyFile, readdir, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import type { BuildOptions, Plugin } from 'esbuild';
import packageJson from '../package.json' with { type: 'json' };
import { nightjarProgram } from './cli/grammar/grammar.ts';
import { manualPage } from './cli/shell/manual.ts';
import { bundleFunction, functionNames, requireBanner } from '../functions/bundle.ts';
import { packageFolders, writeNotices } from '../functions/host/notices.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = `${root}dist/package`;
const common: BuildOptions = {
  absWorkingDir: root,
  outdir: out,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  packages: 'external',
  format: 'esm',
  platform: 'node',
  target: 'node24',
  logLevel: 'warning',
};

/** As they lie below node_modules, these are 170 files, which take half of a start. */
const loadedAtOnce = ['commander', 'croner', 'yaml', 'zod'];

/** A stack reads what engines say of themselves, and loads none: what they would load to work is left out. */
const described: Plugin = {
  name: 'described',
  setup: ({ onResolve }) =>
    onResolve({ filter: /^[.]/ }, ({ kind }) => (kind === 'dynamic-import' ? { external: true } : undefined)),
};

/**
 * What the package ships in place of the sources, for Node strips no types below node_modules: the command line; the
 * builder of the layer with its pins beside it; the constructs with their types; the functions, bundled. Libraries stay
 * dependencies, but for those of the command line that every verb loads.
 */
await rm(out, { recursive: true, force: true });
const { metafile } = await build({
  ...common,
  packages: 'bundle',
  external: Object.keys(packageJson.dependencies).filter((name) => !loadedAtOnce.includes(name)),
  banner: { js: requireBanner },
  metafile: true,
  entryPoints: {
    nightjar: 'bin/nightjar.ts',
    'db-tools/layer': 'layers/db-tools/index.ts',
    'sqlite-program': 'core/engines/sqlite/program/main.ts',
  },
  splitting: true,
});
await writeNotices(packageFolders([metafile]), root, out);
// each in a file of its own: they find what lies beside them by their own place
await build({
  ...common,
  entryPoints: { 'db-tools/zip': 'layers/db-tools/zip.ts', 'cdk/index': 'lib/index.ts' },
  plugins: [described],
});
for (const name of ['lock.json', 'authorities.json', 'authorities-china.pem'])
  await copyFile(`${root}layers/db-tools/${name}`, `${out}/db-tools/${name}`);
await writeFile(
  `${out}/nightjar.1`,
  manualPage(
    nightjarProgram(() => undefined),
    packageJson.version,
  ),
);
for (const name of functionNames) await bundleFunction(name, `${out}/functions`);
await promisify(execFile)(`${root}node_modules/.bin/tsc`, ['--project', `${root}lib/tsconfig.json`]);
for (const adapters of ['engines', 'vaults']) await keepDescribed(`${out}/types/core/${adapters}`);

/** Of what adapters are, a stack's types need what they say of themselves. */
async function keepDescribed(folder: string): Promise<void> {
  for (const file of await readdir(folder, { recursive: true }))
    if (file.includes('/') && !file.endsWith('/descriptor.d.ts'))
      await rm(`${folder}/${file}`, { recursive: true, force: true });
}
