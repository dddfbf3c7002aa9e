import { beforeEach, describe, expect, test } from '@jest/globals';
import { BackupError } from '../../../../core/domain/errors.ts';
import { objectKey } from '../../../../core/domain/keys.ts';
import type { ObjectKey, SourceName } from '../../../../core/domain/keys.ts';
import { historyOf } from '../../../../core/domain/verdict/history.ts';
import { withLinks } from '../../../../core/store/links/links.ts';
import { linksWithPacks } from '../../../../core/store/links/names.ts';
import type { LinkedVault } from '../../../../core/store/links/shown.ts';
import type { Vault } from '../../../../core/vault.ts';
import { chunks, keysOf } from '../../../contract/vault/vault-data.ts';
import { emptyState, memoryVault } from '../../../support/vaults/memory-vault.ts';
import type { MemoryState } from '../../../support/vaults/memory-vault.ts';

// what else may happen to links, and what they may not cost: test/contract/vault/links has what they are
const signal = new AbortController().signal;
const tags = { 'nightjar-tier': 'daily' };
const [one, two, three] = ['20261120T020000Z-00000a', '20261121T020000Z-00000b', '20261122T020000Z-00000c'] as const;
const part = (id: string, number = 1): ObjectKey => objectKey(`media/${id}/data/000${number}.tar.zst`);
const pack = (id: string, number = 1): ObjectKey => objectKey(`media/packs/${id}/000${number}.tar.zst`);
const link = (of: ObjectKey, id: string, number = 1, bytes = 7): ObjectKey =>
  objectKey(`${of}.in-${id}-000${number}-${bytes}`);
const failing = (code: 'vault-full' | 'vault-failed') => () => Promise.reject(new BackupError(code, 'no'));

let state: MemoryState;
let raw: Vault;
let vault: LinkedVault;
/** What the vault was asked for: `list` and its prefix, `delete` and its key. */
let asked: string[];

beforeEach(() => {
  state = emptyState();
  asked = [];
  const inner = memoryVault(state, { now: () => new Date('2026-11-20T02:00:00Z') });
  raw = {
    ...inner,
    list: (prefix, stop) => (asked.push(`list ${prefix}`), inner.list(prefix, stop)),
    delete: (key, stop) => (asked.push(`delete ${key}`), inner.delete(key, stop)),
  };
  vault = withLinks(raw);
});

const put = (key: ObjectKey, on: Vault = vault) => on.put(key, chunks(Buffer.from('content')), tags, signal);
const lay = (key: ObjectKey, text = '') => raw.putIfAbsent(key, Buffer.from(text), {}, signal);
const share = (from: ObjectKey, to: ObjectKey, on: Vault = vault) => on.share!([{ from, to, bytes: 7 }], signal);
const read = async (key: ObjectKey, on: Vault = vault) => (await Array.fromAsync(on.get(key, signal))).join('');
/** What is asked for in the course of this. */
async function asking(work: () => Promise<unknown>): Promise<string[]> {
  asked.length = 0;
  await work();
  return [...asked];
}

test('what can have no links is asked for no links', async () => {
  const key = objectKey(`media/${one}/manifest.json`);
  await lay(key, 'text');

  const asks = await asking(async () => {
    expect(await read(key)).toBe('text');
    await vault.tags(key, signal);
    await vault.retag(key, tags, signal);
    await vault.delete(key, signal);
  });

  expect(asks).toEqual([`delete ${key}`]);
});

test('a vault with names of its own gets no links; those that lie in it are followed, and a backup without is looked at once', async () => {
  await put(part(one));
  await lay(part(two), 'another');
  await lay(part(two, 2), 'another');
  const own: Vault = { ...raw, share: async () => true };
  const following = withLinks(own);

  expect([following.put, following.share]).toEqual([own.put, own.share]);
  expect(await read(part(one), following)).toBe('content');
  const asks = await asking(async () => {
    expect([await read(part(two), following), await read(part(two, 2), following)]).toEqual(['another', 'another']);
  });
  expect(asks).toEqual([`list media/${two}/data/`]);
});

