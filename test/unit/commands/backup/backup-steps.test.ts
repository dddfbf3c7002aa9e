import { beforeEach, expect, test } from '@jest/globals';
import { backup } from '../../../../core/commands/backup.ts';
import type { BackupDeps } from '../../../../core/commands/backup.ts';
import { BackupError } from '../../../../core/domain/errors.ts';
import type { Engine, Plan, RunEvent } from '../../../../core/ports.ts';
import { toyEngine, toySource } from '../../../support/worlds/toy-engine.ts';
import type { ToyServer } from '../../../support/worlds/toy-engine.ts';
import { memoryScene } from '../../../support/vaults/vault.ts';
import type { VaultScene } from '../../../support/vaults/vault.ts';

const night = new Date('2026-11-20T02:00:00Z');
let scene: VaultScene;
let server: ToyServer;
let told: RunEvent[];

beforeEach(() => {
  scene = memoryScene();
  server = new Map([['shop', { orders: ['1', '2', '3'], items: ['hat'] }]]);
  told = [];
});

/** Backs up the toy database; `change`: of its plan. */
function backingUp(
  change: (plan: Plan) => Partial<Plan> = () => ({}),
  more: Partial<BackupDeps> = {},
  signal = AbortSignal.timeout(60_000),
) {
  const toy = toyEngine(server, 'shop');
  const engine: Engine = {
    ...toy,
    async plan(options, stop) {
      const plan = await toy.plan(options, stop);
      return { ...plan, ...change(plan) };
    },
  };
  const deps = { ...scene.deps(), clock: { now: () => night }, report: (event: RunEvent) => void told.push(event) };
  return backup(toySource(engine), { ...deps, ...more }, signal);
}
const manifestsIn = async () => (await scene.files()).filter((key) => key.endsWith('/manifest.json'));
const warnings = () => told.flatMap((event) => (event.type === 'warning' ? [event.message] : []));

test('what will be read is told before it is: the server, the parts, and how many bytes there may be', async () => {
  const { id } = await backingUp(({ parts }) => ({
    parts: parts.map((part, index) => ({ ...part, estimatedBytes: 100 * (index + 1) })),
    warnings: ['a table without a key:\norders'],
  }));

  expect(told.slice(0, 2)).toEqual([
    { type: 'planned', source: 'shop', engine: 'toy', id, what: 'Toy 1.0, 4 parts', totalBytes: 600, parts: 4 },
    { type: 'warning', message: 'a table without a key:\\norders' },
  ]);
});

test('a request that has made its backup already is told so, and asks the source for nothing', async () => {
  const identity = { run: 'event', holder: 'test', isGone: () => true };
  const first = await backingUp(undefined, { identity, random: () => 0.5 });
  told = [];

  const second = await backingUp(undefined, { identity, random: () => 0.5 });

  expect(second).toEqual(first);
  expect(told).toEqual([{ type: 'warning', message: `this request has made ${first.id} already: nothing was done` }]);
  expect(await manifestsIn()).toHaveLength(1);
});

test('whoever confirms what was read hears what each part has noted, in the order of the parts', async () => {
  const toy = toyEngine(server, 'shop');
  const heard: string[][] = [];
  const engine: Engine = {
    ...toy,
    open: (part, stop) => ({ ...toy.open(part, stop), notes: async () => ({ heard: [part.file] }) }),
    async plan(options, stop) {
      const plan = await toy.plan(options, stop);
      return {
        ...plan,
        confirm: (seen, notes, signal) => {
          heard.push(...notes.map((one) => one.heard));
          return plan.confirm(seen, notes, signal);
        },
      };
    },
  };

  await backup(toySource(engine), scene.deps(), AbortSignal.timeout(60_000));

  expect(heard.slice(0, 3)).toEqual([['schema.sql'], ['data/0001.sql'], ['data/0002.sql']]);
});

test('a run that is stopped at the last moment, when its lease was confirmed, makes no backup and leaves no part', async () => {
  const stop = new AbortController();
  const vault = { ...scene.vault };
  let isConfirmed = false;
  const deps = scene.deps({
    ...vault,
    async putIfUnchanged(key, body, version, signal) {
      const written = await vault.putIfUnchanged(key, body, version, signal);
      if (isConfirmed && !stop.signal.aborted) stop.abort(new BackupError('deadline', 'time is over'));
      return written;
    },
  });
  const confirming = (plan: Plan): Partial<Plan> => ({
    async confirm(...given) {
      isConfirmed = true;
      return plan.confirm(...given);
    },
  });

  await expect(backingUp(confirming, { store: deps.store }, stop.signal)).rejects.toMatchObject({ code: 'deadline' });

  expect(stop.signal.aborted).toBe(true);
  expect(await scene.files()).toEqual(['shop/lease.json']);
});

test('what a plan warns of and excepts stands in the manifest in one line each, and is told', async () => {
  const manifest = await backingUp(() => ({
    warnings: ['before\nit'],
    confirm: async (seen) => ({ tables: seen, warnings: ['after\nit'], exceptions: ['but\nthis'] }),
  }));

  expect(manifest).toMatchObject({ warnings: ['before\\nit', 'after\\nit'], exceptions: ['but\\nthis'] });
  expect(warnings()).toEqual(['before\\nit', 'after\\nit', 'but\\nthis']);
});

test('what holds of each backup alike stands in each manifest, and is told by the first that has it', async () => {
  const later = (random: number) => ({ random: () => random });
  const standing = () => ({ warnings: ['each time'], standing: ['no passwords:\nnone'], secrets: 'hashes' });
  const unencrypted = 'hashes are in this backup, and it is not encrypted: see docs/encryption.md';

  await backingUp(standing, later(0.1));
  expect(warnings()).toEqual(['each time', 'no passwords:\\nnone', unencrypted]);
  told = [];
  const second = await backingUp(standing, later(0.2));
  expect(warnings()).toEqual(['each time']);
  expect(second.warnings).toEqual(['each time', 'no passwords:\\nnone', unencrypted]);
  told = [];
  await backingUp(() => ({ ...standing(), standing: ['no password of app'] }), later(0.3));

  expect(warnings()).toEqual(['each time', 'no password of app']);
});

test('a manifest says what it is of, when, by what, and how its parts are made', async () => {
  const manifest = await backingUp(() => ({ rowForm: 'text' }), {
    identity: { run: 'run-7', holder: 'test', isGone: () => true },
    version: '9.9.9',
  });

  expect(manifest).toMatchObject({
    format: 1,
    source: 'shop',
    engine: 'toy',
    database: 'shop',
    server: { product: 'Toy', version: '1.0' },
    client: { program: 'toy', version: '1.0' },
    nightjar: '9.9.9',
    run: 'run-7',
    start: night.toISOString(),
    end: night.toISOString(),
    timeZone: 'UTC',
    compression: { method: 'zstd', level: 1 },
    encryption: null,
    rowForm: 'text',
    objects: { table: 2 },
    sequences: {},
  });
  expect(manifest).not.toHaveProperty('exceptions');
  expect(manifest).not.toHaveProperty('largeObjects');
});
