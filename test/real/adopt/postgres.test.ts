import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { nightjarInProcess } from '../../support/cli/in-process.ts';
import { start } from '../../support/cli/command.ts';
import { cliScene } from '../../support/cli/scene.ts';
import type { CliScene } from '../../support/cli/scene.ts';
import { layerTools } from '../../support/tools.ts';
import type { Tools } from '../../../core/tools.ts';

const password = 'adopt me';
/** What looks like statements of a dump, and is rows, a body, a text. */
const shop = String.raw`
  create role app; create role reader; create extension pg_trgm; create schema sales authorization app;
  create table sales.notes (id int primary key, note text, made timestamptz default now());
  insert into sales.notes (id, note) values (1, E'ALTER TABLE sales.notes OWNER TO app;'), (2, E'\\.'), (3, E'\restrict abc'),
    (4, E'GRANT ALL ON TABLE sales.notes TO app;\nGRANT SELECT ON TABLE sales.notes TO app;'), (5, null), (6, E'é\t''"$$');
  alter table sales.notes owner to app; grant select on sales.notes to reader; grant usage on schema sales to reader;
  alter default privileges in schema sales grant select on tables to reader;
  create function sales.grants() returns text language sql as $f$
SELECT $$
GRANT ALL ON TABLE sales.notes TO reader;
$$
$f$;
  comment on table sales.notes is E'first\nREVOKE ALL ON SCHEMA public FROM PUBLIC;';
  create table sales.lines (line text); insert into sales.lines values (E'\restrict abc'), (E'\\restrict abc'), ('GRANT ALL ON TABLE sales.notes TO app;'),
    ('ALTER TABLE sales.notes OWNER TO app;'), ('--'), ('-- PostgreSQL database dump complete'), (E'\\.'), ('');
  create sequence sales.numbers start 7; select nextval('sales.numbers'); select lo_from_bytea(0, 'large');
  create index on sales.notes using gin (note gin_trgm_ops);`;

let scene: CliScene;
let tools: Tools;
beforeAll(async () => {
  [scene, tools] = await Promise.all([cliScene(), layerTools()]);
  await scene.sql('shop', shop);
  await scene.sql('postgres', `create role adopter login createdb password '${password}'`);
  await scene.sql('postgres', 'create database victim');
  await scene.sql('victim', 'create table precious (id int); insert into precious values (1)');
  await writeConfig(
    `adopt: { host: ${scene.server.host}, port: ${scene.server.port}, user: adopter, password: { env: ADOPT } }`,
  );
}, 600_000);
afterAll(() => scene?.stop());

async function writeConfig(adopt: string): Promise<void> {
  const text = await readFile(join(scene.folder, 'nightjar.yaml'), 'utf8');
  const own = text.replace(/\n {4}(?:adopt|parallel):.*/g, '');
  await writeFile(join(scene.folder, 'nightjar.yaml'), own.replace(/(\n {2}shop:)/, `$1\n    ${adopt}`));
}

const env = () => ({ ...scene.env, ADOPT: password });
const run = (...args: string[]) => nightjarInProcess(args, { cwd: scene.folder, env: env() });
const push = (file: string, at = '2019-06-01T08:00:00Z') => run('push', 'shop', file, '--at', at);
const databases = async () =>
  (await scene.sql('postgres', 'select datname::text as name from pg_database order by 1')).map(({ name }) =>
    String(name),
  );

/** What stock pg_dump prints. */
async function dumped(database: string, ...args: string[]): Promise<Buffer> {
  const { command, args: before, env: own } = tools.program('pg_dump');
  const { host, port, user } = scene.server;
  const login = { PGHOST: host, PGPORT: String(port), PGUSER: user, PGPASSWORD: scene.server.password };
  const { stdout } = await promisify(execFile)(command, [...before, ...args, database], {
    env: { ...own, ...login },
    encoding: 'buffer',
    maxBuffer: 1024 ** 3,
  });
  return stdout;
}
const bare = async (database: string) =>
  (await dumped(database, '--no-owner', '--no-privileges')).toString().replace(/^\\(un)?restrict .*$/gm, '');

