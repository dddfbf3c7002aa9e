import { rm } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { check } from '../../../../core/commands/check/check.ts';
import type { Checked } from '../../../../core/commands/check/check.ts';
import { rotate } from '../../../../core/commands/rotate.ts';
import type { WatchSettings } from '../../../../core/contract/config/settings/watch.ts';
import { BackupError } from '../../../../core/domain/errors.ts';
import { accountUnseen } from '../../../../core/domain/watch/account.ts';
import type { AccountLook } from '../../../../core/domain/watch/account.ts';
import type { WatchedSource } from '../../../../core/domain/watch/freshness.ts';
import { objectKey } from '../../../../core/domain/keys.ts';
import { manifestKey } from '../../../../core/domain/layout/places.ts';
import { proofKey } from '../../../../core/domain/layout/records.ts';
import type { SourceName } from '../../../../core/domain/keys.ts';
import type { Message } from '../../../../core/contract/events/message.ts';
import type { Notifier } from '../../../../core/ports.ts';
import type { Vault } from '../../../../core/vault.ts';
import { openStore } from '../../../../core/store/store.ts';
import { policyOf } from '../../../support/vaults/history.ts';
import { before, hourMs, shop, watching } from '../../../support/vaults/seen.ts';
import { storeBackup } from '../../../support/vaults/stored.ts';
import { depsOf, folderScene, limit, memoryScene, overwrite } from '../../../support/vaults/vault.ts';
import type { VaultScene } from '../../../support/vaults/vault.ts';

const began = new Date('2026-11-20T02:00:00Z');
let scene: VaultScene;
let now = began;
let heard: string[] = [];
let messages: Message[] = [];
let metered: Readonly<Record<string, number>>[] = [];

beforeEach(() => {
  scene = memoryScene();
  now = began;
  heard = [];
  metered = [];
});
afterEach(() => scene.remove());

const pass = (hours: number) => (now = new Date(now.getTime() + hours * hourMs));
const sources = (names: string[], watch: Partial<WatchSettings> = {}): WatchedSource[] =>
  names.map((name) => ({ ...watching(watch), source: name as SourceName, place: scene.vault.place }));
const line = ({ severity, source, kind, subject }: Message) => `${severity} ${source ?? 'all'} ${kind}: ${subject}`;
const listener: Notifier = { name: 'listener', notify: async (message) => void heard.push(line(message)) };
const broken: Notifier = {
  name: 'broken',
  notify: () => Promise.reject(new BackupError('notify-failed', 'nobody answers')),
};
const take = () => heard.splice(0);
const states = ({ judgements }: Checked) => judgements.map(({ standing, state }) => `${standing.source} ${state}`);

function checking(
  names: string[],
  options: {
    notifiers?: Notifier[];
    whole?: boolean;
    watch?: Partial<WatchSettings>;
    vault?: Vault;
    account?: () => Promise<AccountLook>;
  } = {},
): Promise<Checked> {
  const { notifiers = [listener], whole = true, watch, vault = scene.vault, account } = options;
  return check(
    sources(names, watch),
    { whole },
    {
      store: openStore(vault),
      clock: { now: () => now },
      notifiers,
      account,
      meter: (figures) => void metered.push(figures),
    },
    limit(),
  );
}

test('25 hours pass: told once, a day later again, and the all-clear after a good backup', async () => {
  await storeBackup(scene.vault, 'shop', now);
  await checking(['shop']);
  pass(25.1);
  await checking(['shop']);
  pass(1);
  await checking(['shop']);
  expect(take()).toEqual(['problem shop stale: the newest backup is 25 h 6 min old, over the limit of 25 h 1 min']);

  pass(23);
  await checking(['shop']);
  expect(take()).toEqual(['reminder shop stale: the newest backup is 2 d 1 h old, over the limit of 25 h 1 min']);

  await storeBackup(scene.vault, 'shop', now);
  pass(1);
  await checking(['shop']);
  await checking(['shop']);
  expect(take()).toEqual(['recovered shop recovered: fresh again: the newest backup is 1 h old']);
});

