import { createHash } from 'node:crypto';
import { afterEach, afterAll, beforeAll, expect, test } from '@jest/globals';
import { backup } from '../../../core/commands/backup.ts';
import { restore } from '../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { openStore } from '../../../core/store/store.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import { startProxy } from '../../real/vaults/proxy.ts';
import type { Proxy, ProxyOptions } from '../../real/vaults/proxy.ts';
import { limit, postgresScene } from '../../support/postgres.ts';
import type { PostgresScene } from '../../support/postgres.ts';

// The network was lost after the COMMIT of the two renames was sent, and before its answer came. We said that the old
// database was as it was, wrote the request down as failed, and the same event replaced what had been written since.
let scene: PostgresScene;
let manifest: Manifest;
let proxy: Proxy | undefined;

beforeAll(async () => {
  scene = await postgresScene(18);
  await scene.sql('postgres', 'create database shop');
  await scene.sql('shop', 'create table orders as select g as id from generate_series(1, 9) g');
  manifest = await backup(scene.source('shop'), scene.deps(), limit());
}, 1_200_000);

afterEach(() => proxy?.close());
afterAll(() => scene?.stop());

/** Replaces the database by way of a proxy, as an event of this name would; says how often that was done. */
async function replaceBy(request: string, options: ProxyOptions, signal = limit()) {
  proxy = await startProxy(`http://${scene.server.host}:${scene.server.port}`, options);
  const port = Number(new URL(proxy.endpoint).port);
  const { engine } = scene.source('shop', { login: { port } });
  const digest = createHash('sha256').update(request).digest('hex').slice(0, 16);
  const deps = { ...scene.deps(), parallel: 2 };
  const how = { replace: true, owners: true, proof: true };
  return openStore(scene.vault).carryOutOnce(
    { source: 'shop' as SourceName, request: digest, named: true, isDone: () => true },
    deps,
    () => restore(manifest, engine, how, deps, signal),
    signal,
  );
}

/** Loses the connection of the swap at its COMMIT: before the server gets it, or before its answer goes back. */
function losing(when: 'commit' | 'answer', lost: () => void = () => {}): ProxyOptions {
  let [swapping, sent, done] = [false, false, false];
  return {
    up(chunk) {
      const text = chunk.toString('latin1');
      if (/alter database .* rename to "?shop"?\0/.test(text)) swapping = true;
      if (!swapping || done || !/Q[^]{4}commit\0/.test(text)) return chunk;
      sent = when === 'answer';
      done = true;
      if (when === 'commit') lost();
      return when === 'commit' ? 'cut' : chunk;
    },
    down(chunk) {
      if (!sent) return chunk;
      sent = false;
      lost();
      return 'cut';
    },
  };
}

const databases = async () =>
  (await scene.sql('postgres', `select datname as name from pg_database where not datistemplate order by 1`)).map(
    ({ name }) => String(name),
  );

async function written(): Promise<void> {
  await scene.sql('shop', 'insert into orders values (10)');
}

test('museum: a replacement whose answer is lost behind the COMMIT is known to be done, and is not done again', async () => {
  await written();

  const first = await replaceBy('lost-answer', losing('answer'));
  await proxy!.close();
  await written();
  const again = await replaceBy('lost-answer', {});

  expect(first).toMatchObject({ result: { proof: { differences: [] }, notes: [expect.stringMatching(/is kept as/)] } });
  expect(again).toMatchObject({ before: { result: { database: 'shop' } } });
  expect(await scene.sql('shop', 'select count(*)::int as n from orders')).toEqual([{ n: 10 }]);
  expect(await databases()).toEqual(['postgres', 'shop', `shop_before_${manifest.id}`]);
});

test('museum: so is one that is asked to stop just then', async () => {
  const stop = new AbortController();

  const { result } = (await replaceBy(
    'stopped',
    losing('answer', () => stop.abort()),
    stop.signal,
  )) as { result: object };

  expect(result).toMatchObject({ database: 'shop', proof: { differences: [] } });
  expect(await scene.sql('shop', 'select count(*)::int as n from orders')).toEqual([{ n: 9 }]);
});

test('museum: one whose COMMIT never arrived has changed nothing, says so, and may be asked for again', async () => {
  await written();
  const before = await databases();

  await expect(replaceBy('lost-commit', losing('commit'))).rejects.toMatchObject({
    message: expect.stringMatching(/could not take the place of database shop.*database shop is as it was/),
  });

  expect(await scene.sql('shop', 'select count(*)::int as n from orders')).toEqual([{ n: 10 }]);
  expect(before.every((name) => name !== '')).toBe(true);
  await proxy!.close();
  await expect(replaceBy('lost-commit', {})).resolves.toMatchObject({ result: { database: 'shop' } });
});

test('museum: where nobody can tell what became of it, that is said, and the same event is not carried out again', async () => {
  await written();
  let down = false;
  const cut = losing('answer', () => (down = true));
  const options: ProxyOptions = { up: (chunk, passing) => (down ? 'cut' : cut.up!(chunk, passing)), down: cut.down };

  await expect(replaceBy('nobody-knows', options)).rejects.toMatchObject({
    message: expect.stringMatching(/what became of it can't be told.*is shop now, or still nightjar_new_/),
    mayBeDone: true,
  });

  await proxy!.close();
  await written();
  await expect(replaceBy('nobody-knows', {})).rejects.toMatchObject({ code: 'lease-held' });
  expect(await scene.sql('shop', 'select count(*)::int as n from orders')).toEqual([{ n: 10 }]);
}, 120_000);
