// Makes a fresh clone ready: dependencies, and with them the Node that everything runs on. Plain JavaScript, for any
// Node from 18.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const installed = join(top, 'node_modules', '.package-lock.json');
const node = join(top, 'node_modules', '.bin', 'node');

if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(join(top, 'package-lock.json')).mtimeMs) {
  console.error('Installing the dependencies (npm ci; about 700 MB on disk, once) …');
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: top,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) {
    console.error('error: the dependencies could not be installed; npm says above why');
    process.exit(1);
  }
}
const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout?.trim() ?? 'none';
if (Number(version.slice(1).split('.')[0]) < 24) {
  console.error(`error: Node 24 was not installed with the dependencies (found: ${version || 'none'})`);
  console.error('  hint: npm must be allowed to run the install script of the package "node": npm rebuild node');
  process.exit(1);
}
