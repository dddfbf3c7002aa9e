import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startPostgres } from '../../servers/databases/postgres.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';
import { runSql } from '../../support/postgres.ts';
import { dumpedAll, twentyRoles } from '../../support/servers/roles.ts';
import { layerRoot } from '../../support/tools.ts';

// A whole server of five databases and twenty roles, by the command line alone.
const databases = ['shop', 'blog', 'Ünï "odd"', 'ledger', 'wiki'];
let server: DatabaseServer;
let folder: string;

const configuration = (of: DatabaseServer, more = '') => `
vault: ./backups
notify: [{ command: [sh, -c, 'cat >> ${folder}/told'] }]
sources:
  main:
    postgres: { host: ${of.host}, port: ${of.port}, user: ${of.user}, password: { file: pw }, databases: all${more} }
`;

async function nightjar(...args: string[]) {
  const env = { NIGHTJAR_TOOLS: await layerRoot(), NIGHTJAR_LAYER_NEWS: 'off' };
  return nightjarInProcess(args, { cwd: folder, env });
}
const told = () => readFile(join(folder, 'told'), 'utf8').catch(() => '');
const json = async (...args: string[]) => {
  const { stdout } = await nightjar('--json', ...args);
  return JSON.parse(stdout) as Record<string, { source: string }[]>;
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-server-'));
  server = await startPostgres({ major: 18 });
  await writeFile(join(folder, 'pw'), server.password, { mode: 0o600 });
  await writeFile(join(folder, 'nightjar.yaml'), configuration(server));
  await runSql(server, 'postgres', twentyRoles(18));
  for (const database of databases) {
    const name = `"${database.replaceAll('"', '""')}"`;
    await runSql(server, 'postgres', `create database ${name} owner app template template0`);
    await runSql(
      server,
      database,
      `create schema owned authorization writers; create table owned.t (i int primary key, of text default current_user);
       insert into owned.t select generate_series(1, 20); alter table owned.t owner to writers;
       grant select on owned.t to readers; alter database ${name} set work_mem = '9MB';
       alter role app in database ${name} set statement_timeout = '5s'; grant connect on database ${name} to person_1`,
    );
  }
}, 600_000);

afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

test('every database is found and backed up with the roles, by one command', async () => {
  const { code, stdout, stderr } = await nightjar('backup');

  expect([code, stderr.replace(/warning: .*\n/g, '')]).toEqual([0, '']);
  const stored = stdout.split('\n').flatMap((line) => /^(main\S*(?: "odd")?) {2}/.exec(line)?.[1] ?? []);
  expect(stored).toEqual(['main-globals', ...databases.toSorted().map((name) => `main.${name}`)]);
  expect(await told()).toBe('');
}, 120_000);

test('a new database is covered the same night and told; one that is gone is told and kept', async () => {
  await runSql(server, 'postgres', 'create database fresh template template0');
  await runSql(server, 'fresh', 'create table t as select 1 as i');
  await runSql(server, 'postgres', 'create database barren template template0');
  await runSql(server, 'postgres', 'drop database wiki');

  const { code, stdout } = await nightjar('backup', 'main');

  expect(code).toBe(0);
  expect(stdout).toContain('main  new: database fresh is backed up as main.fresh');
  expect(stdout).toContain('main  gone: database wiki: main.wiki is backed up no more');
  expect(stdout).toMatch(/^main\.fresh {2}2/m);
  expect(stdout).not.toMatch(/^main\.wiki {2}/m);
  expect(await told()).toMatch(/databases on the server main: 2 new, 1 gone/);
  const { stdout: checked } = await nightjar('check', '--no-tell');
  expect(checked).toMatch(/^main\.wiki /m);
  // nobody has said that it should hold anything
  expect(checked).toMatch(/^main\.barren .*fresh/m);
  expect(checked).not.toContain('no row at all');
  await runSql(server, 'postgres', 'drop database barren');
}, 240_000);

