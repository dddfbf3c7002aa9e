import { expect, test } from '@jest/globals';
import { doctor } from '../../../../core/commands/doctor/doctor.ts';
import type { DoctorDeps } from '../../../../core/commands/doctor/doctor.ts';
import { examined } from '../../../../core/commands/doctor/examine.ts';
import type { Course } from '../../../../core/commands/doctor/examine.ts';
import { examineSource } from '../../../../core/commands/doctor/one-source.ts';
import { defaultsSchema, settingsOf } from '../../../../core/contract/config/settings/settings.ts';
import type { Message } from '../../../../core/contract/events/message.ts';
import { BackupError } from '../../../../core/domain/errors.ts';
import type { Notifier, Plan } from '../../../../core/ports.ts';
import { openStore } from '../../../../core/store/store.ts';
import { emptyState, memoryVault } from '../../../support/vaults/memory-vault.ts';
import { shop } from '../../../support/vaults/seen.ts';
import { limit } from '../../../support/vaults/vault.ts';
import { toyEngine, toySource } from '../../../support/worlds/toy-engine.ts';

const now = () => new Date('2026-11-20T12:00:00Z');
const engine = toyEngine(new Map([['shop', { orders: ['1'] }]]), 'shop');

function depsOf(more: Partial<DoctorDeps> = {}, keys: object = {}): DoctorDeps {
  return {
    clock: { now },
    random: () => 0.5,
    store: openStore(memoryVault(emptyState(), { now })),
    settings: () => settingsOf(defaultsSchema.parse(keys), {}),
    source: async () => toySource(engine),
    notifiers: [],
    toolsNotices: async () => [],
    vault: async (name) => openStore(memoryVault(emptyState(), { place: name, now })),
    ...more,
  };
}
const examining = async (more: Partial<DoctorDeps>, { notify = false, keys = {} } = {}) =>
  doctor([shop], { notify }, depsOf(more, keys), limit());
const refusal = (message: string) => () => Promise.reject(new BackupError('secret-missing', message));

test('a notifier whose address can’t be read is sent nothing; one that takes a message is told as fine', async () => {
  const heard: Message[] = [];
  const notify = async (message: Message) => void heard.push(message);
  const notifiers: Notifier[] = [
    { name: 'plain', notify },
    { name: 'secret', notify, address: async () => 'https://hooks.example/1' },
    { name: 'lost', notify, address: refusal('HOOK is not set') },
  ];
  const saidOf = async (options: { notify: boolean }) =>
    (await examining({ notifiers }, options))
      .filter(({ about }) => about.startsWith('notifier '))
      .map(({ about, what, outcome, said }) => [about.slice(9), what, outcome, said]);
  const lost = [
    ['lost', 'address', 'failed', 'HOOK is not set'],
    ['lost', 'delivery', 'not tried', 'to be tried once this is mended: address'],
  ];
  const unsent = 'with --notify, a test message is sent';

  expect(await saidOf({ notify: false })).toEqual([
    ['plain', 'delivery', 'not tried', unsent],
    ['secret', 'address', 'fine', 'it can be read'],
    ['secret', 'delivery', 'not tried', unsent],
    ...lost,
  ]);
  expect(heard).toEqual([]);
  expect(await saidOf({ notify: true })).toEqual([
    ['plain', 'delivery', 'fine', 'a test message was taken'],
    ['secret', 'address', 'fine', 'it can be read'],
    ['secret', 'delivery', 'fine', 'a test message was taken'],
    ...lost,
  ]);
  expect(heard).toMatchObject([{ kind: 'test' }, { kind: 'test' }]);
});

test('what is known of the database clients is told, and nothing where it can’t be known', async () => {
  const clients = async (toolsNotices: DoctorDeps['toolsNotices']) =>
    (await examining({ toolsNotices })).filter(({ about }) => about === 'database clients');
  const about = 'database clients';

  expect(await clients(async () => undefined)).toEqual([]);
  expect(await clients(async () => [])).toEqual([
    { about, what: 'age', outcome: 'fine', said: 'nothing newer is known to be needed' },
  ]);
  expect(await clients(async () => [{ text: 'pg_dump is old', hint: 'build the layer' }])).toEqual([
    { about, what: 'age', outcome: 'warning', said: 'pg_dump is old', remedy: 'build the layer' },
  ]);
  expect(await clients(refusal('no layer'))).toMatchObject([{ what: 'age', outcome: 'failed', said: 'no layer' }]);
});

