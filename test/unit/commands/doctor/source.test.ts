import { beforeEach, expect, test } from '@jest/globals';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { backup } from '../../../../core/commands/backup.ts';
import { examined } from '../../../../core/commands/doctor/examine.ts';
import type { Examined } from '../../../../core/commands/doctor/examine.ts';
import { examineSource } from '../../../../core/commands/doctor/one-source.ts';
import { sourceCourses } from '../../../../core/commands/doctor/source.ts';
import { settingsOf, defaultsSchema } from '../../../../core/contract/config/settings/settings.ts';
import { BackupError } from '../../../../core/domain/errors.ts';
import { isDrillDatabase } from '../../../../core/domain/drill-name.ts';
import type { Engine, Examination, ListKeys, RestoreFinding, Target, TargetOptions } from '../../../../core/ports.ts';
import { newSigningKey } from '../../../../core/signing.ts';
import type { Store } from '../../../../core/store/store.ts';
import { signedStore } from '../../../support/keys/signed.ts';
import { emptyState, memoryVault } from '../../../support/vaults/memory-vault.ts';
import type { MemoryState } from '../../../support/vaults/memory-vault.ts';
import { shop } from '../../../support/vaults/seen.ts';
import { depsOf, limit } from '../../../support/vaults/vault.ts';
import { toyEngine, toySource } from '../../../support/worlds/toy-engine.ts';
import type { ToyServer } from '../../../support/worlds/toy-engine.ts';

const clock = { now: () => new Date('2026-11-20T12:00:00Z') };
const ours = newSigningKey();
const signed = { publicKeys: [ours.publicKey], privateKey: ours.privateKey };
let state: MemoryState;
let server: ToyServer;
let opened: [object, TargetOptions?][];
let closed: number;

beforeEach(() => {
  state = emptyState();
  server = new Map([['shop', { orders: ['1'] }]]);
  [opened, closed] = [[], 0];
});

const storeOf = (words?: Parameters<typeof signedStore>[1], identity?: string) =>
  signedStore(memoryVault(state), words, identity);
const backingUp = (store: Store, recipients: string[] = []) =>
  backup(
    { ...toySource(toyEngine(server, 'shop')), recipients },
    { ...depsOf(memoryVault(state)), store, clock: { now: () => new Date('2026-11-20T02:00:00Z') } },
    limit(),
  );

type Given = {
  keys?: object;
  store?: Store;
  target?: Partial<Target>;
  engine?: Partial<Engine>;
  listKeys?: ListKeys;
};

/** What is examined of the source `shop` with these keys in its defaults, as `what: outcome said`. */
async function examining({
  keys = {},
  store = storeOf(),
  target = {},
  engine = {},
  listKeys,
}: Given = {}): Promise<Examined[]> {
  const deps = {
    clock,
    random: () => 0.5,
    store,
    listKeys,
    settings: () => settingsOf(defaultsSchema.parse(keys), {}),
    source: async (_: string, options: { database?: string; drill?: boolean }) => {
      const toy = toyEngine(server, options.database ?? 'shop');
      const opening: Engine = {
        ...toy,
        async target(given, signal) {
          opened.push([options, given]);
          return { ...(await toy.target(given, signal)), close: async () => void (closed += 1), ...target };
        },
      };
      return toySource({ ...opening, ...engine });
    },
  };
  const found: Examined[] = [];
  for (const course of sourceCourses(shop, deps)) found.push(...(await examined(course, 60_000, limit())));
  return found;
}
const of = (found: readonly Examined[], name: string) => found.filter(({ what }) => what === name);
const foreseeing = (...findings: RestoreFinding[]): Partial<Target> => ({
  foresee: async () => ({ steps: [], findings }),
});
const about = 'source shop';

