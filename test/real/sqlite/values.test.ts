import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import xxhash from 'xxhash-wasm';
import { backup } from '../../../core/commands/backup.ts';
import { openSqlite } from '../../../core/engines/sqlite/index.ts';
import { readPlan, restoring } from '../../contract/engine/engine-data.ts';
import { sqliteShell } from '../../servers/databases/sqlite.ts';
import type { SqliteShell } from '../../servers/databases/sqlite.ts';
import { memoryScene } from '../../support/vaults/vault.ts';
import { toySource } from '../../support/worlds/toy-engine.ts';

let shell: SqliteShell;
let folder = '';

beforeAll(async () => {
  shell = await sqliteShell();
  folder = await mkdtemp(join(tmpdir(), 'nightjar-sqlite-values-'));
});
afterAll(() => rm(folder, { recursive: true }));

const limit = () => AbortSignal.timeout(120_000);
const engineOf = (path: string) => openSqlite({ path, scratch: join(folder, 'scratch'), waitMs: 10_000 }).engine;

/** The text of a row as docs/backup-format.md has it, made by Debian's sqlite3. */
const textOf = (column: string) => `case typeof("${column}") when 'null' then 'N' when 'integer' then 'I' || "${column}"
  when 'real' then 'R' || lower(hex(ieee754_to_blob("${column}"))) when 'text' then 'T' || lower(hex(cast("${column}" as blob)))
  else 'B' || lower(hex("${column}")) end`;

async function fingerprintByShell(file: string, table: string, columns: readonly string[]): Promise<string> {
  const { h64Raw } = await xxhash();
  const lines = await shell.ask(file, `select ${columns.map(textOf).join(` || ',' || `)} from "${table}"`);
  const sum = lines.split('\n').reduce((total, line) => total + h64Raw(Buffer.from(line)), 0n);
  return BigInt.asUintN(64, sum).toString(16).padStart(16, '0');
}

const values = `
  insert into v values (1, null, 9223372036854775807, 1.5), (2, '', -9223372036854775808, -1e-320), (3, 'a€', x'', 9e999),
    (4, 'a' || char(0) || 'b', x'00ff', 0.1), (5, cast(x'ff80fe' as text), 'text in a number', 1e300),
    (6, 'it''s, "quoted"' || char(10) || 'line', zeroblob(100000), 3);`;

test.each(['UTF-8', 'UTF-16le', 'UTF-16be'])('rows add up as another SQLite prints them (%s)', async (encoding) => {
  const file = join(folder, `${encoding}.db`);
  await shell.ask(
    file,
    `pragma encoding = '${encoding}'; create table v(id integer primary key, t, n, r real); ${values}`,
  );

  const { tables } = await readPlan(engineOf(file));

  const columns = ['id', 't', 'n', 'r'];
  expect(tables).toEqual([
    { table: 'v', columns: 'id, t, n, r', rows: 6, fingerprint: await fingerprintByShell(file, 'v', columns) },
  ]);
});

test('one byte, one digit, one type of a value is another fingerprint', async () => {
  const file = join(folder, 'one.db');
  await shell.ask(file, `create table v(id integer primary key, t, n, r real); ${values}`);
  const before = await fingerprintOf(file);

  const changes = [
    `t = t || char(0) where id = 4`,
    'r = 0.10000000000000002 where id = 4',
    `n = cast(n as text) where id = 1`,
    `t = x'ff80fe' where id = 5`,
    't = null where id = 2',
  ];
  for (const change of changes) {
    await copyFile(file, `${file}.changed`);
    await shell.ask(`${file}.changed`, `update v set ${change}`);
    expect([change, await fingerprintOf(`${file}.changed`)]).not.toEqual([change, before]);
  }
});

async function fingerprintOf(file: string): Promise<string> {
  return (await readPlan(engineOf(file))).tables[0]!.fingerprint;
}

const everything = `
  pragma page_size = 65536; pragma user_version = 12; pragma application_id = 0x4e6a;
  create table customers(id integer primary key autoincrement, name text not null collate nocase, "odd ""name""" text default 'x');
  insert into customers(name) values ('Ada'), ('Bob'), ('Cy'); delete from customers where id = 3;
  create table orders(id integer primary key, customer int references customers(id) on delete cascade, net real,
    gross real generated always as (net * 1.19) virtual, kept real generated always as (net * 2) stored, check (net > 0));
  insert into orders(customer, net) values (1, 2.5), (2, 7), (2, 0.1);
  create table pairs(a, b, primary key (b, a)) without rowid; insert into pairs values (1, 'x'), (2, 'x');
  create table "select"(i int, s text, any any) strict; insert into "select" values (1, 'a', 2.0);
  create table "__proto__"(x); insert into "__proto__" values (1);
  create table none(x);
  create index by_net on orders(net) where net > 1; create index by_name on customers(lower(name));
  create unique index pairs_too on pairs(a);
  create view named as select name, gross from customers join orders on customer = customers.id;
  create trigger t after insert on orders begin update customers set "odd ""name""" = 'y'; end;
  create virtual table notes using fts5(body); insert into notes values ('hello world'), ('grüß dich');
  create virtual table places using rtree(id, x0, x1); insert into places values (1, 0, 5);
  analyze;`;

