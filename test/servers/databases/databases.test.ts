import { test, expect } from '@jest/globals';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import pg from 'pg';
import { everyFeatureMariadb, everyFeaturePostgres } from './databases.ts';
import { startMariadb, type MariadbSeries } from './mariadb.ts';
import type { PostgresMajor } from './postgres-packages.ts';
import { startPostgres } from './postgres.ts';
import { startLimitMs } from '../server.ts';

const postgresKinds = `SELECT (SELECT count(*)::int FROM pg_class WHERE relkind = 'm' AND relnamespace = 'shop'::regnamespace) AS materialized,
  (SELECT count(*)::int FROM pg_event_trigger) AS event_triggers, (SELECT count(*)::int FROM pg_largeobject_metadata) AS large_objects,
  (SELECT count(*)::int FROM pg_class WHERE relname LIKE E'%\\n%') AS with_newline, (SELECT count(*)::int FROM shop.no_columns) AS rows_without_columns,
  (SELECT attnum::int FROM pg_attribute WHERE attrelid = 'shop.child'::regclass AND attname = 'late') AS place_in_child,
  (SELECT attnum::int FROM pg_attribute WHERE attrelid = 'shop.parent'::regclass AND attname = 'late') AS place_in_parent`;

test.each<PostgresMajor>([13, 15, 17, 18])(
  'every feature of PostgreSQL can be made on %i, twice on one server',
  async (major) => {
    const server = await startPostgres({ major });
    const { host, port, user, password } = server;
    const found: unknown[] = [];

    for (const database of ['first', 'second']) {
      const admin = new pg.Client({ host, port, user, password, database: 'postgres' });
      await admin.connect();
      await admin.query(`CREATE DATABASE ${database}`);
      await admin.end();
      const client = new pg.Client({ host, port, user, password, database });
      await client.connect();
      await everyFeaturePostgres(client);
      found.push(...(await client.query(postgresKinds)).rows);
      await client.end();
    }
    await server.stop();

    const expected = {
      materialized: 3,
      event_triggers: 1,
      large_objects: 3,
      with_newline: 1,
      rows_without_columns: 5,
      place_in_child: 5,
      place_in_parent: 3,
    };
    expect(found).toEqual([expected, expected]);
  },
  startLimitMs,
);

test.each<MariadbSeries>(['10.11', '11.8'])(
  'every feature of MariaDB can be made on %s',
  async (series) => {
    const server = await startMariadb({ series });
    const { host, port, user, password } = server;
    const connection = await createConnection({ host, port, user, password });
    await connection.query('CREATE DATABASE shop CHARACTER SET utf8mb4');
    await connection.query('USE shop');

    await everyFeatureMariadb(connection);

    const [tables] = await connection.query<RowDataPacket[]>(
      "SELECT table_type AS kind, COUNT(*) AS n FROM information_schema.tables WHERE table_schema = 'shop' " +
        'GROUP BY kind ORDER BY kind',
    );
    const [values] = await connection.query<RowDataPacket[]>(
      'SELECT (SELECT CAST(da AS CHAR) FROM awkward WHERE n = 40) AS zero_date, (SELECT MIN(id) FROM zero_id) ' +
        'AS zero_id, (SELECT HEX(vb) FROM awkward WHERE n = 23) AS nothing, (SELECT COUNT(*) FROM kept_history ' +
        'FOR SYSTEM_TIME ALL) AS history',
    );
    await connection.end();
    await server.stop();
    expect(tables).toEqual([
      { kind: 'BASE TABLE', n: 20 },
      { kind: 'SEQUENCE', n: 2 },
      { kind: 'SYSTEM VERSIONED', n: 1 },
      { kind: 'VIEW', n: 3 },
    ]);
    expect(values).toEqual([{ zero_date: '0000-00-00', zero_id: 0, nothing: null, history: 3 }]);
  },
  startLimitMs,
);
