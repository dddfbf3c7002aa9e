import { beforeAll, expect, test } from '@jest/globals';
import type { Rotation } from '../../../core/commands/rotate.ts';
import { objectKey } from '../../../core/domain/keys.ts';
import type { BackupId, ObjectKey } from '../../../core/domain/keys.ts';
import { everyFault } from '../../support/faults/every-fault.ts';
import type { Ended } from '../../support/faults/every-fault.ts';
import type { Fault } from '../../support/vaults/faulty-vault.ts';
import { none, policyOf } from '../../support/vaults/history.ts';
import { leasedUntil, otherTags } from '../../support/vaults/oracle.ts';
import { acting, again, hoursMs, idsIn, worldAfter } from '../../support/worlds/world.ts';
import type { World } from '../../support/worlds/world.ts';

const rows = { orders: ['1', '2', '3'], items: ['hat', 'coat'] };
const policy = policyOf({ ...none, daily: 3, weekly: 2 });
/** Of a Monday to the next week's Tuesday: the three newest days, the newest of both weeks, and a pinned one. */
const kept = [
  [1, 'none'],
  [6, 'daily-weekly'],
  [7, 'daily'],
  [8, 'daily-weekly'],
] as const;
const dead = '20261101T020000Z-dead00';
let world: World;
let ids: BackupId[];

const put = ({ state }: World, key: string, modified: string) =>
  state.objects.set(objectKey(key), { body: Buffer.from('{}'), tags: {}, version: key, modified: new Date(modified) });

beforeAll(async () => {
  world = await worldAfter(Array.from({ length: 9 }, () => rows));
  ids = idsIn(world);
  await acting(world).pin(ids[1]!);
  put(world, `shop/${dead}/data/0001.sql.zst`, '2026-11-01T02:05:00Z');
  put(world, 'shop/failures/20261101T020600Z-run1-vault-full.json', '2026-11-01T02:06:00Z');
  const key = objectKey(`shop/${dead}/data/0002.sql.zst`);
  world.state.uploads.set('dead', { key, upload: 'dead', begun: new Date('2026-11-01T02:05:00Z') });
});

/** What the vault says is gone was removed by somebody else; by a false size, everything looks damaged. */
const misled = ({ call, code, how }: Fault) =>
  how === 'size' || (code === 'object-missing' && ['read', 'tags', 'retag'].includes(call));
const stay = () => kept.map(([night]) => ids[night]!);
const deadIn = ({ state }: World) => [
  ...[...state.objects.keys()].filter((key) => key.includes(dead) || key.includes('/failures/')),
  ...state.uploads.keys(),
];

function wronglyTold(after: World, { result }: Ended<Rotation>, fault: Fault): string[] {
  if (result === undefined || result.failures.length > 0 || misled(fault)) return [];
  const tags = kept.flatMap(([night, tiers]) => otherTags(after.state.objects, ids[night]!, tiers));
  return [
    ...(idsIn(after).length === kept.length ? [] : ['told as done, and is not']),
    ...(result.swept.state === 'swept' && deadIn(after).length > 0 ? ['told as swept, and is not'] : []),
    ...tags.map((one) => `told as done: ${one}`),
  ];
}

test('whatever fails in the vault, a rotation removes what the policy lets go and nothing else, and the next one does the rest', async () => {
  const { tried, problems } = await everyFault(
    world,
    (verbs) => verbs.rotate(policy),
    async (after, ended, fault) => {
      const left = idsIn(after);
      const told = wronglyTold(after, ended, fault);
      after.now = new Date(after.now.getTime() + 48 * hoursMs);
      const next = await acting(after, { run: 'next' }).rotate(policy);
      const strays = [...after.state.objects.keys()].filter((key) => !stay().some((id) => key.includes(id)));
      return [
        ...stay().flatMap((id) => (left.includes(id) ? [] : [`${id} is gone`])),
        ...told,
        ...next.failures.map((failure) => `next: ${String(failure)}`),
        ...(idsIn(after).join() === stay().join() ? [] : [`next: has left ${idsIn(after).join()}`]),
        ...[...strays, ...after.state.uploads.keys()]
          .filter((key) => key !== 'shop/lease.json' && !key.includes('/starts/'))
          .map((key) => `next: has left ${key}`),
      ];
    },
  );

  expect(problems).toEqual([]);
  expect(tried).toBeGreaterThan(250);
});

