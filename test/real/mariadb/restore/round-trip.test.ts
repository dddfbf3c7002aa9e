import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import mysql from 'mysql2/promise';
import { mariadbEngine } from '../../../../core/engines/mariadb/index.ts';
import type { ManifestPart } from '../../../../core/contract/manifest/manifest.ts';
import type { Tools } from '../../../../core/tools.ts';
import { startMariadb } from '../../../servers/databases/mariadb.ts';
import { startMysql } from '../../../servers/databases/mysql.ts';
import { startLimitMs } from '../../../servers/server.ts';
import type { DatabaseServer } from '../../../servers/server.ts';
import { connect, loadAll, loadFixtures, loginTo, readAll } from '../../../support/mariadb/mariadb.ts';
import { layerTools } from '../../../support/tools.ts';
import type { Copy } from '../../../support/mariadb/mariadb.ts';

const copyName = 'a copy of `app`';

const servers = [
  { name: 'MariaDB 11.8', start: () => startMariadb({ series: '11.8' }), fixtures: ['common.sql', 'mariadb.sql'] },
  { name: 'MariaDB 10.11', start: () => startMariadb({ series: '10.11' }), fixtures: ['common.sql', 'mariadb.sql'] },
  {
    name: 'MySQL',
    start: () => startMysql({ settings: { 'gtid-mode': 'ON', 'enforce-gtid-consistency': 'ON' } }),
    fixtures: ['common.sql', 'mysql.sql'],
  },
];

