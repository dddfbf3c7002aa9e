import { expect, test } from '@jest/globals';
import { discover } from '../../../../core/commands/by-tag/discover.ts';
import type { DiscoverDeps } from '../../../../core/commands/by-tag/discover.ts';
import { byTagSchema } from '../../../../core/contract/cloud/by-tag.ts';
import { checkConfig } from '../../../../core/contract/config/config.ts';
import type { Config } from '../../../../core/contract/config/config.ts';
import type { Message } from '../../../../core/contract/events/message.ts';
import { BackupError } from '../../../../core/domain/errors.ts';
import { objectKey } from '../../../../core/domain/keys.ts';
import type { SourceName } from '../../../../core/domain/keys.ts';
import type { RdsDatabase } from '../../../../core/domain/watch/account.ts';
import { rosterUnseen } from '../../../../core/domain/watch/account.ts';
import { engineOfRds } from '../../../../core/engines/index.ts';
import { rosterOwner } from '../../../../functions/account/owner.ts';
import { rosterSources } from '../../../../core/roster.ts';
import { openStore } from '../../../../core/store/store.ts';
import { emptyState, memoryVault } from '../../../support/vaults/memory-vault.ts';

const limit = () => AbortSignal.timeout(20_000);
const shop: RdsDatabase = {
  what: 'instance shop',
  engine: 'postgres',
  addresses: ['shop.c1x2.eu-west-1.rds.amazonaws.com'],
  tags: { nightjar: 'hourly' },
  reach: {
    host: 'shop.c1x2.eu-west-1.rds.amazonaws.com',
    port: 5432,
    resourceId: 'db-ABC',
    database: 'shop',
    iam: true,
    vpc: undefined,
  },
};
const away = () => Promise.reject(new BackupError('internal', 'rds answered 403: AccessDenied'));

/** A vault, a clock, one listener, and whatever is started. */
function scene() {
  const vault = memoryVault(emptyState());
  const state = { now: new Date('2026-11-20T00:10:00Z'), heard: [] as Message[], started: [] as string[], deaf: false };
  const deps: DiscoverDeps = {
    store: openStore(vault),
    clock: { now: () => state.now },
    notifiers: [
      {
        name: 'listener',
        notify: async (message) => {
          if (state.deaf) throw new BackupError('notify-failed', 'nobody answers');
          state.heard.push(message);
        },
      },
    ],
    ...rosterOwner('arn:aws:lambda:eu-west-1:111111111111:function:Nightjar-by-tag'),
    byTag: byTagSchema.parse({ network: 'inside' }),
    usual: '30 2 * * *',
    vpc: undefined,
    engineOf: engineOfRds,
    isSource: () => true,
    databases: () => Promise.resolve([shop]),
    timesOf: ({ sources }) =>
      sources
        .filter(({ gone }) => gone === undefined)
        .map(({ name, since, written }) => ({
          name: name as SourceName,
          schedule: String(written['schedule']),
          timeZone: 'UTC',
          rotate: '0 0 1 1 *',
          drill: undefined,
          copied: false,
          drillEveryMs: undefined,
          since: new Date(since),
        })),
    start: async ({ job, source, at }) => void state.started.push(`${job} ${source} ${at.toISOString().slice(11, 16)}`),
  };
  const look = (more: Partial<DiscoverDeps> = {}, minutes = 15) => {
    state.now = new Date(state.now.getTime() + minutes * 60_000);
    return discover({ ...deps, ...more }, limit());
  };
  return { vault, state, deps, look };
}

test('what is found is started from its next moment on, each moment once', async () => {
  const { state, look } = scene();

  for (let times = 0; times < 12; times += 1) await look();

  expect(state.started).toEqual(['backup rds.shop 01:00', 'backup rds.shop 02:00', 'backup rds.shop 03:00']);
  expect(state.heard.map(({ subject, severity }) => [subject, severity])).toEqual([
    ['databases by tag: 1 new', 'info'],
  ]);
});