test('whatever a database can hold comes back, proven, and to the byte', async () => {
  const file = join(folder, 'every.db');
  await shell.ask(file, everything);
  const deps = memoryScene().deps();

  const manifest = await backup(toySource(engineOf(file)), deps, limit());
  const { proof } = await restoring(manifest, engineOf(join(folder, 'every-back.db')), deps);

  expect(proof).toMatchObject({ differences: [], exceptions: [] });
  const counted = Object.fromEntries(manifest.tables.map(({ table, rows }) => [table, rows]));
  expect(counted).toMatchObject({
    customers: 2,
    orders: 3,
    pairs: 2,
    select: 1,
    __proto__: 1,
    none: 0,
    notes_content: 2,
  });
  expect(await shell.ask(join(folder, 'every-back.db'), '.dump')).toBe(await shell.ask(file, '.dump'));
  expect((await readFile(join(folder, 'every-back.db'))).equals(await readFile(file))).toBe(true);
  const catalog = await deps.store.readCatalog(manifest, limit());
  expect(catalog).toMatchObject({
    database: { encoding: 'UTF-8', page_size: '65536', user_version: '12', application_id: '20074' },
    sequence: { customers: '3' },
    'virtual table': { notes: expect.anything(), places: expect.anything() },
    trigger: { t: expect.anything() },
    view: { named: expect.anything() },
  });
});

test('rows of the source whose foreign key leads nowhere are told, stored, and no difference of what is restored', async () => {
  const file = join(folder, 'orphans.db');
  await shell.ask(
    file,
    `create table p(id integer primary key); create table c(p references p, n); insert into c values (7, 1), (8, -1);`,
  );
  const deps = memoryScene().deps();

  const manifest = await backup(toySource(engineOf(file)), deps, limit());
  const { proof } = await restoring(manifest, engineOf(join(folder, 'orphans-back.db')), deps);

  expect(manifest.warnings.join('\n')).toContain(
    'foreign keys that lead nowhere, as the source has them: c → p: 2 rows',
  );
  expect(proof).toMatchObject({ differences: [], rows: 2 });
});

test('an index that says something else than its table is found when the copy is proven', async () => {
  const file = join(folder, 'index.db');
  await shell.ask(file, `create table t(a, b); create index i on t(a); insert into t values (1, 2), (3, 4);`);
  await shell.ask(
    file,
    `.dbconfig defensive off\npragma writable_schema = on; delete from sqlite_schema where name = 'i';
     pragma writable_schema = reset; update t set a = 9 where b = 4;`,
  );
  const root = 3;
  await shell.ask(
    file,
    `.dbconfig defensive off\npragma writable_schema = on; insert into sqlite_schema values ('index', 'i', 't', ${root}, 'create index i on t(a)');
     pragma writable_schema = reset;`,
  );
  const deps = memoryScene().deps();
  const manifest = await backup(toySource(engineOf(file)), deps, limit());

  const restored = restoring(manifest, engineOf(join(folder, 'index-back.db')), deps);

  await expect(restored).rejects.toMatchObject({
    code: 'proof-failed',
    message: expect.stringMatching(/database damage row 2 missing from index i/),
  });
});

test('a table that only its application can read is stored, and told as not counted', async () => {
  const file = join(folder, 'collation.db');
  await shell.ask(
    file,
    `create table t(a text primary key) without rowid; insert into t values ('x'); create table u(b); insert into u values (1);
     \n.dbconfig defensive off\npragma writable_schema = on;
     update sqlite_schema set sql = 'create table t(a text collate german primary key) without rowid' where name = 't';`,
  );
  const deps = memoryScene().deps();

  const manifest = await backup(toySource(engineOf(file)), deps, limit());
  const { proof } = await restoring(manifest, engineOf(join(folder, 'collation-back.db')), deps);

  expect(manifest.tables.map(({ table }) => table)).toEqual(['u']);
  expect(manifest.exceptions?.join()).toContain("table t can't be read without its application");
  expect(proof).toMatchObject({ differences: [], exceptions: manifest.exceptions });
});
