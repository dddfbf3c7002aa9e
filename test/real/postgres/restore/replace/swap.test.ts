import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { backup } from '../../../../../core/commands/backup.ts';
import { restore } from '../../../../../core/commands/restore/restore.ts';
import type { RestoreOptions } from '../../../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../../../core/contract/manifest/manifest.ts';
import { changedBeforeProof } from '../../../liar/court.ts';
import type { PostgresMajor } from '../../../../servers/databases/postgres-packages.ts';
import { limit, postgresScene } from '../../../../support/postgres.ts';
import type { PostgresScene } from '../../../../support/postgres.ts';

/** Longer than a name can be. */
const own = `the shop's own${' and whoever else asks'.repeat(5)}`;
const options = { replace: true, owners: true, proof: true, dropOld: true };

/** A database `shop`, backed up, and changed since. */
async function changedShop(major: PostgresMajor): Promise<{ scene: PostgresScene; manifest: Manifest }> {
  const scene = await postgresScene(major, { wal_level: 'logical', max_prepared_transactions: '2' });
  await scene.sql('postgres', 'create database shop');
  await scene.sql('shop', `create table goods as select g as id from generate_series(1, 100) g`);
  await scene.sql('postgres', `comment on database shop is '${own.replaceAll("'", "''")}'`);
  await scene.sql('postgres', 'alter database shop connection limit 3');
  const manifest = await backup(scene.source('shop'), scene.deps(), limit());
  await scene.sql('shop', 'create table newer as select 42 as answer');
  return { scene, manifest };
}

test.each([13, 15, 18] as const)(
  'a database of PostgreSQL %i is replaced in one transaction: comment and limits are its own, nothing of ours is left',
  async (major) => {
    const { scene, manifest } = await changedShop(major);
    try {
      await expect(
        restore(manifest, scene.source('shop').engine, options, { ...scene.deps(), parallel: 2 }, limit()),
      ).resolves.toMatchObject({ proof: { differences: [], exceptions: [] }, notes: [] });

      expect(await scene.sql('shop', `select count(*)::int as rows, to_regclass('newer') as newer from goods`)).toEqual(
        [{ rows: 100, newer: null }],
      );
      expect(
        await scene.sql(
          'postgres',
          `select datname, datallowconn, datconnlimit as most, shobj_description(oid, 'pg_database') as comment ` +
            `from pg_database where not datistemplate and datname <> 'postgres'`,
        ),
      ).toEqual([{ datname: 'shop', datallowconn: true, most: 3, comment: own }]);
    } finally {
      await scene.stop();
    }
  },
  1_200_000,
);

