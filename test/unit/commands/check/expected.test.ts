import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { backup } from '../../../../core/commands/backup.ts';
import { check } from '../../../../core/commands/check/check.ts';
import type { Checked } from '../../../../core/commands/check/check.ts';
import type { WatchSettings } from '../../../../core/contract/config/settings/watch.ts';
import { checkResult } from '../../../../core/domain/watch/check-result.ts';
import { BackupError } from '../../../../core/domain/errors.ts';
import { startOf } from '../../../../core/domain/keys.ts';
import { leaseKey } from '../../../../core/domain/layout/places.ts';
import type { SourceName } from '../../../../core/domain/keys.ts';
import { messageOfFinding } from '../../../../core/domain/messages/check.ts';
import type { Message } from '../../../../core/contract/events/message.ts';
import { runFailed } from '../../../../core/domain/messages/run.ts';
import type { Engine, Notifier } from '../../../../core/ports.ts';
import { openStore } from '../../../../core/store/store.ts';
import type { Vault } from '../../../../core/vault.ts';
import { watching } from '../../../support/vaults/seen.ts';
import { storeBackup } from '../../../support/vaults/stored.ts';
import { toyEngine, toySource } from '../../../support/worlds/toy-engine.ts';
import { limit, memoryScene, overwrite } from '../../../support/vaults/vault.ts';
import type { MemoryScene } from '../../../support/vaults/vault.ts';

const shop = 'shop' as SourceName;
const nightly = '0 2 * * *';
let scene: MemoryScene;
let heard: string[];
let metered: Readonly<Record<string, number>> = {};

beforeEach(async () => {
  scene = memoryScene();
  heard = [];
  await backingUp('2026-11-10T02:00:05Z');
});
afterEach(() => scene.remove());

const listener: Notifier = {
  name: 'listener',
  notify: async ({ severity, kind, subject }: Message) => void heard.push(`${severity} ${kind}: ${subject}`),
};
const take = () => heard.splice(0);
const engine = () => toyEngine(new Map([['shop', { orders: ['1', '2'] }]]), 'shop');
const at = (moment: string) => ({ now: () => new Date(moment) });

async function backingUp(
  moment: string,
  { asked, works = engine(), cron = nightly }: { asked?: string; works?: Engine; cron?: string } = {},
): Promise<unknown> {
  const deps = {
    ...scene.deps(),
    identity: { run: 'test', holder: 'test', isGone: () => false },
    clock: at(moment),
    asked: asked === undefined ? undefined : new Date(asked),
  };
  const source = { ...toySource(works), schedule: { cron, timeZone: 'UTC', windowMs: 0 } };
  return deps.store
    .withFailureRecord(
      shop,
      deps,
      (error) => error,
      () => backup(source, deps, limit()),
    )
    .catch(() => undefined);
}

function checking(
  moment: string,
  watch: Partial<WatchSettings> = {},
  { remember = true, vault = scene.vault, signal = limit() } = {},
): Promise<Checked> {
  const schedule = watch.schedule ?? nightly;
  const watched = { ...watching({ limit: { schedule }, schedule, ...watch }), source: shop, place: scene.vault.place };
  return check(
    [watched],
    { whole: true },
    {
      store: openStore(vault),
      clock: at(moment),
      notifiers: remember ? [listener] : [],
      meter: (figures) => void (metered = figures),
      remember,
    },
    signal,
  );
}

test('a night that is missed is told once, reminded of, and over when the next one is made; a backup by hand between them is not that', async () => {
  await checking('2026-11-10T04:00:00Z');
  await checking('2026-11-11T03:00:00Z');
  expect(take()).toEqual([]);

  const seen = await checking('2026-11-11T03:30:00Z');
  await backingUp('2026-11-11T09:00:00Z');
  await checking('2026-11-11T10:00:00Z');
  expect(take()).toEqual(['problem missed: the backup of 2026-11-11 02:00 UTC was missed: nothing has begun']);
  expect(metered).toMatchObject({ Fresh: 0, Problems: 1, Stale: 1 });
  expect(checkResult(seen).sources[0]).toMatchObject({
    state: 'missed',
    schedule: { made: 0, others: [{ at: '2026-11-11T02:00:00.000Z', outcome: 'missed' }] },
  });

  await backingUp('2026-11-12T02:00:05Z');
  await checking('2026-11-12T04:00:00Z');
  await checking('2026-11-12T05:00:00Z');
  expect(take()).toEqual([
    'recovered recovered: nothing of its schedule is missing any more: the newest backup is 2 h old',
  ]);
});

