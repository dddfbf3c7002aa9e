import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { listDatabases } from '../../../core/engines/postgres/globals/databases.ts';
import { startPostgres } from '../../servers/databases/postgres.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';
import { limit, runSql } from '../../support/postgres.ts';
import { dumpedAll, twentyRoles } from '../../support/servers/roles.ts';
import { layerRoot } from '../../support/tools.ts';

// What people do to a whole server beside making databases and roles, judged by the stock pg_dumpall alone.
const icu = (major: number): string =>
  [major >= 15 ? `locale_provider icu icu_locale 'de-u-co-phonebk'` : '', major >= 16 ? `icu_rules '&a < g'` : ''].join(
    ' ',
  );

const tablespace = `
create tablespace fast owner app location '' with (seq_page_cost = 1.1, random_page_cost = 1.3);
grant create on tablespace fast to writers with grant option;
comment on tablespace fast is 'it''s -- fast'`;

const databases = (major: number): string[] => [
  'create database shop owner app template template0',
  `create database icu template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C' ${icu(major)} connection limit 7`,
  `create database latin owner writers template template0 encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'`,
  'create database tenant template template0',
  `create database placed ${major >= 15 ? 'tablespace fast' : ''}`,
];

const inEach = `
create table t as select generate_series(1, 5) as i;
alter default privileges for role app in schema public grant select on tables to readers;
alter default privileges for role writers revoke execute on functions from public;
alter default privileges grant usage on schemas to "the owners"`;

const nasty = `
alter database tenant is_template true;
comment on database tenant is 'what each tenant is made of';
grant connect on database shop to app with grant option;
set role app; grant connect on database shop to person_1; reset role;
grant temporary on database shop to person_2 with grant option;
set role person_2; grant temporary on database shop to person_3 with grant option; reset role;
set role person_3; grant temporary on database shop to "we""ird; -- 'role' NOSUPERUSER PASSWORD 'p'"; reset role;
revoke all on database icu from public;
alter role app in database icu set work_mem = '8MB';
alter database postgres owner to app;
alter database postgres connection limit 50;
alter database postgres set search_path = "$user", public, "odd, name";
alter database postgres set application_name = 'it''s \\ odd';
alter role app in database postgres set statement_timeout = '5s';
comment on database postgres is 'ours; and it''s -- odd';
revoke connect on database postgres from public;
grant connect on database postgres to "the owners" with grant option;
set role "the owners"; grant connect on database postgres to readers; reset role;
alter role "we""ird; -- 'role' NOSUPERUSER PASSWORD 'p'" in database template1 set work_mem = '6MB';
alter database template1 set work_mem = '5MB';
comment on database template1 is null;
revoke connect on database template1 from public;
grant connect, create on database template1 to writers`;

describe.each([18, 13] as const)('PostgreSQL %s', (major) => {
  let server: DatabaseServer;
  let empty: DatabaseServer;
  let folder: string;

  async function configure(of: DatabaseServer): Promise<void> {
    const at = `host: ${of.host}, port: ${of.port}, user: ${of.user}, password: { file: pw }, databases: all`;
    await writeFile(join(folder, 'pw'), of.password, { mode: 0o600 });
    await writeFile(join(folder, 'nightjar.yaml'), `vault: ./backups\nsources: { main: { postgres: { ${at} } } }\n`);
  }
  const nightjar = async (...args: string[]) =>
    nightjarInProcess(args, { cwd: folder, env: { NIGHTJAR_TOOLS: await layerRoot(), NIGHTJAR_LAYER_NEWS: 'off' } });
  const sql = (database: string, text: string) => runSql(server, database, text);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nightjar-nasty-'));
    const settings = major >= 15 ? { allow_in_place_tablespaces: 'on' } : {};
    [server, empty] = await Promise.all([startPostgres({ major, settings }), startPostgres({ major, settings })]);
    await sql('postgres', twentyRoles(major));
    if (major >= 15) for (const one of tablespace.split(';\n')) await sql('postgres', one);
    for (const one of databases(major)) await sql('postgres', one);
    for (const one of ['shop', 'icu', 'latin', 'tenant', 'placed', 'postgres', 'template1']) await sql(one, inEach);
    await sql('template1', 'revoke execute on function pg_sleep from public');
    await sql('postgres', nasty);
  }, 600_000);

  afterAll(async () => {
    await Promise.all([server?.stop(), empty?.stop()]);
    await rm(folder, { recursive: true, force: true });
  });

  test('all of it comes back by one command, as the stock pg_dumpall prints it', async () => {
    await configure(server);
    const backedUp = await nightjar('backup');
    await configure(empty);
    const planned = await nightjar('restore', 'main', '--plan');
    const restored = await nightjar('restore', 'main');

    expect([backedUp.code, planned.code, restored.code]).toEqual([0, 0, 0]);
    expect(planned.stdout).toMatch(/set on databases that every server has: .*owner of postgres/);
    expect(restored.stdout.match(/^proven equal: .*$/gm)).toHaveLength(8);
    expect(await dumpedAll(empty, major)).toBe(await dumpedAll(server, major));
    // rights, settings, comments and owners of postgres and template1 are printed with --clean alone
    expect(await dumpedAll(empty, major, ['--clean'])).toBe(await dumpedAll(server, major, ['--clean']));
  }, 240_000);

  test('what a user may not look into is said by name, and is not taken for empty', async () => {
    const { host, port } = server;
    const own = { user: 'person_1', password: "person_1's own", tls: { mode: 'off' as const } };
    const limits = { lockTimeoutMs: 2000, idleLimitMs: 30_000, parallel: 1 };

    const found = await listDatabases({ host, port, database: 'postgres', ...own, ...limits }, limit());

    expect(found.map(({ name }) => name)).toEqual([
      'icu',
      'latin',
      'placed',
      'postgres',
      'shop',
      'template1',
      'tenant',
    ]);
    expect(found.filter(({ why }) => why !== undefined)).toEqual([
      { name: 'template1', why: expect.stringMatching(/^can't be looked into \(.*permission denied/) },
    ]);
  });

  test('what somebody has since set on postgres and template1 is left as it is, and told', async () => {
    await runSql(
      empty,
      'postgres',
      `alter database postgres set application_name = 'other'; alter database template1 reset work_mem;
       grant connect on database postgres to public`,
    );

    const { stdout } = await nightjar('restore', 'main-globals');

    expect(stdout).toMatch(/database grant postgres: is another one on this server, and was left as it is/);
    expect(stdout).toMatch(/database setting postgres application_name: is another one/);
    const found = await runSql(
      empty,
      'postgres',
      `select d.datname, setconfig::text from pg_db_role_setting s join pg_database d on d.oid = setdatabase
        where setrole = 0 and d.datname in ('postgres', 'template1') order by 1`,
    );
    expect(found).toEqual([
      { datname: 'postgres', setconfig: expect.stringContaining('application_name=other') },
      { datname: 'template1', setconfig: '{work_mem=5MB}' },
    ]);
  }, 120_000);
});
