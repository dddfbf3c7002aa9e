import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';
import { check } from '../../core/commands/check/check.ts';
import type { Checked } from '../../core/commands/check/check.ts';
import type { Message } from '../../core/contract/events/message.ts';
import { outboxSchema } from '../../core/contract/memory/outbox.ts';
import type { WatchedSource } from '../../core/domain/watch/freshness.ts';
import { objectKey } from '../../core/domain/keys.ts';
import type { SourceName } from '../../core/domain/keys.ts';
import { slackNotifier } from '../../core/telling/notifiers/slack.ts';
import { telegramNotifier } from '../../core/telling/notifiers/telegram.ts';
import { webhookNotifier } from '../../core/telling/notifiers/webhook.ts';
import type { Notifier } from '../../core/ports.ts';
import type { Vault } from '../../core/vault.ts';
import { notifyGathered, reportFailure, runAndReport } from '../../core/telling/run-and-report.ts';
import type { RunHost } from '../../core/telling/run-and-report.ts';
import { BackupError } from '../../core/domain/errors.ts';
import type { FailureCode } from '../../core/domain/errors.ts';
import { startEndpoint } from '../support/endpoints/endpoint.ts';
import type { Endpoint } from '../support/endpoints/endpoint.ts';
import { postLimits } from '../../core/telling/web/post.ts';
import { openStore } from '../../core/store/store.ts';
import { answer, startTelegram } from '../support/endpoints/telegram.ts';
import { before, hourMs, watching } from '../support/vaults/seen.ts';
import { storeBackup } from '../support/vaults/stored.ts';
import { memoryScene, limit } from '../support/vaults/vault.ts';
import type { VaultScene } from '../support/vaults/vault.ts';

const forty = Array.from({ length: 40 }, (_, index) => `shop-${String(index + 1).padStart(2, '0')}`);
const quick = { ...postLimits, attemptMs: 1_500, firstWaitMs: 20, longestWaitMs: 2_000, totalMs: 12_000 };
const is = (value: string) => async (): Promise<string> => value;
const started: Endpoint[] = [];
let scene: VaultScene;
let now: Date;
let heard: Message[] = [];

beforeEach(async () => {
  scene = memoryScene();
  await scene.vault.putIfAbsent(objectKey('note.txt'), Buffer.from('hello'), {}, limit());
  now = new Date('2026-11-20T02:00:00Z');
  heard = [];
});
afterEach(() => scene.remove());
afterAll(() => Promise.all(started.map((one) => one.stop())));

const pass = (hours: number) => (now = new Date(now.getTime() + hours * hourMs));
const mail: Notifier = { name: 'mail', notify: async (message) => void heard.push(message) };
const line = ({ severity, source, subject }: Message) =>
  `${severity} ${source === undefined ? '' : `${source}: `}${subject}`;
const take = () => heard.splice(0).map(line);
const on = (names: string[], server = 'db-1', watch = {}): WatchedSource[] =>
  names.map((name) => ({ ...watching(watch), source: name as SourceName, place: scene.vault.place, on: server }));

type Options = { vault?: Vault; whole?: boolean };
function checking(
  sources: WatchedSource[],
  notifiers: Notifier[],
  { vault = scene.vault, whole = true }: Options = {},
): Promise<Checked> {
  return check(
    sources,
    { whole },
    { store: openStore(vault), clock: { now: () => now }, notifiers, meter: () => undefined },
    limit(),
  );
}

async function endpoint(reply: Parameters<typeof startEndpoint>[0]): Promise<Endpoint> {
  const made = await startEndpoint(reply);
  started.push(made);
  return made;
}
const webhook = (name: string, { url }: Endpoint): Notifier =>
  webhookNotifier({ name: `webhook ${name}`, url: is(url), key: is('key'), clock: { now: () => now } }, quick);
const subjects = ({ accepted }: Endpoint) => accepted.splice(0).map(({ body }) => line(JSON.parse(body) as Message));
const boxes = async () =>
  Promise.all(
    (await scene.files())
      .filter((file) => /^\.outbox\/[0-9a-f]{24}-/.test(file))
      .map(async (file) =>
        outboxSchema.parse(JSON.parse(Buffer.from((await scene.vault.read(objectKey(file), limit())).body).toString())),
      ),
  );

