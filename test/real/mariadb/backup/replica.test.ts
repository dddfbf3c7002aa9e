import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type mysql from 'mysql2/promise';
import { backup } from '../../../../core/commands/backup.ts';
import { restore } from '../../../../core/commands/restore/restore.ts';
import type { Source } from '../../../../core/ports.ts';
import type { SourceName } from '../../../../core/domain/keys.ts';
import { mariadbEngine } from '../../../../core/engines/mariadb/index.ts';
import type { Tools } from '../../../../core/tools.ts';
import { startMariadb } from '../../../servers/databases/mariadb.ts';
import type { DatabaseServer } from '../../../servers/server.ts';
import { acting } from '../../../support/faults/kills.ts';
import { folderScene, limit } from '../../../support/vaults/vault.ts';
import type { FolderScene } from '../../../support/vaults/vault.ts';
import { connect, loginTo } from '../../../support/mariadb/mariadb.ts';
import { layerTools } from '../../../support/tools.ts';

let primary: DatabaseServer;
let replica: DatabaseServer;
let writer: mysql.Connection;
let reader: mysql.Connection;
let tools: Tools;
let scene: FolderScene;

beforeAll(async () => {
  [tools, scene] = [await layerTools(), await folderScene()];
  primary = await startMariadb({ series: '11.8', settings: { 'log-bin': 'binlog', 'server-id': '1' } });
  replica = await startMariadb({ series: '11.8', settings: { 'server-id': '2', 'read-only': 'ON' } });
  [writer, reader] = [await connect(primary), await connect(replica)];
  const [[at]] = await writer.query<mysql.RowDataPacket[]>('show master status');
  await reader.query(
    `change master to master_host = '${primary.host}', master_port = ${primary.port}, master_user = 'repl', ` +
      `master_password = 'pw', master_ssl = 0, master_log_file = '${at!['File']}', master_log_pos = ` +
      `${at!['Position']}`,
  );
  await writer.query(`create user repl@'%' identified by 'pw'; grant replication slave on *.* to repl@'%'; create user backup@'%' identified by 'pw'; grant select, show view, trigger, event, show create routine on *.* to backup@'%';
    create database shop; use shop; create table orders (id int primary key auto_increment, item text); insert into orders (item) select repeat(md5(seq), 4) from seq_1_to_20000;
    create view late as select id from orders where id > 9000; create trigger guard before delete on orders for each row set @gone = old.id; create function answer() returns int deterministic return 42`);
  await reader.query('start slave');
  await caughtUp();
}, 1_200_000);

afterAll(async () => {
  await writer?.end();
  await reader?.end();
  await replica?.stop();
  await primary?.stop();
  await scene?.remove();
});

const source = (server: DatabaseServer, database: string, login = {}): Source => ({
  name: 'shop' as SourceName,
  engine: mariadbEngine(loginTo(server, database, login), tools),
  timeZone: 'UTC',
  retention: { count: 1 },
  compressionLevel: 1,
  parallel: 2,
});
const asBackup = { user: 'backup', password: 'pw' };

/** Until the replica has done all that the primary has done so far. */
async function caughtUp(): Promise<void> {
  const [[at]] = await writer.query<mysql.RowDataPacket[]>('show master status');
  const [[waited]] = await reader.query<mysql.RowDataPacket[]>(
    `select master_pos_wait('${at!['File']}', ${at!['Position']}, 20) as done`,
  );
  if (waited!['done'] === null || Number(waited!['done']) < 0)
    throw new Error(`the replica has not caught up: ${JSON.stringify((await reader.query('show slave status'))[0])}`);
}

test('a read-only replica is backed up while it follows its primary, and what is restored elsewhere is proven equal', async () => {
  const put: typeof scene.vault.put = (key, body, tags, signal) =>
    scene.vault.put(
      key,
      key.includes('/data/')
        ? acting(body, async () => {
            await writer.query('delete from orders where id % 2 = 0');
            await caughtUp();
          })
        : body,
      tags,
      signal,
    );

  const manifest = await backup(source(replica, 'shop', asBackup), scene.deps({ ...scene.vault, put }), limit());
  const { proof } = await restore(
    manifest,
    source(primary, 'copy').engine,
    { replace: false, owners: true, proof: true },
    { ...scene.deps(), parallel: 2 },
    limit(),
  );

  expect(manifest.tables).toMatchObject([{ table: '`orders`', rows: 20_000 }]);
  expect(proof).toMatchObject({ definitions: true, differences: [] });
}, 120_000);

