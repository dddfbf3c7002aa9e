import { expect, test } from '@jest/globals';
import { BackupError } from '../../core/domain/errors.ts';
import type { SourceName } from '../../core/domain/keys.ts';
import { mapConcurrently } from '../../core/pipeline/concurrency.ts';
import { openStore } from '../../core/store/store.ts';
import { backUp } from '../../functions/backup.ts';
import { invocationIdentity, ofRun } from '../../functions/host/identity.ts';
import { drawing } from '../support/random/drawing.ts';
import { draws } from '../support/random/draws.ts';
import { toyEngine, toySource } from '../support/worlds/toy-engine.ts';
import { memoryVault } from '../support/vaults/memory-vault.ts';
import type { Turn } from '../support/vaults/memory-vault.ts';
import { idsIn, untruthsIn } from '../support/worlds/world.ts';
import type { World } from '../support/worlds/world.ts';

// Lambda's rules, by its developer guide: an event that fails is tried again after one minute and after two more, as the
// same request; the Scheduler may deliver a moment twice, as two requests; an environment may die at any time, and one
// that lives may do the next request.
const nights = Number(process.env['NIGHTJAR_NIGHTS'] ?? draws(1000).numRuns);
const seed = Number(process.env['NIGHTJAR_SEED'] ?? 20_261_129);
const minuteMs = 60_000;
const attempts = 3;

/** What becomes of an attempt: `dies` at this call of the vault, or is `cut` off from it there; `unheard`: Lambda does not learn that it went well. */
type Fate = { what: 'well' | 'unheard' } | { what: 'dies' | 'cut'; call: number };
type Request = {
  id: string;
  at: number;
  fates: (Fate & { ended?: string })[];
  end?: 'stored' | 'skipped' | 'given up';
};

function fateOf(draw: () => number): Fate {
  const drawn = draw();
  const call = Math.floor(draw() * 28);
  if (drawn < 0.35) return { what: 'dies', call };
  if (drawn < 0.5) return { what: 'cut', call };
  return { what: drawn < 0.6 ? 'unheard' : 'well' };
}

