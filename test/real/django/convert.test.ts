import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startMariadb } from '../../servers/databases/mariadb.ts';
import { startPostgres } from '../../servers/databases/postgres.ts';
import { serverRoot } from '../../servers/root.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';
import { startDjango } from '../../support/django/django.ts';
import type { Django, DjangoDatabase } from '../../support/django/django.ts';
import { limit } from '../../support/vaults/vault.ts';

const execute = promisify(execFile);

let django: Django;
let servers: Record<'postgres' | 'mariadb', DatabaseServer>;
let psql: string;
let mariadb: string;
/** What Django reads of the rows that were dumped. */
let dumped: string;

const at = (file: string) => join(django.folder, file);
const databaseOn = (engine: 'postgres' | 'mariadb', name: string): DjangoDatabase =>
  django.on(engine === 'postgres' ? 'postgresql' : 'mysql', servers[engine], name);

beforeAll(async () => {
  const client = (name: string, suite: 'sid' | 'trixie') =>
    serverRoot({ name, suites: [suite], packages: [name] }, () => {}, limit());
  const [made, postgres, maria, postgresRoot, mariadbRoot] = await Promise.all([
    startDjango(),
    startPostgres({ major: 18 }),
    startMariadb({ series: '11.8' }),
    client('postgresql-18', 'sid'),
    client('mariadb-client', 'trixie'),
  ]);
  [django, servers] = [made, { postgres, mariadb: maria }];
  psql = join(postgresRoot.path, 'usr/lib/postgresql/18/bin/psql');
  mariadb = join(mariadbRoot.path, 'usr/bin/mariadb');
  const shop = django.sqlite('shop.sqlite3');
  await django.manage(shop, 'migrate', '--run-syncdb', '-v0');
  await django.script(shop, 'fill.py');
  await django.manage(shop, 'dumpdata', '--output', at('whole.json.gz'));
  await django.manage(shop, 'dumpdata', '--output', at('usual.json'), '-e', 'shop.odd');
  await django.manage(
    shop,
    'dumpdata',
    '--natural-foreign',
    '--natural-primary',
    '--output',
    at('natural.json'),
    ...['contenttypes', 'auth.permission', 'shop.odd'].flatMap((model) => ['-e', model]),
  );
  await writeFile(at('names.json'), await django.script(shop, 'names.py'));
  dumped = await django.script(shop, 'rows.py');
}, 20 * 60_000);

afterAll(() => Promise.all([servers?.postgres.stop(), servers?.mariadb.stop(), django?.stop()]));

async function statement(engine: 'postgres' | 'mariadb', database: string, sql: string): Promise<string> {
  const { host, port, user, password } = servers[engine];
  const [program, args, env] =
    engine === 'postgres'
      ? [
          psql,
          ['-X', '-At', '-d', database, '-c', sql],
          { PGHOST: host, PGPORT: `${port}`, PGUSER: user, PGPASSWORD: password },
        ]
      : [
          mariadb,
          [
            '--no-defaults',
            '--skip-ssl',
            '-N',
            '-h',
            host,
            '-P',
            `${port}`,
            '-u',
            user,
            '-e',
            sql,
            ...(database === '' ? [] : [database]),
          ],
          { MYSQL_PWD: password },
        ];
  return (await execute(program, args, { env: { ...env, LC_ALL: 'C.UTF-8' } })).stdout.trim();
}

/** As a person loads a file, with what its program says. */
async function load(
  engine: 'postgres' | 'mariadb',
  database: string,
  file: string,
): Promise<{ code: number; stderr: string }> {
  const { host, port, user, password } = servers[engine];
  const [program, args, env] =
    engine === 'postgres'
      ? [
          psql,
          ['-X', '-q', '-d', database, '-f', file],
          { PGHOST: host, PGPORT: `${port}`, PGUSER: user, PGPASSWORD: password },
        ]
      : [
          mariadb,
          ['--no-defaults', '--skip-ssl', '-h', host, '-P', `${port}`, '-u', user, database],
          { MYSQL_PWD: password },
        ];
  const running = execute(program, args, { env: { ...env, LC_ALL: 'C.UTF-8' } });
  if (engine === 'mariadb') createReadStream(file).pipe(running.child.stdin!);
  return running.then(
    ({ stderr }) => ({ code: 0, stderr }),
    (error: { code: number; stderr: string }) => ({ code: error.code, stderr: error.stderr }),
  );
}