test('RDS that can’t be asked keeps nothing that is due from being started, and takes no source for gone', async () => {
  const { state, look, deps } = scene();
  await look();

  await expect(look({ databases: away }, 60)).rejects.toThrow('rds answered 403');

  expect(state.started).toEqual(['backup rds.shop 01:00']);
  const { roster } = await deps.store.readRoster(limit());
  expect(roster?.sources).toMatchObject([{ name: 'rds.shop' }]);
  expect(roster?.sources[0]).not.toHaveProperty('gone');
  expect(roster?.at).toBe('2026-11-20T00:25:00.000Z');
});

test('what could not be started is started by the next look', async () => {
  const { state, look } = scene();
  await look();

  const refused = look({ start: () => Promise.reject(new BackupError('internal', 'lambda answered 429')) }, 60);
  await expect(refused).rejects.toThrow('lambda answered 429');
  const next = await look();

  expect(next).toMatchObject({ started: ['backup rds.shop'] });
  expect(state.started).toEqual(['backup rds.shop 01:00']);
});

test('one source that can’t be started has no other one started again', async () => {
  const { state, look, deps } = scene();
  const databases = () => Promise.resolve([shop, { ...shop, what: 'instance blog' }]);
  const start: DiscoverDeps['start'] = async (work, signal) => {
    if (work.source === 'rds.blog') throw new BackupError('internal', 'lambda answered 429');
    await deps.start(work, signal);
  };
  await look({ databases });

  await expect(look({ databases, start }, 60)).rejects.toThrow('lambda answered 429');
  await expect(look({ databases, start })).rejects.toThrow('lambda answered 429');
  expect(state.started).toEqual(['backup rds.shop 01:00']);
  expect(await look({ databases })).toMatchObject({ started: ['backup rds.blog'] });
  expect(await look({ databases }, 2)).toMatchObject({ started: [] });
});

test('of what can’t be started, the newest moment alone is tried again, and nothing of a source that is gone', async () => {
  const { state, look } = scene();
  const start = () => Promise.reject(new BackupError('internal', 'lambda answered 429'));
  await look();

  await expect(look({ start }, 60)).rejects.toThrow('lambda answered 429');
  await expect(look({ start }, 60)).rejects.toThrow('lambda answered 429');
  await look();
  expect(state.started).toEqual(['backup rds.shop 02:00']);
  await expect(look({ start }, 60)).rejects.toThrow('lambda answered 429');
  const timesOf = () => [];
  expect(await look({ timesOf })).toMatchObject({ started: [] });
});

test('what was started is written down before anybody is told', async () => {
  const { look, deps } = scene();
  await look();
  const known: unknown[] = [];
  const notify = async () => void known.push((await deps.store.readRoster(limit())).roster?.startedUntil);

  await look({ databases: () => Promise.resolve([]), notifiers: [{ name: 'reader', notify }] }, 60);

  expect(known).toEqual(['2026-11-20T01:25:00.000Z']);
});

test('what nobody has heard is told again, until somebody has', async () => {
  const { state, look } = scene();
  state.deaf = true;

  await expect(look()).rejects.toThrow('nobody answers');
  state.deaf = false;
  await look();
  await look();

  expect(state.heard.map(({ facts }) => facts)).toEqual([
    [{ label: 'New', value: 'instance shop is the source rds.shop, at 0 * * * *' }],
  ]);
});

test('a stack of the same name in another account is refused in the same vault, for it would take all of these for gone', async () => {
  const { look, deps, state } = scene();
  await look();

  const arn = 'arn:aws:lambda:eu-west-1:222222222222:function:Nightjar-by-tag';
  const other = look({ ...rosterOwner(arn), databases: () => Promise.resolve([]) });

  await expect(other).rejects.toMatchObject({
    code: 'config-invalid',
    hint: expect.stringContaining('prefix') as unknown,
  });
  expect((await deps.store.readRoster(limit())).roster?.sources).toHaveLength(1);
  expect(state.heard).toHaveLength(1);
});

