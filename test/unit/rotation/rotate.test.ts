import { beforeEach, expect, test } from '@jest/globals';
import { BackupError } from '../../../core/domain/errors.ts';
import { objectKey } from '../../../core/domain/keys.ts';
import { manifestKey, partKey } from '../../../core/domain/layout/places.ts';
import type { BackupId, SourceName } from '../../../core/domain/keys.ts';
import { failureKey, proofKey } from '../../../core/domain/layout/records.ts';
import type { ProofRecord } from '../../../core/domain/layout/records.ts';
import { reasonText } from '../../../core/domain/retention/retention.ts';
import { acceptanceOf } from '../../../core/commands/check/accept.ts';
import { openStore } from '../../../core/store/store.ts';
import type { Rotation } from '../../../core/commands/rotate.ts';
import type { Vault } from '../../../core/vault.ts';
import { dailyIds, none, policyOf, putBackup, memoryRotationScene, signal } from '../../support/vaults/history.ts';

const shop = 'shop' as SourceName;
let scene: ReturnType<typeof memoryRotationScene>;
beforeEach(() => {
  scene = memoryRotationScene();
});

async function stored(ids: BackupId[]): Promise<BackupId[]> {
  for (const id of ids) await putBackup(scene.vault, 'shop', id);
  return ids;
}

async function looked(
  id: BackupId,
  kind: ProofRecord['kind'],
  outcome: ProofRecord['outcome'],
  day: string,
): Promise<void> {
  await scene.vault.putIfAbsent(
    proofKey(shop, id, { kind, outcome, at: new Date(`${day}T03:00:00Z`) }),
    Buffer.from('{}'),
    {},
    signal,
  );
}

/** Makes objects look as if they had been written then. */
function aged(keys: string[], moment: string): void {
  for (const key of keys) scene.date(key, moment);
}

const reasonsOf = ({ plan }: Rotation): Record<string, string[]> =>
  Object.fromEntries(plan.backups.map(({ found, reasons }) => [found.id, reasons.map(reasonText)]));

/** A vault that tells of every delete, and fails those that `fails` names. */
function watched(deleted: string[], fails: (key: string) => BackupError | undefined = () => undefined): Vault {
  return {
    ...scene.vault,
    async delete(key, stop) {
      const failure = fails(key);
      if (failure !== undefined) throw failure;
      deleted.push(key);
      return scene.vault.delete(key, stop);
    },
  };
}

test('a dry run decides all and changes nothing', async () => {
  const ids = await stored(dailyIds(4));
  const before = await scene.keys('');

  const rotation = await scene.rotating('shop', policyOf({ count: 2 }), { dryRun: true });

  expect(reasonsOf(rotation)).toEqual({
    [ids[0]!]: [],
    [ids[1]!]: [],
    [ids[2]!]: ['last 2 of 2'],
    [ids[3]!]: ['last 1 of 2'],
  });
  const sizes = (await Array.fromAsync(scene.vault.list('shop/', signal))).filter(
    ({ key }) => key.includes(ids[0]!) || key.includes(ids[1]!),
  );
  expect(rotation.freed).toBe(sizes.reduce((sum, { bytes }) => sum + bytes, 0));
  expect(await scene.keys('')).toEqual(before);
});

test('the oldest backup goes first, and of each the manifest before its parts', async () => {
  const ids = await stored(dailyIds(4));
  const deleted: string[] = [];

  await scene.rotating('shop', policyOf({ count: 2 }), {}, watched(deleted));

  const [first, second] = [deleted.slice(0, 3), deleted.slice(3)];
  expect([first[0], second[0]]).toEqual([ids[0], ids[1]].map((id) => manifestKey(shop, id!)));
  expect(first.slice(1).sort()).toEqual(
    ['catalog.json.zst', 'data/0001.sql.zst'].map((file) => partKey(shop, ids[0]!, file)),
  );
  expect(await scene.ids('shop')).toEqual(ids.slice(2));
});

