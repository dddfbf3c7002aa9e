// What cdk.json starts. Plain JavaScript that any Node reads: a cdk that is not of this clone brings the machine's Node.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const wanted = 24;
const app = fileURLToPath(new URL('./app.ts', import.meta.url));
const ownNode = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));

if (Number.parseInt(process.versions.node, 10) >= wanted) await import('./app.ts');
else if (existsSync(ownNode)) process.exitCode = spawnSync(ownNode, [app], { stdio: 'inherit' }).status ?? 1;
else {
  console.error(`error: Nightjar needs Node ${wanted} or newer, and this is ${process.version}`);
  console.error(`  hint: in a clone, this fetches it: npm ci && npm rebuild node; else install Node ${wanted}`);
  process.exitCode = 1;
}
