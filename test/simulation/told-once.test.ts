import { setTimeout as wait } from 'node:timers/promises';
import { beforeEach, expect, test } from '@jest/globals';
import { check } from '../../core/commands/check/check.ts';
import type { Message } from '../../core/contract/events/message.ts';
import { BackupError } from '../../core/domain/errors.ts';
import type { SourceName } from '../../core/domain/keys.ts';
import type { Verb } from '../../core/domain/messages/run.ts';
import type { WatchedSource } from '../../core/domain/watch/freshness.ts';
import type { Notifier } from '../../core/ports.ts';
import { openStore } from '../../core/store/store.ts';
import { reportFailure, runAndReport } from '../../core/telling/run-and-report.ts';
import type { RunHost } from '../../core/telling/run-and-report.ts';
import type { Vault } from '../../core/vault.ts';
import { drawing } from '../support/random/drawing.ts';
import type { MemoryState } from '../support/vaults/memory-vault.ts';
import { emptyState, memoryVault } from '../support/vaults/memory-vault.ts';
import { hourMs, watching } from '../support/vaults/seen.ts';
import { storeBackup } from '../support/vaults/stored.ts';
import { limit } from '../support/vaults/vault.ts';

let state: MemoryState;
let vault: Vault;
let now: Date;
let heard: string[];

beforeEach(() => {
  now = new Date('2026-11-20T02:00:00Z');
  heard = [];
  state = emptyState();
  vault = memoryVault(state, { now: () => now });
});

const pass = (hours: number) => (now = new Date(now.getTime() + hours * hourMs));
const line = ({ severity, source, subject }: Message) =>
  `${severity} ${source === undefined ? '' : `${source}: `}${subject}`;
const hear = async (message: Message): Promise<void> => void heard.push(line(message));
const mail: Notifier = { name: 'mail', notify: hear };
const dead: Notifier = {
  name: 'pager',
  notify: () => Promise.reject(new BackupError('notify-failed', 'pager does not answer')),
};
const take = () => heard.splice(0);
const on = (names: string[]): WatchedSource[] =>
  names.map((name) => ({ ...watching(), source: name as SourceName, place: vault.place, on: 'db-1' }));
const made = (...names: string[]) => Promise.all(names.map((name) => storeBackup(vault, name, now)));

type Checking = { through?: Vault; signal?: AbortSignal };
const checking = (
  names: string[],
  notifiers: Notifier[] = [mail],
  { through = vault, signal = limit() }: Checking = {},
) =>
  check(
    on(names),
    { whole: true },
    { store: openStore(through), clock: { now: () => now }, notifiers, meter: () => undefined },
    signal,
  );

const host = (notifiers: Notifier[], until = limit, more: Partial<RunHost> = {}): RunHost => ({
  notifiers,
  hooks: [],
  sourceNames: ['shop'],
  clock: { now: () => now },
  place: vault.place,
  run: '4f2a91c0',
  store: () => openStore(vault),
  unalarming: ['lease-held'],
  limit: until,
  explain: (error) => error as BackupError,
  ...more,
});
const fails = (source: string, verb: Verb = 'backup', notifiers = [mail], until = limit) =>
  reportFailure(
    { verb, source: source as SourceName },
    new BackupError('vault-full', 'it went wrong'),
    1000,
    host(notifiers, until),
  );
const succeeds = (source: string, verb: Verb = 'backup') =>
  runAndReport(
    { verb, source: source as SourceName },
    async () => ({ status: 'stored' }),
    (result) => result,
    host([mail]),
  );

/** A check that is killed when it has sent one message, before it can write down that it has. */
async function killedAfterTelling(names: string[]): Promise<void> {
  const killed = new AbortController();
  const gone = (): Promise<never> => new Promise(() => undefined);
  const sending = { ...mail, notify: async (message: Message) => (await hear(message), killed.abort()) };
  const dying = {
    ...vault,
    putIfUnchanged: (...args: Parameters<Vault['putIfUnchanged']>) =>
      killed.signal.aborted ? gone() : vault.putIfUnchanged(...args),
  };
  const over = new Promise((resolve) => killed.signal.addEventListener('abort', resolve));
  await Promise.race([checking(names, [sending], { through: dying }), over]);
}