test('40 sources fail at once, one notifier is dead, one limited, one lies with 200, one hangs: three messages at most, mail is not delayed, all is delivered later, with one all-clear', async () => {
  let well = false;
  const telegram = await startTelegram();
  started.push(telegram);
  telegram.refusals.push(answer(429, 'Too Many Requests: retry after 60', { retry_after: 60 }));
  const dead = await endpoint(() => (well ? { status: 200 } : { status: 500 }));
  const liar = await endpoint(() =>
    well
      ? { status: 200, body: 'ok' }
      : { status: 200, headers: { 'content-type': 'text/html' }, body: '<!doctype html><title>Log in</title>' },
  );
  const silent = await endpoint(() => (well ? { status: 200 } : { status: 0 }));
  const arrived: number[] = [];
  let began = 0;
  const notifiers = [
    webhook('dead', dead),
    { ...telegramNotifier({ token: is(telegram.token), chat: telegram.chat, api: telegram.url }, quick) },
    slackNotifier(is(liar.url), quick),
    webhook('silent', silent),
    {
      ...mail,
      notify: async (message: Message) => void (heard.push(message), arrived.push(performance.now() - began)),
    },
  ];
  for (const name of forty) await storeBackup(scene.vault, name, now);
  pass(26);

  began = performance.now();
  const first = await checking(on(forty), notifiers);
  // the silent one takes six seconds of it
  expect(arrived[0]).toBeLessThan((performance.now() - began) / 2);
  const messages = heard.splice(0);
  expect(messages.map(line)).toEqual([
    'problem 40 sources are stale, all on db-1',
    'problem 4 notifiers failed: somebody was not told',
  ]);
  expect(messages[0]).toMatchObject({
    kind: 'stale',
    sources: forty,
    facts: [{ label: 'on db-1 (40)', value: expect.stringMatching(/^shop-01, .*, … and 10 more$/) }],
  });
  expect(first.failures.map(String)).toHaveLength(4);
  expect([dead, liar, silent, telegram].map(({ received }) => received.length)).toEqual([4, 1, 4, 1]);

  well = true;
  pass(1);
  began = performance.now();
  const second = await checking(on(forty), notifiers);
  expect(second.failures).toEqual([]);
  expect(subjects(dead)).toEqual(['problem 40 sources are stale, all on db-1']);
  expect(subjects(silent)).toEqual(['problem 40 sources are stale, all on db-1']);
  expect(liar.received.slice(1).map(({ body }) => (JSON.parse(body) as { text: string }).text)).toEqual([
    'PROBLEM 40 sources are stale, all on db-1',
  ]);
  expect(telegram.accepted.splice(0)).toHaveLength(1);
  expect(take()).toEqual([expect.stringMatching(/^recovered 4 notifiers can be told again/)]);

  for (const name of forty.slice(0, 39)) await storeBackup(scene.vault, name, now);
  pass(1);
  await checking(on(forty), notifiers);
  expect([take(), subjects(dead)]).toEqual([[], []]);
  await storeBackup(scene.vault, forty[39]!, now);
  pass(1);
  await checking(on(forty), notifiers);
  await checking(on(forty), notifiers);

  expect(take()).toEqual(['recovered 40 sources are fresh again']);
  expect(subjects(dead)).toEqual(['recovered 40 sources are fresh again']);
  expect(telegram.accepted).toHaveLength(1);
});

const broken = (name: string): Notifier => ({
  name,
  notify: () => Promise.reject(new BackupError('notify-failed', `${name} does not answer`)),
});
const listener = (name: string, list: Message[]): Notifier => ({
  name,
  notify: async (message) => void list.push(message),
});

/** A run of a host, with this vault and these notifiers. */
function host(
  notifiers: Notifier[],
  vault: Vault | undefined = scene.vault,
  sourceNames: readonly string[] = ['shop'],
): RunHost {
  return {
    notifiers,
    hooks: [],
    sourceNames,
    clock: { now: () => now },
    place: scene.vault.place,
    run: '4f2a91c0',
    store: () => openStore(vault),
    unalarming: ['lease-held'],
    limit,
    explain: (error) => error as BackupError,
  };
}
const fails = (source: string, code: FailureCode, notifiers: Notifier[], vault?: Vault) =>
  reportFailure(
    { verb: 'backup', source: source as SourceName },
    new BackupError(code, 'it went wrong'),
    1000,
    host(notifiers, vault),
  );
const succeeds = (source: string, notifiers: Notifier[]) =>
  runAndReport(
    { verb: 'backup', source: source as SourceName },
    async () => ({ status: 'stored' }),
    (result) => result,
    host(notifiers),
  );

