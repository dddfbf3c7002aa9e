import type { BuildOptions } from 'esbuild';
import packageJson from '../package.json' with { type: 'json' };
import { requireBanner } from '../functions/bundle.ts';
import { withoutTexts } from '../functions/host/without-texts.ts';

/** What every bundle of the package has in common; libraries stay dependencies. */
export const packageBuild = {
  outExtension: { '.js': '.mjs' },
  bundle: true,
  packages: 'external',
  format: 'esm',
  platform: 'node',
  target: 'node24',
  logLevel: 'warning',
} as const satisfies BuildOptions;

/** Below node_modules these are 170 files, whose loading takes half of a start. */
const loadedAtOnce = ['commander', 'croner', 'yaml', 'zod'];

/** The command line, and what it loads by its path: the builder of the layer, and the program that reads SQLite. */
export const programBuild = {
  ...packageBuild,
  packages: 'bundle',
  external: Object.keys(packageJson.dependencies).filter((name) => !loadedAtOnce.includes(name)),
  banner: { js: requireBanner },
  entryPoints: {
    nightjar: 'bin/nightjar.ts',
    'db-tools/layer': 'layers/db-tools/index.ts',
    'sqlite-program': 'core/engines/sqlite/program/main.ts',
  },
  splitting: true,
  plugins: [withoutTexts],
} satisfies BuildOptions;

/** The files beside the builder of the layer, as beside its sources. */
export const besideLayer = ['lock.json', 'authorities.json', 'authorities-china.pem'];
