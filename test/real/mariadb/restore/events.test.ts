import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import mysql from 'mysql2/promise';
import { backup } from '../../../../core/commands/backup.ts';
import { prove } from '../../../../core/commands/proof/prove.ts';
import { restore } from '../../../../core/commands/restore/restore.ts';
import type { RestoreOptions, Restored } from '../../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../../core/contract/manifest/manifest.ts';
import type { SourceName } from '../../../../core/domain/keys.ts';
import { mariadbEngine } from '../../../../core/engines/mariadb/index.ts';
import type { Tools } from '../../../../core/tools.ts';
import { openStore } from '../../../../core/store/store.ts';
import { startMariadb } from '../../../servers/databases/mariadb.ts';
import { startMysql } from '../../../servers/databases/mysql.ts';
import { startLimitMs } from '../../../servers/server.ts';
import type { DatabaseServer } from '../../../servers/server.ts';
import { layerTools } from '../../../support/tools.ts';
import { folderScene, limit } from '../../../support/vaults/vault.ts';
import type { FolderScene } from '../../../support/vaults/vault.ts';
import { connect, loginTo } from '../../../support/mariadb/mariadb.ts';

const settings = { 'event-scheduler': 'ON' };
const servers = [
  { name: 'MariaDB 10.11', start: () => startMariadb({ series: '10.11', settings }) },
  { name: 'MariaDB 11.8', start: () => startMariadb({ series: '11.8', settings }) },
  { name: 'MySQL', start: () => startMysql({ settings }) },
];
/** Longer than three rounds of an event that runs each second. */
const threeRoundsMs = 3_200;