test.each([0, 1, 2, 3, 4, 5])(
  'a rotation that is broken off after %d deletes leaves whole backups and leftovers that nobody sees',
  async (count) => {
    const ids = await stored(dailyIds(4));
    const deleted: string[] = [];
    const stop = new AbortController();
    const dying = watched(deleted, () =>
      deleted.length >= count ? (stop.abort(), new BackupError('vault-unreachable', 'the network is gone')) : undefined,
    );

    const rotation = await scene.rotating('shop', policyOf({ count: 2 }), {}, dying);

    expect(rotation.failures).not.toEqual([]);
    const left = await scene.keys('shop/');
    for (const id of await scene.ids('shop')) expect(left.filter((key) => key.includes(id))).toHaveLength(3);
    expect(await scene.ids('shop')).toEqual(expect.arrayContaining(ids.slice(2)));
    // the next rotation does the rest, and sweeps what this one has left
    aged(left, '2026-11-19T02:30:00Z');
    const later = await scene.rotating('shop', policyOf({ count: 2 }));
    expect(later.failures).toEqual([]);
    expect((await scene.keys('shop/')).filter((key) => !key.endsWith('/lease.json'))).toEqual(
      left.filter((key) => ids.slice(2).some((id) => key.includes(id))),
    );
  },
);

test('a clock that stands before the newest backup removes nothing', async () => {
  const ids = await stored(dailyIds(4, '2026-11-21'));

  await expect(scene.rotating('shop', policyOf({ count: 1 }), { anyShare: true })).rejects.toMatchObject({
    code: 'rotation-refused',
    message: expect.stringContaining('the clock says 2026-11-20T12:00:00.000Z'),
  });

  expect(await scene.ids('shop')).toEqual(ids);
});

test('a backup dated ahead ends every rotation until somebody has accepted that it is of no possible date', async () => {
  const ids = await stored(dailyIds(4, '2026-11-20'));
  const forged = '20271001T020000Z-abcdef' as BackupId;
  await stored([forged]);

  await expect(scene.rotating('shop', policyOf({ count: 3 }))).rejects.toMatchObject({
    code: 'rotation-refused',
    hint: `set the clock of this machine; if it is right, ${forged} was not made then: nightjar accept shop`,
  });
  const rules = { ...policyOf({ count: 3 }), shrink: policyOf({ count: 3 }).watch.shrink };
  const clock = { now: () => new Date('2026-11-20T12:00:00Z') };
  const { accept } = await acceptanceOf(shop, rules, { store: openStore(scene.vault), clock }, signal);
  await accept('somebody', signal);
  await scene.rotating('shop', policyOf({ count: 3 }));

  expect(await scene.ids('shop')).toEqual([...ids.slice(1), forged]);
});

test('more than the share goes only when that is said', async () => {
  const ids = await stored(dailyIds(5));

  await expect(scene.rotating('shop', policyOf({ count: 2 }, { maxShare: 50 }))).rejects.toMatchObject({
    code: 'rotation-refused',
    message:
      'shop: 3 of 5 backups would be removed and 3 of 5 days left without one, more than 50 % at once: nothing ' +
      'was removed',
    hint: expect.stringContaining('--any-share'),
  });
  expect(await scene.ids('shop')).toEqual(ids);
  expect(
    (await scene.rotating('shop', policyOf({ count: 2 }, { maxShare: 50 }), { dryRun: true })).plan.refusal,
  ).toMatchObject({ code: 'rotation-refused' });
  expect(
    (await scene.rotating('shop', policyOf({ count: 2 }, { maxShare: 60 }), { dryRun: true })).plan.refusal,
  ).toBeUndefined();

  await scene.rotating('shop', policyOf({ count: 2 }, { maxShare: 50 }), { anyShare: true });
  expect(await scene.ids('shop')).toEqual(ids.slice(3));
});

