import { expect, test } from '@jest/globals';
import { doctor } from '../../../../core/commands/doctor/doctor.ts';
import type { DoctorDeps } from '../../../../core/commands/doctor/doctor.ts';
import { examineSource } from '../../../../core/commands/doctor/one-source.ts';
import { doctorLines, doctorSummary } from '../../../../bin/cli/text/setup/doctor-text.ts';
import { settingsOf } from '../../../../core/contract/config/settings/settings.ts';
import { defaultsSchema } from '../../../../core/contract/config/settings/settings.ts';
import { BackupError } from '../../../../core/domain/errors.ts';
import type { ObjectKey, SourceName } from '../../../../core/domain/keys.ts';
import { probeKey } from '../../../../core/domain/layout/places.ts';
import type { Engine, Examination, Notifier } from '../../../../core/ports.ts';
import { openStore } from '../../../../core/store/store.ts';
import type { Vault } from '../../../../core/vault.ts';
import { toyEngine, toySource } from '../../../support/worlds/toy-engine.ts';
import { expectGolden } from '../../../support/golden.ts';
import { emptyState, memoryVault } from '../../../support/vaults/memory-vault.ts';
import { limit } from '../../../support/vaults/vault.ts';

const shop = 'shop' as SourceName;
const now = () => new Date('2026-11-20T12:00:00Z');

/** Settings as a file would have them: these keys in its defaults. */
const written = (keys: object) => settingsOf(defaultsSchema.parse(keys), {});

type World = Partial<DoctorDeps> & { vault?: never };
/** What the doctor says of one source on an engine of toys, in a vault of memory; `vault`: something like it. */
async function examining(
  {
    like = (vault: Vault) => vault,
    engine = toyEngine(new Map([['shop', {}]]), 'shop'),
    keys = {},
    ...more
  }: World & {
    like?: (vault: Vault) => Vault;
    engine?: Engine;
    keys?: object;
  },
  options = { notify: false },
) {
  const state = emptyState();
  const deps: DoctorDeps = {
    clock: { now },
    random: () => 0.5,
    store: openStore(like(memoryVault(state, { now }))),
    settings: () => written(keys),
    source: async () => toySource(engine),
    notifiers: [],
    toolsNotices: async () => [],
    ...more,
    vault: async (name) => openStore(memoryVault(emptyState(), { place: name, now })),
  };
  const found = await doctor([shop], options, deps, limit());
  return { found, keys: [...state.objects.keys()] };
}

const bad = (found: { outcome: string; about: string; what: string; said: string }[]) =>
  found.filter(({ outcome }) => outcome === 'failed').map(({ about, what, said }) => [about, what, said]);

test('an engine that describes no examinations is tried by planning a backup, which is let go', async () => {
  let closed = 0;
  const toy = toyEngine(new Map([['shop', {}]]), 'shop');
  const engine: Engine = {
    ...toy,
    plan: async (options, signal) => ({ ...(await toy.plan(options, signal)), close: async () => void (closed += 1) }),
  };

  const { found, keys } = await examining({ engine });

  expect(bad(found)).toEqual([]);
  expect(found.find(({ what }) => what === 'backup')).toMatchObject({ outcome: 'fine' });
  expect(closed).toBe(1);
  expect(keys).toEqual([]);
});

test('what fails keeps only what needs it from being tried', async () => {
  const tried: string[] = [];
  const one = (what: string, needs: string[], works = true): Examination => ({
    what,
    needs,
    async look() {
      tried.push(what);
      if (works) return [{ outcome: 'fine', said: 'yes' }];
      throw new BackupError('privilege-missing', 'no', { hint: 'grant it' });
    },
  });
  const examinations = () => [
    one('reachable', []),
    one('tables', ['reachable'], false),
    one('clock', ['reachable']),
    one('rows', ['tables']),
    one('sums', ['rows']),
  ];

  const { found } = await examining({ engine: { ...toyEngine(new Map([['shop', {}]]), 'shop'), examinations } });

  expect(tried).toEqual(['reachable', 'tables', 'clock']);
  expect(found.filter(({ about }) => about === 'source shop').map(({ what, outcome }) => `${what} ${outcome}`)).toEqual(
    [
      'reachable fine',
      'tables failed',
      'clock fine',
      'rows not tried',
      'sums not tried',
      'backup not tried',
      'restore not tried',
      'schedule not tried',
    ],
  );
});