describe.each(servers)('$name', ({ name, start, fixtures }) => {
  let server: DatabaseServer;
  let tools: Tools;
  let source: Copy;

  beforeAll(async () => {
    tools = await layerTools();
    server = await start();
    await loadFixtures(tools, server, 'app', fixtures);
    source = await readAll(mariadbEngine(loginTo(server, 'app'), tools));
  }, startLimitMs);
  afterAll(() => server.stop());

  test('a database with every feature comes back under another name, equal in every row and definition', async () => {
    const copy = mariadbEngine(loginTo(server, copyName), tools);
    await loadAll(copy, source);
    const restored = await readAll(copy);

    expect(restored.plan.catalog).toEqual(source.plan.catalog);
    expect(restored.tables).toEqual(source.tables);
    expect(restored.sequences).toEqual(source.sequences);
    expect(source.tables.find(({ table }) => table === '`everything`')).toMatchObject({ rows: 3 });
    expect(source.tables.find(({ table }) => table === '`nothing_in_it`')).toMatchObject({ rows: 0 });
  });

  test('values arrive as they were, also those that a dump prints in another way', async () => {
    const connection = await connect(server);

    const columns =
      'id, name, loud, number, exact, big, hex(bits) AS bits, hex(raw) AS raw, hex(fixed) AS fixed, doc, ' +
      'at_time, stamp, clock, day, ST_AsText(place) AS place, hex(old) AS old, hex(body) AS body';
    const rowsOf = async (database: string) =>
      (await connection.query(`SELECT ${columns} FROM ${mysql.escapeId(database)}.everything ORDER BY id`))[0];
    const counter = async (database: string) =>
      (await connection.query<never[]>(`SHOW CREATE TABLE ${mysql.escapeId(database)}.everything`))[0].map(
        (row) => / AUTO_INCREMENT=\d+/.exec(row['Create Table'])?.[0],
      );
    const found = {
      source: await rowsOf('app'),
      restored: await rowsOf(copyName),
      counters: [await counter('app'), await counter(copyName)],
    };
    await connection.end();

    expect(found.restored).toEqual(found.source);
    expect(found.counters).toEqual([[' AUTO_INCREMENT=501'], [' AUTO_INCREMENT=501']]);
  });

  test('the stock commands restore it too, without Nightjar', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nightjar-test-'));
    const files = source.plan.parts.map(({ role, file }) => ({ role, file: `${file}.zst` })) as ManifestPart[];
    await mkdir(join(folder, 'data'));
    for (const [file, text] of source.texts) await writeFile(join(folder, `${file}.zst`), zstdCompressSync(text));
    const commands = mariadbEngine(loginTo(server, 'app'), tools).restoreCommands(files, source.plan) as string[];
    const login =
      `LOGIN="--host=${server.host} --port=${server.port} --user=${server.user} --skip-ssl ` +
      `--plugin-dir=${tools.mariadbPlugins}"`;
    const script = ['set -eu', ...commands.map((command) => (command.startsWith('LOGIN=') ? login : command))].join(
      '\n',
    );
    const env = { PATH: await stockPrograms(folder, tools), MYSQL_PWD: server.password, DB: 'by hand' };

    await promisify(execFile)('sh', ['-c', script], { cwd: folder, env });
    const restored = await readAll(mariadbEngine(loginTo(server, 'by hand'), tools));
    await rm(folder, { recursive: true });

    expect(commands).toContain("LOGIN='--host=HOST --user=USER --password'");
    expect(restored.plan.catalog).toEqual(source.plan.catalog);
    expect(restored.tables).toEqual(source.tables);
  });

  test('what no dump keeps is told', () => {
    const { plan } = source;

    expect(plan.server).toEqual({
      product: name.split(' ')[0],
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      identity: expect.any(String),
    });
    expect(plan.warnings).toEqual([
      expect.stringMatching(/^no transaction protects (`aria`, )?`unsafe` \(not InnoDB\)/),
    ]);
    expect(source.exceptions).toEqual([]);
  });

  test('where all text is UTF-8, values are read as they are stored, and every byte comes back', async () => {
    const connection = await connect(server);
    const newer = name === 'MySQL' ? '' : ', id_text INET6';
    await connection.query(`CREATE DATABASE utf8 CHARACTER SET utf8mb4; USE utf8;
      CREATE TABLE \`bytes of 'é'\` (id INT PRIMARY KEY, \`fixé\` BINARY(4), some VARBINARY(2000), many LONGBLOB, bits BIT(17), flag BIT(1)) ENGINE=InnoDB;
      CREATE TABLE words (id INT PRIMARY KEY, word VARCHAR(300), plain CHAR(9) CHARACTER SET ascii, old TEXT CHARACTER SET utf8mb3, doc JSON, kind ENUM('ä', 'it''s'), kinds SET('ö', '—')${newer}) ENGINE=InnoDB`);
    const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    // bytes that look like the first of a character, before each byte that a string must not hold as it is
    const traps = Buffer.from(
      [0xc3, 0xe2, 0xe2, 0x80, 0xf0, 0x9f, 0x92].flatMap((first) =>
        [...Buffer.from('\'"\\\0\n\r\x1a;`\n-- Dumping data for table `words`\n')].flatMap((next) => [first, next]),
      ),
    );
    await connection.query("INSERT INTO `bytes of 'é'` VALUES ?", [
      [
        [1, all.subarray(126, 130), all, traps, Buffer.from([1, 0xc3, 0x27]), Buffer.from([1])],
        [2, Buffer.from([0, 0, 0x80, 0]), traps, all, Buffer.from([0, 0, 0]), Buffer.from([0])],
        [3, null, Buffer.alloc(0), null, null, null],
      ],
    ]);
    await connection.query('INSERT INTO words (id, word, plain, old, doc, kind, kinds) VALUES ?', [
      [
        [1, '\'é\\\0\n\r\t\x1a"👗`;--', "a'b", 'ünï—', '{"a": "é\\n👗\\"\'"}', 'ä', 'ö,—'],
        [2, '', null, '', null, "it's", ''],
      ],
    ]);
    if (newer !== '') await connection.query("UPDATE words SET id_text = '2001:db8::ff00:42:8329'");
    const stored = async (database: string) =>
      (
        await connection.query<
          never[]
        >(`SELECT HEX(\`fixé\`) a, HEX(some) b, HEX(many) c, HEX(bits) d, HEX(flag) e FROM ${database}.\`bytes of 'é'\` ORDER BY id;
      SELECT HEX(word) a, HEX(plain) b, HEX(old) c, CAST(doc AS CHAR) d, kind + 0 e, kinds + 0 f${newer} FROM ${database}.words ORDER BY id`)
      )[0];

    const utf8 = await readAll(mariadbEngine(loginTo(server, 'utf8'), tools));
    const copy = mariadbEngine(loginTo(server, 'utf8_copy'), tools);
    await loadAll(copy, utf8);
    const restored = await readAll(copy);
    const found = { source: await stored('utf8'), restored: await stored('utf8_copy') };
    await connection.end();

    expect(utf8.texts.get('data/0001.sql')!.includes(Buffer.from([0x80, 0x81, 0x82, 0x83]))).toBe(true);
    expect(found.restored).toEqual(found.source);
    expect(restored.tables).toEqual(utf8.tables);
    expect(utf8.tables.map(({ rows }) => rows)).toEqual([3, 2]);
  });

  test('without owners, everything belongs to who restores, and is the same otherwise', async () => {
    const engine = mariadbEngine(loginTo(server, 'mine'), tools);
    await loadAll(engine, source, { owners: false });
    const restored = await readAll(engine);

    const { definer: before, ...sourceDefinitions } = source.plan.catalog;
    const { definer: after, ...restoredDefinitions } = restored.plan.catalog;
    expect(before?.['view by_nobody']).toBe('`nobody`@`nowhere`');
    expect(after?.['view by_nobody']).toMatch(/^`root`@/);
    expect(restoredDefinitions).toEqual(sourceDefinitions);
    expect(engine.ownerKinds).toEqual(['definer']);
  });

  test('the text has no line that other clients stop at, and names no database', () => {
    for (const text of source.texts.values()) {
      expect(text.includes('enable the sandbox mode')).toBe(false);
      expect(text.includes('`app`.`coun')).toBe(false);
      expect(/^(USE|CREATE DATABASE|LOCK TABLES|ALTER DATABASE `)/m.test(text.toString())).toBe(false);
    }
  });
});

/** Where the shell finds `mariadb` and `zstd`: the layer's; `mysql`, which is not in it, is played by MariaDB's. */
async function stockPrograms(folder: string, tools: Tools): Promise<string> {
  const home = dirname(dirname(tools.mariadbPlugins));
  await writeFile(join(folder, 'mysql'), '#!/bin/sh\nexec mariadb "$@"\n', { mode: 0o755 });
  return [folder, join(home, 'mariadb/bin'), join(home, 'bin'), '/usr/bin', '/bin'].join(':');
}
