import { expect, test } from '@jest/globals';
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
  await scene.sql('shop', 'revoke execute on function pg_control_system() from public');
  expect((await backup(asReader, scene.deps(), limit())).server).toEqual({
    product: 'PostgreSQL',
    version: expect.any(String),
  });
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
    const source: Source = {
      name: 'shop' as SourceName,
      engine: mariadbEngine(loginTo(server, 'shop'), tools),
      timeZone: 'UTC',
      retention: { count: 1 },
      compressionLevel: 1,
      parallel: 2,
    };

    const { server: said } = await backup(source, scene.deps(), limit());

    expect(said.identity).toBe(row.identity);
    await Promise.all([server.stop(), scene.remove()]);
  },
  120_000,
);
