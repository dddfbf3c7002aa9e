import { beforeAll, expect, test } from '@jest/globals';
import type { Checked } from '../../../core/commands/check/check.ts';
import { everyFault } from '../../support/faults/every-fault.ts';
import type { Fault } from '../../support/vaults/faulty-vault.ts';
import { acting, again, hoursMs, idsIn, worldAfter } from '../../support/worlds/world.ts';
import type { World } from '../../support/worlds/world.ts';

const many = { orders: Array.from({ length: 2000 }, (_, index) => `${index}`) };
const few = { orders: ['1', '2', '3'] };
let fresh: World;
let shrunk: World;

beforeAll(async () => {
  fresh = await worldAfter([many, many, many, many]);
  shrunk = await worldAfter([many, many, many, few]);
  await acting(shrunk).check();
  shrunk.heard = [];
});

const later = (world: World, hours: number): World => {
  const moved = again(world);
  moved.now = new Date(moved.now.getTime() + hours * hoursMs);
  return moved;
};
const kindsOf = ({ judgements }: Checked) => judgements[0]!.findings.map(({ kind }) => String(kind));
const told = ({ heard }: World) => heard.map(({ kind, severity }) => `${severity} ${kind}`);
/** A manifest or a size that the vault says wrongly is told as what it would be. */
const misled = ({ call, how, code }: Fault) =>
  how === 'size' || (call === 'read' && (code === 'object-missing' || code === 'object-too-large'));

test.each([
  ['fresh', 0, []],
  ['stale', 40, ['stale']],
])(
  'whatever fails in the vault, a source that is %s is found so, or unknown, and told so once it can be',
  async (_, hours, truth) => {
    const { tried, problems } = await everyFault(
      later(fresh, hours),
      async (verbs) => verbs.check(),
      async (after, { result }, fault) => {
        const found = result === undefined ? ['unknown'] : kindsOf(result);
        const atOnce = told(after);
        const next = await acting(after, { run: 'next' }).check();
        const all = told(after);
        const count = all.filter((one) => one === 'problem stale').length;
        return [
          ...(misled(fault) || found.includes('unknown') || found.join() === truth.join()
            ? []
            : [`found ${found.join()}`]),
          ...(result !== undefined && result.told.length > atOnce.length ? ['counts as told what nobody heard'] : []),
          ...(kindsOf(next).join() === truth.join() ? [] : [`next: found ${kindsOf(next).join()}`]),
          ...next.failures.map((failure) => `next: ${String(failure)}`),
          ...(truth.length > 0 && count === 0 ? ['never told'] : []),
          ...(count > 2 ? ['told three times'] : []),
          ...(idsIn(after).length === 4 ? [] : ['a backup is gone']),
        ];
      },
    );

    expect(problems).toEqual([]);
    expect(tried).toBeGreaterThan(50);
  },
);

test('figures are emitted by a check that has told and remembered all, and by no other', async () => {
  const figures: number[] = [];
  const meter = ({ Stale }: Readonly<Record<string, number>>) => void figures.push(Stale!);
  const broken = { name: 'broken', notify: () => Promise.reject(new Error('nobody answers')) };

  await acting(later(fresh, 40), { meter }).check();
  await acting(later(fresh, 0), { meter }).check();
  const failed = await acting(later(fresh, 40), { meter, notifiers: [broken] }).check();

  expect(figures).toEqual([1, 0]);
  expect([failed.failures.length, failed.told]).toEqual([1, []]);
});

test('whatever fails in the vault, what is lost is accepted, or told until it is', async () => {
  const { tried, problems } = await everyFault(
    shrunk,
    (verbs) => verbs.accept(),
    async (after, { result }, fault) => {
      const found = kindsOf(await acting(after, { run: 'next' }).check());
      const done = result !== undefined && result.length > 0 && fault.how !== 'size';
      return [
        ...(done && found.length > 0 ? [`told as accepted: ${found.join()}`] : []),
        ...(result?.length === 0 && !misled(fault) ? ['told as nothing to accept'] : []),
        ...(found.length > 0 && found.join() !== 'shrunk' ? [`found ${found.join()}`] : []),
        ...(idsIn(after).length === 4 ? [] : ['a backup is gone']),
      ];
    },
  );

  expect(problems).toEqual([]);
  expect(tried).toBeGreaterThan(50);
});