test('whether the newest good backup could be restored beside its source is looked at, and nothing is written', async () => {
  const { id } = await backingUp(storeOf());
  const before = [...state.objects.keys()];

  const found = await examining();

  const place = 'toy://shop_20261120_020000';
  const said = `nothing speaks against a restore of ${id} as ${place}`;
  expect(of(found, 'restore')).toEqual([{ about, what: 'restore', outcome: 'fine', said }]);
  expect(opened).toMatchObject([
    [
      { database: 'shop_20261120_020000', drill: false },
      { owners: true, proof: true, drill: false },
    ],
  ]);
  expect(closed).toBe(1);
  const replaced: boolean[] = [];
  const foresee: Target['foresee'] = async (replace) => (replaced.push(replace), { steps: [], findings: [] });
  await examining({ target: { foresee } });
  expect(replaced).toEqual([false]);
  expect([...state.objects.keys()]).toEqual(before);
  expect([...server.keys()]).toEqual(['shop']);
});

test('what speaks against a restore is a warning each, with its remedy; of many the first, and how many more', async () => {
  await backingUp(storeOf());
  const may = (count: number) =>
    Array.from({ length: count }, (_, index): RestoreFinding => ({ weight: 'may-fail', what: `extension ${index}` }));
  const fails: RestoreFinding = { weight: 'fails', what: 'no role ann', remedy: 'CREATE ROLE ann;' };
  const note: RestoreFinding = { weight: 'note', what: 'it is large' };
  const restoresOf = async (...findings: RestoreFinding[]) =>
    of(await examining({ target: foreseeing(...findings) }), 'restore').map(({ outcome, said, ...rest }) => [
      outcome,
      said,
      ...('remedy' in rest ? [rest.remedy] : []),
    ]);

  expect(await restoresOf(note, fails, ...may(5))).toEqual([
    ['warning', 'with this login, a restore would fail: no role ann', 'CREATE ROLE ann;'],
    ...may(5).map(({ what }) => ['warning', `a restore may fail: ${what}`]),
  ]);
  expect(await restoresOf(...may(8))).toEqual([
    ...may(6).map(({ what }) => ['warning', `a restore may fail: ${what}`]),
    ['warning', 'a restore may fail: and 2 more: nightjar restore --plan lists them'],
  ]);
});

test('a source that is drilled has to be restorable into the scratch database of a drill, by the drill’s own words', async () => {
  const { id } = await backingUp(storeOf());
  const drilled = { drillEvery: '30d', drill: { owners: false } };

  const found = await examining({ keys: drilled, target: foreseeing({ weight: 'may-fail', what: 'slow' }) });

  expect(of(found, 'restore')).toEqual([]);
  expect(of(found, 'drill')).toMatchObject([{ outcome: 'warning', said: 'a restore may fail: slow' }]);
  const [[options, given] = []] = opened as [{ database: string; drill: boolean }, TargetOptions][];
  expect(isDrillDatabase(options!.database)).toBe(true);
  expect(options!.drill).toBe(true);
  expect(given).toMatchObject({ owners: false, proof: true, drill: true, manifest: { id } });

  const failing = foreseeing({ weight: 'fails', what: 'no role ann', code: 'privilege-missing' });
  expect(of(await examining({ keys: drilled, target: failing }), 'drill')).toMatchObject([
    { outcome: 'failed', code: 'privilege-missing', said: expect.stringContaining('no role ann') },
  ]);
  expect(closed).toBe(2);
});

test('where there is no backup yet, or the vault can’t be read, that is said, and is nobody’s fault', async () => {
  const keys = { signing: { publicKeys: [ours.publicKey] } };
  const said = (found: Examined[], what: string) => of(found, what).map((one) => [one.outcome, one.said]);
  const empty = await examining({ keys, store: storeOf(signed) });

  expect(said(empty, 'restore')).toEqual([['not tried', 'there is no backup yet that could be restored']]);
  expect(said(empty, 'keys')).toEqual([['not tried', 'there is no backup yet to try the keys on']]);

  const away = { ...storeOf(), listSource: () => Promise.reject(new BackupError('vault-denied', 'no')) };
  expect(said(await examining({ store: away }), 'restore')).toEqual([
    ['not tried', 'to be tried once the vault can be read'],
  ]);
  const broken = { ...storeOf(), listSource: () => Promise.reject(new BackupError('lease-stuck', 'odd')) };
  expect(said(await examining({ store: broken }), 'restore')).toEqual([['failed', 'odd']]);
  const faulty = { ...storeOf(), listSource: () => Promise.reject(new TypeError('a fault of ours')) };
  expect(said(await examining({ store: faulty }), 'restore')).toEqual([['failed', 'a fault of ours']]);
});