test('a roster of before, whose owner names no account, is taken by the first that looks, and is nobody else’s then', async () => {
  const { look, deps } = scene();
  await look();
  const read = await deps.store.readRoster(limit());
  await deps.store.writeRoster({ ...read.roster!, owner: 'Nightjar-by-tag in eu-west-1' }, read, limit());

  await look();
  const arn = 'arn:aws:lambda:eu-west-1:222222222222:function:Nightjar-by-tag';

  await expect(look(rosterOwner(arn))).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringMatching(/eu-west-1 of 111111111111, not of .* of 222222222222$/) as unknown,
  });
  await expect(look(rosterOwner(`${arn.replace('222222222222', '111111111111')}:live`))).resolves.toBeDefined();
});

test('of two looks at once, one works and the other one says so', async () => {
  const { deps, look } = scene();
  await look();
  const read = await deps.store.readRoster(limit());
  const late = { ...deps.store, readRoster: () => Promise.resolve(read) };
  await look();

  expect(await look({ store: late })).toEqual({
    status: 'skipped',
    why: 'another one has written the roster meanwhile',
  });
});

function configured(): Config {
  const read = checkConfig({
    vault: '/srv/backups',
    sources: { orders: { postgres: { host: 'localhost', database: 'orders', user: 'u' }, schedule: '0 1 * * *' } },
    defaults: { timeZone: 'Europe/Amsterdam', retention: { daily: 9 } },
    cloud: { byTag: { network: 'inside' }, networks: { inside: { vpc: 'vpc-1', subnets: ['subnet-1'] } } },
  });
  if ('problems' in read) throw new Error(JSON.stringify(read.problems));
  return read.config;
}

test('a source of the roster has what the file says of all', async () => {
  const { look, deps } = scene();
  await look();

  const { sources, error } = await rosterSources(configured(), deps.store, limit());

  expect(error).toBeUndefined();
  expect(sources.get('rds.shop' as SourceName)).toMatchObject({
    engine: 'postgres',
    at: { host: shop.addresses[0], user: 'nightjar', password: 'iam' },
    timeZone: 'Europe/Amsterdam',
    retention: { daily: 9 },
    watch: { schedule: '0 * * * *' },
    cloud: { network: 'inside', resourceId: 'db-ABC' },
  });
});

test('a roster that nobody understands is told, and none of the file’s sources is lost by it', async () => {
  const { vault, deps, state } = scene();
  await vault.putIfAbsent(objectKey('roster.json'), Buffer.from('{"version":2}'), {}, limit());

  const known = await rosterSources(configured(), deps.store, limit());

  expect([known.sources.size, known.error?.code]).toEqual([0, 'vault-failed']);
  expect(rosterUnseen(known, state.now)?.kind).toBe('account-unseen');
  await expect(discover(deps, limit())).rejects.toThrow("can't be understood");
});

test('an entry that is no source, or stands under a name of the file’s, is told and used by nobody', async () => {
  const { look, deps } = scene();
  await look();
  const { roster, version } = await deps.store.readRoster(limit());
  const [entry] = roster!.sources;
  const sources = [entry!, { ...entry!, name: 'orders' }, { ...entry!, name: 'rds.odd', written: { postgres: {} } }];
  await deps.store.writeRoster({ ...roster!, sources }, { version }, limit());

  const known = await rosterSources(configured(), deps.store, limit());

  expect([...known.sources.keys()]).toEqual(['rds.shop']);
  expect(known.error?.message).toContain('orders, rds.odd');
});

test('a look that is two hours old, or never was, is told', async () => {
  const { look, deps, state } = scene();
  const at = (minutes: number) => new Date(state.now.getTime() + minutes * 60_000);
  await look();
  const { roster } = await deps.store.readRoster(limit());

  expect(rosterUnseen({ roster }, at(119))).toBeUndefined();
  expect(rosterUnseen({ roster }, at(121))?.known).toEqual([['Error', `somebody looked last at ${roster!.at}`]]);
  expect(rosterUnseen({}, at(0))?.known).toEqual([['Error', 'nobody has looked for them yet']]);
});

