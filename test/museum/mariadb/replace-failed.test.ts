import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import mysql from 'mysql2/promise';
import { backup } from '../../../core/commands/backup.ts';
import { planDrop, planUndo, undo } from '../../../core/commands/restore/undo.ts';
import { restore } from '../../../core/commands/restore/restore.ts';
import type { RestoreOptions, Restored } from '../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import { mariadbEngine } from '../../../core/engines/mariadb/index.ts';
import { clientClaim } from '../../../core/engines/mariadb/restore/unfinished.ts';
import { readOptions, writeRecord } from '../../../core/engines/mariadb/swap/marker.ts';
import { newName } from '../../../core/engines/mariadb/swap/names.ts';
import { readObjects } from '../../../core/engines/mariadb/swap/objects.ts';
import { withSession } from '../../../core/engines/mariadb/session.ts';
import type { Engine } from '../../../core/ports.ts';
import type { Vault } from '../../../core/vault.ts';
import type { Tools } from '../../../core/tools.ts';
import { openStore } from '../../../core/store/store.ts';
import { startProxy } from '../../real/vaults/proxy.ts';
import type { ProxyOptions } from '../../real/vaults/proxy.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';
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

const old = '20200101T000000Z-abcdef';
const beside = `\`live_before_${old}\``;

/** What a replacement leaves that is killed before the exchange: its record, and the database without its trigger. */
async function killedBefore(database = 'live', named: { before?: string; whole?: string } = {}): Promise<void> {
  await admin.query(
    `USE ${database}; CREATE TABLE t (i int); CREATE TRIGGER lost BEFORE INSERT ON t FOR EACH ROW SET @x = 1`,
  );
  await withSession(loginTo(server, database), limit(), async (session) => {
    const head = {
      of: database,
      id: old,
      whole: `${database}_new_${old}`,
      before: `${database}_before_${old}`,
      ...named,
    };
    const all = { options: await readOptions(session), objects: await readObjects(session), fixes: [], rights: [] };
    await writeRecord(session, { head, old: all, fresh: all });
  });
  await admin.query('DROP TRIGGER lost');
}

async function triggers(database = 'live'): Promise<string[]> {
  const [rows] = await admin.query<mysql.RowDataPacket[]>(`SHOW TRIGGERS FROM ${database}`);
  return rows.map(({ Trigger }) => Trigger as string);
}

/** The command line, with a configuration that names the database `live`. */
async function typed(...args: string[]) {
  const cwd = await mkdtemp(join(tmpdir(), 'nightjar-swap-'));
  const { host, port, user, password } = server;
  const at = JSON.stringify({ host, port, user, password: { env: 'LIVE_PASSWORD' }, database: 'live', tls: 'off' });
  await writeFile(join(cwd, 'nightjar.yaml'), `vault: ./backups\nsources: { live: { mariadb: ${at} } }\n`);
  return nightjarInProcess(args, { cwd, env: { LIVE_PASSWORD: password } }).finally(() => rm(cwd, { recursive: true }));
}

test('killed before the exchange: --undo takes that back and says so, and leaves what an older replacement has kept', async () => {
  await restoring();
  const kept = await besideLive();
  await killedBefore();

  const planned = await typed('restore', 'live', '--undo', '--plan');
  const still = await triggers();
  const undone = await typed('restore', 'live', '--undo', '--yes');

  expect(planned).toMatchObject({ code: 0, stderr: expect.stringContaining('it is taken back') });
  expect(still).toEqual(['tr']);
  expect({ ...undone, stderr: '' }).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('nothing was exchanged'),
  });
  expect([(await triggers()).sort(), await besideLive(), await rowsIn('live.b')]).toEqual([['lost', 'tr'], kept, 2000]);
  await engine('live').plan({}, limit());
});

test('what is kept is not put back either by an undo that finds a replacement that died since it was planned', async () => {
  await restoring();
  const plan = await planUndo(engine('live'), 'live', limit());
  await killedBefore();

  await expect(undo(engine('live'), plan, limit())).rejects.toMatchObject({
    message: expect.stringMatching(/is taken back.*nothing was exchanged$/),
  });

  expect([(await triggers()).sort(), await rowsIn('live.b')]).toEqual([['lost', 'tr'], 2000]);
});

