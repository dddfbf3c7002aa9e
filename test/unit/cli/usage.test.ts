import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { nightjar } from '../../support/cli/command.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-usage-'));
  await writeFile(
    join(folder, 'bad.yaml'),
    'vault: ./b\nsources:\n  shop:\n    postgres: { host: db, database: shop, user: app, password: hunter2 }\n  ' +
      '  retension: { daily: 7 }\n',
  );
  await writeFile(
    join(folder, 'nightjar.yaml'),
    'vault: ./b\nsources:\n  shop:\n    postgres: { host: db, database: shop, user: app, password: { env: ' +
      'NOT_SET } }\n  blog:\n    mariadb: { host: db, database: blog, user: app }\n',
  );
});
afterAll(() => rm(folder, { recursive: true }));

const run = (...args: string[]) => nightjarInProcess(args, { cwd: folder });

test.each([
  [['--help']],
  [['backup', '--help']],
  [['list', '--help']],
  [['verify', '--help']],
  [['restore', '--help']],
  [['drill', '--help']],
  [['check', '--help']],
  [['accept', '--help']],
  [['doctor', '--help']],
  [['cost', '--help']],
  [['schedule', '--help']],
])('%p tells how to use it, within 80 columns', async (args) => {
  const { code, stdout, stderr } = await run(...args);

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^Usage: nightjar/);
  expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
});

test.each([[['--help']], [['backup', 'shp']], [['list', '--json']]])(
  'the launcher says of %p what its program says, and ends with its code',
  async (args) => {
    expect(await nightjar(args, { cwd: folder })).toEqual(await run(...args));
  },
);

test('the general help names every exit code', async () => {
  const { stdout } = await run('--help');

  expect([...stdout.matchAll(/^ {2}(\d[\d, ]*?) {2,}\S/gm)].map(([, codes]) => codes)).toEqual([
    '0',
    '1',
    '2',
    '3',
    '4',
    '5',
    '11',
    '130, 143',
  ]);
});

test.each([
  [['lst'], "error: unknown command 'lst'\n  hint: Did you mean list?\n"],
  [['list', '--jsn'], "error: unknown option '--jsn'\n  hint: Did you mean --json?\n"],
  [
    ['drill'],
    'error: no source asks for drills\n  hint: name one: nightjar drill shop; or write drillEvery into those ' +
      'that are to be drilled\n',
  ],
  [
    ['drill', 'shop', 'blog', '--backup', '20261120T020000Z-7f3a9c'],
    'error: --backup names a backup of one source\n  hint: name that source alone\n',
  ],
  [['restore'], "error: missing required argument 'source'\n  hint: nightjar restore --help\n"],
  [[], 'error: no command was given\n  hint: nightjar --help shows them all\n'],
  [
    ['backup', 'shp'],
    'error: there is no source shp in the configuration, did you mean "shop"?\n  hint: configured: shop, blog\n',
  ],
  [
    ['verify', 'shop', 'x', '--all'],
    'error: --all reads every backup, so no id goes with it\n  hint: leave out the id, or --all\n',
  ],
])('a mistake in the command %p is told in one line with its remedy, and exits 2', async (args, stderr) => {
  expect(await run(...args)).toEqual({ code: 2, stdout: '', stderr });
});

test('a configuration that is not there is told with where it was looked for', async () => {
  const { code, stderr } = await run('list', '--config', 'other.yaml');

  expect({ code, stderr }).toEqual({
    code: 2,
    stderr:
      `error: there is no configuration ${join(folder, 'other.yaml')}\n  hint: write one (nightjar.example.yaml ` +
      `is an example), or name it with --config\n`,
  });
});

test('a wrong configuration is told with all its problems', async () => {
  const { code, stdout, stderr } = await run('backup', '-c', 'bad.yaml');

  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toBe(`error: bad.yaml has 2 problems:
  sources.shop.postgres.password: a secret never stands in this file: write where it is kept, as { env: NAME }, { file: path } or { secret: name or ARN, field: name }; or iam, for a token of IAM database authentication (line 4)
  sources.shop.retension: unknown key, did you mean "retention"? (line 5)
  hint: every key is explained in docs/configuration.md; nightjar.example.yaml is a whole example
`);
});

test.each([
  [['list', '--config', 'other.yaml'], 'config-invalid', 2],
  [['backup', 'shp'], 'input-invalid', 2],
  [['restore'], 'input-invalid', 2],
  [['list'], 'vault-unreachable', 1],
])('with --json, the failure of %p is one document, and nothing else is printed', async (args, failure, exitCode) => {
  const { code, stdout, stderr } = await run(...args, '--json');

  expect({ code, stderr }).toEqual({ code: exitCode, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { code: failure, hint: expect.any(String) } });
});

test('sources that all fail are all tried, and all told', async () => {
  const { code, stdout, stderr } = await run('backup');

  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain(
    'error: sources.shop.postgres.password: the environment variable NOT_SET is not set\n  hint: export NOT_SET=',
  );
  expect(stderr).toMatch(/error: mariadb:\/\/app@db:3306\/blog: /);
});
