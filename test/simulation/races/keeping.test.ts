import { beforeAll, expect, test } from '@jest/globals';
import type { Rotation } from '../../../core/commands/rotate.ts';
import { objectKey } from '../../../core/domain/keys.ts';
import type { BackupId, ObjectKey } from '../../../core/domain/keys.ts';
import { codeOf, race } from '../../support/faults/race.ts';
import { none, policyOf } from '../../support/vaults/history.ts';
import { otherTags, proofsIn } from '../../support/vaults/oracle.ts';
import type { Verbs } from '../../support/worlds/verbs.ts';
import { acting, hoursMs, idsIn, worldAfter } from '../../support/worlds/world.ts';
import type { World } from '../../support/worlds/world.ts';

const rows = { orders: ['1', '2', '3'], items: ['hat', 'coat'] };
const policy = policyOf({ ...none, daily: 3, weekly: 2 });
const dead = '20261101T020000Z-dead00';
/** Of five days, those that the policy keeps: the three newest, and the oldest while weeks are few. */
const kept = [0, 2, 3, 4];
let world: World;
let ids: BackupId[];

beforeAll(async () => {
  world = await worldAfter(Array.from({ length: 5 }, () => rows));
  ids = idsIn(world);
  const left = { body: Buffer.from('x'), tags: {}, version: 'dead', modified: new Date('2026-11-01T02:05:00Z') };
  world.state.objects.set(objectKey(`shop/${dead}/data/0001.sql.zst`), left);
});

const stay = () => kept.map((night) => ids[night]!);
const failuresOf = ({ result }: { result?: unknown }) =>
  ((result as Rotation | undefined)?.failures ?? []).map((failure) => `failed: ${String(failure)}`);

test('two rotations at once end as one does', async () => {
  const rotating = (verbs: Verbs) => verbs.rotate(policy);

  const problems = await race(world, [rotating, rotating], 60, (after, ends) => [
    ...(idsIn(after).join() === stay().join() ? [] : [`left ${idsIn(after).join()}`]),
    ...ends.flatMap((end) => [...failuresOf(end), ...(codeOf(end) === undefined ? [] : [String(end.error)])]),
    ...otherTags(after.state.objects, ids[4]!, 'daily-weekly'),
    ...([...after.state.objects.keys()].some((key) => key.includes(dead)) ? ['left what a dead run has left'] : []),
  ]);

  expect(problems).toEqual([]);
});

test.each([1, 2])(
  'a backup that is told as pinned while %d rotations let it go is there, else it is told as gone',
  async (count) => {
    const id = ids[1]!;
    const rotations = Array.from({ length: count }, () => (verbs: Verbs) => verbs.rotate(policy));
    const problems = await race(
      world,
      [(verbs) => verbs.pin(id), ...rotations],
      200,
      (after, [pinning, ...rotated]) => {
        const isPinned = idsIn(after).includes(id) && after.state.objects.has(`shop/${id}/pin.json` as ObjectKey);
        return [
          ...(codeOf(pinning!) === undefined && !isPinned ? ['told as pinned, and is not'] : []),
          ...([undefined, 'backup-missing'].includes(codeOf(pinning!)) ? [] : [String(pinning!.error)]),
          ...stay().flatMap((one) => (idsIn(after).includes(one) ? [] : [`${one} is gone`])),
          ...rotated.flatMap(failuresOf),
        ];
      },
    );

    expect(problems).toEqual([]);
  },
);

test('a backup that is made while another rotation sweeps is whole and stays, or was told to wait', async () => {
  const problems = await race(
    world,
    [(verbs) => verbs.rotate(policy), (verbs) => verbs.backup()],
    60,
    async (after, [rotation, made]) => {
      const { id } = (made!.result ?? {}) as { id?: BackupId };
      after.now = new Date(after.now.getTime() + 48 * hoursMs);
      const next = await acting(after, { run: 'next' }).rotate(policy);
      return [
        ...(id === undefined && codeOf(made!) !== 'lease-held' ? [String(made!.error)] : []),
        ...(id !== undefined && !idsIn(after).includes(id) ? ['told as made, and is not there'] : []),
        ...[...failuresOf(rotation!), ...failuresOf({ result: next })],
      ];
    },
  );

  expect(problems).toEqual([]);
});

test('of two backups of one source at once, each is whole or was told to wait, and one is made', async () => {
  const backingUp = (verbs: Verbs) => verbs.backup();

  const problems = await race(world, [backingUp, backingUp], 60, (after, ends) => [
    ...ends.flatMap((end) => (['lease-held', undefined].includes(codeOf(end)) ? [] : [String(end.error)])),
    ...(ends.every(({ error }) => error !== undefined) ? ['neither was made'] : []),
    ...(idsIn(after).length === ids.length + ends.filter(({ error }) => error === undefined).length
      ? []
      : ['told as made, and is not there']),
  ]);

  expect(problems).toEqual([]);
});

test('a backup that is rotated away while it is verified is missing, and not damaged', async () => {
  const id = ids[1]!;
  const manifest = (await acting(world).list()).flatMap((one) =>
    one.id === id && one.status === 'complete' ? [one.manifest] : [],
  )[0]!;
  const problems = await race(
    world,
    [(verbs) => verbs.rotate(policy), (verbs) => verbs.verify(manifest)],
    60,
    (after, [rotation, verified]) => [
      ...((verified!.result as { problems: object[] } | undefined)?.problems.length ? ['told as damaged'] : []),
      ...([undefined, 'backup-missing'].includes(codeOf(verified!)) ? [] : [String(verified!.error)]),
      ...(proofsIn(after.state.objects).includes('verify-failed') ? ['on record as damaged'] : []),
      ...failuresOf(rotation!),
    ],
  );

  expect(problems).toEqual([]);
});
