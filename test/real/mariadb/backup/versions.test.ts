import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { backup } from '../../../../core/commands/backup.ts';
import { restore } from '../../../../core/commands/restore/restore.ts';
import type { Restored } from '../../../../core/commands/restore/restore.ts';
import type { Source } from '../../../../core/ports.ts';
import type { SourceName } from '../../../../core/domain/keys.ts';
import { mariadbEngine } from '../../../../core/engines/mariadb/index.ts';
import type { Tools } from '../../../../core/tools.ts';
import { startMariadb } from '../../../servers/databases/mariadb.ts';
import { startMysql } from '../../../servers/databases/mysql.ts';
import type { DatabaseServer } from '../../../servers/server.ts';
import { folderScene, limit } from '../../../support/vaults/vault.ts';
import type { FolderScene } from '../../../support/vaults/vault.ts';
import { connect, loadFixtures, loginTo } from '../../../support/mariadb/mariadb.ts';
import { layerTools } from '../../../support/tools.ts';

type Name = 'MariaDB 10.11' | 'MariaDB 11.8' | 'MySQL';
const starts: Record<Name, () => Promise<DatabaseServer>> = {
  'MariaDB 10.11': () => startMariadb({ series: '10.11' }),
  'MariaDB 11.8': () => startMariadb({ series: '11.8' }),
  MySQL: () => startMysql(),
};
const servers = new Map<Name, DatabaseServer>();
let tools: Tools;
let scene: FolderScene;

/** `app` has every feature of its product; `plain` what each of them knows. */
beforeAll(async () => {
  [tools, scene] = [await layerTools(), await folderScene()];
  for (const name of Object.keys(starts) as Name[]) {
    const server = await starts[name]();
    servers.set(name, server);
    await loadFixtures(tools, server, 'app', ['common.sql', name === 'MySQL' ? 'mysql.sql' : 'mariadb.sql']);
    const admin = await connect(server);
    await admin.query(`create database plain character set utf8mb4 collate utf8mb4_unicode_ci; use plain; create table orders (id int primary key auto_increment, item varchar(100), at timestamp default current_timestamp, price decimal(10,2));
      insert into orders (item, price) values ('a', 1.5), ('ü 日本', 2), (null, null); create view late as select id from orders`);
    await admin.end();
  }
}, 1_200_000);

afterAll(async () => {
  for (const server of servers.values()) await server.stop();
  await scene?.remove();
});

const source = (on: Name, database: string): Source => ({
  name: 'shop' as SourceName,
  engine: mariadbEngine(loginTo(servers.get(on)!, database), tools),
  timeZone: 'UTC',
  retention: { count: 1 },
  compressionLevel: 1,
  parallel: 2,
});

/** A database of one server, restored into a new one of another server. */
async function moved(database: string, from: Name, to: Name): Promise<Restored> {
  const manifest = await backup(source(from, database), scene.deps(), limit());
  return restore(
    manifest,
    source(to, 'moved').engine,
    { replace: false, owners: true, proof: true },
    { ...scene.deps(), parallel: 2 },
    limit(),
  );
}

async function withoutMoved(on: Name): Promise<boolean> {
  const admin = await connect(servers.get(on)!);
  const [found] = await admin.query<never[]>(`show databases like 'moved'`);
  if (found.length > 0) await admin.query('drop database moved');
  await admin.end();
  return found.length === 0;
}

// the last word: whether the two print each of its definitions alike
test.each([
  ['app', 'MariaDB 10.11', 'MariaDB 11.8', false],
  ['plain', 'MariaDB 11.8', 'MariaDB 10.11', true],
  ['plain', 'MySQL', 'MariaDB 11.8', false],
  ['plain', 'MySQL', 'MariaDB 10.11', false],
] as const)(
  '%s of %s is restored into %s, and its rows and names are proven equal',
  async (database, from, to, definitions) => {
    const { proof } = await moved(database, from, to);

    expect(proof).toMatchObject({ definitions, differences: [] });
    expect(await withoutMoved(to)).toBe(false);
  },
  120_000,
);

test.each([
  ['app', 'MariaDB 11.8', 'MariaDB 10.11'],
  ['app', 'MariaDB 10.11', 'MySQL'],
  ['app', 'MySQL', 'MariaDB 11.8'],
] as const)(
  'what of %s of %s a server of %s does not know is refused, with what to do, and no half of a database stays',
  async (database, from, to) => {
    await expect(moved(database, from, to)).rejects.toMatchObject({
      code: 'restore-failed',
      hint: expect.stringMatching(
        /^the backup is of (MariaDB|MySQL) [\d.]+, and this server, (MariaDB|MySQL) [\d.]+, .*restore into|^this server does not know what the backup uses/,
      ),
    });

    expect(await withoutMoved(to)).toBe(true);
  },
  120_000,
);