test('what one notifier has missed is told to that one alone, by the next run that tells, in order', async () => {
  const late: Message[] = [];
  await checking(on(['shop', 'blog']), [mail, broken('pager')]);
  pass(0.5);
  take();

  await fails('wiki', 'vault-full', [mail, listener('pager', late)]);

  expect(take()).toEqual(['problem wiki: the backup failed: vault-full', 'recovered pager can be told again']);
  expect(late.map(line)).toEqual([
    'problem shop: there has never been a backup',
    'problem blog: there has never been a backup',
    'problem wiki: the backup failed: vault-full',
  ]);
  expect(late[0]!.facts.at(-1)).toEqual({
    label: 'Delayed',
    value: 'written at 2026-11-20 02:00 UTC, and could not be told here before',
  });
});

test('what is over and never reached a notifier is not told there; what reached it gets its all-clear, however late', async () => {
  const pager: Message[] = [];
  await checking(on(['shop']), [listener('pager', pager)]);
  await checking(on(['shop', 'blog']), [broken('pager')]);
  await storeBackup(scene.vault, 'shop', now);
  await storeBackup(scene.vault, 'blog', now);
  pass(1);
  await checking(on(['shop', 'blog']), [broken('pager')]);
  pass(1);
  await checking(on(['shop', 'blog']), [listener('pager', pager)]);
  await checking(on(['shop', 'blog']), [listener('pager', pager)]);

  expect(pager.map(line)).toEqual([
    'problem shop: there has never been a backup',
    'recovered shop: there is a backup: the newest is 2 h old',
  ]);
});

test('whoever replaces the address of a dead webhook gets from the new one what the old one missed; neither address is in the vault', async () => {
  const dead = await endpoint(() => ({ status: 404, body: 'no_service' }));
  const alive = await endpoint(() => ({ status: 200 }));
  await fails('shop', 'vault-full', [webhook('pager', dead)]);
  const stored = JSON.stringify([await scene.files(), await boxes()]);

  await fails('blog', 'dump-failed', [webhook('pager', alive)]);

  expect(subjects(alive)).toEqual([
    'problem shop: the backup failed: vault-full',
    'problem blog: the backup failed: dump-failed',
  ]);
  expect(stored).not.toContain(new URL(dead.url).port);
});

test('the others hear that a notifier works again when its address was replaced, and that one is gone a day after it was taken out', async () => {
  const dead = await endpoint(() => ({ status: 404, body: 'no_service' }));
  const alive = await endpoint(() => ({ status: 200 }));
  const also = broken('pager');
  await checking(on(['shop']), [mail, webhook('desk', dead), also]);
  take();

  // replaced by one that does not work either, then by one that does, as another check sees with other notifiers
  await checking(on(['shop']), [mail, webhook('desk', await endpoint(() => ({ status: 410 }))), also]);
  expect(take()).toEqual(['problem a notifier failed: somebody was not told']);
  await checking(on(['shop', 'blog']), [mail]);
  take();
  await checking(on(['shop']), [mail, webhook('desk', alive), also]);
  expect([take(), subjects(alive)]).toEqual([
    ['recovered webhook desk can be told again'],
    ['problem shop: there has never been a backup', 'problem a notifier failed: somebody was not told'],
  ]);
  await checking(on(['shop']), [mail, webhook('desk', alive)]);
  expect(take()).toEqual([]);
  pass(27);
  await checking(on(['shop']), [mail, webhook('desk', alive)]);
  await checking(on(['shop']), [mail, webhook('desk', alive)]);

  const end = 'recovered a notifier that failed is no longer in the configuration';
  expect(take()).toEqual(['reminder shop: there has never been a backup', end]);
  expect(subjects(alive)).toEqual(['reminder shop: there has never been a backup', end]);
});

test('whoever asks to be left alone for two hours is, by every check and run, and gets all of it then', async () => {
  const pager = await endpoint(() => ({ status: 200 }));
  pager.refusals.push({ status: 429, headers: { 'retry-after': '7200' } });
  const first = await checking(on(['shop']), [webhook('pager', pager)]);
  pass(1);
  const early = await checking(on(['shop']), [webhook('pager', pager)]);
  await fails('blog', 'vault-full', [webhook('pager', pager)]);
  const tried = pager.received.length;
  pass(1.1);
  const late = await checking(on(['shop']), [webhook('pager', pager)]);

  expect([first, early, late].map(({ failures }) => failures.map(String))).toEqual([
    ['BackupError: webhook pager answered 429; it asks to wait 2 h, longer than a run may'],
    [expect.stringContaining('webhook pager asked not to be told anything before 2026-11-20T04:00:00.000Z')],
    [],
  ]);
  expect(tried).toBe(1);
  expect(subjects(pager)).toEqual([
    'problem shop: there has never been a backup',
    'problem blog: the backup failed: vault-full',
  ]);
});

