import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type mysql from 'mysql2/promise';
import { backup } from '../../../core/commands/backup.ts';
import { restore } from '../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import { mariadbEngine } from '../../../core/engines/mariadb/index.ts';
import type { Engine } from '../../../core/ports.ts';
import type { Tools } from '../../../core/tools.ts';
import { connect, loginTo } from '../../support/mariadb/mariadb.ts';
import { startMariadb } from '../../servers/databases/mariadb.ts';
import { startLimitMs } from '../../servers/server.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { forged } from '../../support/vaults/forged.ts';
import { layerTools } from '../../support/tools.ts';
import { folderScene, limit } from '../../support/vaults/vault.ts';
import type { FolderScene } from '../../support/vaults/vault.ts';

// Somebody who can write to the vault, and to nothing else, has put a line into a part of rows, with sizes and checksums to match.
let server: DatabaseServer;
let tools: Tools;
let scene: FolderScene;
let admin: mysql.Connection;
let secret: string;
let good: Manifest;

const engine = (database: string): Engine => mariadbEngine(loginTo(server, database), tools);

beforeAll(async () => {
  [server, tools, scene] = [await startMariadb({ series: '11.8' }), await layerTools(), await folderScene()];
  secret = join(scene.folder, 'secret');
  await writeFile(secret, 'a secret of the machine\n');
  admin = await connect(server);
  await admin.query(
    'CREATE DATABASE other; CREATE DATABASE shop; USE shop; CREATE TABLE orders (id int PRIMARY KEY, note ' +
      'text); INSERT INTO orders SELECT seq, "note" FROM seq_1_to_100',
  );
}, startLimitMs);

beforeEach(async () => {
  await admin.query('DROP DATABASE IF EXISTS copy; DROP TABLE IF EXISTS other.canary');
  good = await backup(
    {
      name: 'shop' as SourceName,
      engine: engine('shop'),
      timeZone: 'UTC',
      retention: { count: 1 },
      compressionLevel: 1,
      parallel: 1,
    },
    scene.deps(),
    limit(),
  );
});

afterAll(async () => {
  await admin?.end();
  await server?.stop();
  await scene?.remove();
});

test.each([
  ['a statement for another database', () => 'CREATE TABLE other.canary (a text);'],
  [
    'a file of the machine that restores',
    () => `CREATE TABLE other.canary (a text); LOAD DATA LOCAL INFILE '${secret}' INTO TABLE other.canary;`,
  ],
])('museum: a line with %s in a data part does nothing on whoever restores', async (_, line) => {
  const file = good.parts.find(({ role }) => role === 'data')!.file;
  const attacked = await forged(scene.folder, good, file, (content) =>
    Buffer.from(content.toString().replace(/^INSERT INTO/m, `${line()}\nINSERT INTO`)),
  );

  const outcome = await restore(
    attacked,
    engine('copy'),
    { replace: false, owners: true, proof: true },
    { ...scene.deps(), parallel: 1 },
    limit(),
  ).catch((error: unknown) => error);

  expect(
    (await admin.query(`SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'other'`))[0],
  ).toEqual([]);
  expect(outcome).toMatchObject({ code: 'part-corrupt', hint: expect.stringContaining('vault') });
});
