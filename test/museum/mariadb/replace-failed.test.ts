import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import mysql from 'mysql2/promise';
import { backup } from '../../../core/commands/backup.ts';
import { restore } from '../../../core/commands/restore/restore.ts';
import type { RestoreOptions, Restored } from '../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import { mariadbEngine } from '../../../core/engines/mariadb/index.ts';
import { clientClaim } from '../../../core/engines/mariadb/restore/unfinished.ts';
import type { Engine } from '../../../core/ports.ts';
import type { Vault } from '../../../core/vault.ts';
import type { Tools } from '../../../core/tools.ts';
import { openStore } from '../../../core/store/store.ts';
import { connect, loginTo } from '../../support/mariadb/mariadb.ts';
import { replacedAndKilled } from '../../support/mariadb/replaced.ts';
import { startMariadb } from '../../servers/databases/mariadb.ts';
import { startLimitMs } from '../../servers/server.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { forged } from '../../support/vaults/forged.ts';
import { layerTools } from '../../support/tools.ts';
import { folderScene, limit } from '../../support/vaults/vault.ts';
import type { FolderScene } from '../../support/vaults/vault.ts';

let server: DatabaseServer;
let tools: Tools;
let scene: FolderScene;
let admin: mysql.Connection;
let manifest: Manifest;

const engine = (database: string): Engine => mariadbEngine(loginTo(server, database), tools);

beforeAll(async () => {
  [server, tools, scene] = [await startMariadb({ series: '11.8' }), await layerTools(), await folderScene()];
  admin = await connect(server);
  await admin.query(
    'CREATE DATABASE shop; USE shop; CREATE TABLE a (id int PRIMARY KEY, t text); INSERT INTO a SELECT seq, ' +
      'repeat(char(64 + seq % 26), 500) FROM seq_1_to_8000',
  );
  await admin.query(
    'CREATE TABLE b (id int PRIMARY KEY, email varchar(50) UNIQUE); INSERT INTO b SELECT seq, concat(seq, ' +
      '"@example.org") FROM seq_1_to_2000; CREATE VIEW v AS SELECT id FROM b; CREATE TRIGGER tr BEFORE INSERT ON ' +
      'a FOR EACH ROW SET NEW.t = "x"',
  );
  manifest = await backup(
    {
      name: 'shop' as SourceName,
      engine: engine('shop'),
      timeZone: 'UTC',
      retention: { count: 1 },
      compressionLevel: 1,
      parallel: 2,
    },
    scene.deps(),
    limit(),
  );
}, startLimitMs);

beforeEach(async () => {
  for (const name of await besideLive()) await admin.query(`DROP DATABASE \`${name}\``);
  await admin.query('DROP DATABASE IF EXISTS live; CREATE DATABASE live; CREATE TABLE live.precious (i int)');
});

afterAll(async () => {
  await admin.end();
  await server.stop();
  await scene.remove();
});

function restoring(
  options: Partial<RestoreOptions> = {},
  {
    vault = scene.vault,
    into = engine('live'),
    signal = limit(),
  }: { vault?: Vault; into?: Engine; signal?: AbortSignal } = {},
): Promise<Restored> {
  return restore(
    manifest,
    into,
    { replace: true, owners: true, proof: true, ...options },
    { ...scene.deps(vault), parallel: 1 },
    signal,
  );
}

/** The vault, whose rows break off when they are read to be loaded: verified they were before. */
function breakingVault(): Vault {
  let reads = 0;
  return {
    ...scene.vault,
    async *get(key, signal) {
      if (!key.includes('/data/') || ++reads < 2) return yield* scene.vault.get(key, signal);
      for await (const chunk of scene.vault.get(key, signal)) {
        yield chunk.subarray(0, 1000);
        throw new Error('the vault went away');
      }
    },
  };
}

/** What replacements have made beside the live database, and left. */
async function besideLive(): Promise<string[]> {
  const [rows] = await admin.query<mysql.RowDataPacket[]>(
    "SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE 'live\\_%' ORDER BY 1",
  );
  return rows.map(({ name }) => name as string);
}

async function rowsIn(table: string): Promise<number> {
  const [rows] = await admin.query<mysql.RowDataPacket[]>(`SELECT count(*) AS n FROM ${table}`);
  return Number(rows[0]!['n']);
}

