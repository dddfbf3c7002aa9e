import { beforeAll, expect, test } from '@jest/globals';
import type { Checked } from '../../../core/commands/check/check.ts';
import type { ObjectKey } from '../../../core/domain/keys.ts';
import { openStore } from '../../../core/store/store.ts';
import { codeOf, race } from '../../support/faults/race.ts';
import { drawing } from '../../support/random/drawing.ts';
import { interleaved } from '../../support/vaults/interleaver.ts';
import { memoryVault } from '../../support/vaults/memory-vault.ts';
import { shop } from '../../support/vaults/seen.ts';
import type { Verbs } from '../../support/worlds/verbs.ts';
import { acting, again, hoursMs, worldAfter } from '../../support/worlds/world.ts';
import type { World } from '../../support/worlds/world.ts';

const many = { orders: Array.from({ length: 2000 }, (_, index) => `${index}`) };
const few = { orders: ['1', '2', '3'] };
let stale: World;
let shrunk: World;

beforeAll(async () => {
  stale = await worldAfter([many, many, many, many, many]);
  stale.now = new Date(stale.now.getTime() + 40 * hoursMs);
  shrunk = await worldAfter([many, many, many, few]);
  await acting(shrunk).check();
  shrunk.heard = [];
});

const checking = (verbs: Verbs) => verbs.check();
const kindsOf = (checked: unknown) =>
  ((checked as Checked | undefined)?.judgements ?? [])
    .flatMap(({ findings }) => findings.map(({ kind }) => kind))
    .join();
const failuresOf = (checked: unknown) =>
  ((checked as Checked | undefined)?.failures ?? []).map((failure) => `failed: ${String(failure)}`);
const told = ({ heard }: World) => heard.map(({ kind, severity }) => `${severity} ${kind}`);

test('of two checks at once both see the same and remember it; it is told, twice at most, and not again', async () => {
  const problems = await race(stale, [checking, checking], 80, async (after, ends) => {
    const atOnce = told(after);
    const next = await acting(after, { run: 'next' }).check();
    return [
      ...ends.flatMap(({ result, error }) => (error === undefined ? failuresOf(result) : [String(error)])),
      ...ends.flatMap(({ result }) => (kindsOf(result) === 'stale' ? [] : [`found ${kindsOf(result)}`])),
      ...(/^problem stale(,problem stale)?$/.test(atOnce.join()) ? [] : [`told ${atOnce.join()}`]),
      ...(told(after).length === atOnce.length ? [] : ['the next check tells it again']),
      ...failuresOf(next),
    ];
  });

  expect(problems).toEqual([]);
});

test.each([
  ['a backup is made', (verbs: Verbs) => verbs.backup()],
  ['a rotation removes others', (verbs: Verbs) => verbs.rotate()],
])('while %s, a check finds nothing gone or damaged, and nothing afterwards', async (_, other) => {
  const problems = await race(stale, [checking, other], 100, async (after, [checked, done]) => {
    const next = kindsOf(await acting(after, { run: 'next' }).check());
    const isFresh = (done!.result as { id?: string } | undefined)?.id !== undefined;
    return [
      ...[checked!, done!].flatMap(({ error }) => (error === undefined ? [] : [String(error)])),
      ...(['stale', ''].includes(kindsOf(checked!.result)) ? [] : [`found ${kindsOf(checked!.result)}`]),
      ...(next === (isFresh ? '' : 'stale') ? [] : [`next: found ${next}`]),
    ];
  });

  expect(problems).toEqual([]);
});

test('what is told as accepted while a check looks stays accepted; else it is told that nothing was', async () => {
  const problems = await race(shrunk, [checking, (verbs) => verbs.accept()], 80, async (after, [checked, accepted]) => {
    const found = kindsOf(await acting(after, { run: 'next' }).check());
    return [
      ...([undefined, 'object-exists'].includes(codeOf(accepted!)) ? [] : [String(accepted!.error)]),
      ...(codeOf(accepted!) === undefined && found !== '' ? [`told as accepted, and found ${found}`] : []),
      ...(codeOf(accepted!) === 'object-exists' && found !== 'shrunk' ? ['told as not accepted, and is'] : []),
      ...(checked!.error === undefined ? failuresOf(checked!.result) : [String(checked!.error)]),
    ];
  });

  expect(problems).toEqual([]);
});

/** A run whose clock is a year ahead, so that its lease looks stuck, and that renews it five times. */
async function renewing({ state, now }: World, turn: Parameters<Parameters<typeof interleaved>[0][0]>[0]) {
  const store = openStore(memoryVault(state, { now: () => now, turn }));
  const clock = { now: () => new Date(now.getTime() + 365 * 24 * hoursMs) };
  const identity = { run: 'ahead', holder: 'a machine', isGone: () => false };
  let renewals = 0;
  await store.withLease(
    shop,
    { clock, identity },
    async (_, confirm) => {
      for (; renewals < 5; renewals += 1) await confirm();
    },
    new AbortController().signal,
  );
  return renewals;
}

test('a lease that is freed while its run renews it is lost to that run at its next renewal, and to nobody else', async () => {
  const problems: string[] = [];
  const ends = new Set<string>();
  for (let seed = 1; seed <= 150; seed += 1) {
    const world = again(stale);
    world.state.objects.delete('shop/lease.json' as ObjectKey);
    const [run, freed] = (
      await interleaved<unknown>(
        [(turn) => renewing(world, turn), (turn) => acting(world, { turn, run: 'person' }).unlock()],
        drawing(seed),
      )
    ).map((one) => (one.status === 'fulfilled' ? { result: one.value } : { error: one.reason as unknown }));
    const [ranTo, end] = [codeOf(run!) ?? 'done', codeOf(freed!) ?? String(freed!.result)];
    ends.add(`${ranTo} ${end}`);
    // freed after its last renewal, the run ends well, and gives back what is free
    if (
      !['done lease-held', 'done false', 'lease-lost true', 'done true', 'lease-held false'].includes(`${ranTo} ${end}`)
    )
      problems.push(`seed ${seed}: the run ended as ${ranTo}, the person was told ${end}`);
  }

  expect(problems).toEqual([]);
  expect([...ends]).toEqual(expect.arrayContaining(['done lease-held', 'lease-lost true']));
});
