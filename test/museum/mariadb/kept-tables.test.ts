import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type mysql from 'mysql2/promise';
import { backup } from '../../../core/commands/backup.ts';
import { proofSentence, prove } from '../../../core/commands/proof/prove.ts';
import { restore } from '../../../core/commands/restore/restore.ts';
import type { Restored } from '../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import { mariadbEngine } from '../../../core/engines/mariadb/index.ts';
import type { Source } from '../../../core/ports.ts';
import { openStore } from '../../../core/store/store.ts';
import type { Tools } from '../../../core/tools.ts';
import { startMariadb } from '../../servers/databases/mariadb.ts';
import { startMysql } from '../../servers/databases/mysql.ts';
import { startLimitMs } from '../../servers/server.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { connect, loginTo, readAll } from '../../support/mariadb/mariadb.ts';
import { layerTools } from '../../support/tools.ts';
import { folderScene, limit } from '../../support/vaults/vault.ts';
import type { FolderScene } from '../../support/vaults/vault.ts';
import { keptTables } from './kept-tables.ts';

const options = { replace: false, owners: true, proof: true };

describe.each([
  { name: 'MariaDB 11.8' as const, start: () => startMariadb({ series: '11.8' }) },
  { name: 'MariaDB 10.11' as const, start: () => startMariadb({ series: '10.11' }) },
  { name: 'MySQL' as const, start: () => startMysql() },
])('$name', ({ name, start }) => {
  let [server, admin, scene, tools] = [{} as DatabaseServer, {} as mysql.Connection, {} as FolderScene, {} as Tools];
  let [manifest, restored] = [{} as Manifest, {} as Restored];
  const engine = (database: string) => mariadbEngine(loginTo(server, database), tools);
  const deps = () => ({ ...scene.deps(), parallel: 2 });
  const cases = keptTables[name];
  const answers = async (database: string, sql: string) => {
    const [found] = await admin.query<mysql.RowDataPacket[]>(`USE ${database}; ${sql}`);
    return JSON.stringify(found.slice(1)).replaceAll(`"${database}.`, '"db.');
  };
  const differences = async (database: string) =>
    (
      await prove(
        engine(database),
        { manifest, catalog: await openStore(scene.vault).readCatalog(manifest, limit()), owners: true },
        deps(),
        limit(),
      )
    ).differences;

  beforeAll(async () => {
    [tools, scene, server] = await Promise.all([layerTools(), folderScene(), start()]);
    admin = await connect(server);
    await admin.query('CREATE DATABASE kept CHARACTER SET utf8mb4; USE kept');
    for (const { make } of cases) await admin.query(make);
    const source: Source = {
      name: 'kept' as SourceName,
      engine: engine('kept'),
      timeZone: 'UTC',
      retention: { count: 9 },
      compressionLevel: 1,
      parallel: 2,
    };
    await admin.query('FLUSH TABLES');
    manifest = await backup(source, scene.deps(), limit());
    restored = await restore(manifest, engine('copy'), options, deps(), limit());
  }, startLimitMs);
  afterAll(async () => {
    await admin?.end();
    await Promise.all([server?.stop(), scene?.remove()]);
  });

  test('all of them come back from one backup, proven equal, and what can not is excepted by name each time', async () => {
    expect(restored.proof?.differences).toEqual([]);
    expect(manifest.exceptions ?? []).toEqual(cases.flatMap(({ lost = [] }) => lost).toSorted());
    for (const loss of manifest.exceptions ?? []) expect(proofSentence(restored.proof!)).toContain(loss);
    expect(await differences('copy')).toEqual([]);
  });

  test.each(cases)('$what: the server shows of the copy what it shows of the source', async ({ show, otherwise }) => {
    const [before, after] = [await answers('kept', show), await answers('copy', show)];

    if (otherwise === undefined) expect(after).toBe(before);
    else expect(after).toBe(before.replace(...otherwise));
  });

  test.each(cases.filter(({ refused }) => refused))('$what: the copy refuses what the source refuses', async (one) => {
    const { refused: [statement, errno] = ['', 0] } = one;
    for (const database of ['kept', 'copy']) {
      await admin.query(`USE ${database}; SET sql_mode = 'STRICT_ALL_TABLES'; SET foreign_key_checks = 1`);
      await expect(admin.query(statement)).rejects.toMatchObject({ errno });
      await admin.query('SET sql_mode = DEFAULT');
    }
  });

  test('a table that nobody can read is named, with what mends it', async () => {
    await admin.query('CREATE DATABASE gone; CREATE TABLE gone.t (i int); ALTER TABLE gone.t DISCARD TABLESPACE');
    await expect(readAll(engine('gone'))).rejects.toMatchObject({
      message: expect.stringMatching(/t[`']/),
      hint: expect.stringContaining('IMPORT TABLESPACE'),
    });
    if (name === 'MySQL') return;
    await admin.query(
      'CREATE DATABASE joined; USE joined; CREATE TABLE a (i int) ENGINE=MyISAM; CREATE TABLE m (i int) ' +
        'ENGINE=MRG_MyISAM UNION=(a); ALTER TABLE a MODIFY i bigint',
    );
    await expect(readAll(engine('joined'))).rejects.toMatchObject({
      message: expect.stringContaining('table `m`'),
      hint: expect.stringContaining('MERGE'),
    });
  });

  test.each(cases.filter(({ lie }) => lie))(
    '$what: a change of it in the copy is found',
    async ({ lie = ['', ''] }) => {
      const [statement, said] = lie;
      await admin.query('USE copy; SET foreign_key_checks = 0');
      await admin.query(statement);

      expect((await differences('copy')).join('; ')).toContain(said);
    },
  );
});
