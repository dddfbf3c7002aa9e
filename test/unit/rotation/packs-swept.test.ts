import { beforeEach, expect, test } from '@jest/globals';
import { objectKey } from '../../../core/domain/keys.ts';
import { historyOf } from '../../../core/domain/verdict/history.ts';
import { withLinks } from '../../../core/store/links/links.ts';
import { removableBytes } from '../../../core/store/rotation/remove.ts';
import { lookForLeftovers, sweepLeftovers } from '../../../core/store/rotation/sweep.ts';
import type { Swept } from '../../../core/store/rotation/sweep.ts';
import { emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';
import type { MemoryState } from '../../support/vaults/memory-vault.ts';
import { shop } from '../../support/vaults/seen.ts';

// What may go is named here, object by object.
const signal = new AbortController().signal;
const hourMs = 3_600_000;
const now = new Date('2026-11-20T12:00:00Z');
const identity = { run: 'rotation', holder: 'test', isGone: () => false };
const [old, made, young] = ['20261110T020000Z-00000a', '20261114T020000Z-00000b', '20261120T110000Z-00000c'] as const;
const pack = (id: string, number: string) => `shop/packs/${id}/${number}.tar.zst`;
const link = (id: string, of: string) => `shop/${id}/data/0001.tar.zst.in-${of}-10`;

let state: MemoryState;
let vault: ReturnType<typeof withLinks>;
beforeEach(() => {
  state = emptyState();
  vault = withLinks(memoryVault(state, { now: () => now }));
  lay(pack(old, '0001'), '2026-11-10T02:01:00Z');
  lay(`shop/${made}/manifest.json`, '2026-11-14T02:10:00Z');
});

function lay(key: string, modified: string, bytes = 10): void {
  state.objects.set(objectKey(key), {
    body: Buffer.alloc(bytes),
    tags: {},
    version: key,
    modified: new Date(modified),
  });
}

const listed = async () => historyOf(shop, await Array.fromAsync(vault.list('shop/', signal)));
const looking = async (packsToo = true) =>
  lookForLeftovers(vault, await listed(), 24 * hourMs, { clock: { now: () => now }, packsToo }, signal);
const sweeping = (found: Swept) =>
  sweepLeftovers(vault, shop, 24 * hourMs, found, { clock: { now: () => now }, identity }, signal);
const packsThere = () => [...state.objects.keys()].filter((key) => key.startsWith('shop/packs/')).sort();

test('a pack that nothing leads to is found and swept, and counted apart from what dead runs have left', async () => {
  lay(`shop/${old}/data/0002.tar.zst`, '2026-11-10T02:01:00Z', 3);
  const found = await looking();
  expect(found).toMatchObject({
    state: 'found',
    objects: 1,
    bytes: 3,
    packs: { keys: [pack(old, '0001')], bytes: 10 },
  });

  expect(await sweeping(found)).toMatchObject({ state: 'swept', packs: { keys: [pack(old, '0001')], bytes: 10 } });
  expect(packsThere()).toEqual([]);
});

test('a look that is not told that every backup is whole finds no pack, and a sweep takes none', async () => {
  const found = await looking(false);
  expect([found.state, found.packs]).toEqual(['none', undefined]);
  lay(`shop/${old}/data/0002.tar.zst`, '2026-11-10T02:01:00Z');
  expect((await sweeping(await looking(false))).packs).toBeUndefined();
  expect(packsThere()).toEqual([pack(old, '0001')]);
});

test.each([
  ['a backup has it', () => lay(link(made, `${old}-0001`), '2026-11-14T02:05:00Z')],
  ['a run that is at work has it', () => lay(link(young, `${old}-0001`), '2026-11-20T11:30:00Z')],
  ['a run that has died has it, and is not swept yet', () => lay(link(old, `${old}-0001`), '2026-11-20T11:30:00Z')],
  ['a link of a backup leads nowhere', () => lay(link(made, `${young}-0001`), '2026-11-14T02:05:00Z')],
  ['a link is of no form that is known', () => lay(link(made, 'elsewhere'), '2026-11-14T02:05:00Z')],
])('a pack stays where %s', async (_, laid) => {
  laid();
  expect((await looking()).packs).toBeUndefined();
});

test('a pack stays for the time of grace, from when its backup began and from when it was stored', async () => {
  state.objects.clear();
  lay(pack(young, '0001'), '2026-11-10T02:01:00Z');
  lay(pack(old, '0001'), '2026-11-20T11:30:00Z');
  expect((await looking()).packs).toBeUndefined();
});

test('what came to be unneeded, or needed, since the look stays', async () => {
  lay(pack(old, '0002'), '2026-11-10T02:01:00Z');
  lay(pack(old, '0003'), '2026-11-10T02:01:00Z');
  lay(link(made, `${old}-0002`), '2026-11-14T02:05:00Z');
  const found = await looking();
  expect(found.packs?.keys).toEqual([pack(old, '0001'), pack(old, '0003')]);
  state.objects.delete(objectKey(link(made, `${old}-0002`)));
  lay(`shop/${made}/data/0003.tar.zst.in-${old}-0003-10`, '2026-11-20T11:00:00Z');

  await sweeping(found);

  expect(packsThere()).toEqual([pack(old, '0002'), pack(old, '0003')]);
});

test('an upload of a pack that a dead run has left is ended', async () => {
  for (const [upload, id] of [
    ['dead', old],
    ['young', young],
  ] as const)
    state.uploads.set(upload, { key: objectKey(pack(id, '0009')), upload, begun: new Date('2026-11-10T02:01:00Z') });

  await sweeping(await looking());

  expect([...state.uploads.keys()]).toEqual(['young']);
});

test('a removal frees what is a backup’s own, and no pack', async () => {
  lay(link(made, `${old}-0001`), '2026-11-14T02:05:00Z');
  lay(`shop/${made}/after.tar.zst`, '2026-11-14T02:05:00Z', 5);
  const [found] = (await listed()).backups;
  expect(removableBytes(shop, found!, ['data/0001.tar.zst', 'after.tar.zst'])).toBe(15);
});
