import { beforeEach, describe, expect, test } from '@jest/globals';
import { listKeysOfRun } from '../../../core/commands/list-keys.ts';
import type { ListsOfRun } from '../../../core/commands/list-keys.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { objectKey } from '../../../core/domain/keys.ts';
import type { BackupId } from '../../../core/domain/keys.ts';
import type { BackupFound } from '../../../core/domain/verdict/history.ts';
import { newIdentity } from '../../../core/pipeline/age/keys.ts';
import type { ListKey, ListKeys, RunEvent, Source } from '../../../core/ports.ts';
import { dailyIds, signal } from '../../support/vaults/history.ts';
import { shop } from '../../support/vaults/seen.ts';

const [first, second, third] = dailyIds(3) as [BackupId, BackupId, BackupId];
const { recipient } = await newIdentity();
const source = { name: shop, recipients: [recipient] } as unknown as Source;
const key = (id: BackupId): ListKey => ({ id, manifest: `digest of ${id}`, identity: `key of ${id}` });
const found = (id: BackupId, ...files: string[]): BackupFound =>
  ({ id, objects: files.map((file) => ({ key: objectKey(`shop/${id}/${file}`) })) }) as unknown as BackupFound;
const sealed = (id: BackupId) => found(id, 'catalog.json.zst', 'data/0001.tar.zst.age');
const plain = (id: BackupId) => found(id, 'data/0001.tar.zst');
const why = '(docs/files.md#what-has-not-changed)';
let kept: (readonly ListKey[])[];
let events: RunEvent[];
beforeEach(() => void ([kept, events] = [[], []]));

function keeping(keys: ListKey[], more: Partial<ListKeys> = {}): ListKeys {
  return {
    read: async (name) => (name === shop ? { place: '/keys', keys } : { why: `asked for ${name}` }),
    keep: async (name, all) => void (name === shop && kept.push(all)),
    ...more,
  };
}
const run = (listKeys: ListKeys | undefined, others: BackupFound[] = [], stop = signal) => {
  const store = { manifestDigest: ({ id }: Manifest) => `digest of ${id}` };
  return listKeysOfRun(source, others, { listKeys, store, report: (event) => void events.push(event) }, stop);
};
const lists = async (keys: ListKey[], others: BackupFound[] = [], more: Partial<ListKeys> = {}) =>
  (await run(keeping(keys, more), others)) as ListsOfRun;
const manifest = { id: third } as unknown as Manifest;
const refused = () => Promise.reject(new Error('the disk is full'));

describe('the keys of a run', () => {
  test('are those that this machine has, and a new one', async () => {
    const own = await lists([key(first), key(second)], [sealed(second)]);
    const { identity } = await newIdentity();

    expect([own.of(first), own.of(second), own.of(third)]).toEqual([key(first), key(second), undefined]);
    expect(own.recipient).toMatch(/^age1/);
    expect(own.recipient).not.toBe((await lists([])).recipient);
    expect(await own.identities({ ...key(first), identity })).toEqual([identity]);
    await expect(own.identities(key(first))).rejects.toThrow('the key to its list');
    expect(own).not.toHaveProperty('said');
  });

  test('are none where nothing keeps them', async () => {
    expect(await run(undefined)).toEqual({});
  });

  test('are none where they can’t be kept or read, and that is said', async () => {
    const said = (because: string) => ({
      said: `everything is stored each time, for this machine can't keep keys to lists: ${because} ${why}`,
    });

    expect(await run(keeping([], { read: async () => ({ why: 'no home' }) }))).toEqual(said('no home'));
    expect(await run(keeping([], { read: refused }))).toEqual(said('the disk is full'));
  });

  test('are not looked for by who is stopped', async () => {
    const stop = new AbortController();
    const read = () => (stop.abort(), refused());

    await expect(run(keeping([], { read }), [], stop.signal)).rejects.toBeDefined();
  });

  test.each([
    ['no backup is there', [], [], false],
    ['none is encrypted', [], [plain(first), plain(second)], false],
    ['one of two is encrypted', [], [plain(first), sealed(second)], true],
    ['both are', [key(third)], [sealed(first), sealed(second)], true],
    ['there is a key to one', [key(first)], [sealed(first), sealed(second)], false],
    ['there is a key to all', [key(first), key(second)], [sealed(first), sealed(second)], false],
  ])('where %s, and what is lost is said', async (_, keys, others, isSaid) => {
    const said = `everything is stored again: /keys has no key to the list of a backup before ${why}`;

    expect((await lists(keys, others)).said).toBe(isSaid ? said : undefined);
  });
});

describe('what is kept', () => {
  const next = { id: third, manifest: `digest of ${third}`, identity: expect.stringMatching(/^AGE-SECRET-KEY-/) };

  test.each([
    ['of the backup before and this one', second, [key(second), next]],
    ['of this one alone, where there is none before', undefined, [next]],
    ['of this one alone, where that one has no key here', first, [next]],
  ])('is the key %s', async (_, before, keys) => {
    await (await lists([key(second)])).keep(manifest, before, signal);

    expect(kept).toEqual([keys]);
    expect(events).toEqual([]);
  });

  test.each([
    [[], 'stores everything again'],
    [[key(second)], 'is compared with an older one, if it is still there'],
  ])('and can’t be is a warning that says what follows', async (keys, then) => {
    await (await lists(keys, [], { keep: refused })).keep(manifest, second, signal);

    const message = `the key to its list can't be kept, so the next backup ${then}: the disk is full`;
    expect(events).toEqual([{ type: 'warning', message }]);
  });

  test('by who is stopped is an error', async () => {
    const stop = new AbortController();
    const own = await lists([], [], { keep: () => (stop.abort(), refused()) });

    await expect(own.keep(manifest, undefined, stop.signal)).rejects.toBeDefined();
    expect(events).toEqual([]);
  });
});
