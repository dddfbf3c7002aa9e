import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import mysql from 'mysql2/promise';
import { backup } from '../../../core/commands/backup.ts';
import { drill } from '../../../core/commands/proof/drill.ts';
import { restore } from '../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import { mariadbGlobalsEngine } from '../../../core/engines/mariadb/globals/index.ts';
import { startMariadb } from '../../servers/databases/mariadb.ts';
import { startMysql } from '../../servers/databases/mysql.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { connect, limit, loginTo } from '../../support/mariadb/mariadb.ts';
import { stockAccounts } from '../../support/servers/accounts.ts';
import { memoryScene } from '../../support/vaults/vault.ts';

const products = {
  MariaDB: {
    start: () => startMariadb({ series: '11.8' }),
    accounts: `create role readers; create role writers; grant select on shop.* to readers; grant readers to writers with admin option;
      create user app@'%' identified by 'app''s secret' with max_queries_per_hour 9000; grant insert, update on shop.* to app@'%' with grant option;
      grant writers to app@'%'; set default role writers for app@'%';
      create user two@localhost identified via unix_socket or mysql_native_password using password('x');
      create user "we'ird; \`--"@'10.%' identified by 'y' require ssl account lock; grant process, reload on *.* to "we'ird; \`--"@'10.%' with grant option; grant process on *.* to public; grant select on shop.* to public`,
  },
  MySQL: {
    start: () => startMysql(),
    accounts: `create role readers, writers; grant select on shop.* to readers; grant readers to writers with admin option;
      create user app@'%' identified by 'app''s secret' with max_queries_per_hour 9000 comment 'a; -- {"b": 1}'; grant insert, update on shop.* to app@'%' with grant option;
      grant writers to app@'%'; set default role writers to app@'%';
      create user "we'ird; \`--"@'10.%' identified by 'y' require ssl password expire interval 90 day account lock;
      grant process, backup_admin on *.* to "we'ird; \`--"@'10.%' with grant option;
      create user words@'%' identified by 'w' attribute '{"a": "b DEFAULT ROLE \`x\`@\`y\` IDENTIFIED BY c"}';
      create user certified@'%' identified by 'c' require issuer '/O=it''s \\\\' and subject '/CN=o''ne; --';
      alter user words@'%' identified by 'second' retain current password;
      set persist partial_revokes = on; grant select on *.* to words@'%'; revoke select on mysql.* from words@'%'`,
  },
};
const people = Array.from({ length: 15 }, (_, index) => `create user person_${index}@'%' identified by 'own ${index}'`);
const objects = `create database shop; create table shop.t (i int, j int); create table shop.u (i int);
  create procedure shop.p() select 1`;
const rights = `grant select (i) on shop.t to person_1@'%'; grant select, insert on shop.u to person_2@'%'; grant execute on procedure shop.p to person_3@'%'`;

