import { expect, test } from '@jest/globals';
import { dropKept, hasBegun, planDrop, planUndo, takeBack, undo } from '../../../../core/commands/restore/undo.ts';
import type { KeptPlan } from '../../../../core/commands/restore/undo.ts';
import type { Engine, KeptDatabase, Replaced, RestoreFinding } from '../../../../core/ports.ts';
import { toyEngine } from '../../../support/worlds/toy-engine.ts';
import { limit } from '../../../support/vaults/vault.ts';

const half: KeptDatabase = { name: 'shop_half', halfDropped: true };
const newer: KeptDatabase = { name: 'shop_newer' };
const older: KeptDatabase = { name: 'shop_older' };

/** An engine that keeps these databases; `done` is told what was asked of it. */
function keeping(
  kept: KeptDatabase[],
  {
    findings = [] as RestoreFinding[],
    ...more
  }: Partial<Omit<Replaced, 'findings'>> & { findings?: RestoreFinding[] } = {},
) {
  const done: string[] = [];
  const replaced: Replaced = {
    list: async () => kept,
    findings: async ({ name }) => (done.push(`look at ${name}`), findings),
    swapBack: async ({ name }) => (done.push(`swap back ${name}`), 'shop_now'),
    drop: async ({ name }) => void done.push(`drop ${name}`),
    ...more,
  };
  return { engine: { ...toyEngine(new Map(), 'shop'), replaced } satisfies Engine, done };
}
const bare: Engine = toyEngine(new Map(), 'shop');
const nothingKept = {
  code: 'restore-failed',
  message: 'nothing is kept of what database shop was before',
  hint: 'a restore with --replace keeps it; with --drop-old it does not',
};

test('what comes back is the newest that is whole, and what stood in its place is kept', async () => {
  const { engine, done } = keeping([half, newer, older]);

  const plan = await planUndo(engine, 'shop', limit());
  expect(plan).toEqual({ kept: [newer, older], findings: [] });
  expect(await undo(engine, plan, limit())).toBe('shop_now');

  expect(done).toEqual(['look at shop_newer', 'swap back shop_newer']);
});

test('where all that is kept is half dropped, nothing comes back, and it is said what is left to do', async () => {
  await expect(planUndo(keeping([half]).engine, 'shop', limit())).rejects.toMatchObject({
    code: 'restore-failed',
    message: 'nothing is kept of what database shop was before that could come back: shop_half is half dropped',
    hint: '--drop-old drops what is left of it; to go back, restore a backup: nightjar list shows them',
  });
});

test('where nothing is kept, that is said, of coming back and of dropping', async () => {
  await expect(planUndo(keeping([]).engine, 'shop', limit())).rejects.toMatchObject(nothingKept);
  await expect(planDrop(keeping([]).engine, 'shop', limit())).rejects.toMatchObject(nothingKept);
});

test('what was found to be in the way is thrown before anything is exchanged; what only may surprise is not', async () => {
  const inTheWay = { weight: 'fails', what: 'a view of ann is on it', remedy: 'drop it', code: 'lease-held' } as const;
  const { engine, done } = keeping([newer]);
  const planOf = (...findings: RestoreFinding[]): KeptPlan => ({ kept: [newer], findings });

  await expect(undo(engine, planOf({ weight: 'note', what: 'old' }, inTheWay), limit())).rejects.toMatchObject({
    code: 'lease-held',
    message: 'a view of ann is on it; nothing was changed',
    hint: 'drop it',
  });
  await expect(undo(engine, planOf({ weight: 'fails', what: 'x' }), limit())).rejects.toMatchObject({
    code: 'restore-failed',
  });
  expect(done).toEqual([]);

  await undo(engine, planOf({ weight: 'may-fail', what: 'old' }), limit());
  expect(done).toEqual(['swap back shop_newer']);
});

test('all that was shown is dropped, what is half dropped too, and nothing else', async () => {
  const { engine, done } = keeping([half, newer, older]);

  const plan = await planDrop(engine, 'shop', limit());
  expect(plan).toEqual({ kept: [half, newer, older], findings: [] });
  await dropKept(engine, { ...plan, kept: [half, older] }, limit());

  expect(done).toEqual(['drop shop_half', 'drop shop_older']);
});

test('a replacement that died before it exchanged anything is known, and taken back', async () => {
  const begun = keeping([], { hasBegun: async () => true, takeBack: async () => ['a grant'] }).engine;
  expect([await hasBegun(begun, limit()), await takeBack(begun, limit())]).toEqual([true, ['a grant']]);

  const over = keeping([], { hasBegun: async () => false, takeBack: async () => undefined }).engine;
  expect(await hasBegun(over, limit())).toBe(false);
  for (const engine of [over, keeping([]).engine])
    await expect(takeBack(engine, limit())).rejects.toMatchObject({
      code: 'restore-failed',
      message: 'what had begun at toy://shop has come to its end meanwhile',
      hint: 'look again: the same command with --plan',
    });
  expect(await hasBegun(keeping([]).engine, limit())).toBe(false);
});

test('an engine that drops what it replaces has nothing that could come back', async () => {
  for (const asked of [planUndo(bare, 'shop', limit()), planDrop(bare, 'shop', limit()), hasBegun(bare, limit())])
    await expect(asked).rejects.toMatchObject({
      code: 'source-unsupported',
      message: 'toy://shop keeps nothing of what was replaced',
      hint: 'restore a backup from before: nightjar list shows them',
    });
});