test('a check that comes once a day tells of a night between two others, once', async () => {
  await checking('2026-11-10T12:00:00Z');
  await backingUp('2026-11-12T02:00:05Z');
  await checking('2026-11-12T02:30:00Z');
  expect(take()).toEqual([
    'problem missed: the backup of 2026-11-11 02:00 UTC was missed: nothing has begun; the one of 2026-11-12 ' +
      '02:00 UTC was made',
  ]);

  await checking('2026-11-12T12:00:00Z');
  expect(take()).toEqual([expect.stringMatching(/^recovered/)]);
});

test('a night between two others is told though the first check that saw it was killed before it could tell', async () => {
  await checking('2026-11-10T12:00:00Z');
  await backingUp('2026-11-12T02:00:05Z');
  const killed = new AbortController();
  // whoever marks that it checks has written the ledger, and told nothing yet
  const dying: Vault['putIfUnchanged'] = (key, ...rest) => {
    if (!key.endsWith('/checkers.json')) return scene.vault.putIfUnchanged(key, ...rest);
    killed.abort();
    return Promise.reject(new BackupError('aborted', 'killed'));
  };
  const vault = { ...scene.vault, putIfUnchanged: dying };
  await expect(checking('2026-11-12T12:00:00Z', {}, { vault, signal: killed.signal })).rejects.toThrow('killed');
  expect(take()).toEqual([]);

  await checking('2026-11-12T12:05:00Z');
  expect(take()).toEqual([expect.stringMatching(/^problem missed: the backup of 2026-11-11 02:00 UTC was missed/)]);
  await checking('2026-11-12T13:00:00Z');
  await checking('2026-11-12T14:00:00Z');
  expect(take()).toEqual([expect.stringMatching(/^recovered/)]);
});

test.each([
  ['a schedule that was changed', {}],
  ['a pause that was over', { paused: true }],
])('%s while a clock was a year ahead lets no night pass once it is right again', async (_, before) => {
  await checking('2026-11-10T04:00:00Z', before);
  const changed = 'paused' in before ? {} : { schedule: '0 3 * * *', limit: { schedule: '0 3 * * *' } };
  await checking('2027-11-10T04:00:00Z', changed);
  take();

  await checking('2026-11-10T05:00:00Z', changed);
  const seen = await checking('2026-11-11T05:00:00Z', changed);

  expect(seen.judgements[0]!.state).toBe('missed');
});

test('a run that was killed is told as that; three nights are told by name, and as one', async () => {
  await checking('2026-11-10T04:00:00Z');
  const hung = { ...engine(), plan: () => Promise.reject(new BackupError('aborted', 'killed')) };
  const deps = { ...scene.deps(), clock: at('2026-11-11T02:00:05Z') };
  await backup({ ...toySource(hung), schedule: { cron: nightly, timeZone: 'UTC', windowMs: 0 } }, deps, limit()).catch(
    () => undefined,
  );

  await checking('2026-11-11T04:00:00Z');
  expect(take()).toEqual(['problem missed: the backup of 2026-11-11 02:00 UTC began and was killed']);

  await backingUp('2026-11-12T02:00:05Z', {
    works: { ...hung, plan: () => Promise.reject(new BackupError('vault-full', 'no space')) },
  });
  const seen = await checking('2026-11-13T04:00:00Z');
  expect(take()).toEqual([
    'reminder missed: 3 backups of its schedule are missing; the last one, of 2026-11-13 02:00 UTC, was missed: ' +
      'nothing has begun',
  ]);
  expect(checkResult(seen).sources[0]?.schedule?.others.map(({ outcome }) => outcome)).toEqual([
    'killed',
    'failed',
    'missed',
  ]);
});