test('never, unreadable, unconfigured, paused and fresh are told apart in one check', async () => {
  await storeBackup(scene.vault, 'fresh', before(now, hourMs));
  await storeBackup(scene.vault, 'removed', before(now, 30 * hourMs));
  await storeBackup(scene.vault, 'elsewhere', before(now, hourMs));
  const id = await storeBackup(scene.vault, 'unreadable', before(now, hourMs));
  await overwrite(scene.vault, manifestKey('unreadable' as SourceName, id), '{ "format": 2 }');

  const seen = await checking(['fresh', 'unreadable', 'never']);

  expect(states(seen)).toEqual(['fresh fresh', 'unreadable unknown', 'never never']);
  expect(seen.unconfigured).toMatchObject([
    { source: 'elsewhere', old: false },
    { source: 'removed', old: true },
  ]);
  expect(take().toSorted()).toEqual([
    'info removed unconfigured: is no longer in the configuration, and still has backups: no new ones are made',
    'problem never never: there has never been a backup',
    'problem unreadable unknown: not every backup can be judged: nobody knows whether it is good',
  ]);
  expect(metered).toEqual([
    expect.objectContaining({ Checks: 1, Sources: 3, Fresh: 1, Never: 1, Unknown: 1, Problems: 2, Unconfigured: 2 }),
  ]);
});

test('a source that is removed from the configuration while it is stale gets no all-clear, and is told once it is sure that no other configuration checks it', async () => {
  await storeBackup(scene.vault, 'shop', now);
  pass(30);
  await checking(['shop', 'blog']);
  expect(take()).toHaveLength(2);

  pass(1);
  await checking(['blog']);
  expect(take()).toEqual([]);
  pass(1);
  await checking(['blog']);

  expect(take()).toEqual([
    'info shop unconfigured: is no longer in the configuration, and still has backups: no new ones are made',
  ]);
});

/** From here on the vault is a folder that has held something: an empty one could be a disk that is not mounted. */
async function inFolder(): Promise<string> {
  const folder = await folderScene();
  await folder.vault.putIfAbsent(objectKey('note.txt'), Buffer.from('hello'), {}, limit());
  scene = folder;
  return folder.folder;
}

test('a vault that is gone is one message, not one for each source, and says so at each check, for its memory is gone with it', async () => {
  const folder = await inFolder();
  await storeBackup(scene.vault, 'shop', now);
  await checking(['shop', 'blog']);
  take();
  await rm(folder, { recursive: true });

  const seen = await checking(['shop', 'blog']);
  await checking(['shop', 'blog']);

  expect(states(seen)).toEqual(['shop unknown', 'blog unknown']);
  expect(take()).toEqual(
    Array(2).fill("problem all unknown: the vault can't be read: nobody knows how the backups stand"),
  );
  expect(seen.failures).toEqual([]);
  expect(metered.at(-1)).toMatchObject({ Checks: 1, Unknown: 2 });
});

test('a check of one source tells that its vault is gone, too', async () => {
  const folder = await inFolder();
  await rm(folder, { recursive: true });

  const seen = await checking(['shop'], { whole: false });

  expect([states(seen), seen.failures, take()]).toEqual([
    ['shop unknown'],
    [],
    ["problem shop unknown: the vault can't be read: nobody knows how its backups stand"],
  ]);
});

test('a memory that can’t be read, in a vault that can, is a failure of the check', async () => {
  const forgetful: Vault = {
    ...scene.vault,
    read: (key, signal) =>
      key.startsWith('.outbox/')
        ? Promise.reject(new BackupError('vault-denied', `${key}: access denied`))
        : scene.vault.read(key, signal),
  };

  const seen = await checking(['shop'], { vault: forgetful });

  expect([take(), seen.failures, metered]).toMatchObject([
    ['problem shop never: there has never been a backup'],
    [{ code: 'vault-denied' }, { code: 'vault-denied' }],
    [],
  ]);
});

test('a permission that was revoked is told once, and when it is given back', async () => {
  await storeBackup(scene.vault, 'shop', now);
  const denied: Vault = {
    ...scene.vault,
    async *list() {
      throw new BackupError('vault-denied', 's3://vault: access denied: s3:ListBucket', { hint: 'let the role list' });
    },
  };

  const seen = await checking(['shop'], { vault: denied });
  await checking(['shop'], { vault: denied });
  pass(2);
  await checking(['shop']);

  expect(seen.vault).toEqual({
    why: 's3://vault: access denied: s3:ListBucket (vault-denied)',
    hint: 'let the role list',
  });
  expect(take()).toEqual([
    "problem all unknown: the vault can't be read: nobody knows how the backups stand",
    'recovered all recovered: the vault can be read again',
  ]);
});

