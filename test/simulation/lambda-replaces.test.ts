import { expect, test } from '@jest/globals';
import { backup } from '../../core/commands/backup.ts';
import { watchOf } from '../../core/contract/config/settings/watch.ts';
import { readEvent, restoreEventSchema } from '../../core/contract/events/requests.ts';
import { BackupError } from '../../core/domain/errors.ts';
import { mapConcurrently } from '../../core/pipeline/concurrency.ts';
import type { Engine, Target } from '../../core/ports.ts';
import { openStore } from '../../core/store/store.ts';
import { invocationIdentity } from '../../functions/host/identity.ts';
import { restoreOnce } from '../../functions/restore.ts';
import { drawing } from '../support/random/drawing.ts';
import { draws } from '../support/random/draws.ts';
import { toyEngine, toySource } from '../support/worlds/toy-engine.ts';
import { emptyState, memoryVault } from '../support/vaults/memory-vault.ts';
import type { Turn } from '../support/vaults/memory-vault.ts';
import type { World } from '../support/worlds/world.ts';

// AWS's clients send an invoke again, as another request, when its answer is late or lost: three times by default, and
// each may come while another is at work (AWS SDK, retry behaviour). Lambda tries an asynchronous one twice more, as the
// same request. An environment may die at any time.
const nights = Number(process.env['NIGHTJAR_NIGHTS'] ?? draws(400).numRuns);
const seed = Number(process.env['NIGHTJAR_SEED'] ?? 20_261_129);
const minuteMs = 60_000;
const sends = 4;
const lastCall = 34;

/** `dies` at this call of the vault, is `cut` off from it there, or `stumbles` there alone; `unheard`: its answer is lost. */
type Fate = { what: 'well' | 'unheard' } | { what: 'dies' | 'cut' | 'stumbles'; call: number };
type Sent = Fate & { ended?: string };
/** What a night has seen: every row that the application wrote into what a restore had put in place. */
type Seen = { written: string[]; replaced: number; late: number; sent: Sent[] };

function fateOf(draw: () => number): Fate {
  const what = draw();
  const call = Math.floor(draw() * lastCall);
  if (what < 0.25) return { what: 'dies', call };
  if (what < 0.35) return { what: 'cut', call };
  if (what < 0.5) return { what: 'stumbles', call };
  return { what: what < 0.8 ? 'unheard' : 'well' };
}

/** The toy's engine, and an application that writes as soon as a restored database is in its place. */
function watchedEngine(world: World, database: string, seen: Seen): Engine {
  const engine = toyEngine(world.server, database);
  const watched = (target: Target): Target => ({
    ...target,
    async prepare(replace, signal) {
      if (seen.written.length > 0) seen.late += 1;
      return target.prepare(replace, signal);
    },
    async finish(signal) {
      const notes = await target.finish(signal);
      const row = `written after replacement ${(seen.replaced += 1)}`;
      seen.written.push(row);
      world.server.get('shop')!['orders']!.push(row);
      return notes;
    },
  });
  return { ...engine, target: async (...of) => watched(await engine.target(...of)) };
}