test('a rotation without any fault does all of it', async () => {
  const well = again(world);

  const rotation = await acting(well).rotate(policy);

  expect(rotation.failures).toEqual([]);
  expect(wronglyTold(well, { result: rotation }, { call: 'put', nth: 1, how: 'before', code: 'vault-full' })).toEqual(
    [],
  );
  expect([idsIn(well), deadIn(well), rotation.swept.state]).toEqual([stay(), [], 'swept']);
});

const pinOf = (id: BackupId) => `shop/${id}/pin.json` as ObjectKey;

test.each([
  ['first', 0],
  ['pinned already', 1],
])('whatever fails in the vault, a backup that is told as pinned is, and stays (%s)', async (_, night) => {
  const id = ids[night]!;
  const { tried, problems } = await everyFault(
    world,
    (verbs) => verbs.pin(id),
    async (after, { result }) => {
      if (result === undefined) return [];
      const pinned = after.state.objects.has(pinOf(id));
      await acting(after).rotate(policyOf({ count: 1 }));
      return [
        ...(pinned ? [] : ['told as pinned, and is not']),
        ...(idsIn(after).includes(id) ? [] : ['told as pinned, and rotated away']),
      ];
    },
  );

  expect(problems).toEqual([]);
  expect(tried).toBeGreaterThan(20);
});

test('a backup that is not there is neither pinned nor unpinned, and nothing is written', async () => {
  const well = again(world);
  const before = [...well.state.objects.keys()];
  const gone = '20261116T020000Z-000000' as BackupId;

  await expect(acting(well).pin(gone)).rejects.toMatchObject({ code: 'backup-missing' });
  await expect(acting(well).unpin(gone)).rejects.toMatchObject({ code: 'backup-missing' });

  expect([...well.state.objects.keys()]).toEqual(before);
});

test('whatever fails in the vault, a backup that is told as unpinned is, and one that is not is told so', async () => {
  const id = ids[1]!;
  const { tried, problems } = await everyFault(
    world,
    (verbs) => verbs.unpin(id),
    (after, { result }) => [
      ...(result === true && after.state.objects.has(pinOf(id)) ? ['told as unpinned, and is not'] : []),
      ...(result === false ? ['told as never pinned'] : []),
      ...(idsIn(after).length === ids.length ? [] : ['a backup is gone']),
    ],
  );

  expect(problems).toEqual([]);
  expect(tried).toBeGreaterThan(20);
});

test('whatever fails in the vault, a lease that is told as freed is free, and that of a run at work stays its own', async () => {
  const stuck = again(world);
  put(stuck, 'shop/lease.json', '2026-11-21T02:00:00Z');
  const lease = 'shop/lease.json' as ObjectKey;
  const { tried, problems } = await everyFault(
    stuck,
    (verbs) => verbs.unlock(),
    async (after, { result }, { how, call, code }) => {
      const now = after.state.objects.get(lease);
      const next = result && (await acting(after, { run: 'next', seed: 7 }).backup());
      const saysAbsent = call === 'read' && code === 'object-missing';
      return [
        ...(result === true && leasedUntil(after.state.objects, after.now) !== undefined ? ['told as free'] : []),
        ...(result === false && !saysAbsent ? ['told as nothing to do'] : []),
        ...(how === 'stolen' && now?.version !== 'of the thief' ? ['took the lease of a run at work'] : []),
        ...(next && !idsIn(after).includes(next.id as BackupId) ? ['the next run makes no backup'] : []),
      ];
    },
  );

  expect(problems).toEqual([]);
  expect(tried).toBeGreaterThan(20);
});
