import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { nightjarInProcess } from '../../support/cli/in-process.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-rank-'));
  await writeFile(
    join(folder, 'nightjar.yaml'),
    `vault: ./backups
sources:
  dev: { rank: development, postgres: { host: db1, database: dev, user: app, password: { env: P } } }
  stage: { rank: staging, postgres: { host: db2, database: stage, user: app, password: { env: P } } }
  shop: { rank: production, postgres: { host: db3, database: shop, user: app, password: { env: P } } }
  beside: { rank: staging, postgres: { host: db3, database: beside, user: app, password: { env: P } } }
`,
  );
});
afterAll(() => rm(folder, { recursive: true }));

const verbs = ['--undo', '--drop-old'];

test.each(
  verbs.flatMap((verb): [string, string[], string, string][] => [
    [verb, ['shop'], 'shop', 'production'],
    [verb, ['dev', '--server', 'stage'], 'stage', 'staging'],
    [verb, ['stage', '--server', 'shop'], 'shop', 'production'],
    [verb, ['stage', '--server', 'beside'], 'beside', 'production'],
    [verb, ['beside', '--to', 'shop'], 'beside', 'production'],
  ]),
)('%s %j is refused until the rank is named, though nobody is asked', async (verb, args, server, rank) => {
  expect(await nightjarInProcess(['restore', ...args, verb, '--yes'], { cwd: folder })).toMatchObject({
    code: 2,
    stdout: '',
    stderr:
      `error: the server of ${server} is ${rank}, and nobody has said that it is meant\n` +
      `  hint: if it is: --into ${rank}\n`,
  });
});

test.each(verbs)('%s with another rank than the server has is refused', async (verb) => {
  const args = ['restore', 'shop', verb, '--into', 'staging', '--yes'];
  expect(await nightjarInProcess(args, { cwd: folder })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--into staging: the server of shop is production'),
  });
});

test.each([
  ['shop', '--undo', 'production'],
  ['dev --server stage', '--drop-old', 'staging'],
])('%s %s goes on once the rank is named', async (args, verb, rank) => {
  const line = ['restore', ...args.split(' '), verb, '--into', rank, '--yes'];
  const { stderr } = await nightjarInProcess(line, { cwd: folder });
  expect(stderr).toContain('the environment variable P is not set');
});

test.each(verbs)('%s --plan says which rank it will ask for', async (verb) => {
  const { stderr } = await nightjarInProcess(['restore', 'shop', verb, '--plan'], { cwd: folder });
  expect(stderr).toContain(
    'rank    the server of shop is production: this asks for that word, or takes --into production\n',
  );
});