describe('--replace', () => {
  let scene: PostgresScene;
  let manifest: Manifest;

  beforeAll(async () => {
    ({ scene, manifest } = await changedShop(17));
  }, 1_200_000);

  afterAll(() => scene?.stop());

  const restoring = (more: Partial<RestoreOptions> = {}, engine = scene.source('shop').engine, signal = limit()) =>
    restore(manifest, engine, { ...options, ...more }, { ...scene.deps(), parallel: 2 }, signal);
  const databases = async () =>
    (await scene.sql('postgres', 'select datname from pg_database where not datistemplate order by 1')).map(
      ({ datname }) => datname,
    );
  const isOld = async () => expect(await scene.sql('shop', 'select answer from newer')).toEqual([{ answer: 42 }]);
  async function connected(): Promise<pg.Client> {
    const { host, port, user, password } = scene.server;
    const client = new pg.Client({ host, port, user, password, database: 'shop', application_name: 'the app' });
    client.on('error', () => {});
    await client.connect();
    return client;
  }

  test('what would keep the old database from being dropped is told before anything is done, with its remedy', async () => {
    await scene.sql('shop', `create publication p for all tables`);
    await scene.sql('shop', `select pg_create_logical_replication_slot('my_slot', 'pgoutput')`);
    await scene.sql(
      'shop',
      `create subscription "my sub" connection 'host=127.0.0.1 dbname=nowhere' publication p with (connect = ` +
        'false, enabled = false, slot_name = none)',
    );
    await scene.sql('shop', `begin; insert into goods values (0); prepare transaction 'half'`);

    const refused = restoring();

    await expect(refused).rejects.toMatchObject({
      code: 'restore-failed',
      message: expect.stringMatching(
        /shop can't be dropped as long as it has the subscription "my sub", the replication slot my_slot, the prepared transaction 'half'; database shop is as it was$/,
      ),
      hint: expect.stringMatching(
        /DROP SUBSCRIPTION "my sub"; .*pg_drop_replication_slot\('my_slot'\); ROLLBACK|COMMIT PREPARED 'half'/,
      ),
    });
    await isOld();
    await scene.sql('shop', `rollback prepared 'half'`);
    await scene.sql('shop', `drop subscription "my sub"`);
    await scene.sql('shop', `select pg_drop_replication_slot('my_slot'); drop publication p`);
    await scene.sql('postgres', `alter database shop is_template true`);
    await expect(restoring()).rejects.toMatchObject({
      message: expect.stringContaining('is a template'),
      hint: expect.stringContaining('IS_TEMPLATE false'),
    });
    await scene.sql('postgres', `alter database shop is_template false`);
  });

  test('a role that may not rename it is told so before anything is done', async () => {
    await scene.sql('postgres', `create role helper login password 'helper' in role pg_read_all_data`);

    await expect(
      restoring({}, scene.source('shop', { login: { user: 'helper', password: 'helper' } }).engine),
    ).rejects.toMatchObject({
      code: 'privilege-missing',
      message: expect.stringMatching(
        /helper may not replace database shop: that belongs to postgres; helper may not act for postgres, .*; database shop is as it was$/,
      ),
      hint: expect.stringContaining('ALTER ROLE "helper" CREATEDB'),
    });
    await isOld();
  });

  test('what a proof finds different stays beside, told by its name, and is nobody’s to drop; the old database is as it was', async () => {
    const differing = changedBeforeProof(scene.source('shop').engine, (database) =>
      scene.sql(database!, 'delete from goods where id = 7'),
    );

    const failed = await restoring({}, differing).then(
      () => undefined,
      (error: Error) => error,
    );

    const [, kept] =
      /kept in database (nightjar_new_\w+-\w+): drop it when it is not needed any more; database shop is as it was$/.exec(
        failed?.message ?? '',
      ) ?? [];
    expect(failed).toMatchObject({ code: 'proof-failed' });
    await isOld();
    await expect(restoring({}, differing)).rejects.toMatchObject({ code: 'proof-failed' });
    expect(await scene.sql(kept!, 'select count(*)::int as rows from goods')).toEqual([{ rows: 99 }]);
    for (const name of (await databases()).filter((one) => String(one).startsWith('nightjar_new')))
      await scene.sql('postgres', `drop database "${name}"`);
  });

  test('a request to stop drops what was made, and leaves the old database as it was', async () => {
    const stop = new AbortController();
    const stopping = changedBeforeProof(scene.source('shop').engine, async () => stop.abort());

    await expect(restoring({}, stopping, stop.signal)).rejects.toMatchObject({
      code: 'aborted',
      message: expect.stringMatching(/what was restored is dropped again, and database shop is as it was$/),
    });

    await isOld();
    expect(await databases()).toEqual(['postgres', 'shop']);
  });

  test('an error in the proof drops what was made, as the documentation says', async () => {
    const breaking = changedBeforeProof(scene.source('shop').engine, () => Promise.reject(new Error('the way is cut')));

    await expect(restoring({}, breaking)).rejects.toMatchObject({
      message: expect.stringMatching(
        /the way is cut; what was restored is dropped again, and database shop is as it was$/,
      ),
    });

    expect(await databases()).toEqual(['postgres', 'shop']);
  });

  test('somebody who connects during the restore keeps the old database in its place; all that was restored is kept, and the hint puts it there', async () => {
    let client: pg.Client | undefined;
    const sneaking = changedBeforeProof(scene.source('shop').engine, async () => (client ??= await connected()));

    const failed = await restoring({}, sneaking).then(
      () => undefined,
      (error: Error & { hint?: string }) => error,
    );

    expect(failed?.message).toMatch(
      /all is restored, but could not take the place of database shop: .*in use by postgres \(pid \d+, the app\).*kept in database nightjar_new_/,
    );
    await client!.end();
    await isOld();
    const [, byHand] = /by hand: (.*)$/.exec(failed?.hint ?? '') ?? [];
    for (const statement of byHand!.split('; ')) expect(statement).toMatch(/^(BEGIN|ALTER DATABASE .*|COMMIT;)$/);
    await scene.sql('postgres', byHand!);
    expect(await scene.sql('shop', 'select count(*)::int as rows from goods')).toEqual([{ rows: 100 }]);
    const before = (await databases()).find((name) => String(name).startsWith('shop_before'));
    await scene.sql('postgres', `drop database shop`);
    await scene.sql('postgres', `alter database "${before}" rename to shop`);
    await isOld();
  });

  test('somebody who connects for a moment only delays it; leftovers of died runs go, a person’s databases stay', async () => {
    await scene.sql('postgres', 'create database nightjar_new_mine');
    await scene.sql('postgres', 'create database half');
    await scene.sql('postgres', `comment on database half is E'nightjar restoring "shop"\\nthe shop''s own'`);
    await scene.sql('postgres', 'create database other_half');
    await scene.sql('postgres', `comment on database other_half is 'nightjar restoring "another"'`);
    await scene.sql('postgres', 'create database shop_before_19990101');
    await scene.sql('postgres', `comment on database shop_before_19990101 is 'nightjar replaced "shop"'`);
    let client: pg.Client | undefined;
    const sneaking = changedBeforeProof(scene.source('shop').engine, async () => {
      client ??= await connected();
      setTimeout(() => void client?.end(), 4000);
    });

    const restored = await restoring({}, sneaking);

    expect(restored).toMatchObject({ database: 'shop', proof: { differences: [] }, failures: [], notes: [] });
    expect(await databases()).toEqual(['nightjar_new_mine', 'other_half', 'postgres', 'shop']);
    expect(
      await scene.sql(
        'postgres',
        `select shobj_description(oid, 'pg_database') as comment from pg_database where datname = 'shop'`,
      ),
    ).toEqual([{ comment: own }]);
    await expect(isOld()).rejects.toThrow('newer');
    await scene.sql('postgres', 'drop database nightjar_new_mine');
    await scene.sql('postgres', 'drop database other_half');
  });

  test('a half-made database under the very name is what the next restore takes away, while no run is at it', async () => {
    await scene.sql('postgres', 'create database fresh');
    await scene.sql('postgres', `comment on database fresh is 'nightjar restoring "fresh"'`);
    await scene.sql('fresh', 'create table goods (half int)');
    const target = () => scene.source('fresh').engine.target({ manifest, catalog: {}, owners: true }, limit());

    const seen = await target();

    expect(seen).toMatchObject({ state: 'absent', notes: [expect.stringContaining('half made: it will be dropped')] });
    await expect(restoring({ replace: false }, scene.source('fresh').engine)).resolves.toMatchObject({
      proof: { differences: [] },
    });
    await expect(restoring({ replace: false }, scene.source('fresh').engine)).rejects.toMatchObject({
      code: 'target-not-empty',
    });
    const slow = changedBeforeProof(scene.source('slow').engine, () =>
      expect(restoring({ replace: false }, scene.source('slow').engine)).rejects.toMatchObject({
        code: 'lease-held',
        message: expect.stringContaining('another restore into database slow is at work'),
      }),
    );
    await expect(restoring({ replace: false }, slow)).resolves.toMatchObject({ proof: { differences: [] } });
  });

  test('a database that somebody else makes while a restore begins is left alone, and told so', async () => {
    const target = await scene.source('raced').engine.target({ manifest, catalog: {}, owners: true }, limit());
    await scene.sql('postgres', 'create database raced');

    await expect(target.prepare(false, limit())).rejects.toMatchObject({
      code: 'target-not-empty',
      message: 'somebody else has made database raced meanwhile',
      hint: expect.stringContaining('--to'),
    });
    expect(target.standing()).toBe('database raced is as somebody else has made it');
    await target.discard(limit());
    await target.close();
    expect(await databases()).toContain('raced');
    expect((await databases()).filter((name) => /nightjar/.test(String(name)))).toEqual([]);
    await scene.sql('postgres', 'drop database raced');
  });

  test('a name as long as names can be, and one that is all quotes, are replaced too', async () => {
    for (const name of ['ü'.repeat(31), `a"b'c\\d %s $1`]) {
      const { host, port, user, password } = scene.server;
      const admin = new pg.Client({ host, port, user, password, database: 'postgres' });
      await admin.connect();
      await admin.query(`create database ${admin.escapeIdentifier(name)}`).finally(() => admin.end());
      await scene.sql(name, 'create table t as select 1 as i');

      await expect(restoring({}, scene.source(name).engine)).resolves.toMatchObject({
        database: name,
        proof: { differences: [] },
      });
    }
    expect((await databases()).filter((name) => /nightjar|before/.test(String(name)))).toEqual([]);
  });
});
