import { expect, test } from '@jest/globals';
import type mysql from 'mysql2/promise';
import { backup } from '../../core/commands/backup.ts';
import type { Source } from '../../core/ports.ts';
import type { SourceName } from '../../core/domain/keys.ts';
import { mariadbEngine } from '../../core/engines/mariadb/index.ts';
import { startMariadb } from '../servers/databases/mariadb.ts';
import { startMysql } from '../servers/databases/mysql.ts';
import { limit, postgresScene } from '../support/postgres.ts';
import { layerTools } from '../support/tools.ts';
import { folderScene } from '../support/vaults/vault.ts';
import { connect, loginTo } from '../support/mariadb/mariadb.ts';

const plain: Omit<Source, 'engine'> = {
  name: 'shop' as SourceName,
  timeZone: 'UTC',
  retention: { count: 1 },
  compressionLevel: 1,
  parallel: 2,
};

test('a backup of PostgreSQL says of which cluster it is, also of a role without rights; of one that may not ask it says nothing', async () => {
  const scene = await postgresScene(17);
  await scene.sql('postgres', 'create database shop');
  await scene.sql(
    'shop',
    `create role reader login password 'secret' in role pg_read_all_data; create table t (a int); insert into t ` +
      'values (1)',
  );
  // the server's own word, as its superuser
  const [{ identity }] = (await scene.sql(
    'postgres',
    'select system_identifier::text as identity from pg_control_system()',
  )) as [{ identity: string }];
  const asReader = {
    ...scene.source('shop'),
    engine: scene.source('shop', { login: { user: 'reader', password: 'secret' } }).engine,
  };

  expect((await backup(asReader, scene.deps(), limit())).server.identity).toBe(identity);
  expect(identity).toMatch(/^\d{15,}$/);
  await scene.sql(
    'shop',
    `revoke execute on function pg_control_system() from public;
    revoke execute on function pg_current_wal_insert_lsn() from public`,
  );
  const knowingLess = await backup(asReader, scene.deps(), limit());
  expect(knowingLess.server).toEqual({ product: 'PostgreSQL', version: expect.any(String) });
  expect(knowingLess).not.toHaveProperty('position');
  expect(knowingLess.warnings).toEqual([]);
  await scene.stop();
}, 120_000);

test.each(['MariaDB', 'MySQL'] as const)(
  'a backup of %s says of which server it is, where that has a name',
  async (product) => {
    const [server, tools, scene] = [
      await (product === 'MySQL' ? startMysql() : startMariadb({ series: '11.8' })),
      await layerTools(),
      await folderScene(),
    ];
    const admin = await connect(server);
    await admin.query('create database shop');
    await admin.query('create table shop.t (a int primary key)');
    const [[row]] = (await admin.query(
      product === 'MySQL' ? 'select @@server_uuid as identity' : 'select @@server_uid as identity',
    )) as unknown as [[{ identity: string }]];
    await admin.end();
    const source: Source = { ...plain, engine: mariadbEngine(loginTo(server, 'shop'), tools) };

    const { server: said, position } = await backup(source, scene.deps(), limit());

    expect(said.identity).toBe(row.identity);
    expect(position).toBeUndefined(); // it keeps no binary log
    await Promise.all([server.stop(), scene.remove()]);
  },
  120_000,
);

test('a backup of MySQL tells the GTIDs that are surely in it, to a role without further rights', async () => {
  const server = await startMysql({ settings: { 'disable-log-bin': 'OFF', 'log-bin': 'binlog' } });
  const [tools, scene] = [await layerTools(), await folderScene()];
  const admin = await connect(server);
  await admin.query(`create database shop; create table shop.ticks (id int primary key auto_increment);
    create user reader@'%' identified by 'secret';
    grant select, show view, trigger, event on shop.* to reader@'%'; grant show_routine on *.* to reader@'%'`);
  const number = async () => {
    const [[row]] = await admin.query<mysql.RowDataPacket[]>('select @@global.gtid_executed as gtid');
    return lastOf(String(row!['gtid']));
  };
  const first = await number();
  const client = await connect(server);
  let stopped = false;
  // one after the other: the n-th row is the n-th GTID from here
  const writing = (async () => {
    while (!stopped) await client.query('insert into shop.ticks () values ()');
  })();
  const login = loginTo(server, 'shop', { user: 'reader', password: 'secret' });
  const source: Source = { ...plain, engine: mariadbEngine(login, tools) };

  const { position = [], tables } = await backup(source, scene.deps(), limit()).finally(() => {
    stopped = true;
  });
  await writing;
  const quiet = await backup(source, scene.deps(), limit());

  expect(position).toEqual([{ name: 'gtid', value: expect.any(String), relation: 'at-or-before' }]);
  expect(lastOf(position[0]!.value)).toBeGreaterThanOrEqual(first);
  expect(tables[0]!.rows).toBeGreaterThanOrEqual(lastOf(position[0]!.value) - first);
  expect(lastOf(quiet.position![0]!.value)).toBe(await number());
  await Promise.all([client.end(), admin.end()]);
  await Promise.all([server.stop(), scene.remove()]);
}, 120_000);

/** `42` of `f68bd301-…:1-42`. */
function lastOf(gtids: string): number {
  return Number(/(\d+)$/.exec(gtids)?.[1]);
}