async function file(name: string, content: Buffer | string): Promise<string> {
  await writeFile(join(scene.folder, name), content);
  return name;
}

/** Leaves the scratch of a push that was killed. */
async function killed(before: readonly string[]): Promise<void> {
  const slow = await file('slow.sql', 'select pg_sleep(60);\n-- PostgreSQL database dump complete\n');
  const pushing = start(['push', 'shop', slow, '--at', '2019-06-01T08:00:00Z'], { cwd: scene.folder, env: env() });
  while ((await databases()).length === before.length) await sleep(50);
  pushing.kill('SIGKILL');
  await pushing.ended;
  expect((await databases()).filter((name) => !before.includes(name))).toHaveLength(1);
}

test('dumps of every form become backups of what was dumped, and no scratch stays, nor that of a push that was killed', async () => {
  const forms: [string, Buffer][] = [
    ['archive.pgdump', await dumped('shop', '--format=custom')],
    ['archive.tar', await dumped('shop', '--format=tar')],
    ['create.sql.gz', gzipSync(await dumped('shop', '--create', '--clean'))],
    ['inserts.sql.zst', zstdCompressSync(await dumped('shop', '--rows-per-insert=2'))],
  ];
  // as killed right behind CREATE DATABASE: one of ours, and one of another user that nobody may drop for it
  await scene.sql('postgres', 'create database nightjar_new_89abcdef012345670123_x allow_connections false');
  const before = await databases();
  await killed(before);
  await scene.sql(
    'postgres',
    'create database nightjar_new_0123456789abcdef0123_adopt owner adopter allow_connections false',
  );
  const [ids, contents]: [string[], object[]] = [[], []];
  for (const [index, [name, content]] of forms.entries()) {
    const { code, stdout, stderr } = await push(await file(name, content), `2019-06-0${index + 1}T08:00:00Z`);
    expect([code, stderr]).toEqual([0, expect.stringContaining('rotation never removes it')]);
    if (name.startsWith('inserts'))
      for (const what of ['8 owners', '4 grants']) expect(stderr).toContain(`left out: ${what}`);
    if (name.startsWith('create')) expect(stderr).toMatch(/left out: \d database settings/);
    const [, id = ''] = /shop {2}(\S+) {2}adopted: /.exec(stdout) ?? [];
    expect(id).toMatch(new RegExp(`^2019060${index + 1}T080000Z-`));
    const path = join(scene.folder, 'backups/shop', id, 'manifest.json');
    const { adopted, tables, sequences, largeObjects, objects } = JSON.parse(await readFile(path, 'utf8'));
    const sha256 = createHash('sha256').update(content).digest('hex');
    expect(adopted).toMatchObject({ file: name, bytes: content.length, sha256 });
    contents.push({ tables, sequences, largeObjects, objects });
    ids.push(id);
  }
  expect(await databases()).toEqual(before);
  expect(contents).toEqual(Array(4).fill(contents[0]));
  expect((await run('restore', 'shop', ids[0]!, '--to', 'copy')).code).toBe(0);
  expect(await bare('copy')).toBe(await bare('shop'));
  const { stdout } = await run('list', 'shop');
  expect(stdout.match(/adopted from/g)).toHaveLength(4);
  expect((await run('check', 'shop')).stdout).toContain('never');
}, 120_000);

/** One of each kind: of the client, of the server, of another database, by a right, by an extension. */
const evil: [what: string, sql: string][] = [
  ['a command of psql', '\\! touch pwned'],
  ['a program', 'CREATE TABLE t (a text);\nCOPY t FROM PROGRAM $$touch pwned$$;'],
  ['a drop', 'COMMIT;\ndrop database victim;'],
  ['a way out', 'CREATE EXTENSION dblink;'],
];