/** One night: what is wrong with how it ended. */
async function night(world: World, moment: Date, draw: () => number): Promise<string[]> {
  const before = idsIn(world);
  const scheduled = moment.toISOString();
  const requests: Request[] = (draw() < 0.3 ? ['a', 'b'] : ['a']).map((name, index) => ({
    id: `${name}${moment.getTime().toString(16)}-night`,
    at: moment.getTime() + index * Math.floor(draw() * 4 * minuteMs),
    fates: [],
  }));
  const over = new AbortController();
  const alive = ['stream 0', 'stream 1', 'stream 2']; // environments that do nothing at the moment
  const abandoned: Promise<unknown>[] = [];
  const pending = (until = Number.MAX_SAFE_INTEGER): Request | undefined =>
    requests.filter(({ end, at }) => end === undefined && at <= until).toSorted((one, other) => one.at - other.at)[0];

  /** What comes while another attempt is at work. */
  async function meanwhile(): Promise<void> {
    const next = () => pending(world.now.getTime());
    for (let other = next(); other !== undefined; other = next()) await attempt(other);
  }

  async function attempt(request: Request): Promise<void> {
    const fate = fateOf(draw);
    request.fates.push(fate);
    const began = request.at;
    request.at = Number.POSITIVE_INFINITY; // at work
    world.now = new Date(Math.max(began, world.now.getTime()));
    const lastsMs = (1 + draw() * 4) * minuteMs;
    const meets = Math.floor(draw() * 28);
    const died = Promise.withResolvers<'died'>();
    let calls = 0;
    let others: Promise<void> = Promise.resolve();
    const turn: Turn = async (_, key) => {
      calls += 1;
      if (over.signal.aborted) throw new Error('this environment is gone');
      if (calls === meets) {
        world.now = new Date(world.now.getTime() + lastsMs / 2);
        others = meanwhile();
        await others;
      }
      if (!('call' in fate) || calls < fate.call) return;
      if (fate.what === 'cut') throw new BackupError('vault-unreachable', `${key}: cut off`);
      died.resolve('died');
      await new Promise((_, reject) => over.signal.addEventListener('abort', () => reject(over.signal.reason)));
    };
    const stream = alive.splice(Math.floor(draw() * alive.length), 1)[0]!;
    const run = invoke(world, turn, { id: request.id, scheduled, stream }).then(
      ({ status }) => status,
      () => 'failed' as const,
    );
    abandoned.push(run);
    const ended = await Promise.race([run, died.promise]);
    request.fates.at(-1)!.ended = ended;
    await others;
    alive.push(stream);
    world.now = new Date(world.now.getTime() + lastsMs / 2);
    if (ended === 'died' || ended === 'failed' || fate.what === 'unheard') {
      // that an environment is gone is noticed a while after
      const waits = (request.fates.length + (ended === 'died' ? draw() : 0)) * minuteMs;
      request.at = world.now.getTime() + 45_000 + waits;
      if (request.fates.length === attempts) request.end = 'given up';
    } else if (ended !== 'examined') request.end = ended;
  }

  for (let next = pending(); next !== undefined; next = pending()) await attempt(next);
  const made = idsIn(world).filter((id) => !before.includes(id));
  // what left the work to another that was at it has missed nothing
  const missed = ({ fates }: Request): boolean =>
    fates.some(({ what, ended }) => ['well', 'unheard'].includes(what) && ended === 'failed');
  const told = JSON.stringify(requests.map(({ fates, end }) => ({ fates, end })));
  const wrong = [
    ...(made.length > 1 ? [`${made.length} backups of one moment`] : []),
    ...(made.length === 0 && requests.some(({ end }) => end === 'stored') ? ['told as stored, and not there'] : []),
    ...(made.length === 0 && requests.some((one) => one.end === 'given up' && missed(one))
      ? ['one try would have done']
      : []),
    ...(made.length === 0 && requests.every(({ end }) => end === 'skipped') ? ['each left it to another'] : []),
    ...untruthsIn(world),
  ];
  over.abort(new Error('the night is over'));
  await Promise.allSettled(abandoned);
  return wrong.map((what) => `${scheduled}: ${what}: ${told}`);
}

function invoke(
  world: World,
  turn: Turn,
  { id, scheduled, stream }: { id: string; scheduled: string; stream: string },
) {
  const event = { source: 'shop', scheduled };
  const now = () => world.now;
  const identity = invocationIdentity(
    {
      awsRequestId: id,
      functionName: 'nightjar-backup-shop',
      logStreamName: stream,
      getRemainingTimeInMillis: () => 900_000,
    },
    'on-demand',
    event,
  );
  const engine = toyEngine(world.server, 'shop');
  const host = {
    store: openStore(memoryVault(world.state, { now, turn })),
    clock: { now },
    identity,
    random: () => ofRun(identity.run),
    version: 'test',
    report: () => undefined,
    sourceNames: ['shop' as SourceName],
    source: async () => toySource(engine),
    seconds: () => 1,
    inTurn: false,
  };
  return backUp(event, host, new AbortController().signal);
}

/** A night of its own: with others before it in the vault, a thousand of them would be read a thousand times. */
async function lived(number: number): Promise<{ wrong: string[]; made: number }> {
  const moment = new Date(Date.UTC(2026, 0, 1 + number, 2));
  const world: World = {
    state: { objects: new Map(), uploads: new Map() },
    server: new Map([['shop', { orders: ['1', '2', `${number}`] }]]),
    truth: new Map(),
    now: moment,
    heard: [],
  };
  const wrong = await night(world, moment, drawing(seed + number));
  return { wrong, made: idsIn(world).length };
}

test('over a thousand nights of lost environments, lost answers and double deliveries, none is lost that another try could save, and none is backed up twice', async () => {
  const numbers = Array.from({ length: nights }, (_, number) => number);

  const all = await mapConcurrently(16, numbers, lived, new AbortController().signal);

  expect(all.flatMap(({ wrong }) => wrong)).toEqual([]);
  expect(all.filter(({ made }) => made === 1).length).toBeGreaterThan(nights * 0.8);
  expect(all.some(({ made }) => made === 0)).toBe(true); // some lose all their tries
});