test('whether a vault may share is asked again after it could not be told', async () => {
  const answers = [failing('vault-failed'), async () => false];
  let times = 0;
  const asking: Vault = { ...raw, mayLock: () => answers[Math.min(times++, 1)]!() };
  const on = withLinks(asking);

  await expect(put(part(one), on)).rejects.toMatchObject({ code: 'vault-failed' });
  await put(part(one), on);
  await put(part(two), on);

  expect([...state.objects.keys()].sort()).toEqual([link(part(one), one), link(part(two), two), pack(one), pack(two)]);
  expect(await on.mayLock?.(signal)).toBe(false);
  expect(times).toBe(2);
});

test('a link that can’t be written fails the part, or the share', async () => {
  await put(part(one));
  const full = withLinks({ ...raw, putIfAbsent: failing('vault-full') });

  await expect(put(part(two), full)).rejects.toMatchObject({ code: 'vault-full' });
  await expect(share(part(one), part(three), full)).rejects.toMatchObject({ code: 'vault-full' });
});

test('what can’t stand in a name is written as no link', async () => {
  const lying = withLinks({ ...raw, put: async () => ({ bytes: 1e15 }) });

  await expect(put(part(one), lying)).rejects.toMatchObject({
    code: 'internal',
    message: `${part(one)} can't be a name of ${pack(one)}`,
  });
  expect(state.objects.size).toBe(0);
});

test('a vault that locks what it keeps shares nothing, whatever links lie in it', async () => {
  await put(part(one));
  const locking = withLinks({ ...raw, locks: { days: {}, lengthen: async () => undefined } });

  expect(await share(part(one), part(two), locking)).toBe(false);
  expect(state.objects.has(link(part(two), one))).toBe(false);
});

test('a part that is there itself is in the way of one that is stored or shared', async () => {
  await put(part(one));
  await lay(part(two), 'another');
  const there = { code: 'object-exists', message: `memory/${part(two)} is there already` };

  await expect(put(part(two))).rejects.toMatchObject(there);
  await expect(share(part(one), part(two))).rejects.toMatchObject(there);
  await expect(share(part(three), part(two))).rejects.toMatchObject({
    code: 'object-missing',
    message: `memory/${part(three)} is not there`,
  });
  expect(await read(part(two))).toBe('another');
});

test('a part that is there itself is what is listed and tagged, whatever links lie beside it', async () => {
  await put(part(two));
  await put(part(three));
  await lay(part(one), 'itself');
  for (const id of [two, three]) await lay(link(part(one), id));

  const listed = await Array.fromAsync(vault.list(`media/${one}/`, signal));
  expect(listed.map(({ key, bytes }) => [key, bytes])).toEqual([
    [part(one), 6],
    [link(part(one), two), 0],
    [link(part(one), three), 0],
  ]);
  expect(await read(part(one))).toBe('itself');
  await vault.retag(part(one), { 'nightjar-tier': 'yearly' }, signal);
  expect(state.objects.get(part(one))!.tags).toEqual({ 'nightjar-tier': 'yearly' });
});

test('where the first of two links leads nowhere, the second counts; where both do, nothing is there', async () => {
  await put(part(two));
  await lay(link(part(one), one));
  await lay(link(part(one), two));

  expect(await keysOf(vault, `media/${one}/`)).toEqual([part(one), link(part(one), one)]);
  expect(await read(part(one))).toBe('content');

  await raw.delete(pack(two), signal);
  expect(await keysOf(vault, `media/${one}/`)).toEqual([link(part(one), one), link(part(one), two)]);
  await put(part(one));
  expect(await read(part(one))).toBe('content');
});

test('of two links of one moment the first by name counts, however they are listed', async () => {
  await lay(pack(one), 'content');
  await lay(pack(two), 'another');
  for (const id of [two, one]) await lay(link(part(three), id));
  const backwards = withLinks({
    ...raw,
    list: async function* (prefix, stop) {
      yield* (await Array.fromAsync(raw.list(prefix, stop))).toReversed();
    },
  });

  expect([await read(part(three)), await read(part(three), backwards)]).toEqual(['content', 'content']);
});

