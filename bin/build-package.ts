import { execFile } from 'node:child_process';
import { copyFile, readdir, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import type { Plugin } from 'esbuild';
import packageJson from '../package.json' with { type: 'json' };
import { nightjarProgram } from './cli/grammar/grammar.ts';
import { manualPage } from './cli/shell/manual.ts';
import { functionNames, putBundle } from '../functions/bundle.ts';
import { packageFolders, writeNotices } from '../functions/host/notices.ts';
import { besideLayer, packageBuild, programBuild } from './package-bundle.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = `${root}dist/package`;
const place = { absWorkingDir: root, outdir: out };

/** The stack reads the descriptors of engines and loads none, so what an engine loads to work is left out. */
const described: Plugin = {
  name: 'described',
  setup: ({ onResolve }) =>
    onResolve({ filter: /^[.]/ }, ({ kind }) => (kind === 'dynamic-import' ? { external: true } : undefined)),
};

/**
 * The content of the package instead of the sources, because Node strips no types below node_modules: the command line;
 * the builder of the layer with its pins; the constructs with their types; the bundled functions. Libraries stay
 * dependencies, except those that every verb of the command line loads.
 */
await rm(out, { recursive: true, force: true });
const { metafile } = await build({ ...programBuild, ...place, metafile: true });
await writeNotices(packageFolders([metafile]), root, out);
// each in a file of its own, because they find the files beside them by their own path
await build({
  ...packageBuild,
  ...place,
  entryPoints: { 'db-tools/zip': 'layers/db-tools/zip.ts', 'cdk/index': 'lib/index.ts' },
  plugins: [described],
});
for (const name of besideLayer) await copyFile(`${root}layers/db-tools/${name}`, `${out}/db-tools/${name}`);
await writeFile(
  `${out}/nightjar.1`,
  manualPage(
    nightjarProgram(() => undefined),
    packageJson.version,
  ),
);
for (const name of functionNames) await putBundle(name, `${out}/functions`);
await promisify(execFile)(`${root}node_modules/.bin/tsc`, ['--project', `${root}lib/tsconfig.json`]);
for (const adapters of ['engines', 'vaults']) await keepDescribed(`${out}/types/core/${adapters}`);

/** Of adapters, the types of the stack need only the descriptors. */
async function keepDescribed(folder: string): Promise<void> {
  for (const file of await readdir(folder, { recursive: true }))
    if (file.includes('/') && !file.endsWith('/descriptor.d.ts'))
      await rm(`${folder}/${file}`, { recursive: true, force: true });
}