describe.each(servers)('on $name', ({ start }) => {
  let server: DatabaseServer;
  let tools: Tools;
  let scene: FolderScene;
  let admin: mysql.Connection;
  let good: Manifest;
  let original: unknown[];
  const engine = (database: string) => mariadbEngine(loginTo(server, database), tools);
  const restoring = (database: string, options: Partial<RestoreOptions> = {}): Promise<Restored> =>
    restore(
      good,
      engine(database),
      { replace: false, owners: true, proof: true, ...options },
      { ...scene.deps(), parallel: 2 },
      limit(),
    );

  beforeAll(async () => {
    [server, tools, scene] = [await start(), await layerTools(), await folderScene()];
    admin = await connect(server);
    const made = [
      'CREATE DATABASE shop CHARACTER SET utf8mb4',
      'USE shop',
      'CREATE TABLE t (place varchar(20), at timestamp DEFAULT current_timestamp)',
      "CREATE USER bob@'%'",
      "GRANT ALL ON shop.* TO bob@'%'",
      "INSERT INTO t (place) VALUES ('kept'), ('kept'), ('kept')",
      "CREATE EVENT sweep ON SCHEDULE EVERY 1 SECOND DISABLE DO DELETE FROM t WHERE place = 'kept' LIMIT 1",
      "CREATE DEFINER = bob@'%' EVENT writes ON SCHEDULE EVERY 1 SECOND DISABLE COMMENT 'ON COMPLETION NOT " +
        "PRESERVE ENABLE DO it''s' DO INSERT INTO shop.t (place) VALUES ('by name')",
      "CREATE EVENT `odd 'DISABLE'\n name` ON SCHEDULE EVERY '1:1' HOUR_MINUTE STARTS '2037-01-01 00:00:00' " +
        "ENDS '2037-02-01 00:00:00' ON COMPLETION PRESERVE DO SET @x = 'ENABLE DO'",
      "CREATE EVENT off ON SCHEDULE EVERY 1 SECOND DISABLE DO INSERT INTO t (place) VALUES ('off')",
      "CREATE EVENT replica ON SCHEDULE EVERY 1 SECOND DISABLE ON SLAVE DO INSERT INTO t (place) VALUES ('replica')",
    ];
    for (const statement of made) await admin.query(statement);
    const old = await mysql.createConnection({
      host: server.host,
      port: server.port,
      user: server.user,
      password: server.password,
      database: 'shop',
      charset: 'latin1_swedish_ci',
    });
    await old.query("SET time_zone = '+03:00'");
    await old.query("SET sql_mode = 'ANSI_QUOTES'");
    await old.query(
      "CREATE EVENT latin ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO INSERT INTO t (place) VALUES ('ü')",
    );
    await old.end();
    // enabled only while nothing of the scheduler can come between: the source must hold still to be compared with
    await admin.query(
      "SET GLOBAL event_scheduler = OFF; ALTER EVENT sweep ENABLE; ALTER DEFINER = bob@'%' EVENT writes ENABLE",
    );
    good = await backup(
      {
        name: 'shop' as SourceName,
        engine: engine('shop'),
        timeZone: 'UTC',
        retention: { count: 1 },
        compressionLevel: 1,
        parallel: 2,
      },
      scene.deps(),
      limit(),
    );
    original = await definitions('shop');
    await admin.query(
      "ALTER EVENT sweep DISABLE; ALTER DEFINER = bob@'%' EVENT writes DISABLE; SET GLOBAL event_scheduler = ON",
    );
  }, startLimitMs);

  afterAll(async () => {
    await admin.end();
    await server.stop();
    await scene.remove();
  });

  /** What the server shows of every event of a database. */
  async function definitions(database: string): Promise<unknown[]> {
    const [events] = await admin.query<mysql.RowDataPacket[]>(
      'SELECT EVENT_NAME AS name FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ? ORDER BY EVENT_NAME',
      [database],
    );
    return Promise.all(
      events.map(
        async ({ name }) =>
          (await admin.query<mysql.RowDataPacket[]>(`SHOW CREATE EVENT \`${database}\`.\`${name}\``))[0][0],
      ),
    );
  }

  async function places(database: string): Promise<Record<string, number>> {
    const [rows] = await admin.query<mysql.RowDataPacket[]>(
      `SELECT place, count(*) AS n FROM \`${database}\`.t GROUP BY place ORDER BY place`,
    );
    return Object.fromEntries(rows.map(({ place, n }) => [place, Number(n)]));
  }

  async function differencesIn(database: string): Promise<string[]> {
    const expected = { manifest: good, catalog: await openStore(scene.vault).readCatalog(good, limit()), owners: true };
    return (
      await prove(engine(database), expected, { store: openStore(scene.vault), report: () => {}, parallel: 1 }, limit())
    ).differences;
  }

  test('no event of a copy ever runs: neither in the copy nor in the database that its body names', async () => {
    const { proof, notes } = await restoring('copy');
    await sleep(threeRoundsMs);

    expect(await places('copy')).toEqual({ kept: 3 });
    expect(await places('shop')).toEqual({ kept: 3 });
    expect(proof?.differences).toEqual([]);
    expect(notes.join('\n')).toContain('4 events of the backup are disabled here');
    expect(notes).toContain(
      '1 object of this copy names the original database shop, and would read or change that one: event `writes`',
    );
  });

  test('the statements that the outcome names make of them what they were', async () => {
    await admin.query('SET GLOBAL event_scheduler = OFF');
    const { notes } = await restoring('enabled');
    const statements = notes.find((note) => note.includes('To let them run'))!.split('To let them run: ')[1]!;

    const person = await connect(server);
    for (const statement of statements.split(/(?<=;) (?=SET NAMES|ALTER)/)) await person.query(statement);
    await person.end();

    expect(await definitions('enabled')).toEqual(original);
    await admin.query('DROP DATABASE enabled; SET GLOBAL event_scheduler = ON');
  });

  test('the proof finds every other difference of an event', async () => {
    const changes = [
      'off ENABLE',
      'replica DISABLE',
      'sweep ON SCHEDULE EVERY 2 SECOND',
      'sweep ON COMPLETION PRESERVE',
      "sweep COMMENT 'other'",
      'sweep DO DELETE FROM t',
      'sweep RENAME TO other',
    ];
    await admin.query('SET GLOBAL event_scheduler = OFF; USE copy');
    const found = [];
    for (const change of changes) {
      await admin.query('DROP DATABASE copy');
      await restoring('copy');
      await admin.query(`USE copy; ALTER EVENT ${change}`);
      found.push(await differencesIn('copy'));
    }

    expect(
      found.map((differences) => differences.filter((line) => /^event (off|replica|sweep|other) /.test(line)).length),
    ).toEqual([1, 1, 1, 1, 1, 1, 2]);
    await admin.query('SET GLOBAL event_scheduler = ON; USE shop');
  });

  test('in place they are as they were, and run again', async () => {
    await admin.query('SET GLOBAL event_scheduler = OFF');

    const { proof, notes } = await restoring('shop', { replace: true, events: true, dropOld: true });
    const restored = await definitions('shop');
    await admin.query('SET GLOBAL event_scheduler = ON');
    const have = async () => await places('shop');
    for (
      let tries = 0, now = await have();
      tries < 150 && ((now['by name'] ?? 0) === 0 || (now['kept'] ?? 0) > 2);
      tries += 1, now = await have()
    )
      await sleep(200);
    await admin.query('SET GLOBAL event_scheduler = ON');
    await sleep(threeRoundsMs);
    await admin.query('SET GLOBAL event_scheduler = OFF');

    expect({ differences: proof?.differences, notes }).toEqual({ differences: [], notes: [] });
    expect(restored).toEqual(original);
    expect(await places('shop')).toMatchObject({ 'by name': expect.any(Number) });
    expect((await places('shop'))['kept'] ?? 0).toBeLessThan(3);
  });

  test('an event whose one moment has passed since the backup is proven all the same, kept, and does not run', async () => {
    await admin.query(
      'SET GLOBAL event_scheduler = OFF; CREATE DATABASE soon; USE soon; CREATE TABLE t (i int); CREATE EVENT ' +
        'once ON SCHEDULE AT now() + INTERVAL 2 SECOND DO INSERT INTO t VALUES (1)',
    );
    const taken = await backup(
      {
        name: 'soon' as SourceName,
        engine: engine('soon'),
        timeZone: 'UTC',
        retention: { count: 1 },
        compressionLevel: 1,
        parallel: 1,
      },
      scene.deps(),
      limit(),
    );
    const isPast = async () =>
      (
        await admin.query<mysql.RowDataPacket[]>(
          "SELECT EXECUTE_AT < now() AS past FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'soon'",
        )
      )[0][0]?.['past'];
    while (Number(await isPast()) !== 1) await sleep(200);

    for (const events of [false, true]) {
      const { proof, notes } = await restore(
        taken,
        engine(`late_${events}`),
        { replace: false, owners: true, proof: true, events },
        { ...scene.deps(), parallel: 1 },
        limit(),
      );
      const [rows] = await admin.query(
        'SELECT EVENT_NAME AS name, STATUS AS status FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ' +
          `'late_${events}'`,
      );

      expect({ differences: proof?.differences, rows }).toEqual({
        differences: [],
        rows: [{ name: 'once', status: 'DISABLED' }],
      });
      expect(notes).toEqual([expect.stringMatching(/past.*`once`/)]);
    }
  });
});