test('a run that fails each hour is told once a day, a new cause at once, and one all-clear when it is well', async () => {
  for (let hour = 0; hour < 26; hour += 1, pass(1))
    await fails('shop', hour < 25 ? 'source-unreachable' : 'vault-full', [mail]);
  await succeeds('blog', [mail]);
  await succeeds('shop', [mail]);
  await succeeds('shop', [mail]);

  expect(heard.map(({ at, ...message }) => `${at.slice(8, 16)} ${line(message as Message)}`)).toEqual([
    '20T02:00 problem shop: the backup failed: source-unreachable',
    '21T02:00 reminder shop: the backup failed: source-unreachable',
    '21T03:00 problem shop: the backup failed: vault-full',
    '21T04:00 recovered shop: the backup succeeded again',
  ]);
  expect(heard.at(-1)!.facts).toEqual([
    { label: 'Was', value: 'backup-failed (source-unreachable, vault-full), for 26 h' },
  ]);
});

test('a good run gives no all-clear of its own where a check has told that backups are missing, and will say that they are there', async () => {
  await storeBackup(scene.vault, 'shop', now);
  pass(24);
  await fails('shop', 'source-unreachable', [mail]);
  pass(2);
  await checking(on(['shop']), [mail]);
  pass(1);
  await storeBackup(scene.vault, 'shop', now);
  await succeeds('shop', [mail]);
  expect(take()).toEqual([
    'problem shop: the backup failed: source-unreachable',
    expect.stringMatching(/^problem shop: the newest backup is 26 h old/),
  ]);

  pass(0.5);
  await checking(on(['shop']), [mail]);
  await succeeds('shop', [mail]);
  await fails('shop', 'source-unreachable', [mail]);

  expect(take()).toEqual([
    'recovered shop: fresh again: the newest backup is 30 min old',
    'problem shop: the backup failed: source-unreachable',
  ]);
});

test('an all-clear that could not be told is no failure of the run, and is told by the next that tells', async () => {
  await fails('shop', 'vault-full', [mail]);
  await expect(succeeds('shop', [broken('mail')])).resolves.toEqual({ status: 'stored' });
  await succeeds('wiki', [mail]);
  expect(heard).toHaveLength(1);
  await fails('blog', 'vault-full', [mail]);

  expect(take()).toEqual([
    'problem shop: the backup failed: vault-full',
    'recovered shop: the backup succeeded again',
    'problem blog: the backup failed: vault-full',
  ]);
});

test.each([
  ['can’t be written', { putIfAbsent: () => Promise.reject(new BackupError('vault-denied', 'read-only')) }],
  [
    'takes the first word and no other',
    { putIfUnchanged: () => Promise.reject(new BackupError('vault-denied', 'no tags')) },
  ],
  ['can’t be read', { read: () => Promise.reject(new BackupError('vault-unreachable', 'gone')) }],
  ['answers nothing', { read: () => new Promise<never>(() => undefined) }],
] as [string, Partial<Vault>][])('a vault that %s keeps nobody from being told, each time', async (_, changed) => {
  const vault = { ...scene.vault, ...changed };
  await fails('shop', 'vault-full', [mail], vault);
  pass(0.05);
  await fails('shop', 'vault-full', [mail], vault);

  expect(take()).toEqual(Array(2).fill('problem shop: the backup failed: vault-full'));
});