test('what is excluded leaves, and its backups stay; what nobody can read is told by name, and keeps no other back', async () => {
  for (const name of ['closed', 'U&"a, ""b\\000Ac"']) {
    await runSql(server, 'postgres', `create database ${name}`);
    await runSql(server, 'postgres', `alter database ${name} allow_connections false`);
  }
  await writeFile(join(folder, 'nightjar.yaml'), configuration(server, ', exclude: [wiki, fresh, barren]'));
  await runSql(server, 'postgres', 'alter database ledger allow_connections false');

  const { code, stdout, stderr } = await nightjar('backup', 'main');

  expect(code).toBe(1);
  expect(stderr).toMatch(/database closed on the server main is not backed up: it takes no connections/);
  expect(stderr).toContain(String.raw`exclude: ["a, \"b\nc", closed]`);
  expect(stdout).toContain('main  left out: database wiki: main.wiki is no source any more; its backups stay');
  expect(stdout).toMatch(/^main\.shop {2}2/m);
  expect(stdout).not.toMatch(/new: |gone: |^main\.fresh/m);
  expect(await told()).toMatch(/database closed on the server main/);
  // it was backed up before: not gone, and said once, by its own turn
  expect(stderr.match(/^error: .*ledger.*/gm)).toEqual([
    expect.stringContaining('is not currently accepting connections'),
  ]);
  await runSql(server, 'postgres', 'alter database ledger allow_connections true');
  expect((await json('list', 'main.wiki'))['backups']).toHaveLength(1);
  for (const name of ['closed', 'fresh', 'U&"a, ""b\\000Ac"'])
    await runSql(server, 'postgres', `drop database ${name}`);
  const before = await told();
  await nightjar('backup', 'main');
  expect((await told()).slice(before.length)).toMatch(
    /"severity":"recovered".*"source":"main"|"source":"main".*"severity":"recovered"/,
  );
}, 120_000);

test('an empty server, one command, and it is as it was by the stock pg_dumpall, though a night has found it empty and the list of its databases is cut', async () => {
  const empty = await startPostgres({ major: 18 });
  try {
    await writeFile(join(folder, 'nightjar.yaml'), configuration(empty, ', exclude: [wiki, fresh, barren]'));

    await truncate(join(folder, 'backups', '.servers', 'main.json'), 20);
    const checked = await nightjar('check', 'main', '--no-tell');
    const listed = await nightjar('list', 'main');
    const verified = await nightjar('verify');
    const shown = await nightjar('show', 'main.shop');
    const planned = await nightjar('restore', 'main', '--plan');
    const one = await nightjar('restore', 'main.shop', '--plan', '--server', 'main');
    const night = await nightjar('backup', 'main');
    const plannedAfter = await nightjar('restore', 'main', '--plan');
    const { code, stdout, stderr } = await nightjar('restore', 'main');

    for (const { stderr } of [checked, listed, verified, shown])
      expect(stderr).toContain('the vault has no list of what is on main: its backups tell');
    expect(listed.stdout).toMatch(/^main\.shop: /m);
    expect(verified.stdout).toMatch(/^main\.shop .*intact/m);
    expect(checked.stdout).toMatch(/^main\.shop +fresh/m);
    expect(checked.stdout).not.toMatch(/^main /m);
    // alone, it lacks the roles
    expect(one.stderr).toContain('its backups tell');
    expect(one.stdout).toMatch(/^backup {2}main\.shop /m);
    expect(night.stdout.match(/gone: /g)).toHaveLength(4);
    for (const plan of [planned, plannedAfter]) {
      expect(plan.code).toBe(0);
      expect(plan.stdout).toContain('20 roles will be made');
      expect(plan.stdout.match(/nothing was changed/g)).toHaveLength(5);
    }
    expect([code, stderr.replace(/^(source|backup|into|note|at|warning:?) .*\n/gm, '')]).toEqual([0, '']);
    expect(stdout.match(/proven equal/g)).toHaveLength(5);
    expect((await nightjar('restore', 'main', '--to', 'x')).stderr).toContain(
      '--to can’t be meant of all that'.replace('’', "'"),
    );
    expect(await dumpedAll(empty, 18)).toBe(await dumpedAll(server, 18));
    const app = { ...empty, user: 'app', password: "app's secret" };
    expect(await runSql(app, 'shop', 'select count(*)::int as n from owned.t')).toEqual([{ n: 20 }]);
  } finally {
    await empty.stop();
  }
}, 240_000);