test('a listing that fails removes nothing', async () => {
  const ids = await stored(dailyIds(3));
  const half: Vault = {
    ...scene.vault,
    async *list(prefix, stop) {
      for await (const found of scene.vault.list(prefix, stop)) yield found;
      throw new BackupError('vault-unreachable', 'the connection broke');
    },
  };

  await expect(scene.rotating('shop', policyOf({ count: 1 }), {}, half)).rejects.toMatchObject({
    code: 'vault-unreachable',
  });

  expect(await scene.ids('shop')).toEqual(ids);
});

test('a policy that keeps nothing leaves the last good one', async () => {
  const ids = await stored(dailyIds(3));

  const rotation = await scene.rotating('shop', policyOf(none), { anyShare: true });

  expect(reasonsOf(rotation)).toEqual({ [ids[0]!]: [], [ids[1]!]: [], [ids[2]!]: ['the last good one'] });
  expect(await scene.ids('shop')).toEqual([ids[2]]);
});

test('the last one that was proven stays, however old', async () => {
  const ids = await stored(dailyIds(6));
  await looked(ids[0]!, 'drill', 'passed', '2026-11-16');
  await looked(ids[1]!, 'verify', 'passed', '2026-11-17');
  await looked(ids[2]!, 'verify', 'passed', '2026-11-18');
  await looked(ids[2]!, 'verify', 'failed', '2026-11-19');

  const rotation = await scene.rotating('shop', policyOf({ count: 2 }));

  expect(await scene.ids('shop')).toEqual([ids[0], ids[4], ids[5]]);
  expect(reasonsOf(rotation)[ids[0]!]).toEqual(['the last one that was proven']);
});

test('a damaged backup fills no place of a good one: by its last look, a lost part, a part cut short', async () => {
  const ids = await stored(dailyIds(6));
  await looked(ids[5]!, 'verify', 'failed', '2026-11-20');
  await scene.vault.delete(partKey(shop, ids[4]!, 'data/0001.sql.zst'), signal);
  await scene.vault.delete(partKey(shop, ids[3]!, 'catalog.json.zst'), signal);
  await scene.vault.put(
    partKey(shop, ids[3]!, 'catalog.json.zst'),
    (async function* () {
      yield Buffer.from('cut');
    })(),
    {},
    signal,
  );

  const rotation = await scene.rotating('shop', policyOf({ count: 2 }));

  expect(reasonsOf(rotation)).toMatchObject({
    [ids[5]!]: ['damaged: takes no good one’s place'],
    [ids[4]!]: ['damaged: takes no good one’s place'],
    [ids[3]!]: [],
    [ids[2]!]: ['last 1 of 2'],
    [ids[1]!]: ['last 2 of 2'],
    [ids[0]!]: [],
  });
  expect(await scene.ids('shop')).toEqual([ids[1], ids[2], ids[4], ids[5]]);
});

test('a manifest that can’t be read counts for nothing and is left alone', async () => {
  const ids = await stored(dailyIds(4));
  const strange = manifestKey(shop, '20261120T030000Z-ffffff' as BackupId);
  await scene.vault.putIfAbsent(strange, Buffer.from('{"format":2}'), {}, signal);

  const rotation = await scene.rotating('shop', policyOf({ count: 1 }));

  expect(await scene.ids('shop')).toEqual([ids[3], '20261120T030000Z-ffffff']);
  expect(reasonsOf(rotation)['20261120T030000Z-ffffff']).toEqual(['unreadable: left alone']);
});

