import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Connection } from 'mysql2/promise';
import { mariadbEngine } from '../../../../core/engines/mariadb/index.ts';
import type { Tools } from '../../../../core/tools.ts';
import { startMariadb } from '../../../servers/databases/mariadb.ts';
import { startMysql } from '../../../servers/databases/mysql.ts';
import { startLimitMs } from '../../../servers/server.ts';
import type { DatabaseServer } from '../../../servers/server.ts';
import { layerTools } from '../../../support/tools.ts';
import { restoreByHand } from '../restore/by-hand.ts';
import { everyCode } from './codes.ts';
import { edgeTable, edgeTables } from './edges.ts';
import { connect, loadAll, loginTo, readAll } from '../../../support/mariadb/mariadb.ts';
import type { Copy } from '../../../support/mariadb/mariadb.ts';

const servers = [
  { name: 'MariaDB 11.8', start: () => startMariadb({ series: '11.8' }), sets: 39, characters: 590_000 },
  { name: 'MariaDB 10.11', start: () => startMariadb({ series: '10.11' }), sets: 39, characters: 590_000 },
  { name: 'MySQL', start: () => startMysql({}), sets: 40, characters: 590_000 },
];

describe.each(servers)('$name', ({ name, start, sets, characters }) => {
  let server: DatabaseServer;
  let tools: Tools;
  let connection: Connection;
  const engineOf = (database: string) => mariadbEngine(loginTo(server, database), tools);
  const tables = edgeTables(name);

  /** A database, copied by a restore and by hand. */
  async function copied(database: string): Promise<Copy> {
    const source = await readAll(engineOf(database));
    await loadAll(engineOf(`${database}_copy`), source);
    await restoreByHand(engineOf(database), source, `${database}_by_hand`, server, tools);
    return source;
  }

  beforeAll(async () => {
    [tools, server] = [await layerTools(), await start()];
    connection = await connect(server);
  }, startLimitMs);
  afterAll(async () => {
    await connection.end();
    await server.stop();
  });

  test('every character of every character set comes back, byte for byte', async () => {
    await connection.query('CREATE DATABASE codes CHARACTER SET utf8mb4; USE codes');
    const found = await everyCode(connection);

    const source = await copied('codes');
    const restored = await readAll(engineOf('codes_copy'));
    const differing: string[] = [];
    for (const set of Object.keys(found))
      for (const copy of ['codes_copy', 'codes_by_hand']) {
        const [rows] = await connection.query<never[]>(
          `SELECT s.id FROM codes.in_${set} s LEFT JOIN ${copy}.in_${set} c USING (kind, id) WHERE c.text IS ` +
            'NULL OR HEX(c.text) <> HEX(s.text)',
        );
        if (rows.length > 0) differing.push(`${copy}: ${rows.length} rows of ${set}`);
      }

    expect(differing).toEqual([]);
    expect(Object.keys(found)).toHaveLength(sets);
    expect(Object.values(found).reduce((sum, count) => sum + count)).toBeGreaterThan(characters);
    expect(restored.tables).toEqual(source.tables);
    expect(source.exceptions).toEqual([]);
  });

  test('values at the edges of their types come back as they were', async () => {
    await connection.query(
      "CREATE DATABASE edges CHARACTER SET utf8mb4; USE edges; SET sql_mode = 'ALLOW_INVALID_DATES', time_zone " +
        "= '+00:00'",
    );
    for (const [table, columns] of Object.entries(tables)) await connection.query(edgeTable(table, columns));
    const stored = async (database: string) => {
      const entries = Object.entries(tables).map(async ([table, columns]) => {
        const judges = columns.map(({ column, judge }) => `${judge} AS \`${column}\``);
        return [table, (await connection.query(`SELECT ${judges.join(', ')} FROM ${database}.${table}`))[0]];
      });
      return Object.fromEntries(await Promise.all(entries));
    };

    const source = await copied('edges');
    const restored = await readAll(engineOf('edges_copy'));
    const before = await stored('edges');

    expect(await stored('edges_copy')).toEqual(before);
    expect(await stored('edges_by_hand')).toEqual(before);
    expect(restored.tables).toEqual(source.tables);
    expect(source.exceptions).toEqual([]);
    expect(before.numbers).toMatchObject([
      { no_such_day: expect.stringMatching(/^323032362D30322D3331$/), third: '0.30000000000000004' },
    ]);
  });
});