test('one source that can’t be read keeps none of the others from being judged', async () => {
  await storeBackup(scene.vault, 'shop', before(now, hourMs));
  await storeBackup(scene.vault, 'blog', before(now, hourMs));
  const partly: Vault = {
    ...scene.vault,
    read: (key, signal) =>
      key.startsWith('shop/')
        ? Promise.reject(new BackupError('vault-denied', `${key}: access denied`))
        : scene.vault.read(key, signal),
  };

  const seen = await checking(['shop', 'blog', 'new'], { vault: partly });

  expect(states(seen)).toEqual(['shop unknown', 'blog fresh', 'new never']);
  expect(seen.vault).toBeUndefined();
  expect(take().map((text) => text.split(':')[0])).toEqual(['problem shop unknown', 'problem new never']);
});

test('a check of one source leaves what was told of the others alone', async () => {
  await checking(['shop', 'blog']);
  take();
  await storeBackup(scene.vault, 'shop', now);

  await checking(['shop'], { whole: false });
  await checking(['shop', 'blog']);

  expect(take()).toEqual(['recovered shop recovered: there is a backup: the newest is 0.0 s old']);
});

test('what reached nobody is a failure without a metric, and is told by the next check; what reached one is not told twice', async () => {
  const failed = await checking(['shop'], { notifiers: [broken] });
  expect({ failures: failed.failures, told: failed.told, metered }).toMatchObject({
    failures: [{ code: 'notify-failed' }],
    told: [],
    metered: [],
  });

  const partly = await checking(['shop'], { notifiers: [broken, listener] });
  expect({ failures: partly.failures.length, metered }).toEqual({ failures: 1, metered: [] });
  expect(take()).toEqual([
    'problem shop never: there has never been a backup',
    expect.stringContaining('problem all notifier-failed'),
  ]);

  const well = await checking(['shop']);
  expect([well.told, take(), metered.length]).toEqual([[], [], 1]);
});

test('of several messages, what reached nobody is told by the next check, and the others are not told twice', async () => {
  const deaf = (to: string): Notifier => ({
    name: 'listener',
    notify: (message, stop) => (message.source === to ? broken : listener).notify(message, stop),
  });
  const failed = await checking(['shop', 'blog', 'wiki'], { notifiers: [deaf('blog')] });
  expect({ failures: failed.failures, heard: take() }).toEqual({
    failures: [expect.objectContaining({ code: 'notify-failed' })],
    heard: ['problem shop never: there has never been a backup', 'problem wiki never: there has never been a backup'],
  });

  const again = await checking(['shop', 'blog', 'wiki']);
  expect({ failures: again.failures, heard: take() }).toEqual({
    failures: [],
    heard: ['problem blog never: there has never been a backup'],
  });

  await storeBackup(scene.vault, 'shop', now);
  await storeBackup(scene.vault, 'blog', now);
  await checking(['shop', 'blog', 'wiki'], { notifiers: [deaf('shop')] });
  expect(take()).toEqual([expect.stringContaining('recovered blog recovered')]);

  await checking(['shop', 'blog', 'wiki']);
  expect(take()).toEqual([expect.stringContaining('recovered shop recovered')]);
});

test.each([
  ['lost', undefined],
  ['cut', '{ "version": 1, "open": ['],
  ['of another version', '{ "version": 2 }'],
])('a memory that is %s has it told again, and is mended', async (_, text) => {
  await checking(['shop']);
  const keys = (await scene.files()).filter((file) => file.startsWith('.outbox/')).map(objectKey);
  expect(keys).toHaveLength(2);
  for (const key of keys) {
    await scene.vault.delete(key, limit());
    if (text !== undefined) await scene.vault.putIfAbsent(key, Buffer.from(text), {}, limit());
  }
  take();

  await checking(['shop']);
  await checking(['shop']);

  expect(take()).toEqual(['problem shop never: there has never been a backup']);
});

test('two checks at the same moment may tell twice, and remember once', async () => {
  await Promise.all([checking(['shop', 'blog']), checking(['shop', 'blog']), checking(['shop', 'blog'])]);
  expect(new Set(take()).size).toBe(2);

  const quiet = await checking(['shop', 'blog']);

  expect([quiet.told, take(), quiet.failures]).toEqual([[], [], []]);
});

test('whoever only looks, or tells nobody, remembers nothing', async () => {
  await checking(['shop'], { notifiers: [] });
  expect(await scene.files()).toEqual([]);

  await checking(['shop']);

  expect(take()).toHaveLength(1);
});