async function night(world: World, draw: () => number): Promise<Seen> {
  const seen: Seen = { written: [], replaced: 0, late: 0, sent: [] };
  const over = new AbortController();
  const abandoned: Promise<unknown>[] = [];
  const sameRequest = draw() < 0.4; // an asynchronous invoke

  async function send(): Promise<void> {
    const number = seen.sent.length;
    const fate = fateOf(draw);
    const sent: Sent = { ...fate };
    seen.sent.push(sent);
    const meets = draw() < 0.5 ? Math.floor(draw() * lastCall) : -1;
    const died = Promise.withResolvers<'died'>();
    let calls = 0;
    const turn: Turn = async (_, key) => {
      calls += 1;
      if (over.signal.aborted) throw new Error('this environment is gone');
      if (calls === meets && seen.sent.length < sends) {
        world.now = new Date(world.now.getTime() + draw() * 5 * minuteMs);
        await send(); // the client's next one comes while this one is at work
      }
      if (!('call' in fate) || calls < fate.call) return;
      if (fate.what === 'cut' || calls === fate.call) {
        if (fate.what !== 'dies') throw new BackupError('vault-unreachable', `${key}: cut off`);
        died.resolve('died');
        await new Promise((_, reject) => over.signal.addEventListener('abort', () => reject(over.signal.reason)));
      }
    };
    const id = `${sameRequest ? 'same' : `send${number}`}-night`;
    const run = invoke(world, turn, { id, stream: `stream ${number}`, seen }).then(
      ({ status }) => status,
      (error: unknown) => (error instanceof BackupError ? error.code : String(error)),
    );
    abandoned.push(run);
    sent.ended = await Promise.race([run, died.promise]);
    world.now = new Date(world.now.getTime() + draw() * 30 * minuteMs);
  }

  const isHeard = ({ what, ended }: Sent): boolean =>
    what !== 'unheard' && (ended === 'restored' || ended === 'repeated');
  while (seen.sent.length < sends && !seen.sent.some(isHeard)) await send();
  over.abort(new Error('the night is over'));
  await Promise.allSettled(abandoned);
  return seen;
}

function invoke(world: World, turn: Turn, { id, stream, seen }: { id: string; stream: string; seen: Seen }) {
  const now = () => world.now;
  const event = readEvent(restoreEventSchema, { source: 'shop', to: 'shop', replace: true, confirm: 'shop' }, {});
  const context = {
    awsRequestId: id,
    functionName: 'restore',
    logStreamName: stream,
    getRemainingTimeInMillis: () => 9,
  };
  const host = {
    store: openStore(memoryVault(world.state, { now, turn })),
    clock: { now },
    identity: invocationIdentity(context, 'on-demand', event),
    report: () => undefined,
    vault: () => Promise.reject(new Error('there is no further vault')),
    settings: () => ({
      watch: watchOf({}, {}),
      timeZone: 'UTC',
      retention: toySource(toyEngine(world.server, 'shop')).retention,
    }),
    source: async (_: string, { database = 'shop' }: { database?: string | undefined }) => ({
      ...toySource(watchedEngine(world, database, seen)),
      database,
    }),
    seconds: () => 1,
  };
  return restoreOnce(event, host, new AbortController().signal);
}

/** A night of its own, on a database of which there is one backup. */
async function lived(number: number): Promise<Seen & { lost: string[] }> {
  const world: World = {
    state: emptyState(),
    server: new Map([['shop', { orders: ['1', '2', `${number}`] }]]),
    truth: new Map(),
    now: new Date(Date.UTC(2026, 0, 1 + number, 2)),
    heard: [],
  };
  const now = () => world.now;
  const draw = drawing(seed + number);
  const identity = { run: 'night', holder: 'night', isGone: () => false };
  const common = { clock: { now }, identity, random: draw, version: 'test', report: () => undefined };
  const store = openStore(memoryVault(world.state, { now }));
  await backup(toySource(toyEngine(world.server, 'shop')), { ...common, store }, new AbortController().signal);
  world.now = new Date(world.now.getTime() + 60 * minuteMs);
  const seen = await night(world, draw);
  const left = world.server.get('shop')?.['orders'] ?? [];
  return { ...seen, lost: seen.written.filter((row) => !left.includes(row)) };
}

test('over hundreds of nights of invokes that are sent again, none replaces a database twice or drops what was written since', async () => {
  const numbers = Array.from({ length: nights }, (_, number) => number);

  const all = await mapConcurrently(16, numbers, lived, new AbortController().signal);

  const wrong = all.filter(({ lost, replaced, late }) => lost.length > 0 || replaced > 1 || late > 0);
  expect(wrong.map((one) => JSON.stringify(one))).toEqual([]);
  // the drawing does reach what it is about: most are replaced once, and some are asked again after that
  expect(all.filter(({ replaced }) => replaced === 1).length).toBeGreaterThan(nights * 0.5);
  expect(all.some(({ sent }) => sent.some(({ ended }) => ended === 'repeated'))).toBe(true);
  expect(all.some(({ sent }) => sent.some(({ ended }) => ended === 'lease-held'))).toBe(true);
});