/** A database with the project's tables, and a configuration that names it. */
async function migrated(engine: 'postgres' | 'mariadb', name: string): Promise<DjangoDatabase> {
  for (const sql of [`DROP DATABASE IF EXISTS ${name}`, `CREATE DATABASE ${name}`])
    await statement(engine, engine === 'postgres' ? 'postgres' : '', sql);
  const { host, port, user } = servers[engine];
  const login = `host: ${host}, port: ${port}, user: ${user}, password: { env: DB_PASSWORD }, database: ${name}, tls: off`;
  await writeFile(at(`${name}.yaml`), `vault: ./backups\nsources: { shop: { ${engine}: { ${login} } } }\n`);
  const database = databaseOn(engine, name);
  await django.manage(database, 'migrate', '--run-syncdb', '-v0');
  return database;
}

/** Converts a fixture into a file of SQL, as `> file` does. */
async function convert(engine: 'postgres' | 'mariadb', name: string, fixture: string, sql: string, ...args: string[]) {
  const { stdout, ...ended } = await nightjarInProcess(['-c', at(`${name}.yaml`), 'convert', at(fixture), ...args], {
    cwd: django.folder,
    env: { DB_PASSWORD: servers[engine].password },
  });
  await writeFile(at(sql), stdout);
  return ended;
}

const read = async (database: DjangoDatabase) => JSON.parse(await django.script(database, 'rows.py')) as object;
const without = (model: string, rows: string) =>
  Object.fromEntries(Object.entries(JSON.parse(rows) as object).filter(([name]) => !name.startsWith(model)));

describe.each(['postgres', 'mariadb'] as const)('%s', (engine) => {
  test('every row comes back as Django wrote it, whatever tables and columns are called', async () => {
    const database = await migrated(engine, 'named');
    const args = ['--to', engine, '--names', at('names.json'), '--empty'];
    expect(await convert(engine, 'named', 'whole.json.gz', 'whole.sql', ...args)).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/rows for 17 tables, as one transaction: all or nothing\n$/),
    });

    expect(await load(engine, 'named', at('whole.sql'))).toEqual({ code: 0, stderr: '' });
    expect(await read(database)).toEqual(JSON.parse(dumped));
    // the next row finds a key that is free
    await django.script(database, 'one-more.py');
  });

  test('names are found in the database, and rows by their natural keys', async () => {
    const database = await migrated(engine, 'live');
    const natural = ['--natural', 'shop.maker=slug', '--source', 'shop'];
    expect(await convert(engine, 'live', 'natural.json', 'live.sql', ...natural)).toMatchObject({ code: 0 });

    expect(await load(engine, 'live', at('live.sql'))).toEqual({ code: 0, stderr: '' });
    expect(without('shop.Odd', JSON.stringify(await read(database)))).toEqual(without('shop.Odd', dumped));
  });

  test('what refers to nothing is not loaded, nor anything with it', async () => {
    const orphan = { model: 'shop.note', pk: 7001, fields: { ticket: randomUUID(), about_type: 1, about_id: '1' } };
    const nobody = {
      model: 'shop.thing',
      pk: 7001,
      fields: { truth: true, small: 1, mark: randomUUID(), line: '', text: '', owner: ['nobody'] },
    };
    const group = { model: 'auth.group', pk: 77, fields: { name: 'too', permissions: [] } };
    const database = databaseOn(engine, 'live');
    const before = await read(database);
    for (const one of [orphan, nobody]) {
      await writeFile(at('orphan.json'), JSON.stringify([group, one]));
      const converted = await convert(engine, 'live', 'orphan.json', 'orphan.sql', '--source', 'shop');
      expect(converted).toMatchObject({ code: 0 });

      const { code, stderr } = await load(engine, 'live', at('orphan.sql'));
      expect(code).not.toBe(0);
      expect(stderr).toMatch(/violates foreign key constraint|a_row_is_missing/);
      expect(await read(database)).toEqual(before);
    }
  });

  test('everything that can’t be converted is told at once, and nothing can be loaded', async () => {
    const rows = [
      { model: 'shop.thing', pk: 1, fields: { colour: 'red', day: '29.02.2024', truth: 'perhaps', data: { fine: 1 } } },
      { model: 'shop.thing', pk: 2, fields: { colour: 'red', groups: 7 } },
      { model: 'shop.odd', pk: 1, fields: {} },
      { model: 'shop.thing', pk: 3, fields: { maker: ['a', 'b'] } },
    ];
    await writeFile(at('wrong.json'), JSON.stringify(rows));
    const { code, stderr } = await convert(engine, 'live', 'wrong.json', 'wrong.sql', '--source', 'shop');

    expect(code).toBe(2);
    for (const problem of [
      'shop.thing.colour: shop_thing has no column for it (2 records)',
      'shop.thing.day: "29.02.2024" is not a date',
      'shop.thing.truth: "perhaps" is not true or false',
      'shop.thing.groups: is no list',
      'shop.odd: no table is known for it',
      'shop.thing.maker: what names a row of shop_maker is not known: --natural app.model=field',
      'names were looked up in database live of shop',
    ])
      expect(stderr).toContain(problem);
    expect(await load(engine, 'live', at('wrong.sql'))).toMatchObject({ stderr: expect.stringContaining('NOT WHOLE') });
  });
});