test('no dump does anything outside of its scratch', async () => {
  const [before, roles] = [await databases(), await scene.sql('postgres', 'select rolname from pg_roles order by 1')];
  const ids = await scene.objects();
  for (const [what, sql] of evil) {
    const name = await file('evil.sql', `${sql}\n--\n-- PostgreSQL database dump complete\n--\n`);
    const { code, stderr } = await push(name);
    expect([what, code]).toEqual([what, 1]);
    expect(stderr).toMatch(
      /backslash commands are restricted|permission denied|must be|is not owner|only|syntax|not owned/i,
    );
  }
  expect(await databases()).toEqual(before);
  expect(await scene.sql('postgres', 'select rolname from pg_roles order by 1')).toEqual(roles);
  expect(await scene.sql('victim', 'select * from precious')).toEqual([{ id: 1 }]);
  expect(await scene.objects()).toEqual(ids);
}, 60_000);

test('a dump that makes a database beside its scratch is no backup, and is told of as long as that is there', async () => {
  const fine = await file('fine.sql', await dumped('shop'));
  const objects = await scene.objects();
  const beside = await file('beside.sql', 'COMMIT;\ncreate database beside;\n-- PostgreSQL database dump complete\n');
  const failing = await file(
    'failing.sql',
    'COMMIT;\ncreate database beside;\nSELECT 1/0;\n-- PostgreSQL database dump complete\n',
  );

  for (const name of [beside, failing]) {
    expect((await push(name)).stderr).toMatch(/has made the database beside[^]*DROP DATABASE "beside";/);
    const { code, stderr } = await push(fine);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/owns the database beside[^]*DROP DATABASE "beside";/)]);
    await scene.sql('postgres', 'drop database beside');
  }

  expect(await scene.objects()).toEqual(objects);
}, 60_000);

test('what is cut, empty, of another engine or of no moment makes no backup', async () => {
  const [plain, archive] = [await dumped('shop'), await dumped('shop', '--format=custom')];
  const objects = await scene.objects();
  const half = (content: Buffer): Buffer => content.subarray(0, Math.floor(content.length * 0.7));
  const bad: [string, Buffer | string, RegExp, code?: number][] = [
    ['cut.sql', half(plain), /does not end as one does|restore-failed|unexpected|syntax/],
    ['cut.sql.gz', half(gzipSync(plain)), /cut off, or is damaged/],
    ['cut.pgdump', half(archive), /archive can't be read[^]*look for another copy/],
    ['mariadb.sql', '-- MariaDB dump 10.19\nCREATE TABLE t (a int);\n', /dump of MariaDB or MySQL/, 2],
    ['cluster.sql', '--\n-- PostgreSQL database cluster dump\n--\n', /whole server/, 2],
    ['empty.sql', '', /empty/, 2],
  ];
  for (const [name, content, why, wanted = 1] of bad) {
    const { code, stderr } = await push(await file(name, content));
    expect([name, code, stderr]).toEqual([name, wanted, expect.stringMatching(why)]);
  }
  await mkdir(join(scene.folder, 'dumped'));
  const folder = await push('dumped');
  expect([folder.code, folder.stderr]).toEqual([
    2,
    expect.stringMatching(/is a folder[^]*pg_restore --file=dump.sql dumped/),
  ]);
  const unsaid = await run('push', 'shop', 'cut.sql');
  expect([unsaid.code, unsaid.stderr]).toEqual([2, expect.stringContaining('--at')]);
  expect((await push('cut.sql', '2099-01-01')).code).toBe(2);
  expect(await scene.objects()).toEqual(objects);
}, 60_000);

test('a user that may do more is refused before anything is loaded, with the SQL that makes another', async () => {
  const name = await file('fine.sql', await dumped('shop'));
  await writeConfig('parallel: 2');
  const asSuper = await push(name);
  expect([asSuper.code, asSuper.stderr]).toEqual([
    1,
    expect.stringMatching(/is a superuser[^]*create role nightjar_adopt login createdb/),
  ]);

  await writeConfig(
    `adopt: { host: ${scene.server.host}, port: ${scene.server.port}, user: adopter, password: { env: ADOPT } }`,
  );
  await scene.sql('postgres', 'alter database victim owner to adopter; grant reader to adopter');
  const asOwner = await push(name);
  expect([asOwner.code, asOwner.stderr]).toEqual([
    1,
    expect.stringMatching(/is a member of reader, owns the database victim/),
  ]);
  await scene.sql('postgres', 'alter database victim owner to postgres; revoke reader from adopter');
}, 60_000);
