import { copyFile, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * What the package ships in place of the sources, for Node strips no types below node_modules: the command line, and the builder of
 * the layer with its pins beside it. Libraries stay dependencies.
 */
await rm(`${root}dist/package`, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: { nightjar: 'bin/nightjar.ts', 'db-tools/layer': 'layers/db-tools/layer.ts' },
  outdir: 'dist/package',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  packages: 'external',
  format: 'esm',
  platform: 'node',
  target: 'node24',
  logLevel: 'warning',
});
await copyFile(`${root}layers/db-tools/lock.json`, `${root}dist/package/db-tools/lock.json`);