test('backups that failed since the newest good one are counted, with the reason of the last; another run at work is none', async () => {
  const id = await storeBackup(scene.vault, 'shop', now);
  const fail = (code: 'vault-full' | 'lease-held' | 'dump-failed') =>
    scene.deps().store.withFailureRecord(
      'shop' as SourceName,
      { ...scene.deps(), clock: { now: () => now } },
      (error) => error,
      () => Promise.reject(new BackupError(code, 'no')),
    );
  for (const code of ['dump-failed', 'vault-full', 'lease-held'] as const) {
    pass(1);
    await expect(fail(code)).rejects.toMatchObject({ code });
  }

  const { judgements } = await checking(['shop']);

  expect(judgements).toMatchObject([
    { state: 'fresh', standing: { newest: id, failures: 2, lastFailure: 'vault-full, 2026-11-20 04:00 UTC' } },
  ]);
  const failed = (await scene.files()).filter((file) => file.includes('failures'));
  expect(failed.map((file) => file.replace(/-test\d+-/, '-test-'))).toEqual([
    'shop/failures/20261120T030000Z-test-dump-failed.json',
    'shop/failures/20261120T040000Z-test-vault-full.json',
  ]);
});

test('what is over because nobody asks for it any more is not told as mended', async () => {
  const id = await storeBackup(scene.vault, 'shop', now);
  await scene.vault.putIfAbsent(
    proofKey(shop, id, { kind: 'drill', outcome: 'passed', at: now }),
    Buffer.from('{}'),
    {},
    limit(),
  );
  await checking(['shop'], { watch: { limit: { ms: 900 * hourMs }, drillEveryMs: 24 * hourMs } });
  pass(100);
  await checking(['shop'], { watch: { limit: { ms: 900 * hourMs }, drillEveryMs: 24 * hourMs } });
  expect(take()).toEqual([expect.stringMatching(/^problem shop overdue-drill/)]);

  pass(1);
  await checking(['shop'], { watch: { limit: { ms: 900 * hourMs } } });

  expect(take()).toEqual(['recovered shop recovered: no proof is asked for any more (drillEvery)']);
});

test('who is told of a backup that holds far less is not sent to restore that one', async () => {
  const full = await told(8);
  const [{ next = [] } = {}] = messages.filter(({ kind }) => kind === 'shrunk');

  expect(next.filter((command) => command.startsWith('nightjar restore'))).toEqual([`nightjar restore shop ${full}`]);
});

test('after a slow loss the one with the most rows is named beside the last full one, as rotation holds it', async () => {
  const ids: string[] = [];
  for (const rows of [20_400, 20_400, 20_400, 17_340, 14_739, 12_528, 10_648, 9_051]) {
    ids.push(await storeBackup(scene.vault, 'shop', now, { rows }));
    await checking(['shop']);
    pass(24);
  }
  const [most, full] = [ids[2], ids[6]];

  messages = [];
  const reader: Notifier = { name: 'reader', notify: async (message) => void messages.push(message) };
  await checking(['shop'], { notifiers: [reader] });
  const deps = { ...depsOf(scene.vault), clock: { now: () => now } };
  const dry = await rotate(shop, policyOf({ count: 1 }), { dryRun: true, anyShare: true }, deps, limit());

  const [{ facts = [], next = [] } = {}] = messages.filter(({ kind }) => kind === 'shrunk');
  expect(next).toEqual(
    expect.arrayContaining([`nightjar restore shop ${full}`, `nightjar restore shop ${most}`, 'nightjar accept shop']),
  );
  const named = (label: string) => facts.find((one) => one.label === label)?.value.slice(0, 23);
  expect([named('Last full'), named('Most rows')]).toEqual([full, most]);
  const kept = dry.plan.backups.flatMap(({ found, reasons }) =>
    reasons.filter(({ rule }) => rule === 'last-full' || rule === 'most-rows').map(({ rule }) => [rule, found.id]),
  );
  expect(kept).toEqual([
    ['most-rows', most],
    ['last-full', full],
  ]);
});

test('moments in a message are those of the source, before those of UTC', async () => {
  await told(8);

  const [{ facts = [] } = {}] = messages.filter(({ kind }) => kind === 'shrunk');
  expect(facts.map(({ value }) => value).join()).toMatch(/2026-11-27 11:00 Asia\/Tokyo, 02:00 UTC/);
});