test('a further vault is opened by its name, and one that can’t be is told, with the others as they are', async () => {
  const asked: string[] = [];
  const vault: DoctorDeps['vault'] = async (name) => {
    asked.push(name);
    if (name === 'away') throw new BackupError('vault-unreachable', 'no route');
    return openStore(memoryVault(emptyState(), { place: name, now }));
  };

  const found = await examining({ vault }, { keys: { copies: ['nas', 'away'] } });

  expect(asked.sort()).toEqual(['away', 'nas']);
  expect(found.filter(({ outcome }) => outcome === 'failed')).toMatchObject([
    { about: 'vault away', what: 'opened', said: 'no route' },
  ]);
  expect(found.find(({ about, what }) => about === 'vault nas' && what === 'written')).toMatchObject({
    said: 'an object was written and read back in nas',
  });
});

test('how many things are examined, and how many of all that is, is told as it goes', async () => {
  const told: [number, number][] = [];

  await examining({ progress: (done, all) => void told.push([done, all]) });

  expect(told).toEqual([1, 2, 3, 4, 5, 6].map((done) => [done, 6]));
});

test('whether a backup could begin is tried as a run begins one, with what the plan warns of', async () => {
  const planning = {
    ...engine,
    async plan(...given: Parameters<typeof engine.plan>): Promise<Plan> {
      const plan = await engine.plan(...given);
      const [first, ...rest] = plan.parts.map((part) => ({ ...part, estimatedBytes: 2_000_000 }));
      return { ...plan, parts: [first!, ...rest], warnings: ['a table without a key'] };
    },
  };

  const found = await examining({ source: async () => toySource(planning) });

  expect(found.filter(({ what }) => what === 'backup').map(({ outcome, said }) => [outcome, said])).toEqual([
    ['fine', 'could begin: 2 parts, about 4.00 MB before compression'],
    ['warning', 'a table without a key'],
  ]);
});

test('what can’t be begun is told under the name of what comes first, for each thing that a backup takes', async () => {
  const broken = refusal('not to be had');
  const deps = { ...depsOf(), source: broken, settings: () => depsOf().settings('shop') };
  const store = {
    ...deps.store,
    examinations: () => {
      throw new BackupError('vault-failed', 'broken');
    },
  };

  const found = await examineSource(shop, { ...deps, store }, limit());

  expect(found.map(({ about, what, outcome }) => [about, what, outcome])).toEqual([
    ['vault', 'opened', 'failed'],
    ['source shop', 'login', 'failed'],
    ['source shop', 'schedule', 'not tried'],
  ]);
  const whole = await examining({ store, source: broken });
  expect(whole.filter(({ outcome }) => outcome === 'failed').map(({ about, what }) => [about, what])).toEqual([
    ['vault', 'opened'],
    ['source shop', 'login'],
  ]);
});

test('a failure is told with its code and its remedy, and what nobody answers within the limit as that', async () => {
  const course = (look: () => Promise<never>): Course => ({
    about: 'vault',
    first: 'opened',
    open: async () => [{ what: 'written', look }],
  });
  const bare = await examined(course(refusal('not set')), 1000, limit());
  expect(bare).toEqual([
    {
      about: 'vault',
      what: 'written',
      outcome: 'failed',
      said: 'not set',
      code: 'secret-missing',
      error: expect.any(BackupError),
    },
  ]);

  const late = await examined(
    course(() => new Promise(() => undefined)),
    20,
    limit(),
  );
  const remedy = 'something on the way swallows what is sent (a firewall, a proxy), or the other side is overloaded';
  expect(late).toMatchObject([
    { outcome: 'failed', code: 'deadline', said: 'vault: written: no answer for 0.02 s', remedy },
  ]);
});

test('whoever is stopped finds nothing, and is told so: it is no failure of what was looked at', async () => {
  const stopping = (at: 'open' | 'look') => {
    const stop = new AbortController();
    const end = async (): Promise<never> => {
      stop.abort(new BackupError('aborted', 'stopped'));
      throw new BackupError('vault-unreachable', 'no route');
    };
    const open = at === 'open' ? end : async () => [{ what: 'written', look: end }];
    return examined({ about: 'vault', first: 'opened', open }, 1000, stop.signal);
  };

  await expect(stopping('open')).rejects.toBeInstanceOf(BackupError);
  await expect(stopping('look')).rejects.toBeInstanceOf(BackupError);
});