test('a server that can’t be reached is told once: only what is looked at first keeps a restore from being tried', async () => {
  await backingUp(storeOf());
  const one = (what: string, isThere: boolean): Examination => ({
    what,
    async look() {
      if (!isThere) throw new BackupError('source-unreachable', 'no route', { hint: 'open the port' });
      return [];
    },
  });
  const looking = async (...them: Examination[]) => examining({ engine: { examinations: () => them } });

  const away = await looking(one('reachable', false), one('rows', true));
  expect(of(away, 'reachable')).toMatchObject([{ outcome: 'failed', said: 'no route', remedy: 'open the port' }]);
  expect(of(away, 'restore')).toEqual([
    { about, what: 'restore', outcome: 'not tried', said: 'to be tried once this is mended: reachable', blocked: true },
  ]);
  const half = await looking(one('reachable', true), one('rows', false));
  expect(of(half, 'restore')).toMatchObject([{ outcome: 'fine' }]);
  expect(of(half, 'backup')).toMatchObject([{ outcome: 'not tried', blocked: true }]);
});

test('what is encrypted is looked into only where somebody here can open it', async () => {
  const identity = await generateX25519Identity();
  const recipients = [await identityToRecipient(identity)];
  const { id } = await backingUp(storeOf(), recipients);
  const locked = { encryption: { recipients } };
  const open = { encryption: { recipients, identity: { env: 'IDENTITY' } } };

  const blind = await examining({ keys: locked });
  expect(of(blind, 'restore')).toEqual([]);
  const none = 'no identity is configured here: whoever restores proves theirs with nightjar key check';
  expect(of(blind, 'keys')).toEqual([{ about, what: 'keys', outcome: 'not tried', said: none }]);

  const seeing = await examining({ keys: open, store: storeOf(undefined, identity) });
  expect(of(seeing, 'restore')).toMatchObject([{ outcome: 'fine' }]);
  const now = await examining({
    keys: { encryption: { identity: { env: 'IDENTITY' } } },
    store: storeOf(undefined, identity),
  });
  expect(of(now, 'keys')).toEqual(of(seeing, 'keys'));
  expect(of(seeing, 'keys')).toEqual([{ about, what: 'keys', outcome: 'fine', said: `${id}: the identity opens it` }]);
});

test('what the keys do with the newest backup is told, and nothing where there are none', async () => {
  const { id } = await backingUp(storeOf(signed));
  const keys = { signing: { publicKeys: [ours.publicKey] } };
  const said = async (store: Store) => of(await examining({ keys, store }), 'keys').map((one) => one.said);

  expect(of(await examining(), 'keys')).toEqual([]);
  expect(await said(storeOf(signed))).toEqual([`${id}: its signature is genuine, new ones can be signed here`]);
  expect(await said(storeOf({ publicKeys: [ours.publicKey] }))).toEqual([`${id}: its signature is genuine`]);
  expect(await said(storeOf({ publicKeys: [ours.publicKey], since: '2027-01-01' }))).toEqual([
    `${id}: from before the keys`,
  ]);
});