test('a statement that somebody has put into a data part is found before anything is made: the old database stays', async () => {
  const file = manifest.parts.find(({ role }) => role === 'data')!.file;
  const path = join(scene.folder, 'shop', manifest.id, file);
  const good = await readFile(path);
  const attacked = await forged(scene.folder, manifest, file, (content) =>
    Buffer.concat([content, Buffer.from('DROP DATABASE mysql;\n')]),
  );
  try {
    await expect(
      restore(
        attacked,
        engine('live'),
        { replace: true, owners: true, proof: true },
        { ...scene.deps(), parallel: 1 },
        limit(),
      ),
    ).rejects.toMatchObject({ code: 'part-corrupt', hint: expect.stringContaining('vault') });

    expect(await rowsIn('live.precious')).toBe(0);
  } finally {
    await writeFile(path, good);
  }
});

test('a failure while the new one is loaded: the old database is as it was, and nothing else is left', async () => {
  const error = await restoring({}, { vault: breakingVault() }).catch((caught: unknown) => caught);

  expect(error).toMatchObject({
    message: expect.stringMatching(/the vault went away.*dropped again, and database live is as it was$/),
  });
  expect(await rowsIn('live.precious')).toBe(0);
  expect(await besideLive()).toEqual([]);
});

test('a proof that fails keeps what was made, beside the old database, which is as it was; the next run drops it', async () => {
  const spoilt: Engine = {
    ...engine('live'),
    plan: async (options, signal) => (
      await admin.query(`DELETE FROM \`${options.database}\`.b WHERE id = 7`), engine('live').plan(options, signal)
    ),
  };

  const error = await restoring({}, { into: spoilt }).catch((caught: unknown) => caught);
  const [made] = await besideLive();
  const spoiltRows = await rowsIn(`\`${made}\`.b`);
  const old = await rowsIn('live.precious');
  const { proof } = await restoring();

  expect(error).toMatchObject({
    code: 'proof-failed',
    message: expect.stringMatching(
      new RegExp(`\`b\` has 1,999 rows.*what was restored is kept in database ${made} .*; database live is as it was$`),
    ),
  });
  expect({ spoiltRows, old, differences: proof?.differences }).toEqual({ spoiltRows: 1999, old: 0, differences: [] });
  expect(await besideLive()).toEqual([`live_before_${manifest.id}`]);
});

test('what stops a replacement once all is loaded: the old database is as it was, and what was made is dropped', async () => {
  const stop = new AbortController();
  const stopping: Engine = {
    ...engine('live'),
    plan: async () => {
      stop.abort();
      throw new Error('stopped');
    },
  };

  const error = await restoring({}, { into: stopping, signal: stop.signal }).catch((caught: unknown) => caught);

  expect(error).toMatchObject({
    message: expect.stringMatching(/what was restored is dropped again, and database live is as it was$/),
  });
  expect([await rowsIn('live.precious'), await besideLive()]).toEqual([0, []]);
});

test('the error of a load names the object and its statement, and no value of a row', async () => {
  await admin.query('DROP DATABASE live; CREATE DATABASE live');
  const target = await engine('live').target({ manifest, catalog: {}, owners: true }, limit());
  const [schema, rows] = target.stages.flat();
  const content = (file: string) =>
    (async function* () {
      yield* (await import('../../../core/pipeline/zstd.ts')).decompress(
        scene.vault.get(`shop/${manifest.id}/${file}` as never, limit()),
        file,
      );
    })();
  await target.prepare(false, limit());
  await schema!.load(content('schema.sql.zst'), limit());
  await admin.query("INSERT INTO live.b VALUES (1, 'first@example.org')");

  const error = await rows!.load(content('data/0001.sql.zst'), limit()).catch((caught: unknown) => caught);
  await target.close();

  expect(error).toMatchObject({
    code: 'restore-failed',
    message: expect.stringMatching(
      /rows of `b` \(INSERT INTO `b` \(`id`, `email`\)\): ERROR 1062 \(23000\): Duplicate entry '…' for key/,
    ),
  });
  expect(String(error)).not.toContain('example.org');
});