test.each([
  ['a schedule that was changed at noon', { schedule: '0 */2 * * *' }, {}],
  ['a pause that is over', { paused: true }, { paused: false }],
  ['a schedule that was just written', { schedule: undefined, limit: { ms: 90_000_000_000 } }, {}],
] as [string, Partial<WatchSettings>, Partial<WatchSettings>][])(
  '%s expects nothing of the time before',
  async (_, first, then) => {
    await checking('2026-11-10T04:00:00Z', 'paused' in first ? {} : { ...first, schedule: '0 2 * * 2' });
    if ('paused' in first) await checking('2026-11-10T05:00:00Z', first);
    take();

    const changed = {
      ...then,
      ...('schedule' in first && first.schedule !== undefined && { schedule: first.schedule }),
    };
    await checking('2026-11-14T12:30:00Z', changed);
    await checking('2026-11-14T13:30:00Z', changed);

    expect(take().filter((line) => line.startsWith('problem'))).toEqual([]);
  },
);

test('a source whose cron was dead before the first check is told at that check', async () => {
  await checking('2026-11-14T12:00:00Z');

  expect(take()).toEqual([
    'problem missed: 4 backups of its schedule are missing; the last one, of 2026-11-14 02:00 UTC, was missed: ' +
      'nothing has begun',
  ]);
});

test('an age that the configuration names is judged beside the schedule', async () => {
  const both = { limit: { ms: 25 * 3_600_000 } };
  await checking('2026-11-10T04:00:00Z', both);

  const { judgements } = await checking('2026-11-11T04:00:00Z', both);

  expect(judgements[0]!.findings.map(({ kind }) => kind)).toEqual(['stale', 'missed']);
});

test.each([
  ['nobody can read', 'what is this?', "what stands in it can't be read"],
  [
    'is dated 2099',
    JSON.stringify({ run: 'r', holder: 'h', until: '2099-01-01T00:00:00Z' }),
    'it holds until 2099-01-01T00:00:00Z',
  ],
])('a lease that %s is a finding, with the command that frees it', async (_, body, why) => {
  await checking('2026-11-10T04:00:00Z');
  await overwrite(scene.vault, leaseKey(shop), body);
  await backingUp('2026-11-11T02:00:05Z');

  const { judgements, told } = await checking('2026-11-11T02:10:00Z');

  expect(judgements[0]!.findings).toEqual([{ kind: 'lease-stuck', why: expect.stringContaining(why) }]);
  expect(told).toMatchObject([{ kind: 'lease-stuck', next: ['nightjar unlock shop'] }]);
});

test('who only looks sees the same, and writes nothing down', async () => {
  await checking('2026-11-10T04:00:00Z');
  const before = (await scene.vault.read('shop/ledger.json' as never, limit())).version;

  const { judgements } = await checking('2026-11-11T04:00:00Z', {}, { remember: false });

  expect(judgements[0]!.state).toBe('missed');
  expect((await scene.vault.read('shop/ledger.json' as never, limit())).version).toBe(before);
});

test('a backup that takes five hours and began three hours late is no finding while it is at work', async () => {
  await storeBackup(scene.vault, shop, new Date('2026-11-11T02:00:05Z'), {
    seconds: 5 * 3600,
    engine: 'toy',
    tables: { 'public.orders': 2 },
    bytes: 100,
  });
  await checking('2026-11-11T08:00:00Z');
  const states: string[] = [];
  const slow: Engine = {
    ...engine(),
    async plan(options, signal) {
      for (const moment of ['2026-11-12T07:30:00Z', '2026-11-12T09:30:00Z']) {
        // as the run renews it
        scene.date(leaseKey(shop), moment);
        states.push((await checking(moment)).judgements[0]!.state);
      }
      return engine().plan(options, signal);
    },
  };
  await backingUp('2026-11-12T05:00:00Z', { asked: '2026-11-12T02:00:00Z', works: slow });

  expect(states).toEqual(['fresh', 'fresh']);
  expect(take()).toEqual([]);
});

