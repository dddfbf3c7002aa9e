import { beforeEach, expect, test } from '@jest/globals';
import { BackupError } from '../../../core/domain/errors.ts';
import type { BackupId, ObjectKey } from '../../../core/domain/keys.ts';
import { manifestKey, partKey, signatureKey } from '../../../core/domain/layout/places.ts';
import { pinKey, proofKey } from '../../../core/domain/layout/records.ts';
import { bytesTogether } from '../../../core/domain/verdict/history.ts';
import { removableBytes } from '../../../core/store/rotation/remove.ts';
import { openStore } from '../../../core/store/store.ts';
import type { Vault } from '../../../core/vault.ts';
import { dailyIds, putBackup, signal } from '../../support/vaults/history.ts';
import { shop } from '../../support/vaults/seen.ts';
import { memoryScene } from '../../support/vaults/vault.ts';

const [id] = dailyIds(1);
const files = ['catalog.json.zst', 'data/0001.sql.zst'];
const refused = new BackupError('vault-denied', 'the role may not delete it');
let vault: Vault;
let sizes: Map<string, number>;

beforeEach(async () => {
  ({ vault } = memoryScene());
  await putBackup(vault, 'shop', id!);
  sizes = new Map((await Array.fromAsync(vault.list('', signal))).map(({ key, bytes }) => [key, bytes]));
});

const removing = (deleting: Vault['delete']) =>
  openStore({ ...vault, delete: deleting }).removeBackup(shop, id!, files, signal);
const left = async () => (await Array.fromAsync(vault.list('', signal))).map(({ key }) => String(key));
const bytesOf = (...keys: string[]) => keys.reduce((sum, key) => sum + sizes.get(key)!, 0);

test('a backup is hidden where the vault keeps a version of anything of it', async () => {
  const removal = await removing(async (key, stop) => {
    await vault.delete(key, stop);
    return { state: key === manifest ? 'hidden' : 'gone' };
  });

  expect(removal).toEqual({ id, state: 'hidden', bytes: bytesOf(...sizes.keys()), foreign: 0, failures: [] });
  expect(await left()).toEqual([]);
});

test('a part that can’t be deleted is a failure, is handed over by its tags, and does not count as freed', async () => {
  const part = partKey(shop, id!, 'data/0001.sql.zst');

  const removal = await removing((key, stop) => (key === part ? Promise.reject(refused) : vault.delete(key, stop)));

  const others = bytesOf(manifestKey(shop, id!), partKey(shop, id!, 'catalog.json.zst'));
  expect(removal).toEqual({ id, state: 'failed', bytes: others, foreign: 0, failures: [refused] });
  expect(await left()).toEqual([part]);
  expect(await vault.tags(part, signal)).toEqual({ 'nightjar-tier': 'released', 'nightjar-tiers': 'none' });
});

test('a backup whose manifest can’t be deleted keeps all its parts', async () => {
  const removal = await removing(() => Promise.reject(refused));

  expect(removal).toEqual({ id, state: 'failed', bytes: 0, foreign: 0, failures: [refused] });
  expect(await left()).toHaveLength(3);
});

const manifest = manifestKey(shop, id!);
const pinned = () => vault.putIfAbsent(pinKey(shop, id!), Buffer.from('{}'), {}, signal);
/** Somebody pins the backup just when its manifest is deleted; `besides`: what else happens then. */
const pinnedMeanwhile = (besides: () => Promise<unknown> = async () => undefined, other: Partial<Vault> = {}) =>
  openStore({
    ...vault,
    async delete(key, stop) {
      if (key === manifest) await pinned();
      const deleted = await vault.delete(key, stop);
      if (key === manifest) await besides();
      return deleted;
    },
    ...other,
  }).removeBackup(shop, id!, files, signal);

test('a backup that somebody has pinned stays whole', async () => {
  await pinned();
  const before = await left();

  const removal = await removing(() => Promise.reject(refused));

  expect(removal).toEqual({ id, state: 'pinned', bytes: 0, foreign: 0, failures: [] });
  expect(await left()).toEqual(before);
});

test('one that is pinned while it is removed is put back as it was, and counts as not removed', async () => {
  const { body } = await vault.read(manifest, signal);

  const removal = await pinnedMeanwhile();

  expect(removal).toEqual({ id, state: 'pinned', bytes: 0, foreign: 0, failures: [] });
  expect(Buffer.from((await vault.read(manifest, signal)).body)).toEqual(Buffer.from(body));
  expect(await vault.tags(manifest, signal)).toMatchObject({ 'nightjar-tiers': 'none' });
  expect(await left()).toHaveLength(4);
});

test('one of which another rotation has removed a part already is not put back for a pin', async () => {
  const removal = await pinnedMeanwhile(() => vault.delete(partKey(shop, id!, files[1]!), signal));

  expect(removal).toMatchObject({ state: 'gone', failures: [] });
  expect(await left()).toEqual([pinKey(shop, id!)]);
});

test('one that somebody else has put back is there again', async () => {
  const removal = await pinnedMeanwhile(() => vault.putIfAbsent(manifest, Buffer.from('{}'), {}, signal));

  expect(removal).toMatchObject({ state: 'pinned', bytes: 0, failures: [] });
});