test('keeping going, every object that failed is named with its error and statement, the rest is there, and nothing is proven', async () => {
  await admin.query(
    "CREATE USER IF NOT EXISTS some@'%' IDENTIFIED BY 'pw'; GRANT ALL ON part.* TO some@'%'; GRANT SELECT ON " +
      "mysql.* TO some@'%'; DROP DATABASE IF EXISTS part",
  );
  const into = mariadbEngine(loginTo(server, 'part', { user: 'some', password: 'pw' }), tools);

  const restored = await restoring({ replace: false, keepGoing: true }, { into });

  expect(restored.failures).toEqual([
    {
      object: 'view `v`',
      error: expect.stringMatching(/^ERROR 1227 \(42000\): Access denied/),
      statement: expect.stringMatching(/^CREATE .*VIEW `v` AS select/i),
    },
    {
      object: 'trigger `tr`',
      error: expect.stringMatching(/^ERROR 1227 /),
      statement: expect.stringMatching(/^CREATE TRIGGER tr BEFORE INSERT ON a/),
    },
  ]);
  expect([await rowsIn('part.a'), await rowsIn('part.b')]).toEqual([8000, 2000]);
});

test('what a restore was killed in is no source of a backup', async () => {
  await admin.query('CREATE TABLE live.nightjar_restore_unfinished (backup varchar(255) PRIMARY KEY)');

  await expect(engine('live').plan({}, limit())).rejects.toMatchObject({
    code: 'source-changed',
    message: expect.stringContaining('restore that has not ended'),
  });
});

test('nor is what is being replaced, whatever its views read in that moment', async () => {
  await admin.query(
    'CREATE TABLE live.going (i int); CREATE VIEW live.reading AS SELECT i FROM live.going; DROP TABLE live.going; ' +
      'CREATE TABLE live.nightjar_swap_renamed (n int)',
  );
  const replaced = { code: 'source-changed', message: expect.stringContaining('is being replaced by a restore') };

  await expect(engine('live').plan({}, limit())).rejects.toMatchObject(replaced);
  const tables = engine('live').examinations!({ now: () => new Date() } as never).find(({ what }) => what === 'tables');
  await expect(tables!.look(limit())).rejects.toMatchObject(replaced);
});

test('what somebody else put beside our half of a restore is dropped by nothing but --replace', async () => {
  await admin.query(
    'DROP TABLE live.precious; CREATE TABLE live.nightjar_restore_unfinished (backup varchar(255) PRIMARY KEY); ' +
      'CREATE TABLE live.a (i int)',
  );
  const ours = await engine('live').target(
    { manifest, catalog: await openStore(scene.vault).readCatalog(manifest, limit()), owners: true },
    limit(),
  );
  await admin.query('CREATE TABLE live.somebodys (i int)');

  const refused = restoring({ replace: false });

  await expect(refused).rejects.toMatchObject({
    code: 'target-not-empty',
    message: expect.stringContaining('somebodys'),
  });
  expect(ours).toMatchObject({ state: 'empty', notes: [expect.stringContaining('interrupted')] });
});

test('a client whose run was killed is waited for: it would write into what the next run makes', async () => {
  const orphan = await connect(server);
  await orphan.query(`SET ${clientClaim('live', 0)}`);

  const next = restoring();
  await sleep(2_000);
  const meanwhile = await rowsIn('live.precious');
  await orphan.end();

  expect(meanwhile).toBe(0);
  expect((await next).proof?.differences).toEqual([]);
});

test('two restores into one database: the second is refused, and the first succeeds', async () => {
  await admin.query('DROP DATABASE live');
  let second: unknown;
  const first: Engine = {
    ...engine('live'),
    async target(options, signal) {
      const target = await engine('live').target(options, signal);
      const prepare = async (replace: boolean, stop: AbortSignal) => {
        await target.prepare(replace, stop);
        second = await restoring({ replace: false }).catch((caught: unknown) => caught);
      };
      return { ...target, prepare };
    },
  };

  const { proof } = await restoring({ replace: false }, { into: first });

  expect(second).toMatchObject({ code: 'target-not-empty', message: expect.stringContaining('at work') });
  expect(proof?.differences).toEqual([]);
});

test('killed at any moment, the old database is whole or the new one is, and the next run finds its way', async () => {
  await admin.query('CREATE USER IF NOT EXISTS app');
  const found = await replacedAndKilled({ server, admin, manifest, folder: scene.folder, rounds: 4 });
  const { proof } = await restoring();

  expect(found.wrong).toEqual([]);
  expect(proof?.differences).toEqual([]);
  expect((await besideLive()).filter((name) => !name.startsWith('live_before_'))).toEqual([]);
}, 120_000);