test('whoever was told by a check that was killed right after is told the end, too, though the trouble is over before the next check', async () => {
  await made('shop');
  pass(26);
  await killedAfterTelling(['shop']);
  pass(1);
  await made('shop');
  await checking(['shop']);
  await checking(['shop']);

  expect(take()).toEqual([
    expect.stringMatching(/^problem shop: the newest backup is 26 h old/),
    expect.stringMatching(/^recovered shop: fresh again/),
  ]);
});

test('trouble that comes back behind an all-clear whose check was killed is told at once', async () => {
  await made('shop');
  pass(26);
  await checking(['shop']);
  await made('shop');
  await killedAfterTelling(['shop']);
  take();
  pass(26);
  await checking(['shop']);
  await checking(['shop']);

  expect(take()).toEqual([expect.stringMatching(/^problem shop: the newest backup is 26 h old/)]);
});

test('a good run ends what a run told that was killed while telling', async () => {
  const hung: Notifier = { name: 'mail', notify: async (message) => (await hear(message), new Promise(() => {})) };
  const killed = new AbortController();
  const gone = fails('shop', 'backup', [hung], () => killed.signal);
  while (heard.length === 0) await wait(5);
  pass(0.01);

  await succeeds('shop');
  killed.abort();
  await gone;

  expect(take()).toEqual(['problem shop: the backup failed: vault-full', 'recovered shop: the backup succeeded again']);
});

test.each([1, 2, 3, 4])('six checks at the same moment tell each thing once, and its end once (%i)', async (seed) => {
  const random = drawing(seed);
  const somewhen = () => wait(random() * 15);
  const slow = memoryVault(emptyState(), { now: () => now, turn: somewhen });
  vault = slow;
  const slowMail = { ...mail, notify: async (message: Message) => (await somewhen(), hear(message)) };
  const six = () => Promise.all(Array.from({ length: 6 }, () => checking(['shop', 'blog'], [slowMail])));
  const told = async () => (await six()).flatMap(({ failures }) => failures.map(String));
  await made('shop', 'blog');
  await six();
  pass(26);
  const failures = await told();
  await made('shop', 'blog');
  failures.push(...(await told()));

  expect(failures).toEqual([]);
  expect(take().sort()).toEqual([
    expect.stringMatching(/^problem blog: the newest backup is 26 h old/),
    expect.stringMatching(/^problem shop: the newest backup is 26 h old/),
    expect.stringMatching(/^recovered blog: fresh again/),
    expect.stringMatching(/^recovered shop: fresh again/),
  ]);
});

test('of a group of failed drills, those that pass are told a day later, though one never does', async () => {
  const names = ['a', 'b', 'c', 'd'];
  await made(...names);
  for (const name of names) await fails(name, 'drill', [{ ...dead, name: 'mail' }]);
  await checking(names);
  for (const name of names.slice(1)) await succeeds(name, 'drill');
  expect(take()).toEqual(['problem 4 sources failed a drill: vault-full']);
  pass(24);
  await made(...names);
  await checking(names);
  await checking(names);

  expect(take()).toEqual(names.slice(1).map((name) => `recovered ${name}: the drill succeeded again`));
});

test('a configuration that was checked by a clock a year ahead keeps no all-clear from the one that replaced it', async () => {
  await made('shop');
  await checking(['shop', 'old']);
  const right = pass(26);
  pass(365 * 24);
  await checking(['shop', 'old']);
  now = right;
  await checking(['shop']);
  await made('shop');
  take();
  for (let hour = 0; hour < 3; hour += 1, pass(1)) await checking(['shop']);

  expect(take()).toContainEqual(expect.stringMatching(/^recovered shop: fresh again/));
});

test('what is missed while an address can’t be read is told once it can', async () => {
  let isReadable = true;
  const address = async () => {
    if (!isReadable) throw new BackupError('secret-missing', 'the variable SLACK_URL is not set');
    return 'https://hooks.slack.example/one';
  };
  const slack: Notifier = { name: 'slack', address, notify: async (message) => (await address(), hear(message)) };
  await made('shop');
  await fails('wiki', 'backup', [slack]);
  isReadable = false;
  await fails('blog', 'backup', [slack]);
  expect(take()).toEqual(['problem wiki: the backup failed: vault-full']);
  isReadable = true;
  await checking(['shop'], [slack]);

  expect(take()).toEqual(['problem blog: the backup failed: vault-full']);
});

