import { expect, test } from '@jest/globals';
import { isBackupError } from '../../../core/domain/errors.ts';
import { openStore } from '../../../core/store/store.ts';
import { codeOf, race } from '../../support/faults/race.ts';
import { drawing } from '../../support/random/drawing.ts';
import { counting } from '../../support/vaults/claims/claiming.ts';
import type { Troubles } from '../../support/vaults/claims/claiming.ts';
import { interleaved } from '../../support/vaults/interleaver.ts';
import { emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';
import type { Turn } from '../../support/vaults/memory-vault.ts';
import { shop } from '../../support/vaults/seen.ts';
import { withoutConditions } from '../../support/vaults/claims/unconditional.ts';
import type { Verbs } from '../../support/worlds/verbs.ts';
import { idsIn, worldAfter } from '../../support/worlds/world.ts';

const none: Troubles = { kill: 0, sleep: 0, late: 0, unanswered: 0, minutes: 0 };

async function inManyOrders(seeds: number, parties: number, troubles: Troubles) {
  const lost: string[] = [];
  const sums = { told: 0, uncounted: 0, left: 0 };
  for (let seed = 1; seed <= seeds; seed += 1) {
    const end = await counting(parties, 5, troubles, drawing(seed));
    lost.push(...end.lost.map((one) => `seed ${seed}: ${one}`));
    sums.told += end.told;
    sums.left += end.left;
    if (end.value < end.told) sums.uncounted += 1;
  }
  return { lost, ...sums };
}

test.each([2, 3, 5])('of %d who write in a store without conditions, no two write over each other', async (parties) => {
  const { lost, told, uncounted, left } = await inManyOrders(60, parties, none);

  expect({ lost, uncounted, left }).toEqual({ lost: [], uncounted: 0, left: 0 });
  // whoever is made to look 80 times in a row gives up
  expect(told).toBeGreaterThan(60 * parties * 5 * 0.98);
});

test('nor where they are killed, sleep for hours, have wrong clocks, and what they sent comes through late or gets no answer', async () => {
  const { lost, told, uncounted } = await inManyOrders(1000, 3, {
    kill: 0.02,
    sleep: 0.03,
    late: 0.8,
    unanswered: 0.02,
    minutes: 0.1,
  });

  expect({ lost, uncounted }).toEqual({ lost: [], uncounted: 0 });
  // it is worth something only if many get through
  expect(told).toBeGreaterThan(800);
});

test('in such a store nobody holds a lease beside another, and somebody holds it', async () => {
  const beside: string[] = [];
  let held = 0;
  for (let seed = 1; seed <= 40; seed += 1) {
    const [state, draw] = [emptyState(), drawing(seed)];
    const time = { now: new Date('2026-11-20T02:00:00Z') };
    const clock = { now: () => time.now };
    let holding = 0;
    const run = (index: number) => async (turn: Turn) => {
      const vault = withoutConditions(memoryVault(state, { ...clock, turn }), { state, ...clock }, turn, draw);
      const identity = { run: `${index}`, holder: `host ${index}`, isGone: () => false };
      const work = async (signal: AbortSignal, confirm: () => Promise<void>) => {
        holding += 1;
        held += 1;
        for (let step = 0; step < 4; step += 1) {
          if (holding > 1) beside.push(`seed ${seed}: run ${index}`);
          if (step === 2) await confirm();
          await turn('list', 'work', signal);
        }
        holding -= 1;
      };
      await openStore(vault)
        .withLease(shop, { clock, identity }, work, new AbortController().signal)
        .catch(heldByAnother);
    };
    await interleaved([run(0), run(1), run(2)], draw);
  }

  expect(beside).toEqual([]);
  expect(held).toBeGreaterThanOrEqual(40);
});

function heldByAnother(error: unknown): void {
  if (!isBackupError(error, 'lease-held')) throw error;
}

test('backups and a rotation that begin at once in such a store leave every backup whole', async () => {
  const world = await worldAfter([{ orders: ['1', '2'] }]);
  let most = 0;
  const backup = (verbs: Verbs) => verbs.backup();

  const problems = await race(
    world,
    [backup, backup, (verbs) => verbs.rotate()],
    30,
    (after, ends) => {
      const made = ends.slice(0, 2).filter((end) => codeOf(end) === undefined).length;
      most = Math.max(most, made);
      return [
        ...(idsIn(after).length === 1 + made ? [] : [`${made} made, ${idsIn(after).length} there`]),
        ...ends.flatMap((end) => ([undefined, 'lease-held'].includes(codeOf(end)) ? [] : [String(end.error)])),
      ];
    },
    (vault, { state, now }, turn, draw) => withoutConditions(vault, { state, now: () => now }, turn, draw),
  );

  expect(problems).toEqual([]);
  expect(most).toBeGreaterThan(0);
});