test('sizes of packs are asked for together, and once more for one that is not among them', async () => {
  for (const number of [1, 2]) await put(part(one, number));
  for (const number of [1, 2]) await share(part(one, number), part(two, number));
  for (const number of [1, 2, 3]) await lay(link(part(three, number), three));

  expect(await asking(() => keysOf(vault, `media/${two}/`))).toEqual([`list media/${two}/`, 'list media/packs/']);
  expect(await asking(() => keysOf(vault, `media/${three}/`))).toEqual([
    `list media/${three}/`,
    'list media/packs/',
    'list media/packs/',
  ]);
});

test('a listing of a whole source, or of all, shows packs itself', async () => {
  for (const source of ['media', 'shop']) {
    const of = (key: ObjectKey) => objectKey(key.replace('media', source));
    await put(of(part(one)));
    await share(of(part(one)), of(part(two)));
    await lay(objectKey(`${source}/lease.json`), 'lease');
  }

  for (const prefix of ['media/', '', 'm']) {
    let parts: string[] = [];
    const asks = await asking(async () => (parts = await keysOf(vault, prefix)));
    expect(asks).toEqual([`list ${prefix}`]);
    expect(parts.filter((key) => key.endsWith('/data/0001.tar.zst'))).toHaveLength(prefix === '' ? 4 : 2);
  }
  await raw.delete(pack(one), signal);
  expect((await asking(() => keysOf(vault, ''))).slice(0, 2)).toEqual(['list ', 'list media/packs/']);
});

test('a listing comes folder by folder, and from the first link of a source on in one', async () => {
  const keys = [
    ...['image/1/a', 'image/1/b', 'image/2/a'],
    ...[`media/${one}/manifest.json`, link(part(two), one), `media/${three}/manifest.json`, pack(one)],
    ...['shop/1/a', 'shop/lease.json'],
  ].map(objectKey);
  const listed = async function* () {
    for (const key of keys) yield { key, bytes: 1, modified: new Date(0) };
  };

  const groups = await Array.fromAsync(linksWithPacks(listed()));

  const lengths = groups.map((group) => group.length);
  expect([lengths, groups.flat().map(({ key }) => key)]).toEqual([[2, 1, 1, 3, 1, 1], keys]);
});

test('each source has packs of its own', async () => {
  await put(part(one));
  await put(objectKey(part(one).replace('media', 'shop')));

  const listed = await Array.fromAsync(vault.list('', signal));

  const parts = listed.filter(({ file }) => file !== undefined);
  expect(parts.map(({ key, file }) => [key, file])).toEqual([
    [part(one), pack(one)],
    [part(one).replace('media', 'shop'), pack(one).replace('media', 'shop')],
  ]);
});

test('parts are shared by looking once at each backup', async () => {
  for (const number of [1, 2]) await put(part(one, number));
  const objects = [1, 2].map((number) => ({ from: part(one, number), to: part(two, number), bytes: 7 }));

  const asks = await asking(() => vault.share!(objects, signal));

  expect(asks).toEqual([
    `list media/${one}/data/`,
    `list media/${two}/data/`,
    'list media/packs/',
    'list media/packs/',
  ]);
});

