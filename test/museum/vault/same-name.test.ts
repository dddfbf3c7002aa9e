import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { backup } from '../../../core/commands/backup.ts';
import { verify } from '../../../core/commands/proof/verify.ts';
import { toyEngine, toySource } from '../../support/worlds/toy-engine.ts';
import { memoryScene, limit } from '../../support/vaults/vault.ts';
import type { VaultScene } from '../../support/vaults/vault.ts';

let scene: VaultScene;
beforeEach(async () => {
  scene = memoryScene();
});
afterEach(() => scene.remove());

/** A run that begins in a given second and draws the last of its names, behind which a later one finds no other. */
function backingUp(run: string, lines: string[]) {
  const engine = toyEngine(new Map([['shop', { orders: lines }]]), 'shop');
  const identity = { run, holder: 'test', isGone: () => true };
  const clock = { now: () => new Date('2026-11-20T02:00:00Z') };
  return backup(toySource(engine), { ...scene.deps(), identity, clock, random: () => 0.999_999_99 }, limit());
}

test('museum: a clock that was put back gave a run the name of an older backup, and its failure swept that away', async () => {
  const first = await backingUp('first', ['a', 'b']);
  const before = await scene.files();

  await expect(backingUp('second', ['x', 'y', 'z'])).rejects.toMatchObject({ code: 'object-exists' });

  expect(await scene.files()).toEqual(before);
  expect((await verify(first, scene.deps(), limit())).problems).toEqual([]);
});