test('definitions that arrive from the primary in the middle of a backup are an error that says so, and nothing is stored', async () => {
  const before = await scene.files();
  const put: typeof scene.vault.put = (key, body, tags, signal) =>
    scene.vault.put(
      key,
      key.includes('/data/')
        ? acting(body, async () => {
            await writer.query('create or replace view late as select id from orders where id > 5');
            await caughtUp();
          })
        : body,
      tags,
      signal,
    );

  await expect(
    backup(source(replica, 'shop', asBackup), scene.deps({ ...scene.vault, put }), limit()),
  ).rejects.toMatchObject({ code: 'source-changed', message: expect.stringContaining('late') });

  expect(await scene.files()).toEqual(before);
}, 120_000);

test('a replica that is made of a backup goes on from the GTID in its manifest, and ends with every row once', async () => {
  await writer.query(`create database ticks; create table ticks.ticks (id int primary key auto_increment);
    create user tick@'%' identified by 'pw'; grant select, insert on ticks.* to tick@'%'`);
  const clients = await Promise.all([1, 2, 3].map(() => connect(primary)));
  let stopped = false;
  const gtids: [gtid: string, id: number][] = [];
  const writing = clients.map(async (client) => {
    while (!stopped) {
      const [{ insertId }] = await client.query<mysql.ResultSetHeader>('insert into ticks.ticks () values ()');
      const [[last]] = await client.query<mysql.RowDataPacket[]>('select @@last_gtid as gtid');
      gtids.push([String(last!['gtid']), insertId]);
    }
  });
  const slow: typeof scene.vault.put = (key, body, tags, signal) =>
    scene.vault.put(
      key,
      acting(body, () => new Promise((wake) => setTimeout(wake, 100))),
      tags,
      signal,
    );

  const vault = { ...scene.vault, put: slow };
  const manifest = await backup(source(primary, 'ticks', asBackup), scene.deps(vault), limit()).finally(() => {
    stopped = true;
  });
  await Promise.all(writing);
  await Promise.all(clients.map((client) => client.end()));

  const { gtid = '', binlog = '' } = Object.fromEntries(manifest.position!.map(({ name, value }) => [name, value]));
  expect(manifest.position!.map(({ relation }) => relation)).toEqual(['at', 'at']);
  const [file, offset] = binlog.split(':');
  const [[same]] = await writer.query<mysql.RowDataPacket[]>('select binlog_gtid_pos(?, ?) as gtid', [file, offset]);
  expect(same!['gtid']).toBe(gtid);
  await reader.query('stop slave; reset slave all; drop database if exists ticks');
  const whole = { replace: false, owners: false, proof: false };
  await restore(manifest, source(replica, 'ticks').engine, whole, { ...scene.deps(), parallel: 2 }, limit());
  const number = (text: string) => Number(text.split('-')[2]);
  const inside = gtids.filter(([one]) => number(one) <= number(gtid)).map(([, id]) => id);
  const [restored] = await reader.query<mysql.RowDataPacket[]>('select id from ticks.ticks order by id');
  expect(restored.map(({ id }) => Number(id))).toEqual(inside.sort((a, b) => a - b));
  expect(inside.length).toBeLessThan(gtids.length);
  await reader.query(
    `set global gtid_slave_pos = '${gtid}'; change master to master_host = '${primary.host}', ` +
      `master_port = ${primary.port}, master_user = 'repl', master_password = 'pw', master_ssl = 0, ` +
      'master_use_gtid = slave_pos; start slave',
  );
  const [[at]] = await writer.query<mysql.RowDataPacket[]>('select @@gtid_binlog_pos as gtid');
  await reader.query('select master_gtid_wait(?, 20)', [at!['gtid']]);
  const [ours] = await writer.query<mysql.RowDataPacket[]>('checksum table ticks.ticks');
  const [theirs] = await reader.query<mysql.RowDataPacket[]>('checksum table ticks.ticks');
  expect(theirs).toEqual(ours);
}, 120_000);

test('a replica without a binary log of its own tells the GTID up to which everything is in the backup', async () => {
  await caughtUp();

  const manifest = await backup(source(replica, 'shop', asBackup), scene.deps(), limit());

  const [[at]] = await reader.query<mysql.RowDataPacket[]>('select @@gtid_slave_pos as gtid');
  expect(manifest.position).toEqual([{ name: 'gtid', value: at!['gtid'], relation: 'at-or-before' }]);
});
