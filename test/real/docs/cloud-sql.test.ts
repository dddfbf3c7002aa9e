import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { backup } from '../../../core/commands/backup.ts';
import { restore } from '../../../core/commands/restore/restore.ts';
import type { Source } from '../../../core/ports.ts';
import { mariadbEngine } from '../../../core/engines/mariadb/index.ts';
import { connect, loginTo } from '../../support/mariadb/mariadb.ts';
import { layerTools } from '../../support/tools.ts';
import { startMariadb } from '../../servers/databases/mariadb.ts';
import { limit, postgresScene } from '../../support/postgres.ts';

/** The SQL of docs/cloud.md by the word behind its fence, as a person would paste it. */
async function sqlOf(kind: string): Promise<string> {
  const page = await readFile(new URL('../../../docs/cloud.md', import.meta.url), 'utf8');
  return new RegExp(`^\`\`\`sql ${kind}\\n(.*?)^\`\`\``, 'ms').exec(page)?.[1] ?? '';
}

const restored = { replace: false, owners: false, proof: true };

test('the user that docs/cloud.md makes on PostgreSQL backs up what is not its own, and restores it into a new database', async () => {
  const scene = await postgresScene(17);
  try {
    // rds_iam is a role that RDS has; logging in by it is RDS's own affair
    await scene.sql('postgres', 'create role rds_iam; create role app');
    await scene.sql('postgres', 'create database shop owner app');
    await scene.sql(
      'shop',
      'set role app; create schema sales; create table sales.orders (id int generated always as identity, note ' +
        'text); insert into sales.orders (note) select md5(g::text) from generate_series(1, 500) g; create view ' +
        'sales.late as select * from sales.orders; create function sales.f() returns int language sql return 1; ' +
        'revoke all on schema sales from public',
    );
    await scene.sql('shop', await sqlOf('postgres'));
    await scene.sql('shop', `alter user nightjar password 'of-the-test'`);
    const login = { user: 'nightjar', password: 'of-the-test' };

    const manifest = await backup(scene.source('shop', { login }), scene.deps(), limit());
    const { proof } = await restore(
      manifest,
      scene.source('shop_20261120_030000', { login }).engine,
      restored,
      { ...scene.deps(), parallel: 2 },
      limit(),
    );

    expect(manifest.tables.map(({ rows }) => rows)).toEqual([500]);
    expect(proof?.differences).toEqual([]);
    const withOwners = restore(
      manifest,
      scene.source('shop_owned', { login }).engine,
      { ...restored, owners: true },
      { ...scene.deps(), parallel: 2 },
      limit(),
    );
    await expect(withOwners).rejects.toMatchObject({ code: 'privilege-missing' });
  } finally {
    await scene.stop();
  }
}, 600_000);

test('the user that docs/cloud.md makes on MariaDB does the same', async () => {
  const server = await startMariadb({ series: '11.8' });
  const scene = await postgresScene(17);
  try {
    const admin = await connect(server);
    await admin.query(
      'create database shop; use shop; create table orders (id int primary key auto_increment, note text); ' +
        'insert into orders (note) select md5(seq) from seq_1_to_500; create view late as select * from orders; ' +
        'create procedure p() select 1; create trigger t before insert on orders for each row set new.note = ' +
        'upper(new.note)',
    );
    // the plugin is RDS's own, and this server speaks without TLS
    const sql = (await sqlOf('mariadb'))
      .replace(`IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'`, `IDENTIFIED BY 'of-the-test'`)
      .replace(/^ALTER USER .* REQUIRE SSL;\n/m, '');
    const routines = (await sqlOf('routines')).split('\n').find((line) => line.includes('MariaDB 11.3')) ?? '';
    await admin.query(sql + routines);
    await admin.end();
    const tools = await layerTools();
    const of = (database: string): Source => ({
      ...scene.source('shop'),
      engine: mariadbEngine(loginTo(server, database, { user: 'nightjar', password: 'of-the-test' }), tools),
    });

    const manifest = await backup(of('shop'), scene.deps(), limit());
    const { proof } = await restore(
      manifest,
      of('shop_20261120_030000').engine,
      restored,
      { ...scene.deps(), parallel: 1 },
      limit(),
    );

    expect(manifest.tables.map(({ rows }) => rows)).toEqual([500]);
    expect(proof?.differences).toEqual([]);
  } finally {
    await scene.stop();
    await server.stop();
  }
}, 600_000);