test('killed at any moment, between telling and remembering too: everything is told, nothing more than twice, and the all-clear comes', async () => {
  for (let moment = 1; moment < 40; moment += 1) {
    const other = memoryScene();
    await other.vault.putIfAbsent(objectKey('note.txt'), Buffer.from('hello'), {}, limit());
    const got: string[] = [];
    let left = moment;
    const killed = Promise.withResolvers<false>();
    // from this call on nothing answers any more, as for a process that is gone
    const dead = (): Promise<never> => {
      killed.resolve(false);
      return new Promise<never>(() => undefined);
    };
    const alive =
      <A extends unknown[], R>(work: (...args: A) => Promise<R>) =>
      async (...args: A): Promise<R> => {
        if (--left <= 0) return dead();
        const result = await work(...args);
        return --left > 0 ? result : dead();
      };
    const hear = async (message: Message): Promise<void> => void got.push(line(message));
    const dying: Vault = {
      ...other.vault,
      read: alive(other.vault.read),
      putIfAbsent: alive(other.vault.putIfAbsent),
      putIfUnchanged: alive(other.vault.putIfUnchanged),
    };
    const sources = on(['shop', 'blog']);
    const buried = new AbortController();
    const run = (vault: Vault, notify: Notifier['notify'], signal = limit()) =>
      check(
        sources,
        { whole: true },
        {
          store: openStore(vault),
          clock: { now: () => now },
          notifiers: [{ name: 'pager', notify }],
          meter: () => undefined,
        },
        signal,
      );

    const ended = await Promise.race([
      run(dying, alive(hear), buried.signal).then(
        () => true,
        () => true,
      ),
      killed.promise,
    ]);
    pass(0.05);
    await run(other.vault, hear);
    await run(other.vault, hear);
    for (const name of ['shop', 'blog']) await storeBackup(other.vault, name, now);
    await run(other.vault, hear);

    const count = (text: string) => got.filter((one) => one === text).length;
    for (const name of ['shop', 'blog']) {
      expect([1, 2]).toContain(count(`problem ${name}: there has never been a backup`));
      expect(count(`recovered ${name}: there is a backup: the newest is 0.0 s old`)).toBe(1);
    }
    await other.remove();
    buried.abort();
    if (ended === true) return;
  }
  throw new Error('no check came to its end');
});

