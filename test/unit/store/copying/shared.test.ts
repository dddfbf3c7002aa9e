import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Manifest, ManifestPart } from '../../../../core/contract/manifest/manifest.ts';
import { BackupError } from '../../../../core/domain/errors.ts';
import { objectKey } from '../../../../core/domain/keys.ts';
import type { BackupId } from '../../../../core/domain/keys.ts';
import { manifestKey } from '../../../../core/domain/layout/places.ts';
import { sharing } from '../../../../core/store/copying/share.ts';
import { canShare, shareParts } from '../../../../core/store/parts/sharing.ts';
import type { Vault } from '../../../../core/vault.ts';
import { dailyIds, putBackup, signal } from '../../../support/vaults/history.ts';
import { shop } from '../../../support/vaults/seen.ts';
import { memoryScene, overwrite } from '../../../support/vaults/vault.ts';

// Four nights: a copy of the third one comes where the others are.
const [far, before, id, after] = dailyIds(4) as [BackupId, BackupId, BackupId, BackupId];
const [tar, dump] = ['data/0001.tar.zst', 'data/0001.sql.zst'];
let vault: Vault;
let shared: [string, string, number][];
let manifests: Map<BackupId, Manifest>;

/** A backup whose first part is a tar of these files. */
async function stored(of: BackupId, files: string): Promise<Manifest> {
  const { parts, ...rest } = await putBackup(vault, 'shop', of, { rows: files });
  const manifest = { ...rest, parts: parts.map((part) => (part.role === 'data' ? { ...part, file: tar! } : part)) };
  const { body } = await vault.read(objectKey(`shop/${of}/${dump}`), signal);
  await vault.putIfAbsent(objectKey(`shop/${of}/${tar}`), body, {}, signal);
  await vault.delete(objectKey(`shop/${of}/${dump}`), signal);
  await overwrite(vault, manifestKey(shop, of), JSON.stringify(manifest));
  manifests.set(of, manifest);
  return manifest;
}

beforeEach(async () => {
  const { vault: memory } = memoryScene();
  [shared, manifests] = [[], new Map()];
  vault = {
    ...memory,
    async share(objects) {
      for (const { from, to, bytes } of objects) shared.push([from, to, bytes]);
      return true;
    },
  };
  for (const [of, files] of [
    [far, 'oldest'],
    [before, 'older'],
    [id, 'newer'],
    [after, 'newer'],
  ] as const)
    await stored(of, files);
  await vault.delete(manifestKey(shop, id), signal);
});

const trust = (on = vault) => ({ vault: on, signingOf: () => undefined });
const partOf = (of: BackupId): ManifestPart => manifests.get(of)!.parts[0]!;
const copy = async (part = partOf(id), on = vault) =>
  (await sharing(trust(on), manifests.get(id)!, signal))!(part, signal);
const linked = (of: BackupId, part = partOf(of)) => [`shop/${of}/${tar}`, `shop/${id}/${part.file}`, part.storedBytes];

describe('a part that comes', () => {
  test('is shared with the nearest backup that has it, newer or older, and with none further away', async () => {
    expect(await copy()).toBe(0);
    expect(shared).toEqual([linked(after)]);
    expect(await copy(partOf(before))).toBe(0);
    expect(shared.slice(1)).toEqual([linked(before)]);
    expect(await copy(partOf(far))).toBeUndefined();
    expect(shared).toHaveLength(2);
  });

  test('is of the name that the new backup has for it', async () => {
    await copy({ ...partOf(id), file: 'data/0007.tar.zst' });

    expect(shared).toEqual([[`shop/${after}/${tar}`, `shop/${id}/data/0007.tar.zst`, partOf(after).storedBytes]]);
  });

  test('is brought where it only looks alike, by its digest or its size', async () => {
    expect(await copy({ ...partOf(id), sha256: '0'.repeat(64) })).toBeUndefined();
    expect(await copy({ ...partOf(id), storedBytes: 7 })).toBeUndefined();
    expect(shared).toEqual([]);
  });

  test.each(['damaged', 'gone'])('is brought where the one that is here is %s', async (how) => {
    const key = objectKey(`shop/${after}/${tar}`);
    if (how === 'gone') await vault.delete(key, signal);
    else await overwrite(vault, key, 'x'.repeat(partOf(after).storedBytes));

    expect(await copy()).toBeUndefined();
    expect(shared).toEqual([]);
  });

  test.each(['gone', 'no manifest'])('is brought where the manifest of that backup is %s', async (how) => {
    if (how === 'gone') {
      const hidden: Vault = {
        ...vault,
        read: (key, stop) =>
          key === manifestKey(shop, after)
            ? Promise.reject(new BackupError('object-missing', 'gone'))
            : vault.read(key, stop),
      };
      expect(await copy(partOf(id), hidden)).toBeUndefined();
    } else {
      await overwrite(vault, manifestKey(shop, after), 'torn');
      expect(await copy()).toBeUndefined();
    }
  });

  test('is an error where the vault can’t be read', async () => {
    const away = new BackupError('vault-unreachable', 'away');
    const read: Vault['read'] = () => Promise.reject(away);
    const get: Vault['get'] = () => {
      throw away;
    };

    await expect(copy(partOf(id), { ...vault, read })).rejects.toBe(away);
    await expect(copy(partOf(id), { ...vault, get })).rejects.toBe(away);
  });

  test('is brought where this place could not share it after all', async () => {
    expect(await copy(partOf(id), { ...vault, share: async () => false })).toBeUndefined();
  });
});

test('of a database nothing is shared, and nothing is asked for it', async () => {
  const parts = manifests.get(id)!.parts.map((part) => ({ ...part, file: part.file === tar ? dump! : part.file }));
  const asked: Vault = {
    ...vault,
    list: () => {
      throw new Error('listed');
    },
  };

  expect(await sharing(trust(asked), { ...manifests.get(id)!, parts }, signal)).toBeUndefined();
});

test('a vault that shares nothing is asked for nothing', async () => {
  const { share: _, ...unable } = vault;
  expect(await sharing(trust(unable), manifests.get(id)!, signal)).toBeUndefined();
});

test.each<[string, Partial<Vault>, boolean]>([
  ['one that can', {}, true],
  ['one that has no second names', { share: undefined as never }, false],
  ['one that locks', { locks: { days: {}, lengthen: async () => undefined } }, false],
  ['one whose listings may be late', { weaker: 'claims' }, false],
  ['one that may lock', { mayLock: async () => true }, false],
  ['one that is asked and does not lock', { mayLock: async () => false }, true],
])('two backups may have a part in common in a vault: %s', async (_, more, expected) => {
  expect(await canShare({ ...vault, ...more }, signal)).toBe(expected);
});

test('parts are shared all together or not, and what is gone meanwhile is not', async () => {
  const parts = [{ part: partOf(after), file: tar! }];
  const from = { source: 'shop', id: after };
  const share = (on: Vault) => shareParts(on, parts, from, { source: shop, id }, signal);
  const refusing = (error: BackupError) => share({ ...vault, share: () => Promise.reject(error) });
  const denied = new BackupError('vault-denied', 'you may not');

  expect(await share(vault)).toBe(true);
  expect(await share({ ...vault, share: async () => false })).toBe(false);
  expect(await share({ ...vault, share: undefined as never })).toBe(false);
  expect(await refusing(new BackupError('object-missing', 'gone'))).toBe(false);
  await expect(refusing(denied)).rejects.toBe(denied);
});