test('a pinned backup stays until it is unpinned, also when it is pinned while the rotation runs', async () => {
  const ids = await stored(dailyIds(4));
  await scene.deps().store.pin(shop, ids[0]!, { reason: 'before the migration', by: 'ann@web' }, scene.deps(), signal);
  const deleted: string[] = [];
  const pinning: Vault = {
    ...watched(deleted),
    async delete(key, stop) {
      // while the second goes, somebody pins the third
      if (key.endsWith('/manifest.json'))
        await scene.deps().store.pin(shop, ids[2]!, { reason: 'just now', by: 'ann@web' }, scene.deps(), signal);
      return watched(deleted).delete(key, stop);
    },
  };

  const rotation = await scene.rotating('shop', policyOf({ count: 1 }), {}, pinning);

  expect(rotation.removals.map(({ id, state }) => [id, state])).toEqual([
    [ids[1], 'gone'],
    [ids[2], 'pinned'],
  ]);
  expect(JSON.parse((await scene.vault.read(objectKey(`shop/${ids[0]}/pin.json`), signal)).body.toString())).toEqual({
    reason: 'before the migration',
    at: '2026-11-20T12:00:00.000Z',
    by: 'ann@web',
  });
  expect([
    await scene.deps().store.unpin(shop, ids[0]!, signal),
    await scene.deps().store.unpin(shop, ids[0]!, signal),
  ]).toEqual([true, false]);
  await scene.rotating('shop', policyOf({ count: 1 }));
  expect(await scene.ids('shop')).toEqual([ids[2], ids[3]]);
  await expect(
    scene.deps().store.pin(shop, ids[0]!, { reason: 'too late', by: 'ann' }, scene.deps(), signal),
  ).rejects.toMatchObject({
    code: 'backup-missing',
  });
});

const dead = '20261118T020000Z-dddddd' as BackupId;
const fresh = '20261120T110000Z-eeeeee' as BackupId;

async function leftovers(): Promise<string[]> {
  const keys = [
    partKey(shop, dead, 'data/0001.sql.zst'),
    partKey(shop, dead, 'schema.pgdump'),
    partKey(shop, fresh, 'data/0001.sql.zst'),
    objectKey(`shop/${dead}/notes.txt`),
  ];
  for (const key of keys) await scene.vault.putIfAbsent(key, Buffer.from('half'), {}, signal);
  aged(keys, '2026-11-18T02:30:00Z');
  return keys;
}

test('tags that can’t be read or written are a failure of the rotation, which does the rest; of a backup that is gone they are not missed', async () => {
  const ids = await stored(dailyIds(4));
  const tags = async () => ({ 'nightjar-tier': 'yearly', 'nightjar-tiers': 'yearly' });
  const failing = (code: 'vault-denied' | 'object-missing') => () => Promise.reject(new BackupError(code, code));
  const rotatingWith = (other: Partial<Vault>) =>
    scene.rotating('shop', policyOf({ count: 3 }), {}, { ...scene.vault, ...other });

  expect(await rotatingWith({ tags: failing('vault-denied') })).toMatchObject({
    failures: [{ code: 'vault-denied' }],
    retagged: 0,
  });
  expect(await scene.ids('shop')).toEqual(ids.slice(1));
  expect(await rotatingWith({ tags, retag: failing('vault-denied') })).toMatchObject({
    failures: [{ code: 'vault-denied' }],
    retagged: 0,
  });
  expect(await rotatingWith({ tags: failing('object-missing') })).toMatchObject({ failures: [], retagged: 0 });
  expect(await rotatingWith({ tags, retag: failing('object-missing') })).toMatchObject({ failures: [], retagged: 3 });
});

test('a manifest alone that can’t be tagged is a failure, and what goes is tagged no more', async () => {
  const ids = await stored(dailyIds(2));
  const tagged = new Set<string>();
  const retag: Vault['retag'] = async (key) => {
    tagged.add(key.split('/')[1]!);
    if (key.endsWith('/manifest.json')) throw new BackupError('vault-denied', 'no');
  };

  expect(
    await scene.rotating('shop', policyOf({ count: 1 }), {}, { ...scene.vault, tags: async () => ({}), retag }),
  ).toMatchObject({ failures: [{ code: 'vault-denied' }] });
  expect([...tagged]).toEqual([ids[1]]);
});