test('a look says what it has seen, started and told', async () => {
  const { look, state } = scene();
  const oracle = { ...shop, what: 'instance odd', engine: 'oracle-ee' };
  const blog = { ...shop, what: 'instance blog' };

  expect(await look({ databases: () => Promise.resolve([shop, oracle, blog]) })).toEqual({
    status: 'looked',
    sources: 2,
    gone: [],
    started: [],
    troubles: ["instance odd is oracle-ee, which Nightjar can't back up"],
    told: 1,
  });
  expect(await look({ databases: () => Promise.resolve([blog]) }, 60)).toEqual({
    status: 'looked',
    sources: 2,
    gone: ['rds.shop'],
    started: ['backup rds.blog'],
    troubles: [],
    told: 1,
  });
  expect(state.heard.at(-1)).toMatchObject({ at: state.now.toISOString(), severity: 'problem' });
  expect(await look({ databases: () => Promise.resolve([blog]) })).toMatchObject({ gone: ['rds.shop'], told: 0 });
  expect(state.heard).toHaveLength(2);
});

test('what could not be started is written down with its moment, and nothing is where all was', async () => {
  const { look, deps } = scene();
  const roster = async () => (await deps.store.readRoster(limit())).roster!;
  await look();
  expect(await roster()).not.toHaveProperty('unstarted');

  const start = () => Promise.reject(new BackupError('internal', 'lambda answered 429'));
  await expect(look({ start }, 60)).rejects.toMatchObject({ code: 'internal', message: 'lambda answered 429' });

  expect((await roster()).unstarted).toEqual([{ source: 'rds.shop', job: 'backup', at: '2026-11-20T01:00:00.000Z' }]);
  await look();
  expect(await roster()).not.toHaveProperty('unstarted');
});

test('one who has heard it is enough; the others’ failures are told', async () => {
  const { look, deps, state } = scene();
  const deaf = { name: 'deaf', notify: () => Promise.reject(new BackupError('notify-failed', 'nobody answers')) };

  await expect(look({ notifiers: [deaf, ...deps.notifiers] })).rejects.toThrow('nobody answers');
  expect((await deps.store.readRoster(limit())).roster!.untold).toEqual([]);
  await look();
  expect(state.heard).toHaveLength(1);
});

test('all that failed is told at once', async () => {
  const { look } = scene();
  await look();
  const start = () => Promise.reject(new BackupError('internal', 'lambda answered 429'));

  await expect(look({ databases: away, start }, 60)).rejects.toMatchObject({
    code: 'internal',
    message: 'rds answered 403: AccessDenied; lambda answered 429',
  });
});

test('who is stopped while RDS is asked starts nothing, and writes nothing', async () => {
  const { deps, state } = scene();
  const stop = new AbortController();
  const databases = () => {
    stop.abort(new BackupError('aborted', 'stopped'));
    return away();
  };

  await expect(discover({ ...deps, databases }, stop.signal)).rejects.toThrow('stopped');
  expect([(await deps.store.readRoster(limit())).roster, state.started]).toEqual([undefined, []]);
});

test('a vault that can’t be written fails the look before anything is started', async () => {
  const { deps, look, state } = scene();
  await look();
  const writeRoster = () => Promise.reject(new BackupError('vault-denied', 'no rights'));

  await expect(look({ store: { ...deps.store, writeRoster } }, 60)).rejects.toThrow('no rights');
  expect(state.started).toEqual([]);
});

test('an owner that is not ours is named with its vault, and with what to do', async () => {
  const { deps, look } = scene();
  await look();

  await expect(look({ owner: 'b', ownerBefore: 'c' })).rejects.toMatchObject({
    message: `the databases by tag in memory are those of ${deps.owner}, not of b`,
    hint: 'give each stack with cloud.byTag a vault, or a prefix, of its own',
  });
});
