import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { dbToolsLayer } from '../../../layers/db-tools/layer.ts';
import { asPostgres, asRoot, at } from '../mistakes/support/servers.ts';
import { atTerminal } from '../mistakes/support/terminal.ts';
import { startMariadb } from '../../servers/databases/mariadb.ts';
import { startMysql } from '../../servers/databases/mysql.ts';
import { startPostgres } from '../../servers/databases/postgres.ts';
import type { DatabaseServer } from '../../servers/server.ts';

const page = join(import.meta.dirname, '../../../docs/rights.md');
let blocks: Map<string, string[]>;
let layer: string;

beforeAll(async () => {
  const text = await readFile(page, 'utf8');
  const sections = text.split(/^## /m).slice(1);
  blocks = new Map(
    sections.map((section) => [
      section.split('\n', 1)[0]!,
      [...section.matchAll(/^```sql\n(.*?)^```$/gms)].map(([, sql]) => sql!),
    ]),
  );
  layer = await dbToolsLayer(
    process.arch === 'arm64' ? 'arm64' : 'x86_64',
    { rule: 'newer' },
    () => {},
    AbortSignal.timeout(20 * 60_000),
  );
}, 20 * 60_000);

/** The statements of the page, in its order. */
function printed(heading: string, ...which: number[]): string[] {
  const found = blocks.get(heading) ?? [];
  return which.map((index) => found[index] ?? `no block ${index} under ${heading}`);
}

/** A vault, and the user that the page makes; `nightjar` returns what it said unless it ended well. */
async function stage(engine: string, server: DatabaseServer) {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-rights-'));
  const login = (user: string) => `${at(server)}, user: ${user}, password: { env: PASSWORD }`;
  await writeFile(
    join(folder, 'nightjar.yaml'),
    `vault: ./backups\nsources:\n  shop:\n    ${engine}: { ${login('nightjar')}, database: shop }\n    drill: { ` +
      `owners: false, assert: [select count(*) = 1 from orders], server: { ${login('drill')} } }\n`,
  );
  async function nightjar(...args: string[]): Promise<string> {
    const { code, text } = await atTerminal(args, 200, {
      folder,
      env: { NIGHTJAR_TOOLS: layer, PASSWORD: 'change this' },
    });
    return code === 0 && !text.includes('warning') ? 'well' : text;
  }
  return { nightjar, remove: () => rm(folder, { recursive: true }) };
}

const servers: DatabaseServer[] = [];
afterAll(async () => void (await Promise.all(servers.map((server) => server.stop()))));
const started = async (server: Promise<DatabaseServer>): Promise<DatabaseServer> => {
  servers.push(await server);
  return server;
};

test.each([15, 18] as const)(
  'on PostgreSQL %d, the printed rights are enough to back up, to restore and to replace, and less is refused',
  async (major) => {
    const server = await started(startPostgres({ major }));
    await asPostgres(server, 'postgres', 'create role app', 'create role reader', 'create database shop owner app');
    await asPostgres(
      server,
      'shop',
      'set role app',
      'create schema stock',
      'create table stock.items (id serial primary key)',
      'create table orders (id int primary key)',
      'insert into orders values (1)',
      'grant select on orders to reader',
    );
    const { nightjar, remove } = await stage('postgres', server);

    await asPostgres(server, 'postgres', ...printed('PostgreSQL, to back up', 0));
    expect(await nightjar('backup')).toBe('well');

    await asPostgres(server, 'shop', 'alter table orders enable row level security');
    expect(await nightjar('backup')).toContain('BYPASSRLS');
    await asPostgres(server, 'postgres', ...printed('PostgreSQL, to back up', 1));
    expect(await nightjar('backup')).toBe('well');

    await asPostgres(server, 'shop', `select lo_from_bytea(4711, 'x')`, 'alter large object 4711 owner to app');
    expect(await nightjar('backup')).toContain('large object');
    await asPostgres(server, 'postgres', ...printed('PostgreSQL, to back up', 2));
    expect(await nightjar('backup')).toBe('well');

    await asPostgres(server, 'postgres', 'revoke app from nightjar');
    expect(await nightjar('restore', 'shop')).toContain('CREATEDB');
    await asPostgres(server, 'postgres', ...printed('PostgreSQL, to restore', 0));
    expect(await nightjar('restore', 'shop')).toBe('well');
    expect(await nightjar('restore', 'shop', '--to', 'shop', '--replace', '--yes')).toBe('well');

    const [lines] = printed('A drill on PostgreSQL', 0);
    const [login, may] = lines!.trim().split('\n');
    await asPostgres(server, 'postgres', login!);
    expect(await nightjar('drill', 'shop')).toContain('CREATEDB');
    await asPostgres(server, 'postgres', may!);
    expect(await nightjar('drill', 'shop')).toBe('well');

    await remove();
  },
  120_000,
);

const objects = `CREATE USER app IDENTIFIED BY 'app'; CREATE DATABASE shop; USE shop; CREATE TABLE orders (id INT PRIMARY KEY, note TEXT); INSERT INTO orders VALUES (1, 'one');
  CREATE DEFINER = app VIEW late AS SELECT * FROM orders; CREATE DEFINER = app TRIGGER stamp BEFORE INSERT ON orders FOR EACH ROW SET NEW.note = 'new';
  CREATE DEFINER = app FUNCTION one() RETURNS INT DETERMINISTIC RETURN 1; CREATE DEFINER = app EVENT tidy ON SCHEDULE EVERY 1 DAY DO DELETE FROM orders WHERE id < 0; GRANT ALL ON shop.* TO app;`;

test.each([
  {
    name: 'MariaDB 11.8',
    start: () => startMariadb({ series: '11.8', settings: { 'log-bin': 'ON', 'server-id': '1' } }),
    product: 'MariaDB',
    toBackUp: [0, 1],
    toDrill: [],
  },
  {
    name: 'MariaDB 10.11',
    start: () => startMariadb({ series: '10.11' }),
    product: 'MariaDB',
    toBackUp: [0, 2],
    toDrill: [1],
  },
  { name: 'MySQL', start: () => startMysql(), product: 'MySQL', toBackUp: [0], toDrill: [2] },
])(
  'on $name, the printed rights are enough to back up, to restore and to replace, and less is refused',
  async ({ start, product, toBackUp, toDrill }) => {
    const server = await started(start());
    await asRoot(
      server,
      'SET GLOBAL log_bin_trust_function_creators = 1',
      objects,
      'SET GLOBAL log_bin_trust_function_creators = 0',
    );
    const { nightjar, remove } = await stage('mariadb', server);

    await asRoot(server, ...printed(`${product}, to back up`, ...toBackUp));
    expect(await nightjar('backup')).toBe('well');

    expect(await nightjar('restore', 'shop')).toContain('GRANT ALL PRIVILEGES');
    await asRoot(server, ...printed(`${product}, to restore`, 0, 1));
    expect(await nightjar('restore', 'shop')).toBe('well');
    expect(await nightjar('restore', 'shop', '--to', 'shop', '--replace', '--yes')).toBe('well');

    const [lines] = printed('A drill on MariaDB and MySQL', 0);
    const [login, may] = lines!.trim().split('\n');
    await asRoot(server, login!);
    expect(await nightjar('drill', 'shop')).toContain('GRANT ALL PRIVILEGES');
    await asRoot(server, may!, ...printed('A drill on MariaDB and MySQL', ...toDrill));
    expect(await nightjar('drill', 'shop')).toBe('well');

    await remove();
  },
  120_000,
);
