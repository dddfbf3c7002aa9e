import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type mysql from 'mysql2/promise';
import { backup } from '../../../core/commands/backup.ts';
import type { Engine, Source } from '../../../core/ports.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import { mariadbEngine } from '../../../core/engines/mariadb/index.ts';
import type { Tools } from '../../../core/tools.ts';
import { connect, loginTo } from '../../support/mariadb/mariadb.ts';
import { startMariadb } from '../../servers/databases/mariadb.ts';
import { startMysql } from '../../servers/databases/mysql.ts';
import { startLimitMs } from '../../servers/server.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { layerTools } from '../../support/tools.ts';
import { folderScene, limit } from '../../support/vaults/vault.ts';
import type { FolderScene } from '../../support/vaults/vault.ts';
import { changedBeforeProof, openCourt } from './court.ts';
import type { Court } from './court.ts';
import { lies, mariadbLies, mariadbWorld, nightlyAgain, twiceAgain } from './mariadb-lies.ts';
import { wavesOf } from './waves.ts';

/** What a lie is of: the world's things by their names. */
const thing =
  /\b(?:goods|orders|of_good|logs|void|pairs|cheap|clerks|twice|tidy|touched_again|nightly|liar|numbers|tools|more)\b/gi;
/** What speaks of another thing in its definition, which a difference shows. */
const same = {
  of_good: 'goods',
  touched_again: 'goods',
  cheap: 'goods',
  clerks: 'orders',
  tidy: 'void',
  nightly: 'logs',
};

describe.each([
  {
    name: 'MariaDB 11.8',
    start: () => startMariadb({ series: '11.8' }),
    more: mariadbWorld,
    told: [...lies, ...mariadbLies],
  },
  { name: 'MySQL', start: () => startMysql(), more: 'SELECT 1', told: lies.filter((_, index) => index % 4 === 0) },
])('$name', ({ start, more, told }) => {
  let tools: Tools;
  let server: DatabaseServer;
  let admin: mysql.Connection;
  let vault: FolderScene;
  let court: Court;
  let manifest: Manifest;
  const engine = (database: string): Engine => mariadbEngine(loginTo(server, database), tools);
  const changed = (database: string, sql: string): Engine =>
    changedBeforeProof(engine(database), () => admin.query(`USE ${database}; ${sql}`));

  beforeAll(async () => {
    [tools, server, vault] = await Promise.all([layerTools(), start(), folderScene()]);
    court = await openCourt(vault.vault);
    admin = await connect(server);
    // as a lie leaves them: a function made again by its own text differs in nothing
    await admin.query('SET sql_mode = DEFAULT; SET NAMES utf8mb4');
    await admin.query(
      'CREATE USER clerk@localhost; CREATE USER other@localhost; GRANT SELECT ON *.* TO clerk@localhost, other@localhost; CREATE DATABASE shop CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci; USE shop',
    );
    await admin.query(await readFile(join(import.meta.dirname, 'mariadb-world.sql'), 'utf8'));
    await admin.query(more);
    const retention = { last: 0, hourly: 0, daily: 7, weekly: 4, monthly: 12, yearly: 5, keepWithinMs: 0 };
    const source: Source = {
      name: 'shop' as SourceName,
      engine: engine('shop'),
      timeZone: 'UTC',
      retention,
      compressionLevel: 1,
      parallel: 2,
    };
    manifest = await backup(source, vault.deps(), limit());
  }, startLimitMs);

  afterAll(async () => {
    await Promise.all([court?.stop(), admin?.end(), vault?.remove()]);
    await server?.stop();
  });

  test('what was restored and left alone is proven, that is on record, and nobody is alarmed', async () => {
    const verdict = await court.restoring(manifest, engine('restored'));

    expect(verdict).toMatchObject({
      said: '',
      exit: 0,
      record: { kind: 'restore', outcome: 'passed' },
      written: expect.stringContaining('proven equal: 5 tables, 507 rows'),
      alert: undefined,
    });
  });

  test.each(wavesOf(told, thing, same))('%s', async (_, wave) => {
    await admin.query('DROP DATABASE IF EXISTS liar');

    const verdict = await court.restoring(manifest, changed('liar', wave.map(([, sql]) => sql).join('; ')));

    for (const [what, , said] of wave)
      expect({ what, said: verdict.said }).toEqual({ what, said: expect.stringMatching(said) });
    expect(verdict).toMatchObject({ code: 'proof-failed', exit: 3, record: { kind: 'restore', outcome: 'failed' } });
    expect(verdict.written).toContain(JSON.stringify(verdict.said));
    expect(verdict.alert).toMatchObject({
      kind: 'restore-failed',
      severity: 'problem',
      source: 'shop',
      facts: expect.arrayContaining([{ label: 'Error', value: `${verdict.said} (proof-failed)` }]),
    });
  });

  test('a function and an event that are made again as they were are no difference', async () => {
    expect(await court.restoring(manifest, changed('made_again', `${twiceAgain}; ${nightlyAgain}`))).toMatchObject({
      said: '',
      record: { outcome: 'passed' },
    });
  });

  test('the next number of an AUTO_INCREMENT is excepted: it stands behind the last row, or where the dump put it', async () => {
    expect(
      await court.restoring(manifest, changed('counted', 'ALTER TABLE goods AUTO_INCREMENT = 1000')),
    ).toMatchObject({ said: '', record: { outcome: 'passed' } });
  });

  test('without owners, whose a view is is not compared, and everything else is', async () => {
    const definer = await court.restoring(manifest, engine('nobodys'), { owners: false });
    const index = await court.restoring(
      manifest,
      changed('nobodys_index', 'ALTER TABLE orders DROP KEY orders_number'),
      { owners: false },
    );

    expect(definer).toMatchObject({ said: '', record: { outcome: 'passed' } });
    expect(index).toMatchObject({
      code: 'proof-failed',
      said: expect.stringMatching(
        /: table orders is defined differently \(in the backup: “KEY `orders_number` .*”; here: nothing of it\); index orders\.orders_number is missing(?!; (table|index|definer|view))/,
      ),
    });
  });
});