test('a manifest whose tags could not be written last says what its parts have', async () => {
  await stored(dailyIds(1));
  const tagged: string[] = [];
  const vault: Vault = {
    ...scene.vault,
    tags: async () => ({}),
    retag: async (key) => void tagged.push(key.split('/').slice(2).join('/')),
  };

  await scene.rotating('shop', policyOf({ count: 3 }), {}, vault);

  expect(tagged).toEqual(['catalog.json.zst', 'data/0001.sql.zst', 'manifest.json']);
});

test('what a dead run has left is swept after the grace time, and nothing else beside it', async () => {
  await stored(dailyIds(2));
  const [, , young, foreign] = await leftovers();

  const rotation = await scene.rotating('shop', policyOf({ count: 2 }));

  expect(rotation.swept).toMatchObject({ state: 'swept', objects: 2, bytes: 8 });
  expect((await scene.keys('shop/')).filter((key) => key.includes(dead) || key.includes(fresh))).toEqual(
    [foreign, young].sort(),
  );
});

test('a part that was touched within the grace time keeps its run from being swept', async () => {
  await stored(dailyIds(2));
  const [first] = await leftovers();
  aged([first!], '2026-11-19T13:00:00Z');

  expect((await scene.rotating('shop', policyOf({ count: 2 }))).swept).toMatchObject({ state: 'none', objects: 0 });
});

test('while another run holds the lease, leftovers are left alone, and backups are removed all the same', async () => {
  const ids = await stored(dailyIds(3));
  await leftovers();
  const before = (await scene.keys('shop/')).filter((key) => key.includes(dead));

  const rotation = await scene
    .deps()
    .store.withLease(
      shop,
      { ...scene.deps(), identity: { run: 'backup', holder: 'elsewhere', isGone: () => false } },
      () => scene.rotating('shop', policyOf({ count: 2 })),
      signal,
    );

  expect(rotation).toMatchObject({ failures: [], swept: { state: 'spared', objects: 2 } });
  expect((await scene.keys('shop/')).filter((key) => key.includes(dead))).toEqual(before);
  expect(await scene.ids('shop')).toEqual(ids.slice(1));
});

test('a run that slept past its lease while its parts were swept stores no manifest', async () => {
  await leftovers();
  let now = Date.parse('2026-11-18T02:00:00Z');
  const sleeper = {
    vault: scene.vault,
    clock: { now: () => new Date(now) },
    identity: { run: 'sleeper', holder: 'laptop', isGone: () => false },
  };

  const sleeping = scene.deps().store.withLease(
    shop,
    sleeper,
    async (_, confirm) => {
      const rotation = await scene.rotating('shop', policyOf({ count: 2 }));
      expect(rotation.swept).toMatchObject({ state: 'swept', objects: 2 });
      now = Date.parse('2026-11-20T12:00:00Z');
      await confirm();
    },
    signal,
  );

  await expect(sleeping).rejects.toMatchObject({ code: 'lease-lost' });
});

test('records of failures go when they are older than the grace time and the newest backup', async () => {
  await stored(dailyIds(1, '2026-11-18'));
  const [old, since] = ['2026-11-10T02:00:00Z', '2026-11-19T02:00:00Z'].map((at) =>
    failureKey(shop, { at: new Date(at), run: 'abcd1234', code: 'dump-failed' }),
  );
  for (const key of [old!, since!]) await scene.vault.putIfAbsent(key, Buffer.from('{}'), {}, signal);

  await scene.rotating('shop', policyOf({ count: 2 }));

  expect(await scene.keys('shop/failures/')).toEqual([since]);
});

test('a source without a backup has nothing to rotate', async () => {
  expect(await scene.rotating('shop', policyOf({ count: 2 }))).toMatchObject({
    removals: [],
    freed: 0,
    failures: [],
    plan: { backups: [], refusal: undefined },
  });
});