test('three troubles at once leave no room for the word that a notifier failed: the next check tells it', async () => {
  await checking(['a', 'b', 'c'], [mail, dead]);
  const first = take();
  await checking(['a', 'b', 'c'], [mail, dead]);

  expect(first).toEqual(['a', 'b', 'c'].map((name) => `problem ${name}: there has never been a backup`));
  expect(take()).toEqual(['problem a notifier failed: somebody was not told']);
});

const forty = Array.from({ length: 40 }, (_, index) => `shop-${String(index + 1).padStart(2, '0')}`);

/** Functions that end at about the same moment, each in a process of its own; they wait for each other when they have to. */
async function functions(
  seed: number,
  notifiers: Notifier[],
  end: (source: SourceName, host: RunHost) => Promise<unknown>,
) {
  const random = drawing(seed);
  const somewhen = () => wait(random() * 3);
  const through = memoryVault(state, { now: () => now, turn: somewhen });
  let busy = forty.length;
  const all = Promise.withResolvers<void>();
  const ready = () => void (--busy === 0 && all.resolve());
  await Promise.all(
    forty.map(async (name) => {
      let isIn = false;
      const gatherOthers = async () => ((isIn = true), ready(), all.promise);
      await end(
        name as SourceName,
        host(notifiers, limit, {
          store: () => openStore(through),
          gatherOthers,
          settings: () => ({ timeZone: 'UTC', on: 'db-1' }),
        }),
      );
      if (!isIn) ready();
    }),
  );
}
const failing = (source: SourceName, one: RunHost) =>
  reportFailure({ verb: 'backup', source }, new BackupError('source-unreachable', 'it went wrong'), 1000, one);
const succeeding = (source: SourceName, one: RunHost) =>
  runAndReport(
    { verb: 'backup', source },
    async () => ({ status: 'stored' }),
    (result) => result,
    one,
  );

test('40 functions that fail at the same moment, beside a dead notifier, are three messages at most; so is their end', async () => {
  const late: string[] = [];
  let well = false;
  const pager: Notifier = {
    name: 'pager',
    notify: async (message, signal) => (well ? void late.push(line(message)) : dead.notify(message, signal)),
  };
  await made(...forty);

  await functions(1, [mail, pager], failing);
  const first = take();
  pass(0.05);
  await functions(2, [mail, pager], failing);
  expect(first.sort()).toEqual([
    'problem 39 sources could not be backed up: source-unreachable, all on db-1',
    'problem a notifier failed: somebody was not told',
    expect.stringMatching(/^problem shop-\d\d: the backup failed: source-unreachable$/),
  ]);
  expect(take()).toEqual([]);

  well = true;
  pass(0.5);
  await checking(forty, [mail, pager]);
  expect(late.splice(0)).toEqual(['problem 40 sources could not be backed up: source-unreachable, all on db-1']);
  expect(take()).toEqual(['recovered pager can be told again']);

  pass(1);
  await functions(3, [mail, pager], succeeding);
  await checking(forty, [mail, pager]);
  expect(take().sort()).toEqual([
    'recovered 39 sources are backed up again',
    expect.stringMatching(/^recovered shop-\d\d: the backup succeeded again$/),
  ]);
  expect(late).toEqual(['recovered 40 sources are backed up again']);
});

test('what fails within the hour of three messages waits for the next check, and a failure an hour later is told at once', async () => {
  const one = () => host([mail], limit, { gatherOthers: async () => undefined });
  for (const name of ['a', 'b', 'c', 'd', 'e']) await failing(name as SourceName, one());
  expect(take()).toEqual(['a', 'b', 'c'].map((name) => `problem ${name}: the backup failed: source-unreachable`));
  await succeeding('e' as SourceName, one());
  await made('d');
  await checking(['d']);
  expect(take()).toEqual(['problem d: the backup failed: source-unreachable']);

  pass(1);
  await failing('f' as SourceName, one());
  expect(take()).toEqual(['problem f: the backup failed: source-unreachable']);
});
