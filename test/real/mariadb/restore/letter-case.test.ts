import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startMariadb } from '../../../servers/databases/mariadb.ts';
import { startMysql } from '../../../servers/databases/mysql.ts';
import { startLimitMs } from '../../../servers/server.ts';
import type { DatabaseServer } from '../../../servers/server.ts';
import { nightjarInProcess } from '../../../support/cli/in-process.ts';
import { connect } from '../../../support/mariadb/mariadb.ts';
import { stockDump } from '../../../support/mariadb/stock-dump.ts';
import { layerRoot, layerTools } from '../../../support/tools.ts';

// On Linux a server tells `Shop` from `shop`, and information_schema of MariaDB does not everywhere.
describe.each([
  { name: 'MariaDB 11.8', start: () => startMariadb({ series: '11.8' }), alike: true },
  { name: 'MySQL', start: () => startMysql({}), alike: false },
])('databases, and tables in one, whose names differ by a capital letter ($name)', ({ start, alike }) => {
  let server: DatabaseServer;
  let folder: string;
  const nightjar = async (...args: string[]) =>
    nightjarInProcess(args, { cwd: folder, env: { NIGHTJAR_TOOLS: await layerRoot() } });
  async function succeeds(...args: string[]): Promise<void> {
    const { code, stderr } = await nightjar(...args);
    expect(code === 0 ? '' : `${args.join(' ')}: ${stderr}`).toBe('');
  }
  const dumpOf = async (of: DatabaseServer, database: string) =>
    (await stockDump(await layerTools(), of, database)).replaceAll(/(?<=\bNOT PRESERVE )\w+(?= DO)/g, '…');
  const dump = (database: string) => dumpOf(server, database);
  async function sql(text: string): Promise<Record<string, unknown>[]> {
    const connection = await connect(server);
    const [rows] = await connection.query(text).finally(() => connection.end());
    return rows as Record<string, unknown>[];
  }
  const databases = async () => (await sql('SHOW DATABASES')).map((row) => String(Object.values(row)[0]));
  const configure = (sources: string) =>
    writeFile(join(folder, 'nightjar.yaml'), `vault: ./backups\nsources: ${sources}\n`);

  beforeAll(async () => {
    [server, folder] = await Promise.all([start(), mkdtemp(join(tmpdir(), 'nightjar-case-'))]);
    // names of triggers differ by letter case on MariaDB alone, names of routines, events and keys on neither
    const connection = await connect(server);
    for (const statement of `CREATE DATABASE Shop; USE Shop; CREATE TABLE Orders (id int PRIMARY KEY, Big int, KEY k (Big));
      CREATE TABLE orders (id int PRIMARY KEY, small text, KEY k (small(3))) ENGINE=MyISAM; INSERT INTO Orders VALUES (1, 1);
      INSERT INTO orders VALUES (1, 'a'), (2, 'b'); CREATE VIEW Seen AS SELECT Big FROM Orders; CREATE VIEW seen AS SELECT small FROM orders;
      CREATE TABLE Items (id int PRIMARY KEY, ord int, CONSTRAINT of_big FOREIGN KEY (ord) REFERENCES Orders (id), CHECK (id > 0));
      CREATE TABLE items (id int PRIMARY KEY, way int, way2 int AS (way + 1)); INSERT INTO Items VALUES (1, 1); INSERT INTO items (id, way) VALUES (7, 7);
      CREATE TRIGGER Stamped BEFORE INSERT ON Orders FOR EACH ROW SET NEW.Big = 1;
      CREATE TRIGGER ${alike ? 'stamped' : 'other'} BEFORE INSERT ON orders FOR EACH ROW SET NEW.small = 'small';
      CREATE PROCEDURE answer() SELECT 1; CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO SET @big = 1;
      CREATE DATABASE shop; USE shop; CREATE TABLE Orders (id int PRIMARY KEY, quite int, KEY other (quite)); INSERT INTO Orders VALUES (3, 3);
      CREATE TABLE alone (id int PRIMARY KEY, ord int, CONSTRAINT of_small FOREIGN KEY (ord) REFERENCES Orders (id)); INSERT INTO alone VALUES (1, 3);
      CREATE TRIGGER ${alike ? 'stamped' : 'third'} BEFORE INSERT ON alone FOR EACH ROW SET NEW.ord = 3; CREATE VIEW sole AS SELECT ord FROM alone;
      CREATE PROCEDURE reply() SELECT 2; CREATE EVENT hourly ON SCHEDULE EVERY 1 HOUR STARTS '2037-01-01 00:00:00' DO SET @small = 1`.split(
      /;\s*/,
    ))
      await connection.query(statement);
    await connection.end();
    await writeFile(join(folder, 'pw'), server.password, { mode: 0o600 });
  }, startLimitMs);
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test('each is backed up, restored, drilled, replaced and put back, and the other is left alone', async () => {
    const at = `host: ${server.host}, port: ${server.port}, user: ${server.user}, password: { file: pw }`;
    await configure(`{ big: { mariadb: { ${at}, database: Shop } }, small: { mariadb: { ${at}, database: shop } } }`);
    const before = { big: await dump('Shop'), small: await dump('shop') };

    for (const [source, database, other] of [
      ['big', 'Shop', 'shop'],
      ['small', 'shop', 'Shop'],
    ] as const) {
      const word = source as keyof typeof before;
      const rest = word === 'big' ? before.small : before.big;
      await succeeds('backup', source);
      await succeeds('drill', source);
      await succeeds('restore', source, '--to', `${database}_again`);
      expect((await dump(`${database}_again`)).replaceAll(`${database}_again`, database)).toBe(before[word]);
      await sql(`DROP DATABASE \`${database}_again\`; USE \`${database}\`; INSERT INTO Orders VALUES (9, 9)`);
      const changed = await dump(database);
      await succeeds('restore', source, '--to', database, '--replace', '--plan');
      await succeeds('restore', source, '--to', database, '--replace', '--yes');
      expect(await dump(other)).toBe(rest);
      await succeeds('restore', source, '--undo', '--yes');
      expect(await dump(database)).toBe(changed);
      await succeeds('restore', source, '--drop-old', '--yes');
      await succeeds('restore', source, '--to', database, '--replace', '--yes');
      expect(await dump(database)).toBe(before[word]);
      expect(await dump(other)).toBe(rest);
      await succeeds('restore', source, '--drop-old', '--yes');
      expect((await databases()).filter((name) => /shop/i.test(name)).sort()).toEqual(['Shop', 'shop']);
    }
  }, 240_000);

  test('a whole server of such databases comes back on an empty one', async () => {
    const empty = await start();
    const at = (of: DatabaseServer) => `host: ${of.host}, port: ${of.port}, user: ${of.user}, password: { file: pw }`;
    await configure(`{ main: { mariadb: { ${at(server)}, databases: all } } }`);
    await succeeds('backup');
    await writeFile(join(folder, 'pw'), empty.password, { mode: 0o600 });
    await configure(`{ main: { mariadb: { ${at(empty)}, databases: all } } }`);

    await succeeds('restore', 'main');

    const restored = [await dumpOf(empty, 'Shop'), await dumpOf(empty, 'shop')];
    await empty.stop();
    expect(restored).toEqual([await dump('Shop'), await dump('shop')]);
  }, 240_000);
});