/** Nights of 50,000 rows, each looked at, and one of 100; returns the last full one. */
async function told(nights: number): Promise<string> {
  messages = [];
  const reader: Notifier = { name: 'reader', notify: async (message) => void messages.push(message) };
  const tokyo = { ...watching({}, 'Asia/Tokyo'), source: shop, place: scene.vault.place };
  const looking = () =>
    check(
      [tokyo],
      { whole: true },
      { store: openStore(scene.vault), clock: { now: () => now }, notifiers: [reader], meter: () => {} },
      limit(),
    );
  let full = '';
  for (let night = 0; night < nights; night += 1) {
    full = await storeBackup(scene.vault, 'shop', now, { rows: 50_000 });
    await looking();
    pass(24);
  }
  await storeBackup(scene.vault, 'shop', now, { rows: 100 });
  await looking();
  return full;
}

test('a subscription that nobody confirmed is told once, each week, and when it is confirmed', async () => {
  let unheard = [{ text: 'sns t: nothing reaches ops@acme.example', hint: 'confirm it' }];
  const topic: Notifier = { name: 'sns t', notify: () => Promise.resolve(), unheard: async () => unheard };
  const asking = async () => {
    await storeBackup(scene.vault, 'shop', now);
    return checking(['shop'], { notifiers: [listener, topic] });
  };

  expect((await asking()).unheard).toEqual(unheard);
  const subject = 'somebody who is to be told hears nothing: a subscription was never confirmed';
  expect(take()).toEqual([`problem all unconfirmed: ${subject}`]);
  pass(24);
  await asking();
  expect(take()).toEqual([]);
  pass(6 * 24);
  await asking();
  expect(take()).toEqual([`reminder all unconfirmed: ${subject}`]);
  unheard = [];
  pass(1);
  await asking();
  expect(take()).toEqual(['recovered all recovered: everybody who subscribed has confirmed it']);
});

test('a database that no source covers is told once, each week, and when it is covered; so is what can’t be seen', async () => {
  const finding = (what: string) => ({
    kind: 'uncovered' as const,
    what,
    subject: `${what} is open`,
    known: [],
    hint: 'do',
  });
  const judged = ['account-unseen', 'uncovered'] as const;
  let look: AccountLook = { judged, found: [finding('instance a')] };
  const asking = async () => {
    await storeBackup(scene.vault, 'shop', now);
    return checking(['shop'], { account: async () => look });
  };

  await asking();
  expect(take()).toEqual(['problem all uncovered: instance a is open']);
  pass(24);
  look = { ...look, found: [finding('instance a'), finding('cluster b')] };
  await asking();
  expect(take()).toEqual(['problem all uncovered: cluster b is open']);
  pass(1);
  look = { judged: ['account-unseen'], found: [accountUnseen('databases', 'AccessDenied', 'rds:Describe')] };
  expect((await asking()).account).toEqual(look);
  expect(take()).toEqual(["problem all account-unseen: the databases of the account can't be looked at"]);
  pass(24);
  await asking();
  expect(take()).toEqual([]);
  pass(6 * 24);
  look = { judged, found: [finding('cluster b')] };
  await asking();
  expect(take().toSorted()).toEqual([
    'recovered all recovered: databases can be looked at again, or need not be',
    'recovered all recovered: instance a is covered now, or gone',
    'reminder all uncovered: cluster b is open',
  ]);
});

test('a topic that can’t be asked for its subscriptions ends nothing', async () => {
  await storeBackup(scene.vault, 'shop', now);
  let asked: () => Promise<{ text: string; hint: string }[]> = async () => [{ text: 'nobody', hint: 'confirm' }];
  const topic: Notifier = { name: 'sns t', notify: () => Promise.resolve(), unheard: () => asked() };
  await checking(['shop'], { notifiers: [listener, topic] });
  take();
  asked = () => Promise.reject(new Error('AuthorizationError'));

  const seen = await checking(['shop'], { notifiers: [listener, topic] });

  expect(seen.unheard).toBeUndefined();
  expect(seen.failures).toEqual([]);
  expect(take()).toEqual([]);

  const other: Notifier = { ...topic, name: 'sns u', unheard: async () => [{ text: 'no dev', hint: 'confirm' }] };
  expect((await checking(['shop'], { notifiers: [topic, other] })).unheard).toEqual([
    { text: 'no dev', hint: 'confirm' },
  ]);
});
