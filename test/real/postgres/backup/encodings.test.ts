import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { backup } from '../../../../core/commands/backup.ts';
import { restore } from '../../../../core/commands/restore/restore.ts';
import { programText } from '../../../../core/pipeline/program.ts';
import { postgresRun } from '../../../../core/engines/postgres/programs.ts';
import { limit, postgresScene } from '../../../support/postgres.ts';
import type { PostgresScene } from '../../../support/postgres.ts';

let scene: PostgresScene;

beforeAll(async () => {
  scene = await postgresScene(17);
}, 1_200_000);

afterAll(() => scene?.stop());

const created = (name: string, encoding: string) =>
  scene.sql(
    'postgres',
    `create database "${name}" template template0 encoding '${encoding}' lc_collate 'C' lc_ctype 'C'`,
  );

async function database(name: string, encoding: string, sql: Buffer | string): Promise<void> {
  await created(name, encoding);
  await asBytes(name, sql);
}

/** psql hands bytes on as they are, where the client's encoding is the database's. */
async function asBytes(name: string, sql: Buffer | string): Promise<string> {
  const run = postgresRun(scene.tools, 'psql', 17, scene.login(name), [
    '--no-psqlrc',
    '--quiet',
    '--tuples-only',
    '--no-align',
    '--set=ON_ERROR_STOP=1',
  ]);
  return programText({ ...run, script: sql as string }, limit());
}

async function restored(name: string): Promise<{ differences: string[] | undefined; same: boolean }> {
  const manifest = await backup(scene.source(name), scene.deps(), limit());
  const { proof } = await restore(
    manifest,
    scene.source(`${name} again`).engine,
    { replace: false, owners: true, proof: true },
    { ...scene.deps(), parallel: 2 },
    limit(),
  );
  const [was, is] = [await inHex(name), await inHex(`${name} again`)];
  return { differences: proof?.differences, same: was.length > 0 && JSON.stringify(was) === JSON.stringify(is) };
}

/** Rows, comments, bodies and labels by the server itself, in HEX. */
function inHex(name: string): Promise<Record<string, unknown>[]> {
  const hex = (text: string) => `encode(convert_to(${text}, getdatabaseencoding()), 'hex')`;
  return scene.sql(
    name,
    `select 'row' as what, ${hex('c')} as is from plain union all select 'comment', ${hex('description')} from pg_description where objoid = 'plain'::regclass
    union all select 'body', ${hex('prosrc')} from pg_proc where proname = 'f' union all select 'label', ${hex('enumlabel::text')} from pg_enum
    union all select 'default', ${hex('pg_get_expr(adbin, adrelid)')} from pg_attrdef union all select 'view', ${hex(`pg_get_viewdef('v'::regclass)`)} order by 1, 2`,
  );
}

/** A database in which this word stands everywhere but in a name. */
function everywhere(word: Buffer, encoding: string): Buffer {
  const script = `set client_encoding = '${encoding}'; create table plain (c text default 'WORD' check (c <> 'no WORD')); insert into plain values ('WORD'), ('and WORD again\\\\'); comment on table plain is 'WORD';
    create function f() returns text language sql as 'select ''WORD''::text'; create type m as enum ('WORD', 'x'); create view v as select c from plain where c <> 'not WORD'`;
  return Buffer.concat(
    script.split('WORD').flatMap((piece, index) => (index === 0 ? [Buffer.from(piece)] : [word, Buffer.from(piece)])),
  );
}

test.each([
  ['SQL_ASCII', 'fc', 'a Latin-1 byte'],
  ['SQL_ASCII', 'c3bc', 'UTF-8'],
  ['SQL_ASCII', 'c3bc20fc5c41', 'both, and a backslash'],
  ['EUC_JP', 'f5a1', 'a user-defined character'],
  ['WIN1252', '81', 'a byte that no character has'],
  ['EUC_KR', 'c9a1', 'a user-defined character'],
  ['EUC_TW', 'fda1', 'a character that has no Unicode'],
])('%s: %s (%s) in rows, comments, bodies and labels comes back', async (encoding, hex) => {
  const name = `${encoding} ${hex}`;
  await database(name, encoding, everywhere(Buffer.from(hex, 'hex'), encoding));

  await expect(restored(name)).resolves.toEqual({ differences: [], same: true });
});

test('of all encodings that the server lists, one alone can’t be backed up, and it is said what to do', async () => {
  const all = await scene.sql('postgres', `select pg_encoding_to_char(n) as name from generate_series(0, 41) n`);
  const odd: string[] = [];

  for (const { name } of all as { name: string }[]) {
    const made = await created(`all ${name}`, name).then(
      () => true,
      (error: Error) => !/not a valid encoding name/.test(error.message),
    );
    if (!made) continue;
    const word = Buffer.from(
      ({ UTF8: 'e697a5', SQL_ASCII: 'fc', MULE_INTERNAL: '81e4' } as Record<string, string>)[name] ??
        (name.startsWith('EUC') ? 'b0a1' : 'e4'),
      'hex',
    );
    await asBytes(`all ${name}`, everywhere(word, name));
    await backup(scene.source(`all ${name}`), scene.deps(), limit()).catch((error: { code: string; hint: string }) =>
      odd.push(`${name}: ${error.code}, ${error.hint}`),
    );
  }

  expect(odd).toEqual([
    expect.stringMatching(
      /^MULE_INTERNAL: source-unsupported, its encoding is MULE_INTERNAL.* pg_dump --encoding=EUC_JP old \| psql new/,
    ),
  ]);
}, 240_000);

test('names that no UTF-8 can hold are refused with what to do', async () => {
  await database(
    'odd names',
    'SQL_ASCII',
    Buffer.concat([
      Buffer.from('create table t'),
      Buffer.from([0xfc]),
      Buffer.from(' (i int); create table plain (c text)'),
    ]),
  );

  await expect(backup(scene.source('odd names'), scene.deps(), limit())).rejects.toMatchObject({
    code: 'source-unsupported',
    message: expect.stringMatching(/public\."t.fc" can’t be named in UTF-8; the database’s encoding is SQL_ASCII/),
    hint: expect.stringContaining('rename'),
  });
});

test('names beyond ASCII beside characters that have no Unicode are refused with what to do', async () => {
  await database(
    'both',
    'EUC_JP',
    Buffer.concat([
      Buffer.from(`set client_encoding = 'EUC_JP'; create table t`),
      Buffer.from('c6fc', 'hex'),
      Buffer.from(` (c text); insert into t`),
      Buffer.from('c6fc', 'hex'),
      Buffer.from(` values ('`),
      Buffer.from('f5a1', 'hex'),
      Buffer.from(`')`),
    ]),
  );

  await expect(backup(scene.source('both'), scene.deps(), limit())).rejects.toMatchObject({
    code: 'source-unsupported',
    hint: expect.stringContaining('names in ASCII'),
  });
});