test('what could not be made again of a replacement that died is named before the next one makes anything', async () => {
  await killedBefore();
  await admin.query('DROP TABLE live.t');

  const error = await restoring().catch((caught: unknown) => caught);
  const made = await besideLive();
  await admin.query('CREATE TABLE live.t (i int)');
  const { notes } = await restoring();

  expect(error).toMatchObject({
    code: 'restore-failed',
    message: expect.stringMatching(/could not make again: trigger lost \(/),
    hint: expect.stringContaining('nightjar_swap_begun of database live'),
  });
  expect([made, notes]).toEqual([[], expect.arrayContaining([expect.stringContaining('had died: it is taken back')])]);
});

test('a record that somebody else has written leads to no database but those of that replacement', async () => {
  await admin.query(`DROP DATABASE IF EXISTS payroll; DROP DATABASE IF EXISTS neighbour; CREATE DATABASE payroll;
    CREATE TABLE payroll.wages (i int); CREATE DATABASE neighbour; CREATE DATABASE ${beside}`);
  await killedBefore('live', { before: 'payroll' });
  await admin.query(`CREATE TABLE neighbour.nightjar_kept LIKE live.nightjar_swap_begun;
    INSERT INTO neighbour.nightjar_kept SELECT * FROM live.nightjar_swap_begun;
    CREATE TABLE ${beside}.nightjar_kept (other int);
    RENAME TABLE live.nightjar_swap_begun TO live.nightjar_swap_renamed`);

  const dropping = await planDrop(engine('live'), 'live', limit()).catch((caught: unknown) => caught);
  const replacing = await restoring().catch((caught: unknown) => caught);
  await admin.query('DROP TABLE live.nightjar_swap_renamed');
  const { proof } = await restoring({ dropOld: true });

  expect(dropping).toMatchObject({ message: expect.stringContaining('nothing is kept') });
  expect(replacing).toMatchObject({
    message: expect.stringMatching(/`live`.`nightjar_swap_renamed` is no record of a replacement/),
  });
  expect([proof?.differences, await rowsIn('payroll.wages'), await rowsIn('neighbour.nightjar_kept')]).toEqual([
    [],
    0,
    expect.any(Number),
  ]);
  await admin.query('DROP DATABASE payroll; DROP DATABASE neighbour');
});

test('nor is a view read that has the name of a record: it would run what it calls with our rights', async () => {
  await admin.query(`CREATE DATABASE ${beside}; USE ${beside}; CREATE TABLE called (i int);
    CREATE FUNCTION f() RETURNS varchar(9) SQL SECURITY INVOKER BEGIN INSERT INTO called VALUES (1); RETURN 'head'; END`);
  await admin.query(`CREATE SQL SECURITY INVOKER VIEW nightjar_kept AS SELECT 1 AS n, 'swap' AS side, f() AS kind,
    'live' AS name, '{}' AS settings, '' AS statement`);

  await expect(planDrop(engine('live'), 'live', limit())).rejects.toMatchObject({
    message: expect.stringContaining('nothing is kept'),
  });

  expect(await rowsIn(`${beside}.called`)).toBe(0);
});

test('an undo that died as it tried its rights does not keep the next one from it', async () => {
  await restoring();
  const [kept] = await besideLive();
  await admin.query(`CREATE FUNCTION \`${kept}\`.nightjar_trial() RETURNS int DETERMINISTIC NO SQL RETURN 1`);

  const undone = await undo(engine('live'), await planUndo(engine('live'), 'live', limit()), limit());

  expect([undone, await rowsIn('live.precious')]).toEqual([`live_undone_${manifest.id}`, 0]);
});

test('a record that could not be written to its end is not left: no further replacement could begin', async () => {
  const unwritable = {
    toJSON: () => {
      throw new Error('no room');
    },
  } as never;
  const writing = withSession(loginTo(server, 'live'), limit(), async (session) => {
    const all = { options: await readOptions(session), objects: [], fixes: [], rights: [] };
    await writeRecord(session, {
      head: { of: 'live', id: old, whole: 'x' },
      old: all,
      fresh: { ...all, options: unwritable },
    });
  });

  await expect(writing).rejects.toThrow('no room');

  const [left] = await admin.query("SHOW TABLES FROM live LIKE 'nightjar%'");
  expect(left).toEqual([]);
});

const newRequest = () => randomBytes(8).toString('hex');

/** Replaces the live database by way of a proxy, as an event that is told from others by `request` would. */
async function replaceBy(request: string, options: ProxyOptions) {
  const proxy = await startProxy(`http://${server.host}:${server.port}`, options);
  const login = loginTo(server, 'live', { port: Number(new URL(proxy.endpoint).port) });
  return openStore(scene.vault)
    .carryOutOnce(
      { source: 'shop' as SourceName, request, named: true, isDone: () => true },
      scene.deps(),
      () => restoring({}, { into: mariadbEngine(login, tools) }),
      limit(),
    )
    .finally(() => proxy.close());
}

/** Loses the answer to the exchange: that one alone, or all that is asked from then on. */
function losing(what: 'answer' | 'server'): ProxyOptions {
  let [sent, lost] = [false, false];
  return {
    up(chunk) {
      sent ||= chunk.toString('latin1').includes('RENAME TABLE');
      return lost && what === 'server' ? 'cut' : chunk;
    },
    down(chunk) {
      if (!sent || (lost && what === 'answer')) return chunk;
      lost = true;
      return 'cut';
    },
  };
}

test('museum: an exchange whose answer is lost is known to be done, and the same event does not replace again', async () => {
  const request = newRequest();
  const first = await replaceBy(request, losing('answer'));
  await admin.query("INSERT INTO live.b VALUES (9000, 'written@example.org')");
  const again = await replaceBy(request, {});

  expect(first).toMatchObject({ result: { database: 'live', proof: { differences: [] } } });
  expect(again).toMatchObject({ before: { result: { database: 'live' } } });
  expect([await rowsIn('live.b'), await besideLive()]).toEqual([2001, [`live_before_${manifest.id}`]]);
});

test('museum: where nobody can tell how far an exchange came, the same event does not replace what was written since', async () => {
  const request = newRequest();
  await expect(replaceBy(request, losing('server'))).rejects.toMatchObject({
    message: expect.stringMatching(/the tables of database live were being exchanged/),
    mayBeDone: true,
  });
  await admin.query("INSERT INTO live.b VALUES (9000, 'written@example.org')");

  await expect(replaceBy(request, {})).rejects.toMatchObject({ code: 'lease-held' });

  expect(await rowsIn('live.b')).toBe(2001);
});

test('the database is gone, and --undo can not make all again: the statements are kept, and it says where', async () => {
  await admin.query(
    'CREATE DATABASE aside; CREATE TABLE aside.o (i int); CREATE VIEW live.lost AS SELECT i FROM aside.o',
  );
  await restoring();
  await admin.query('DROP DATABASE aside; DROP DATABASE live');

  const undoing = undo(engine('live'), await planUndo(engine('live'), 'live', limit()), limit());

  await expect(undoing).rejects.toMatchObject({
    message: expect.stringContaining('without: view lost ('),
    hint: expect.stringMatching(/in the table nightjar_kept of database live$/),
  });
  expect(await rowsIn("live.nightjar_kept WHERE name = 'lost'")).toBe(1);
});

test('a long name: what is advised to grant covers all that replacements make, and nobody else has those names', async () => {
  const [long, other] = ['a_name_that_is_longer_than_what_fits_x', 'a_name_that_is_longer_than_what_fits_y'];
  const foreign = await withSession(loginTo(server, 'live'), limit(), (session) =>
    newName(session, loginTo(server, other), manifest.id),
  );
  await admin.query(`CREATE DATABASE ${long}; CREATE TABLE ${long}.t (i int); CREATE DATABASE \`${foreign}\`;
    CREATE USER wide@'%' IDENTIFIED BY 'pw'; GRANT ALL ON ${long}.* TO wide@'%'; GRANT SELECT ON mysql.* TO wide@'%'`);
  const into = mariadbEngine(loginTo(server, long, { user: 'wide', password: 'pw' }), tools);
  const once = () => restoring({ owners: false }, { into });

  const { hint } = (await once().catch((caught: unknown) => caught)) as { hint: string };
  for (const [statement] of hint.matchAll(/GRANT [^;]*;/g)) await admin.query(statement);
  const proofs = [await once(), await once(), await once()].map(({ proof }) => proof?.differences);
  const [rows] = await admin.query<mysql.RowDataPacket[]>("SHOW DATABASES LIKE 'a\\_name%'");
  const names = rows.map((row) => Object.values(row)[0] as string);
  for (const name of names) await admin.query(`DROP DATABASE \`${name}\``);
  await admin.query("DROP USER wide@'%'");

  expect(proofs).toEqual([[], [], []]);
  expect(names).toContain(foreign);
  expect(names.filter((name) => name.includes('_before_'))).toHaveLength(3);
});

test('a trigger whose maker wrote the database before its name, in any letters, is made in the restored one alone', async () => {
  await admin.query(
    'DROP DATABASE IF EXISTS app; CREATE DATABASE app; CREATE TABLE app.t (id int PRIMARY KEY, v int); create trigger app.one before ' +
      'insert on app.t for each row set new.v = 1; create trigger if not exists app . two after update on app.t for each row set ' +
      '@said = "app.t"; create /* a */ trigger /* TRIGGER app.z */ `app`/* b */.`three` after delete on\n app.t for each row set @a = 1',
  );
  const triggers = async () =>
    (
      (
        await admin.query(
          "SELECT concat(TRIGGER_SCHEMA, '.', TRIGGER_NAME) AS name FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA LIKE 'app%' ORDER BY 1",
        )
      )[0] as { name: string }[]
    ).map(({ name }) => name);
  const source = { name: 'app' as SourceName, engine: engine('app'), timeZone: 'UTC', retention: { count: 1 } };
  const made = await backup({ ...source, compressionLevel: 1, parallel: 2 }, scene.deps(), limit());
  await admin.query('DROP TRIGGER app.one; DROP TRIGGER app.two; DROP TRIGGER app.three');

  const { proof } = await restore(
    made,
    engine('app_beside'),
    { replace: false, owners: true, proof: true },
    { ...scene.deps(), parallel: 2 },
    limit(),
  );

  expect(proof?.differences).toEqual([]);
  expect(await triggers()).toEqual(['app_beside.one', 'app_beside.three', 'app_beside.two']);
  await admin.query('DROP DATABASE app; DROP DATABASE app_beside');
});