test('signing is tried where a private key is configured, or where backups are made, and says whose key it is', async () => {
  const publicKeys = [ours.publicKey];
  const arn = 'arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000';
  const signing = async (words: object | undefined, store = storeOf(signed)) =>
    of(await examining({ keys: words === undefined ? {} : { signing: words }, store }), 'signing').map((one) => [
      one.outcome,
      one.said,
    ]);

  expect(await signing(undefined)).toEqual([]);
  expect(await signing({ publicKeys })).toEqual([]);
  expect(await signing({ publicKeys, privateKey: { env: 'SIGNING' } })).toEqual([
    ['fine', 'new backups can be signed'],
  ]);
  expect(await signing({ publicKeys, privateKey: { kms: arn } })).toEqual([
    ['fine', 'new backups can be signed, by AWS KMS'],
  ]);
  const without = { ...storeOf(), signer: () => Promise.reject(new BackupError('secret-missing', 'SIGNING: not set')) };
  expect(await signing({ publicKeys, privateKey: { env: 'SIGNING' } }, without)).toEqual([
    ['failed', 'SIGNING: not set'],
  ]);

  const settings = () => settingsOf(defaultsSchema.parse({ signing: { publicKeys } }), {});
  const source = async () => toySource(toyEngine(server, 'shop'));
  const here = await examineSource(shop, { clock, store: without, settings, source }, limit());
  expect(here.filter(({ about: whose, what }) => whose === about && what === 'signing')).toMatchObject([
    { outcome: 'failed', code: 'secret-missing' },
  ]);
});

test('schedule, freshness and what is kept are held against each other, here and in the copies', async () => {
  const schedules = async (keys: object) =>
    (await examining({ keys }))
      .filter(({ what }) => ['schedule', 'retention'].includes(what))
      .map((one) => [one.what, one.outcome, one.said, ...('remedy' in one ? [one.remedy] : [])]);

  expect(await schedules({})).toEqual([
    ['schedule', 'not tried', "none is configured: a backup may be 1 d 1 h old, and missed moments can't be known"],
  ]);
  const daily = [
    ['schedule', 'fine', '"0 2 * * *" UTC: at most 1 d apart'],
    ['retention', 'fine', 'rotation can do its work'],
  ];
  expect(await schedules({ schedule: '0 2 * * *' })).toEqual(daily);
  expect(await schedules({ schedule: '0 2 * * *', freshness: '24h' })).toEqual(daily);
  expect(await schedules({ schedule: '0 2 * * *', freshness: '23h' })).toEqual([
    [
      'schedule',
      'warning',
      'backups are up to 1 d apart, and more than 23 h is called stale: check would tell that though all is well',
      'write freshness: 25h or more, or leave it out: then each moment of the schedule counts',
    ],
    daily[1],
  ]);
  const copies = [
    { vault: 'nas', retention: { count: 9 } },
    { vault: 'away', retention: { count: 1 } },
  ];
  expect((await schedules({ schedule: '0 2 * * *', copies, rotation: { maxShare: 20 } }))[1]).toEqual([
    'retention',
    'failed',
    'rotation of the vault away would be refused for ever: of backups of "0 2 * * *", 1 of 2 days lose theirs at once, ' +
      'and rotation.maxShare is 20',
    "write rotation.maxShare: 50 or more, or keep more days in that copy's retention",
  ]);
});

test('of what is encrypted and shared from night to night, it is said whether keys to its lists can be kept here', async () => {
  const recipient = await identityToRecipient(await generateX25519Identity());
  const keys = { encryption: { recipients: [recipient] } };
  const keeping = (read: Awaited<ReturnType<ListKeys['read']>>): ListKeys => ({
    read: async () => read,
    keep: async () => undefined,
  });
  const engine = { shares: true } as const;
  const kept = keeping({ place: '/var/cache/nightjar-keys', keys: [] });

  expect(of(await examining({ keys, engine, listKeys: kept }), 'unchanged')).toEqual([
    {
      about,
      what: 'unchanged',
      outcome: 'fine',
      said: 'keys to the lists of its last backups: /var/cache/nightjar-keys',
    },
  ]);
  expect(of(await examining({ keys, engine, listKeys: keeping({ why: 'EROFS' }) }), 'unchanged')).toMatchObject([
    {
      outcome: 'warning',
      said: 'everything is stored each time: EROFS',
      remedy: expect.stringContaining('NIGHTJAR_CACHE'),
    },
  ]);
  for (const given of [
    { engine, listKeys: kept },
    { keys, listKeys: kept },
    { keys, engine },
  ])
    expect(of(await examining(given), 'unchanged')).toEqual([]);
});