test.each([
  ['denies', new BackupError('vault-denied', 'the role may not write it'), 'vault-denied'],
  ['fails at', new Error('out of memory'), 'internal'],
])(
  'where the vault %s putting a pinned manifest back, that is a failure that says what to do',
  async (_, cause, code) => {
    const removal = await pinnedMeanwhile(undefined, { putIfAbsent: () => Promise.reject(cause) });

    expect(removal).toMatchObject({ state: 'failed' });
    expect(removal.failures).toEqual([
      expect.objectContaining({
        code,
        message: `memory/${manifest} was pinned while it was removed, and could not be put back: ${cause.message}`,
        hint: 'its parts are still there: put the manifest back by hand, from an older version or another copy',
        cause,
      }),
    ]);
    expect(await left()).toEqual(expect.arrayContaining(files.map((file) => partKey(shop, id!, file))));
  },
);

test('what others have removed before is gone, and nothing is failed', async () => {
  const reading: Vault = {
    ...vault,
    read: () => Promise.reject(new BackupError('object-missing', 'it has just been removed')),
  };
  const gone = { id, state: 'gone', bytes: 0, foreign: 0, failures: [] };

  expect(await openStore(reading).removeBackup(shop, id!, files, signal)).toEqual(gone);
  expect(await left()).toHaveLength(3);
  await vault.delete(manifest, signal);
  expect(await removing(vault.delete)).toEqual(gone);
  expect(await left()).toHaveLength(2);
});

test.each(['read', 'list'] as const)('where the vault can’t %s, nothing is removed, and that is told', async (call) => {
  const failure = new BackupError('vault-unreachable', 'no answer');
  const failing = async function* () {
    throw failure;
  };
  const broken = { ...vault, [call]: call === 'list' ? failing : () => Promise.reject(failure) };

  const removal = await openStore(broken).removeBackup(shop, id!, files, signal);

  expect(removal).toEqual({ id, state: 'failed', bytes: 0, foreign: 0, failures: [failure] });
  expect(await left()).toHaveLength(3);
});

test('its signature and records go with a backup; what is not ours or not named, and its neighbours, stay', async () => {
  const at = new Date('2026-11-20T03:00:00Z');
  const put = async (...keys: ObjectKey[]) => {
    for (const key of keys) await vault.putIfAbsent(key, Buffer.from('{}'), {}, signal);
  };
  await put(signatureKey(shop, id!), proofKey(shop, id!, { kind: 'verify', outcome: 'passed', at }));
  const stays = [partKey(shop, id!, 'holiday.jpg'), partKey(shop, id!, 'data/0002.sql.zst')];
  await put(...stays);
  const [, , next] = dailyIds(3, '2026-11-22');
  await putBackup(vault, 'shop', next!);
  const neighbours = (await left()).filter((key) => key.includes(next!));

  const removal = await removing(vault.delete);

  expect(removal).toEqual({ id, state: 'gone', bytes: bytesOf(...sizes.keys()) + 4, foreign: 1, failures: [] });
  expect(await left()).toEqual([...stays.toSorted(), ...neighbours]);
});

test('what can be neither deleted nor handed over is told once, as what could not be deleted', async () => {
  const denied = new BackupError('vault-denied', 'the role may not tag it');
  const broken: Vault = {
    ...vault,
    delete: (key, stop) => (key === manifest ? vault.delete(key, stop) : Promise.reject(refused)),
    retag: () => Promise.reject(denied),
  };

  const removal = await openStore(broken).removeBackup(shop, id!, files, signal);

  expect(removal).toMatchObject({ state: 'failed', failures: [refused, refused] });
});

test('a removal frees its manifest, the signature of it and the parts that it names', async () => {
  const found = async () => {
    const listed = await Array.fromAsync(vault.list('', signal));
    return { id: id!, objects: listed };
  };
  const unsigned = bytesOf(...sizes.keys());
  expect(removableBytes(shop, await found(), files)).toBe(unsigned);
  expect(removableBytes(shop, await found(), files.slice(0, 1))).toBe(bytesOf(manifest, partKey(shop, id!, files[0]!)));

  await vault.putIfAbsent(signatureKey(shop, id!), Buffer.from('sig'), {}, signal);
  await pinned();

  expect(removableBytes(shop, await found(), files)).toBe(unsigned + 3);
});

test('bytes that a backup has in common with others are there once, and no removal but the last one frees them', () => {
  const object = (of: string, name: string, file?: string) => {
    const key = partKey(shop, of as BackupId, name);
    return { key, bytes: 10, modified: new Date(0), ...(file !== undefined && { file }) };
  };
  const [one, other] = ['20261101T020000Z-aaaaaa', '20261102T020000Z-bbbbbb'] as const;
  const first = { id: one as BackupId, objects: [object(one, 'data/0001.sql', 'f'), object(one, 'data/0002.sql')] };
  const second = { objects: [object(other, 'data/0007.sql', 'f')] };
  const named = ['data/0001.sql', 'data/0002.sql'];

  expect(removableBytes(shop, first, named, [second])).toBe(10);
  expect(removableBytes(shop, first, named)).toBe(20);
  expect(bytesTogether([...first.objects, ...second.objects])).toBe(20);
});