test('nobody is told that there is no backup while the first one is at work, nor sent to begin another', async () => {
  scene = memoryScene();
  await storeBackup(scene.vault, 'blog', new Date('2026-11-12T01:00:05Z'));
  const next: string[][] = [];
  const at = async (moment: string): Promise<void> => {
    scene.date(leaseKey(shop), moment);
    const [judgement] = (await checking(moment)).judgements;
    next.push([judgement!.state, ...messageOfFinding(judgement!, 'never', { at: new Date(moment) })!.next]);
  };
  const [check, backup] = ['nightjar check shop', 'nightjar backup shop'];
  const slow: Engine = {
    ...engine(),
    async plan() {
      await at('2026-11-12T02:10:00Z');
      expect([take(), metered['Never']]).toEqual([[], 0]);
      await at('2026-11-14T02:10:00Z');
      expect([take(), metered['Never']]).toEqual([['problem never: there has never been a backup'], 1]);
      throw new BackupError('source-unreachable', 'nobody answers');
    },
  };
  await backingUp('2026-11-12T02:00:00Z', { works: slow });
  await checking('2026-11-14T02:11:00Z');
  await at('2026-11-14T02:12:00Z');

  expect(next).toEqual([
    ['never', check],
    ['never', check],
    ['never', backup],
  ]);
});

test('while a lease keeps every run out, what is told first is how to free it', async () => {
  await scene.vault.delete(leaseKey(shop), limit());
  await scene.vault.putIfAbsent(leaseKey(shop), Buffer.from('{}'), {}, limit());
  const moment = { at: new Date('2026-11-12T08:00:00Z') };
  const [judgement] = (await checking('2026-11-12T08:00:00Z')).judgements;

  const next = judgement!.findings.map(({ kind }) => [kind, messageOfFinding(judgement!, kind, moment)!.next]);
  const failed = runFailed(
    { verb: 'backup', source: shop, run: 'test', place: '/vault', ms: 0 },
    new BackupError('lease-stuck', 'it keeps every run out'),
    moment,
  );

  expect(next).toEqual([
    ['lease-stuck', ['nightjar unlock shop']],
    ['missed', ['nightjar check shop', 'nightjar list shop', 'nightjar unlock shop']],
  ]);
  expect(failed.next).toEqual(['nightjar unlock shop', 'nightjar backup shop']);
});

test('what is fresh by its schedule is within the limit that is shown: over a pause, and a night that the clock leaves out', async () => {
  const amsterdam = { source: shop, place: scene.vault.place, timeZone: 'Europe/Amsterdam' };
  const looking = async (moment: string, cron: string, paused = false) => {
    const watch = { ...watching().watch, limit: { schedule: cron }, schedule: cron, paused };
    const deps = { store: openStore(scene.vault), clock: at(moment), notifiers: [], meter: () => {}, remember: true };
    const [one] = (await check([{ ...amsterdam, watch }], { whole: true }, deps, limit())).judgements;
    const { newest, limitMs } = one!.standing;
    return [one!.state, (Date.parse(moment) - startOf(newest!).getTime()) / 3_600_000, limitMs / 3_600_000].map(
      (value) => (typeof value === 'number' ? Math.round(value) : value),
    );
  };
  // the clocks jump from 02:00 to 03:00 on 28 March 2027
  for (const night of ['2027-03-26T01:30:05Z', '2027-03-27T01:30:05Z'])
    await storeBackup(scene.vault, shop, new Date(night), { engine: 'toy' });
  await looking('2027-03-27T03:00:00Z', '30 2 * * *');

  expect(await looking('2027-03-27T22:00:00Z', '30 2 * * *')).toEqual(['fresh', 20, 25]);
  expect(await looking('2027-03-28T23:00:00Z', '30 2 * * *')).toEqual(['fresh', 45, 48]);
  expect(await looking('2027-03-29T01:00:00Z', '30 2 * * *')).toEqual(['fresh', 47, 48]);
  expect((await looking('2027-03-29T01:31:00Z', '30 2 * * *'))[0]).toBe('missed');

  await storeBackup(scene.vault, shop, new Date('2027-03-30T00:30:05Z'), { engine: 'toy' });
  await looking('2027-03-30T02:00:00Z', '30 2 * * *');
  await looking('2027-03-30T03:00:00Z', '30 2 * * *', true);
  expect(await looking('2027-04-02T03:00:00Z', '30 2 * * *')).toEqual(['fresh', 74, 97]);
  expect((await looking('2027-04-03T01:31:00Z', '30 2 * * *'))[0]).toBe('missed');
});
