import { copyFileSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { besideLayer, programBuild } from '../../../bin/package-bundle.ts';

const top = join(import.meta.dirname, '../../..');

/**
 * The launcher of a command line that is bundled like the package's: it starts in half the processor time of its 300
 * sources. Made once per run of the tests (jest/before-all.ts), by whoever needs it first.
 */
export function bundledLauncher(): string {
  const home = join(process.env['NIGHTJAR_BUNDLES']!, 'program');
  if (!existsSync(home)) makeProgram(home);
  return join(home, 'bin/nightjar');
}

function makeProgram(home: string): void {
  const part = mkdtempSync(`${home}-`);
  const outdir = join(part, 'dist/package');
  // plugins would have to be awaited; ours removes texts that no test of the program sees
  const { plugins: _, ...setting } = programBuild;
  buildSync({ ...setting, absWorkingDir: top, outdir });
  for (const name of besideLayer) copyFileSync(join(top, 'layers/db-tools', name), join(outdir, 'db-tools', name));
  mkdirSync(join(part, 'bin'));
  copyFileSync(join(top, 'bin/nightjar'), join(part, 'bin/nightjar'));
  for (const name of ['docs', 'node_modules', 'package.json']) symlinkSync(join(top, name), join(part, name));
  try {
    renameSync(part, home);
  } catch (error) {
    if (!existsSync(home)) throw error;
    rmSync(part, { recursive: true });
  }
}
