// `npm run test:fast`: the suites that start no server, build no layer and synthesise no stack, by a rule and not by a list:
// neither a suite nor anything that it imports, however indirectly, lies in one of these folders.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import config from './jest.config.mjs';

const slow = /^(test\/servers|layers|lib)\//;
/** These start the CDK and npm as programs, which no import tells; or they try so many cases that each takes longer than all others together should. */
const long = [
  'cli/package', 'cli/verify', 'commands/faults', 'commands/lease', 'commands/outbox', 'domain/rotatable', 'domain/simulated-year', 'infra/command',
  'pipeline/program', 'rotation/command-line', 'vaults/folder', 'vaults/folder-killed', 'verdict/agreement', 'verdict/nights', 'verdict/scale',
];
const root = import.meta.dirname;

/** What a file imports of ours at run time. */
function importsOf(file) {
  const imports = readFileSync(file, 'utf8').matchAll(/^(?:import|export) (?!type )[^;]*?'(\.[^']+\.ts)'|\bimport\('(\.[^']+\.ts)'\)/gm);
  return [...imports].map(([, from, later]) => join(dirname(file), from ?? later)).filter((path) => existsSync(path));
}

function isFast(suite) {
  const seen = new Set([suite]);
  for (const file of seen) for (const found of importsOf(file)) seen.add(found);
  return [...seen].every((file) => !slow.test(relative(root, file)));
}

export default {
  ...config,
  testMatch: globSync(join(root, 'test/**/*.test.ts')).filter((suite) => !long.some((name) => suite.endsWith(`/${name}.test.ts`)) && isFast(suite)),
};
