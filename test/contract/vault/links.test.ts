import { expect, test } from '@jest/globals';
import { BackupError } from '../../../core/domain/errors.ts';
import { objectKey } from '../../../core/domain/keys.ts';
import type { ObjectKey } from '../../../core/domain/keys.ts';
import { withLinks } from '../../../core/store/links/links.ts';
import type { Vault } from '../../../core/vault.ts';
import { emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';
import { keysOf } from './vault-data.ts';
import { vaultContract } from './vault-contract.ts';

// what lies in the vault is named here object by object: the names are a format

const signal = new AbortController().signal;
const daily = { 'nightjar-tier': 'daily', 'nightjar-tiers': 'daily' };
const [one, two, three] = ['20261120T020000Z-00000a', '20261121T020000Z-00000b', '20261122T020000Z-00000c'] as const;
const part = (id: string, number: number): ObjectKey => objectKey(`media/${id}/data/000${number}.tar.zst`);
const pack = objectKey(`media/packs/${one}/0001.tar.zst`);
const nothing = new BackupError('vault-unreachable', 'not-there: there is nothing');
const content = async function* () {
  yield Buffer.from('content');
};

vaultContract('memory with links', async () => {
  const state = emptyState();
  return {
    vault: withLinks(memoryVault(state)),
    missing: withLinks(memoryVault(emptyState(), { place: 'not-there', turn: () => Promise.reject(nothing) })),
    leftovers: async () => [...state.uploads.keys()],
    tagsOf: async (key) => state.objects.get(objectKey(key))!.tags,
    close: async () => undefined,
  };
});

const scene = () => {
  const state = emptyState();
  const raw = memoryVault(state, { now: () => new Date('2026-11-20T02:00:00Z') });
  return { state, raw, vault: withLinks(raw), keys: () => [...state.objects.keys()].sort() };
};
const read = async (vault: Vault, key: ObjectKey) =>
  Buffer.concat(await Array.fromAsync(vault.get(key, signal))).toString();
const share = (vault: Vault, from: ObjectKey, to: ObjectKey, bytes = 7) => vault.share!([{ from, to, bytes }], signal);

test('what may be shared is stored as a pack, with a link in its place; everything else where it belongs', async () => {
  const { vault, keys, state } = scene();

  expect(await vault.put(part(one, 1), content(), daily, signal)).toEqual({ bytes: 7 });
  await vault.put(objectKey(`media/${one}/after.tar.zst`), content(), daily, signal);
  await vault.put(objectKey(`media/${one}/data/0002.tar.zst.age`), content(), daily, signal);
  await vault.put(objectKey(`media/${one}/data/0003.sql.zst`), content(), daily, signal);
  const layer = `data/0004.${'0f'.repeat(32)}.layer`;
  await vault.put(objectKey(`media/${one}/${layer}`), content(), daily, signal);
  await vault.put(objectKey(`media/${one}/${layer}.age`), content(), daily, signal);

  const link = objectKey(`media/${one}/data/0001.tar.zst.in-${one}-0001-7`);
  expect(keys()).toEqual([
    `media/${one}/after.tar.zst`,
    link,
    `media/${one}/data/0002.tar.zst.age.in-${one}-0002-7`,
    `media/${one}/data/0003.sql.zst`,
    `media/${one}/${layer}.age.in-${one}-0004-7`,
    `media/${one}/${layer}.in-${one}-0004-7`,
    pack,
    `media/packs/${one}/0002.tar.zst.age`,
    `media/packs/${one}/${layer.slice(5)}`,
    `media/packs/${one}/${layer.slice(5)}.age`,
  ]);
  expect(state.objects.get(pack)!.tags).toEqual({});
  expect(state.objects.get(link)!.tags).toEqual(daily);
  expect(Buffer.from(state.objects.get(link)!.body).toString()).toBe(`packs/${one}/0001.tar.zst\n`);
  expect(await Array.fromAsync(vault.list(`media/${one}/data/0001`, signal))).toEqual([
    { key: part(one, 1), bytes: 7, file: pack, modified: new Date('2026-11-20T02:00:00Z') },
  ]);
});

test('a part is shared by a second link, each is removed alone, and its bytes stay for the sweep', async () => {
  const { vault, keys } = scene();
  await vault.put(part(one, 1), content(), daily, signal);
  await vault.put(part(one, 2), content(), daily, signal);

  const before = keys();
  expect(await share(vault, part(one, 1), part(two, 3), 6)).toBe(false);
  expect(await share(vault, part(one, 1), objectKey(`media/${two}/data/0003.${'0f'.repeat(32)}.layer`))).toBe(false);
  expect(keys()).toEqual(before);
  expect(await share(vault, part(one, 1), part(two, 3))).toBe(true);
  expect(await share(vault, part(one, 1), part(two, 3))).toBe(true);
  await expect(share(vault, part(one, 2), part(two, 3))).rejects.toMatchObject({ code: 'object-exists' });
  await expect(share(vault, part(one, 9), part(two, 9))).rejects.toMatchObject({ code: 'object-missing' });

  expect(await read(vault, part(two, 3))).toBe('content');
  expect(await vault.delete(part(one, 1), signal)).toEqual({ state: 'gone', shared: true });
  await expect(read(vault, part(one, 1))).rejects.toMatchObject({ code: 'object-missing' });
  expect(await read(vault, part(two, 3))).toBe('content');
  // another backup shares what the first one, which is gone, was made with
  expect(await share(vault, part(two, 3), part(three, 1))).toBe(true);
  await vault.delete(part(two, 3), signal);
  await vault.delete(part(three, 1), signal);
  expect(keys().filter((key) => !key.includes(`${one}-0002`))).toEqual([pack, `media/packs/${one}/0002.tar.zst`]);
});

test('a part that is there itself is what it is, shares nothing, and is removed with what links lie beside it', async () => {
  const { raw, vault, keys } = scene();
  await vault.put(part(two, 1), content(), daily, signal);
  await raw.put(part(one, 1), content(), daily, signal);
  await raw.putIfAbsent(objectKey(`${part(one, 1)}.in-${two}-0001-7`), Buffer.from(''), {}, signal);

  expect(await share(vault, part(one, 1), part(two, 2))).toBe(false);
  expect((await Array.fromAsync(vault.list(part(one, 1), signal))).map(({ file }) => file)).toEqual([
    undefined,
    undefined,
  ]);
  expect(await vault.tags(part(one, 1), signal)).toEqual(daily);
  await vault.delete(part(one, 1), signal);

  expect(keys()).toEqual([`media/${two}/data/0001.tar.zst.in-${two}-0001-7`, `media/packs/${two}/0001.tar.zst`]);
});

test('a link to a pack that is gone or of another size is no part of that size', async () => {
  const { raw, vault } = scene();
  await vault.put(part(one, 1), content(), daily, signal);
  await share(vault, part(one, 1), part(two, 1));

  await raw.delete(pack, signal);
  expect(await keysOf(vault, `media/${two}/`)).toEqual([`media/${two}/data/0001.tar.zst.in-${one}-0001-7`]);
  expect(await share(vault, part(two, 1), part(one, 5))).toBe(false);
  await expect(read(vault, part(two, 1))).rejects.toMatchObject({ code: 'object-missing' });

  await raw.putIfAbsent(pack, Buffer.from('cont'), {}, signal);
  const [found] = await Array.fromAsync(vault.list(`media/${two}/`, signal));
  expect(found).toMatchObject({ key: part(two, 1), bytes: 4 });
});

test('of several links the first that leads to something counts, whatever was put beside it later', async () => {
  const state = emptyState();
  let at = 0;
  const raw = memoryVault(state, { now: () => new Date(at++ * 1000) });
  const vault = withLinks(raw);
  await vault.put(part(one, 5), content(), {}, signal);
  await raw.putIfAbsent(objectKey(`media/packs/${one}/0001.tar.zst`), Buffer.from('another'), {}, signal);
  await raw.putIfAbsent(objectKey(`${part(one, 5)}.in-${one}-0001-7`), Buffer.from(''), {}, signal);
  expect(await read(vault, part(one, 5))).toBe('content');
  // whatever its name is, and whatever size it has: what is listed is what is read
  const larger = objectKey('media/packs/20261219T020000Z-00000f/0001.tar.zst');
  await raw.putIfAbsent(larger, Buffer.from('much larger'), {}, signal);
  await raw.putIfAbsent(objectKey(`${part(one, 5)}.in-20261219T020000Z-00000f-0001-11`), Buffer.from(''), {}, signal);
  const listed = await Array.fromAsync(vault.list(`media/${one}/`, signal));
  expect(listed.filter(({ key }) => key === part(one, 5))).toMatchObject([
    { bytes: 7, file: `media/packs/${one}/0005.tar.zst` },
  ]);
  expect(await read(vault, part(one, 5))).toBe('content');

  await raw.delete(objectKey(`media/packs/${one}/0005.tar.zst`), signal);
  expect(await read(vault, part(one, 5))).toBe('another');
});

test('tags are those of links, and a part that is nowhere has none', async () => {
  const { vault, state } = scene();
  await vault.put(part(one, 1), content(), daily, signal);
  await share(vault, part(one, 1), part(two, 1));
  const yearly = { 'nightjar-tier': 'yearly' };

  await vault.retag(part(two, 1), yearly, signal);

  expect(await vault.tags(part(two, 1), signal)).toEqual(yearly);
  expect(await vault.tags(part(one, 1), signal)).toEqual(daily);
  expect(state.objects.get(pack)!.tags).toEqual({});
  await expect(vault.retag(part(two, 9), yearly, signal)).rejects.toMatchObject({ code: 'object-missing' });
});

test('where a pack lies already, of a run that died or one that is damaged, the part is stored beside it', async () => {
  const { raw, vault, keys } = scene();
  await raw.putIfAbsent(pack, Buffer.from('damaged'), {}, signal);

  await vault.put(part(one, 1), content(), {}, signal);
  await share(vault, part(one, 1), part(two, 1));

  const beside = `media/packs/${one}/00011.tar.zst`;
  expect(keys()).toEqual([
    `media/${one}/data/0001.tar.zst.in-${one}-00011-7`,
    `media/${two}/data/0001.tar.zst.in-${one}-00011-7`,
    pack,
    beside,
  ]);
  for (const id of [one, two]) expect(await read(vault, part(id, 1))).toBe('content');
  await expect(vault.put(part(two, 1), content(), {}, signal)).rejects.toMatchObject({ code: 'object-exists' });
  await vault.delete(part(one, 1), signal);
  await vault.put(part(one, 1), content(), {}, signal);
  expect(keys()).toContain(`media/packs/${one}/00012.tar.zst`);
});

test('a pack that goes while it is shared is shared with nobody', async () => {
  const { raw, state } = scene();
  await withLinks(raw).put(part(one, 1), content(), {}, signal);
  const sweeping: Vault = {
    ...raw,
    putIfAbsent: async (...given) => (state.objects.delete(pack), raw.putIfAbsent(...given)),
  };

  expect(await share(withLinks(sweeping), part(one, 1), part(two, 1))).toBe(false);
});

test('a pack that came while the vault was listed is seen', async () => {
  const { raw, vault } = scene();
  await vault.put(part(one, 1), content(), {}, signal);
  await share(vault, part(one, 1), part(two, 1));
  const late: Vault = {
    ...raw,
    async *list(prefix, stop) {
      if (prefix !== 'media/') return yield* raw.list(prefix, stop);
      yield* raw.list('media/packs/', stop);
      await withLinks(raw).put(part(three, 2), content(), {}, signal);
      yield* raw.list('media/2026', stop);
    },
  };

  const listed = (await keysOf(withLinks(late), 'media/')).filter((key) => key !== pack);

  expect(listed).toEqual([part(one, 1), part(two, 1), part(three, 2)]);
});

test('a vault that locks what it keeps, or where nobody knows, or holds less firmly, keeps every part in its place', async () => {
  for (const locking of [
    { mayLock: async () => true },
    { weaker: 'listings may be late' },
    { locks: { days: { daily: 7 }, lengthen: async () => undefined } },
  ]) {
    const { raw, keys } = scene();
    const vault = withLinks({ ...raw, ...locking });
    await vault.put(part(one, 1), content(), daily, signal);

    expect(keys()).toEqual([part(one, 1)]);
    expect(await share(vault, part(one, 1), part(two, 1))).toBe(false);
  }
});

test('locks and holds that come later are put on links and on what they lead to, and holds are taken off links alone', async () => {
  const { raw, vault } = scene();
  await vault.put(part(one, 1), content(), daily, signal);
  const done: string[] = [];
  const locking = withLinks({
    ...raw,
    hold: async (key, on) => (done.push(`${on} ${key}`), true),
    locks: { days: {}, lengthen: async (key) => void done.push(`lock ${key}`) },
  });
  const link = `${part(one, 1)}.in-${one}-0001-7`;

  await locking.hold!(part(one, 1), true, signal);
  await locking.hold!(part(one, 1), false, signal);
  await locking.locks!.lengthen(part(one, 1), new Date(), signal);

  expect(done).toEqual([`true ${pack}`, `true ${link}`, `false ${link}`, `lock ${pack}`, `lock ${link}`]);
});