test('an examination without an answer ends at its limit, and the others go on', async () => {
  const examinations = () => [{ what: 'reachable', look: () => new Promise<never>(() => {}) }];

  const { found } = await examining({
    engine: { ...toyEngine(new Map([['shop', {}]]), 'shop'), examinations },
    limitMs: 200,
  });

  expect(bad(found)).toEqual([['source shop', 'reachable', 'source shop: reachable: no answer for 0.2 s']]);
  expect(found.filter(({ about }) => about === 'vault').every(({ outcome }) => outcome !== 'failed')).toBe(true);
});

test('a vault that can’t be reached is told once, and not again by each source', async () => {
  const away = () => Promise.reject(new BackupError('vault-unreachable', 'no route'));
  const like = (vault: Vault): Vault => ({ ...vault, putIfAbsent: away, read: away, list: () => failing(away) });

  const { found } = await examining({ like });

  expect(bad(found)).toEqual([['vault', 'written', 'no route']]);
  expect(found.find(({ what }) => what === 'restore')).toMatchObject({ outcome: 'not tried' });
});

test('a source that can’t be opened is told with the key of the configuration', async () => {
  const source = () =>
    Promise.reject(new BackupError('secret-missing', 'sources.shop.toy.password: NOT_SET is not set'));

  const { found } = await examining({ source });

  expect(bad(found)).toEqual([['source shop', 'login', 'sources.shop.toy.password: NOT_SET is not set']]);
});

const key = probeKey as ObjectKey;
const lies: [name: string, like: (vault: Vault) => Vault, what: string, said: RegExp][] = [
  [
    'writes over small objects',
    (vault) => ({
      ...vault,
      async putIfAbsent(at, body, tags, signal) {
        await vault.delete(at, signal);
        return vault.putIfAbsent(at, body, tags, signal);
      },
    }),
    'written once',
    /writes over an object although it was told not to/,
  ],
  [
    'writes over parts',
    (vault) => ({
      ...vault,
      async put(at, body, tags, signal) {
        await vault.delete(at, signal);
        return vault.put(at, body, tags, signal);
      },
    }),
    'written once',
    /writes over a part although/,
  ],
  [
    'replaces whatever is there',
    (vault) => ({
      ...vault,
      async putIfUnchanged(at, body, _, signal) {
        const { version } = await vault.read(at, signal);
        return vault.putIfUnchanged(at, body, version, signal);
      },
    }),
    'replaced',
    /replaces what somebody else has written/,
  ],
  [
    'gives something else than was stored',
    (vault) => ({
      ...vault,
      read: async (at, signal) => ({ ...(await vault.read(at, signal)), body: Buffer.from('{}') }),
    }),
    'written',
    /is not what was just written/,
  ],
  [
    'forgets tags',
    (vault) => ({ ...vault, retag: async () => undefined }),
    'tagged',
    /took tags, and does not have them/,
  ],
  [
    'does not list what was written',
    (vault) => ({
      ...vault,
      async *list(prefix, signal) {
        for await (const one of vault.list(prefix, signal)) if (one.key !== key) yield one;
      },
    }),
    'clock',
    /is in no listing/,
  ],
  [
    'has no room',
    (vault) => ({ ...vault, free: () => Promise.reject(new BackupError('vault-full', 'full')) }),
    'space',
    /full/,
  ],
];

test.each(lies.map((lie) => [lie[0], lie] as const))(
  'a vault that %s is found out',
  async (_, [, like, what, said]) => {
    const { found } = await examining({ like });

    expect(bad(found)).toEqual([['vault', what, expect.stringMatching(said)]]);
  },
);

test.each([
  ['refused', 'fine'],
  ['kept', 'fine'],
  ['lost', 'warning'],
] as const)('writing over an object that is %s is %s', async (became, outcome) => {
  const { found } = await examining({ like: (vault) => ({ ...vault, overwrite: async () => became }) });

  expect(found.find(({ what }) => what === 'overwritten')).toMatchObject({ outcome });
});

test('where nothing may be deleted, that is right, and the next run writes over what is left', async () => {
  const denied = () => Promise.reject(new BackupError('vault-denied', 'no'));
  const like = (vault: Vault): Vault => ({ ...vault, delete: denied, unfinished: () => failing(denied) });

  const { found, keys } = await examining({ like });

  expect(bad(found)).toEqual([]);
  expect(found.find(({ what }) => what === 'removed')?.said).toContain('rotation needs other credentials');
  expect(found.find(({ what }) => what === 'uploads')).toMatchObject({ outcome: 'warning' });
  expect(keys).toEqual([key]);
});

test.each([1, 2, 3, 5, 8, 13])(
  'a second doctor in a vault, %i steps later, tells nothing of the first as a fault',
  async (later) => {
    const state = emptyState();
    let first = later;
    const turn = async () => {
      for (; first > 0; first -= 1) await new Promise(setImmediate);
    };
    const stores = [() => new Promise<void>(setImmediate), turn].map((one) =>
      openStore(memoryVault(state, { now, turn: one })),
    );

    const found = await Promise.all(stores.map((store) => examining({ store })));

    expect(found.flatMap((one) => bad(one.found))).toEqual([]);
  },
);