describe.each(Object.entries(products))('accounts of %s', (product, { start, accounts }) => {
  let server: DatabaseServer;
  let other: DatabaseServer;
  let manifest: Manifest;
  const scene = memoryScene();
  const engineOf = (one: DatabaseServer) => mariadbGlobalsEngine(loginTo(one, 'mysql'));
  const restoring = (more: object = {}) =>
    restore(
      manifest,
      engineOf(other),
      { replace: false, owners: true, proof: true, ...more },
      { ...scene.deps(), parallel: 1 },
      limit(),
    );

  beforeAll(async () => {
    [server, other] = await Promise.all([start(), start()]);
    await asked(server, `${accounts}; ${people.join('; ')}; ${objects}; ${rights}`);
    const source = {
      name: 'main-globals' as SourceName,
      engine: engineOf(server),
      timeZone: 'UTC',
      retention: { last: 0, hourly: 0, daily: 7, weekly: 4, monthly: 12, yearly: 5, keepWithinMs: 0 },
      compressionLevel: 1,
      parallel: 1,
    };
    manifest = await backup(source, scene.deps(), limit());
  }, 600_000);

  afterAll(async () => {
    await Promise.all([server?.stop(), other?.stop()]);
  });

  test('come back before their databases, and are as the server itself tells them once these are there', async () => {
    if (product === 'MySQL') {
      await expect(restoring()).rejects.toMatchObject({ hint: 'SET PERSIST partial_revokes = ON;' });
      await expect(loggedIn(other, 'words', 'second')).rejects.toThrow(/Access denied/);
      await asked(other, 'set persist partial_revokes = on');
    }
    const first = await restoring();
    await asked(other, objects);
    const second = await restoring();

    expect(first.proof).toMatchObject({ differences: [] });
    expect(exceptionsOf(first)).toEqual(['grant person_1@% on `shop`.`t`', 'grant person_3@% on PROCEDURE `shop`.`p`']);
    expect(second.proof).toMatchObject({ differences: [] });
    expect(exceptionsOf(second)).toEqual([]);
    expect(manifest.warnings.join().includes('root@vm')).toBe(product === 'MariaDB');
    expect(manifest.warnings.join().includes('is not in this backup: words@%')).toBe(product === 'MySQL');
    if (product === 'MariaDB') expect(await asked(other, 'show grants for public')).toHaveLength(2);
    if (product === 'MariaDB')
      for (const one of [server, other])
        await asked(one, `delete from mysql.global_priv where Host = 'vm'; flush privileges`);
    expect(await stockAccounts(other)).toEqual(await stockAccounts(server));
    const { host, port } = other;
    const app = await mysql.createConnection({ host, port, user: 'app', password: "app's secret", database: 'shop' });
    await app.query('insert into t values (1, 1)');
    await app.end();
  });

  test('no hash stands in the manifest, nor in the catalog', async () => {
    const catalog = await scene.deps().store.readCatalog(manifest, limit());
    const rows = await asked(
      server,
      `select hex(authentication_string) as hash from mysql.user where length(authentication_string) > 20`,
    );
    const hashes = rows.flatMap(({ hash }) => [String(hash), Buffer.from(String(hash), 'hex').toString('latin1')]);

    expect(hashes.length).toBeGreaterThan(20);
    for (const hash of hashes) expect(JSON.stringify([manifest, catalog])).not.toContain(hash.slice(1, 24));
  });

  test('one that is there and differs is left as it is, and told', async () => {
    await asked(
      other,
      `alter user app@'%' identified by 'another'; revoke insert on shop.* from app@'%'; drop user person_4@'%'`,
    );
    const before = await stockAccounts(other);

    const { proof } = await restoring();

    expect(exceptionsOf({ proof }).every((line) => line.includes('app@%'))).toBe(true);
    expect(proof).toMatchObject({ differences: [] });
    expect(await loggedIn(other, 'person_4', 'own 4')).toBe(true);
    expect(await loggedIn(other, 'app', 'another')).toBe(true);
    const after = await stockAccounts(other);
    expect(after.filter((line) => !before.includes(line)).every((line) => line.includes('person_4'))).toBe(true);
    await expect(restoring({ replace: true })).rejects.toMatchObject({ code: 'input-invalid' });
  });

  test('a drill leaves nothing on its scratch server', async () => {
    await asked(other, `drop user person_5@'%', person_6@'%'; drop role readers`);
    const before = await stockAccounts(other);

    const { proof } = await drill(
      manifest,
      engineOf(other),
      { owners: true, tablespaces: false, assert: [] },
      { ...scene.deps(), parallel: 1 },
      limit(),
    );

    expect(proof).toMatchObject({ differences: [] });
    expect(await stockAccounts(other)).toEqual(before);
    expect(product).toBe(manifest.server.product);
  });
});

/** Root has a password of its own on each of these servers. */
function exceptionsOf({ proof }: { proof?: { exceptions: string[] } | undefined }): string[] {
  return proof!.exceptions.filter((line) => !line.includes('root@')).map((line) => line.replace(/:.*/, ''));
}

async function asked(server: DatabaseServer, sql: string): Promise<Record<string, unknown>[]> {
  const connection = await connect(server);
  const [rows] = await connection.query(sql).finally(() => connection.end());
  return rows as Record<string, unknown>[];
}

async function loggedIn({ host, port }: DatabaseServer, user: string, password: string): Promise<boolean> {
  const connection = await mysql.createConnection({ host, port, user, password });
  await connection.end();
  return true;
}