test.each([
  ['is cut', (text: string) => text.slice(0, -200), 'it ends in the middle: was the dump cut?'],
  ['is empty', () => '', 'it is empty'],
  ['is something else', () => '{"a": 1}', 'it is not an array'],
  [
    'holds NaN',
    () => '[{"model": "shop.thing", "pk": 1, "fields": {"weight": NaN}}]',
    'record 1 of the fixture is not JSON',
  ],
])('a fixture that %s is refused, and what was written of it can’t be loaded', async (_, spoilt, message) => {
  await writeFile(at('spoilt.json'), spoilt(await readFile(at('usual.json'), 'utf8')));
  const names = ['--names', at('names.json')];
  for (const engine of ['postgres', 'mariadb'] as const) {
    const rows = () => statement(engine, 'live', 'SELECT COUNT(*) FROM shop_thing');
    const before = await rows();
    const args = ['spoilt.json', 'spoilt.sql', '--empty', '--to', engine, ...names] as const;
    expect(await convert(engine, 'live', ...args)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(message),
    });

    expect(await load(engine, 'live', at('spoilt.sql'))).toMatchObject({
      stderr: expect.stringContaining('NOT WHOLE'),
    });
    expect(await rows()).toBe(before);
  }
});

test('the project’s own database of SQLite is backed up and restored, and Django reads the same rows of it', async () => {
  const place = { cwd: django.folder };
  const config = ['--config', at('sqlite.yaml')];
  await writeFile(at('sqlite.yaml'), 'vault: ./backups\nsources: { shop: { sqlite: { path: shop.sqlite3 } } }\n');

  const made = await nightjarInProcess(['backup', ...config], place);
  const restored = await nightjarInProcess(['restore', 'shop', '--to', './restored.sqlite3', ...config], place);

  expect([made.code, restored.code]).toEqual([0, 0]);
  expect(restored.stdout).toContain('proven equal');
  expect(await django.script(django.sqlite('restored.sqlite3'), 'rows.py')).toBe(
    await django.script(django.sqlite('shop.sqlite3'), 'rows.py'),
  );
});