test('of one source, nothing is tried that its role may not do', async () => {
  const denied = () => Promise.reject(new BackupError('vault-denied', 'no'));
  const state = emptyState();
  const vault = memoryVault(state, { now });
  const role: Vault = {
    ...vault,
    list: (prefix, signal) => (/^(shop|\.outbox)\//.test(prefix) ? vault.list(prefix, signal) : failing(denied)),
    retag: denied,
    delete: denied,
    overwrite: denied,
    unfinished: () => failing(denied),
  };
  const deps = {
    clock: { now },
    store: openStore(role),
    settings: () => written({}),
    source: async () => toySource(toyEngine(new Map([['shop', {}]]), 'shop')),
  };

  const found = await examineSource(shop, deps, limit());

  expect(found.map(({ about, what, outcome }) => `${about} ${what} ${outcome}`)).toEqual([
    'vault written fine',
    'vault listed warning',
    'vault written once fine',
    'vault replaced fine',
    'vault clock fine',
    'vault removed fine',
    'source shop backup fine',
    'source shop schedule not tried',
  ]);
});

test('clocks that differ by more than a minute are a warning that says which way', async () => {
  const { found } = await examining({ clock: { now: () => new Date(now().getTime() - 3_600_000) } });

  expect(found.find(({ about, what }) => about === 'vault' && what === 'clock')).toMatchObject({
    outcome: 'warning',
    said: 'the clock of this machine is 1 h behind that of the vault',
  });
});

test('a freshness that is shorter than the schedule’s pauses is a warning', async () => {
  const { found } = await examining({ keys: { schedule: '0 2 * * 1-5', freshness: '25h' } });

  expect(found.find(({ what }) => what === 'schedule')).toMatchObject({
    outcome: 'warning',
    said: expect.stringContaining('backups are up to 3 d apart'),
    remedy: expect.stringContaining('write freshness: 73h'),
  });
});

test('a vault that copies go to is examined, once', async () => {
  const { found } = await examining({ keys: { copies: ['offsite'] } });

  const places = [...new Set(found.map(({ about }) => about))];
  expect(places).toEqual(['vault', 'vault offsite', 'source shop', 'database clients']);
});

test('a message is sent only when that is asked for', async () => {
  const sent: string[] = [];
  const notifier: Notifier = { name: 'slack', notify: async ({ subject }) => void sent.push(subject) };

  const quiet = await examining({ notifiers: [notifier] });
  expect(sent).toEqual([]);
  expect(quiet.found.find(({ what }) => what === 'delivery')).toMatchObject({ outcome: 'not tried' });

  await examining({ notifiers: [notifier] }, { notify: true });
  expect(sent).toHaveLength(1);
});

test('everything stands within 80 columns, what failed with its remedy', async () => {
  const error = new BackupError('privilege-missing', 'postgres://app@db:5432/shop: the role may not read public.notes');
  const about = 'source shop';
  const lines = [
    { about: 'vault', what: 'written', outcome: 'fine', said: 'an object was written and read back in /srv/backups' },
    { about, what: 'reachable', outcome: 'fine', said: 'PostgreSQL 17.6 at postgres://app@db:5432/shop' },
    {
      about,
      what: 'tables',
      outcome: 'failed',
      said: error.message,
      remedy: 'GRANT pg_read_all_data TO app;',
      error,
      code: error.code,
    },
    {
      about,
      what: 'standby',
      outcome: 'warning',
      said: 'this standby may cancel a long backup',
      remedy: 'run: nightjar backup shop',
    },
    { about, what: 'rows', outcome: 'not tried', said: 'to be tried once this is mended: tables', blocked: true },
    { about, what: 'backup', outcome: 'not tried', said: 'to be tried once this is mended: tables', blocked: true },
  ] as const;

  const text = [...doctorLines(lines, (one) => one.replace('nightjar', 'nightjar -c x.yaml')), doctorSummary(lines)];

  expect(text.filter((line) => line.length > 80)).toEqual([]);
  await expectGolden('doctor/lines.txt', `${text.join('\n')}\n`);

  const narrow = doctorLines(lines, undefined, 50);
  expect(narrow.filter((line) => line.length > 50)).toEqual([]);
  await expectGolden('doctor/narrow.txt', `${narrow.join('\n')}\n`);
});

async function* failing(work: () => Promise<never>): AsyncIterable<never> {
  yield await work();
}
