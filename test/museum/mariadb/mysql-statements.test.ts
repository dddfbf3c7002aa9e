import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type mysql from 'mysql2/promise';
import { backup } from '../../../core/commands/backup.ts';
import { restore } from '../../../core/commands/restore/restore.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import { mariadbEngine } from '../../../core/engines/mariadb/index.ts';
import type { Tools } from '../../../core/tools.ts';
import { connect, loginTo } from '../../support/mariadb/mariadb.ts';
import { startMysql } from '../../servers/databases/mysql.ts';
import { startLimitMs } from '../../servers/server.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { layerTools } from '../../support/tools.ts';
import { folderScene, limit } from '../../support/vaults/vault.ts';

let server: DatabaseServer;
let tools: Tools;
let admin: mysql.Connection;

beforeAll(async () => {
  [server, tools] = [await startMysql(), await layerTools()];
  admin = await connect(server);
}, startLimitMs);

afterAll(async () => {
  await admin?.end();
  await server?.stop();
});

test('"syntax error near \'*/\'": a trigger, an event and routines that one request made with others come back', async () => {
  await admin.query(`create database shop; use shop; create table t (a int);
    create trigger one before insert on t for each row set new.a = new.a + 1; create trigger two before insert on t for each row begin set new.a = new.a * 2; end;
    create event nightly on schedule every 1 day do delete from t; create function f() returns int deterministic return 1; create procedure p() select 1; select 1`);
  const scene = await folderScene();
  const source = {
    name: 'shop' as SourceName,
    engine: mariadbEngine(loginTo(server, 'shop'), tools),
    timeZone: 'UTC',
    retention: { last: 1, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0, keepWithinMs: 0 },
    compressionLevel: 1,
    parallel: 1,
  };

  const manifest = await backup(source, scene.deps(), limit());
  const restored = await restore(
    manifest,
    mariadbEngine(loginTo(server, 'again'), tools),
    { replace: false, owners: true, proof: true },
    { ...scene.deps(), parallel: 1 },
    limit(),
  );
  await admin.query('use again; insert into t values (1)');
  const [rows] = await admin.query('select a, f() as f from again.t');
  const [code] = await admin.query<mysql.RowDataPacket[]>(
    `select event_name as name from information_schema.events where event_schema = 'again' union all select ` +
      `routine_name from information_schema.routines where routine_schema = 'again'`,
  );
  await scene.remove();

  expect(restored.proof?.differences).toEqual([]);
  expect(rows).toEqual([{ a: 4, f: 1 }]);
  expect(code.map(({ name }) => name).sort()).toEqual(['f', 'nightly', 'p']);
});