test('a run that is killed while it tells has left what it had to say', async () => {
  const dying = new AbortController();
  const begun = Promise.withResolvers<void>();
  const hung: Notifier = { name: 'pager', notify: () => new Promise(() => begun.resolve()) };
  const gone = reportFailure(
    { verb: 'backup', source: 'shop' as SourceName },
    new BackupError('vault-full', 'it went wrong'),
    1000,
    { ...host([hung]), limit: () => dying.signal },
  );
  await begun.promise;
  while ((await boxes()).length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  const left = await boxes();
  const pager: Message[] = [];

  await fails('blog', 'vault-full', [listener('pager', pager)]);
  const early = pager.splice(0);
  pass(0.05);
  await fails('wiki', 'vault-full', [listener('pager', pager)]);
  dying.abort();
  await gone;

  expect(left).toMatchObject([{ open: [], waiting: [{ trying: expect.any(String), message: { source: 'shop' } }] }]);
  // for a minute it may still be at it
  expect([early, pager].map((all) => all.map(({ source }) => source))).toEqual([['blog'], ['shop', 'wiki']]);
});

test('of several messages that wait, those that are refused go on waiting, and those that are taken do not', async () => {
  const pager: Message[] = [];
  const picky: Notifier = {
    name: 'pager',
    notify: async (message) =>
      message.source === 'shop' ? broken('pager').notify(message, limit()) : void pager.push(message),
  };
  for (const name of ['shop', 'blog']) await fails(name, 'vault-full', [broken('pager')]);

  await fails('wiki', 'vault-full', [picky]);
  const taken = pager.splice(0).map(({ source }) => source);
  await fails('old', 'vault-full', [listener('pager', pager)]);

  expect([taken, pager.map(({ source }) => source)]).toEqual([
    ['blog', 'wiki'],
    ['shop', 'old'],
  ]);
});

test('two configurations that share a vault, and a notifier, make no noise at each other', async () => {
  const [ours, theirs] = [on(['shop', 'both']), on(['wiki', 'both'], 'db-2', { limit: { ms: 80 * hourMs } })];
  const hear = async (sources: WatchedSource[], to: Notifier) => checking(sources, [to]);
  const [a, b]: Message[][] = [[], []];
  for (const name of ['shop', 'both', 'wiki']) await storeBackup(scene.vault, name, now);
  for (let hour = 0; hour < 48; hour += 1, pass(1)) {
    await hear(ours, listener('same', a!));
    await hear(theirs, listener('same', b!));
  }

  // the backup of wiki is as old as the others, and its configuration allows it: nobody calls it unconfigured, nobody
  // takes back what the other says of "both"
  expect(a!.map(line)).toEqual([
    'problem shop: the newest backup is 26 h old, over the limit of 25 h 1 min',
    'problem both: the newest backup is 26 h old, over the limit of 25 h 1 min',
  ]);
  expect(b!.map(line)).toEqual([]);
});

test('a configuration that can’t be used is told once a day, and over by its own good run alone', async () => {
  const broken = (sourceNames: string[]) =>
    reportFailure(
      { verb: 'check' },
      new BackupError('config-invalid', 'it has 1 problem'),
      0,
      host([mail], scene.vault, sourceNames),
    );
  const well = (verb: 'check' | 'backup', sourceNames: string[]) =>
    runAndReport(
      { verb, ...(verb === 'backup' && { source: sourceNames[0] as SourceName }) },
      async () => ({ status: 'stored' }),
      (result) => result,
      host([mail], scene.vault, sourceNames),
    );
  for (let hour = 0; hour < 49; hour += 1) {
    await broken(['shop']);
    await well('check', ['blog']);
    pass(1);
  }
  expect(take()).toEqual([
    'problem the check failed: config-invalid',
    ...Array(2).fill('reminder the check failed: config-invalid'),
  ]);

  await well('backup', ['shop']);
  await well('check', ['shop']);
  expect(take()).toEqual(['recovered the check succeeded again']);

  // of a backup: of whichever source; and where another name was what was wrong, a day later
  await reportFailure(
    { verb: 'backup' },
    new BackupError('config-invalid', 'it has 1 problem'),
    0,
    host([mail], scene.vault, ['shop', 'wiki']),
  );
  await well('backup', ['shop']);
  pass(27);
  await well('backup', ['shop']);
  await well('backup', ['shop']);
  expect(take()).toEqual(['problem the backup failed: config-invalid', 'recovered the backup succeeded again']);
});

test('a source that all configurations have left is told, and a changed configuration takes over what was told', async () => {
  await checking(on(['shop', 'blog']), [mail]);
  await storeBackup(scene.vault, 'old', before(now, 30 * hourMs));
  pass(1);
  take();
  await checking(on(['shop', 'blog', 'new']), [mail]);
  pass(1);
  await checking(on(['shop', 'blog', 'new']), [mail]);
  expect(take()).toEqual([
    'problem new: there has never been a backup',
    'info old: is no longer in the configuration, and still has backups: no new ones are made',
  ]);
  await storeBackup(scene.vault, 'shop', now);
  await checking(on(['shop', 'blog', 'new']), [mail]);

  expect(take()).toEqual([expect.stringContaining('recovered shop')]);
});

test('an outbox stays small, and holds neither secret nor address, however much a dead notifier misses', async () => {
  const names = Array.from({ length: 3000 }, (_, index) => `a-source-with-a-rather-long-name-${index}`);

  await checking(on(names), [broken('pager')]);

  const [box] = await boxes();
  expect(box!.waiting).toHaveLength(400);
  expect(box!.left).toBe(2600);
  expect(JSON.stringify(box).length).toBeLessThan(400_000);
});

test('forty runs that fail at the same moment lose none of each other’s words', async () => {
  const pager: Message[] = [];

  await Promise.all(forty.map((name) => fails(name, 'source-unreachable', [listener('pager', pager)])));
  const told = pager.splice(0);
  await Promise.all(forty.map((name) => fails(name, 'source-unreachable', [listener('pager', pager)])));

  expect(new Set(told.map(({ source }) => source))).toEqual(new Set(forty));
  expect(pager).toEqual([]);
  expect(told.length).toBeLessThan(60);
  expect((await boxes())[0]).toMatchObject({ open: { length: 40 }, waiting: [] });
});

test('a command of forty runs tries a notifier that hangs once, and once more at its end: it holds up no backup', async () => {
  let tries = 0;
  const pager: Message[] = [];
  const hanging: Notifier = {
    name: 'hanging',
    notify: () => {
      tries += 1;
      return Promise.reject(new BackupError('notify-failed', 'no answer within 60 s'));
    },
  };
  const command = async () => {
    tries = 0;
    const gathering = { told: 0, waiting: false, failed: new Set<Notifier>() };
    const together = { ...host([hanging, listener('pager', pager)]), gathering };
    for (const name of forty)
      await reportFailure(
        { verb: 'backup', source: name as SourceName },
        new BackupError('source-unreachable', 'it went wrong'),
        1000,
        together,
      );
    if (gathering.waiting) await notifyGathered(together);
    return tries;
  };

  // one at the first run; what is gathered at the end
  expect(await command()).toBeLessThanOrEqual(4);
  // nothing is new, and all of it waits for the one that hangs
  expect(await command()).toBeLessThanOrEqual(4);
  expect(new Set(pager.flatMap(({ source, sources = [] }) => source ?? sources))).toEqual(new Set(forty));
});