describe('a run that knows from a listing', () => {
  const knowing = async () => {
    const listed = await Array.fromAsync(vault.list('media/', signal));
    return vault.knowing!(historyOf('media' as SourceName, listed));
  };
  const object = (from: string, to: string, bytes = 7) => ({ from: part(from), to: part(to), bytes });
  beforeEach(async () => {
    await lay(objectKey(`media/${one}/manifest.json`));
    await put(part(one));
  });

  test('what is there, asks whether the packs are still there and for nothing else', async () => {
    const known = await knowing();

    const asks = await asking(async () => {
      expect(await known.share!([object(one, two)], signal)).toBe(true);
      await known.put(part(two, 2), chunks(Buffer.from('content')), tags, signal);
    });

    expect(asks).toEqual(['list media/packs/']);
    expect([await read(part(two)), await read(part(two, 2))]).toEqual(['content', 'content']);
    expect(state.objects.get(link(part(two, 2), two, 2))!.tags).toEqual(tags);
  });

  test('shares nothing whose pack has gone since, has another size, or was never shown', async () => {
    const known = await knowing();

    expect(await known.share!([object(one, two, 6)], signal)).toBe(false);
    await expect(known.share!([object(three, two)], signal)).rejects.toMatchObject({ code: 'object-missing' });
    await raw.delete(pack(one), signal);
    expect(await known.share!([object(one, two)], signal)).toBe(false);
    await lay(pack(one), 'short');
    expect(await known.share!([object(one, two)], signal)).toBe(false);
  });

  test('a part that is there itself shares nothing', async () => {
    await lay(part(one, 2), 'content');
    const known = await knowing();

    expect(await known.share!([{ from: part(one, 2), to: part(two), bytes: 7 }], signal)).toBe(false);
  });

  test.each<[string, ObjectKey]>([
    ['a backup', objectKey(`media/${two}/manifest.json`)],
    ['what a dead run has stored', objectKey(`media/${two}/after.tar.zst`)],
    ['a pack of a dead run', pack(two)],
  ])('that shows %s under the name of the new one, looks itself', async (_, there) => {
    await lay(there, 'damaged');
    const known = await knowing();

    const asks = await asking(async () => {
      await known.put(part(two), chunks(Buffer.from('content')), tags, signal);
      await known.share!([object(one, three), { ...object(one, two), to: part(two, 2) }], signal);
    });

    expect(asks.slice(0, 2)).toEqual([`list ${part(two)}`, `list media/packs/${two}/0001`]);
    expect(asks).toContain(`list media/${two}/data/`);
    expect([await read(part(two)), await read(part(two, 2))]).toEqual(['content', 'content']);
    expect(state.objects.has(objectKey(`media/packs/${two}/00011.tar.zst`))).toBe(there === pack(two));
  });

  test('of one source, looks itself in another', async () => {
    const known = await knowing();
    const other = objectKey(part(two).replace('media', 'shop'));

    const asks = await asking(() => known.put(other, chunks(Buffer.from('content')), tags, signal));

    expect(asks).toContain(`list ${other}`);
  });
});

test('a part is removed by its links alone, and is hidden where one of them is', async () => {
  await put(part(one));
  await lay(link(part(one), two));
  const hiding = withLinks({
    ...raw,
    delete: async (key, stop) => {
      await raw.delete(key, stop);
      return { state: key === link(part(one), two) ? 'hidden' : 'gone' };
    },
  });

  const asks = await asking(async () => {
    expect(await hiding.delete(part(one), signal)).toEqual({ state: 'hidden', shared: true });
  });

  const deleted = asks.filter((ask) => ask.startsWith('delete'));
  expect(deleted).toEqual([one, two].map((id) => `delete ${link(part(one), id)}`));
});

test.each([pack(one), link(part(one), one)])('a hold counts where it was put on all of it: %s refuses', async (key) => {
  await put(part(one));
  const holding = withLinks({ ...raw, hold: async (held) => held !== key });

  expect(await holding.hold!(part(one), true, signal)).toBe(false);
  expect(await holding.hold!(part(one), false, signal)).toBe(key === pack(one));
});

test('a pack is stored beside others under a name that none of them has', async () => {
  await lay(pack(one), 'damaged');
  await lay(objectKey(`media/packs/${one}/00011.tar.zst`), 'damaged, too');

  const asks = await asking(() => put(part(one)));

  expect(asks).toContain(`list media/packs/${one}/0001`);
  expect(state.objects.has(objectKey(`media/packs/${one}/00012.tar.zst`))).toBe(true);
});
