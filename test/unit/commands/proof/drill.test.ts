import { beforeEach, expect, test } from '@jest/globals';
import { backup } from '../../../../core/commands/backup.ts';
import { drill, drillSentence } from '../../../../core/commands/proof/drill.ts';
import type { Manifest } from '../../../../core/contract/manifest/manifest.ts';
import { BackupError } from '../../../../core/domain/errors.ts';
import type { Engine, RunEvent, Target, TargetOptions } from '../../../../core/ports.ts';
import { toyEngine, toySource } from '../../../support/worlds/toy-engine.ts';
import type { ToyServer } from '../../../support/worlds/toy-engine.ts';
import { limit, memoryScene } from '../../../support/vaults/vault.ts';
import type { VaultScene } from '../../../support/vaults/vault.ts';

let scene: VaultScene;
let server: ToyServer;
let manifest: Manifest;
let asked: TargetOptions[];
let told: RunEvent[];

beforeEach(async () => {
  scene = memoryScene();
  server = new Map([['shop', { orders: ['1', '2', '3'] }]]);
  manifest = await backup(toySource(toyEngine(server, 'shop')), scene.deps(), limit());
  [asked, told] = [[], []];
});

type Given = { assert?: string[]; target?: (target: Target) => Partial<Target>; now?: () => Date; proof?: () => void };

/** A drill into the database `scratch`; `target`: changes of what is restored into. */
function drilling({
  assert = [],
  target = () => ({}),
  proof = () => {},
  now = () => new Date('2026-11-20T12:00:00Z'),
}: Given = {}) {
  const toy = toyEngine(server, 'scratch');
  const engine: Engine = {
    ...toy,
    async plan(...given) {
      proof();
      return toy.plan(...given);
    },
    async target(options, signal) {
      asked.push(options);
      const real = await toy.target(options, signal);
      return { ...real, ...target(real) };
    },
  };
  const deps = { ...scene.deps(), clock: { now }, report: (event: RunEvent) => void told.push(event), parallel: 2 };
  return drill(manifest, engine, { owners: false, tablespaces: true, assert }, deps, limit());
}
const failing = (...given: ConstructorParameters<typeof BackupError>) =>
  drilling({ target: () => ({ prepare: () => Promise.reject(new BackupError(...given)) }) });
const records = async () =>
  (await Array.fromAsync(scene.vault.list('', limit()))).flatMap(
    ({ key }) => /proofs\/\w+-(\w+-\w+)/.exec(key)?.[1] ?? [],
  );

test('a drill tells what was proven, how long until all was loaded, and how long in all', async () => {
  let at = Date.parse('2026-11-20T12:00:00Z');
  const said: string[] = [];
  const proof = () => void (at += 10_000);
  const slow = (target: Target): Partial<Target> => ({
    async prepare(replace, signal) {
      at += 90_000;
      said.push(`replace: ${replace}`);
      return target.prepare(replace, signal);
    },
    assert: async (statement) => (said.push(statement), 'true'),
    async finish(...given) {
      at += 30_000;
      return [...(await target.finish(...given)), 'dropped'];
    },
  });

  const done = await drilling({
    assert: ['select true', 'select 1 = 1'],
    target: slow,
    proof,
    now: () => new Date(at),
  });

  expect(done).toMatchObject({ id: manifest.id, restoreMs: 90_000, ms: 130_000, assertions: 2, notes: ['dropped'] });
  expect(done.proof).toMatchObject({ rows: 3, differences: [] });
  expect(drillSentence(done)).toMatch(/; 2 assertions true; restored in 1 min 30 s$/);
  expect(drillSentence({ ...done, assertions: 0 })).not.toContain('assertion');
  expect(said).toEqual(['replace: false', 'select true', 'select 1 = 1']);
  expect(asked).toMatchObject([{ owners: false, tablespaces: true, proof: true, drill: true }]);
  expect(told.map(({ type }) => type)).toEqual(expect.arrayContaining(['stage', 'progress']));
  expect(await records()).toEqual(['drill-passed']);
  expect(server.has('scratch')).toBe(false);
});

test('a clock that was set back makes no drill shorter than nothing', async () => {
  let at = Date.parse('2026-11-20T12:00:00Z');

  expect(await drilling({ now: () => new Date((at -= 60_000)) })).toMatchObject({ restoreMs: 0, ms: 0 });
});

test('a remedy of a restore is told in the words of drills, whose options stand in the file', async () => {
  const hint = 'drop it; or --no-owner; or --to another; or --keep-going;';
  await expect(failing('restore-failed', 'no role ann', { hint })).rejects.toMatchObject({
    code: 'restore-failed',
    message: expect.stringContaining('no role ann'),
    hint: 'drop it; or --no-owner (always: drill: { owners: false }); or nightjar restore --to another; or nightjar restore --keep-going',
  });
  const bare = await failing('restore-failed', 'disk full').catch((error: BackupError) => error);
  expect(bare).toMatchObject({ code: 'restore-failed', hint: undefined });
  expect(await records()).toEqual([]);
});

test.each(['privilege-missing', 'source-unreachable'] as const)(
  'where a server can’t have drills (%s), another one can be named',
  async (code) => {
    const elsewhere = 'or name another server for its drills in nightjar.yaml: drill: { server: … }';

    await expect(failing(code, 'not here')).rejects.toMatchObject({ code, hint: elsewhere });
    await expect(failing(code, 'not here', { hint: 'ask ann' })).rejects.toMatchObject({
      code,
      hint: `ask ann; ${elsewhere}`,
    });
  },
);

test('what is no error of ours is thrown as it is', async () => {
  const fault = new TypeError('a fault');
  const target = () => ({ prepare: () => Promise.reject(fault) });

  await expect(drilling({ target })).rejects.toThrow('a fault');
});
