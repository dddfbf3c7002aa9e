import { expect, test } from '@jest/globals';
import { checkConfig } from '../../../core/contract/config/config.ts';
import type { Config } from '../../../core/contract/config/config.ts';
import { cloudProblems } from '../../../core/contract/cloud/problems.ts';
import { databasesAfter } from '../../../core/domain/servers/databases.ts';
import { databasesByBackups, databaseSources, lookRules } from '../../../core/servers.ts';
import { jobsOf } from '../../../bin/cli/setup/schedule/jobs.ts';
import { newBackupId } from '../../../core/domain/keys.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import type { SourceHistory } from '../../../core/domain/verdict/history.ts';
import type { Store } from '../../../core/store/store.ts';

const at = '2026-11-29T02:00:00.000Z';
const at2 = new Date('2026-11-30T02:00:00Z');
const rules = {
  server: 'main' as SourceName,
  exclude: ['left'],
  sourceOf: (name: string) => `main.${name}`,
  isName: (name: string, others: readonly string[]) => !others.some((one) => one.toLowerCase() === name.toLowerCase()),
};
const before = {
  version: 1 as const,
  name: 'main',
  at,
  untold: [],
  databases: [
    { name: 'shop', since: at },
    { name: 'blog', since: at },
  ],
};
const found = (...names: string[]) => names.map((name) => ({ name }));

test('the first look is no news; later ones tell what is new, gone, back and left out', () => {
  const first = databasesAfter(undefined, found('shop', 'left'), rules, at2);
  const second = databasesAfter(
    { ...before, databases: [...before.databases, { name: 'left', since: at }] },
    found('shop', 'new'),
    rules,
    at2,
  );
  const third = databasesAfter({ ...second.known, untold: [] }, found('shop', 'new', 'blog'), rules, at2);

  expect(first.known).toMatchObject({ databases: [{ name: 'shop' }], untold: [] });
  expect(second.known.databases).toEqual([
    { name: 'blog', since: at, gone: at2.toISOString() },
    { name: 'new', since: at2.toISOString() },
    { name: 'shop', since: at },
  ]);
  expect(second.known.untold).toEqual([
    { label: 'Gone', text: 'database blog: main.blog is backed up no more, and missed; its backups stay' },
    { label: 'New', text: 'database new is backed up as main.new' },
    { label: 'Left out', text: 'database left: main.left is no source any more; its backups stay' },
  ]);
  expect(third.known.untold).toEqual([{ label: 'Back', text: 'database blog is backed up as main.blog' }]);
});

test('of two databases whose sources would have one name, the second gets another, and each keeps its own', () => {
  const { known } = databasesAfter(before, found('shop', 'Shop', 'SHOP'), rules, at2);
  const later = databasesAfter(known, found('SHOP', 'Shop', 'blog'), rules, at2);
  const back = databasesAfter(later.known, found('shop', 'SHOP', 'Shop'), rules, at2);

  const named = ({ databases }: typeof known) => databases.map(({ name, source }) => `${name} ${source}`);
  const sources = ['SHOP main.SHOP~2', 'Shop main.Shop~3', 'blog undefined', 'shop undefined'];
  expect([named(known), named(later.known), named(back.known)]).toEqual([sources, sources, sources]);
  expect(known.untold.map(({ text }) => text)).toContain('database Shop is backed up as main.Shop~3');
});

test('a database whose name is too long for a place in the vault, or has what no source may have, is one all the same', () => {
  const own = lookRules('main' as SourceName, configOf({ main: server({}) }).servers.get('main' as SourceName)!);
  const long = Array.from({ length: 60 }, (_, number) => `${'数据库'.repeat(20)}${String(number).padStart(4, '0')}`);

  const { known, uncovered } = databasesAfter(undefined, found('shop', 'a\nb', ...long), own, at2);

  const sources = known.databases.map(({ name, source = `main.${name}` }) => source);
  expect(uncovered).toEqual([]);
  expect(sources.slice(0, 4)).toEqual([
    'main.ab~2',
    'main.shop',
    `main.${'数据库'.repeat(6)}数据~2`,
    `main.${'数据库'.repeat(6)}数据~3`,
  ]);
  expect(new Set(sources).size).toBe(62);
});

test('one that was backed up and can’t be read now is not gone: its own turn says why', () => {
  const shut = [{ name: 'shop', why: 'is shut' }, ...found('blog')];

  const { known, uncovered } = databasesAfter(before, shut, rules, at2);

  expect(known).toMatchObject({ databases: before.databases.toReversed(), untold: [] });
  expect(uncovered).toEqual([]);
});

test('a database whose source can have no name of its own is covered by nothing, and said to be', () => {
  const { known, uncovered } = databasesAfter(
    before,
    [...found('shop', 'Shop'), { name: 'shut', why: 'is shut' }],
    { ...rules, isName: (name) => !/shop/i.test(name) || name === 'main.shop' },
    at2,
  );

  expect(known.databases.filter(({ gone }) => gone === undefined).map(({ name }) => name)).toEqual(['shop']);
  expect(uncovered).toEqual([
    { name: 'Shop', why: expect.stringContaining('no source can be called so') },
    { name: 'shut', why: 'is shut' },
  ]);
});

const server = (more: object) => ({
  postgres: { host: 'h', user: 'u', databases: 'all', ...more },
  schedule: '0 2 * * *',
  drillEvery: '8d',
});
const read = (sources: object, more: object = {}) => checkConfig({ vault: './b', sources, ...more });
const configOf = (sources: object, more: object = {}) => (read(sources, more) as { config: Config }).config;

test('a whole server is its roles and what the vault knows of its databases, with all that the file says of it', async () => {
  const config = configOf({
    main: { ...server({ exclude: ['left'] }), timeZone: 'Asia/Tokyo' },
    'own.one': { files: { path: '.' } },
  });
  const databases = ['shop', 'left'].map((name) => ({ name, since: at }));
  const store = { readServer: async () => ({ version: 1 as const, name: 'main', at, untold: [], databases }) };

  const { sources: known, unlooked } = await databaseSources(config, store, AbortSignal.timeout(1000));

  expect([...config.sources.keys()]).toEqual(['main-globals', 'own.one']);
  const globals = config.sources.get('main-globals' as SourceName)!;
  expect(globals).toMatchObject({
    server: 'main' as SourceName,
    undrilled: true,
    at: { database: 'postgres' },
    timeZone: 'Asia/Tokyo',
  });
  expect(globals.watch.drillEveryMs).toBeUndefined();
  expect(known.map(([name]) => name)).toEqual(['main.shop']);
  expect(unlooked).toEqual([]);
  expect(known[0]![1]).toMatchObject({
    engine: 'postgres',
    at: { host: 'h', database: 'shop' },
    timeZone: 'Asia/Tokyo',
    on: 'h',
  });
  expect(lookRules('main' as SourceName, config.servers.get('main' as SourceName)!).exclude).toEqual(['left']);
});

test('whatever a database is called, it can be left out', () => {
  const config = configOf({ main: server({ exclude: ['a\nb', ' '] }) });

  expect(lookRules('main' as SourceName, config.servers.get('main' as SourceName)!).exclude).toEqual(['a\nb', ' ']);
});

test.each([
  ['both', { main: server({ database: 'x' }) }, 'databases: is too much: database names one'],
  ['neither', { main: server({ databases: undefined }) }, 'database: is missing: the name of a database'],
  [
    'exclude alone',
    { main: server({ databases: undefined, database: 'x', exclude: ['y'] }) },
    'exclude: goes with databases: all',
  ],
  [
    'a name of its databases',
    { main: server({}), 'main.x': { files: { path: '.' } } },
    'is a name for what is on the server main',
  ],
  [
    'a name of its databases but for capitals',
    { main: server({}), 'Main.Shop': { files: { path: '.' } } },
    'Main.Shop: is a name for what is on the server main',
  ],
  [
    'the name of its roles',
    { main: server({}), 'main-globals': { files: { path: '.' } } },
    'is a name for what is on the server main',
  ],
])('%s is a mistake that is named', (_, sources, message) => {
  const { problems } = read(sources) as { problems: { path: PropertyKey[]; message: string }[] };

  expect(problems.map(({ path, message: said }) => `${String(path.at(-1))}: ${said}`).join('\n')).toContain(message);
});

test('what keeps a whole server from AWS is told once, as the server’s', () => {
  const main = { ...server({}), cloud: { network: 'none' } };
  const config = configOf({ main }, { cloud: { email: ['a@b.example'] }, vault: 's3://vault' });

  const places = cloudProblems(config).map(({ path }) => path.join('.'));
  expect(places.filter((place) => place.startsWith('sources'))).toEqual(['sources.main.cloud.network']);
});

test('a server at which nobody has looked yet is known as one', async () => {
  const store = { readServer: async () => undefined };

  const { sources, unlooked } = await databaseSources(configOf({ main: server({}) }), store, AbortSignal.timeout(1000));

  expect([sources, unlooked]).toEqual([[], ['main']]);
});

test.each([
  ['the name of another source', { main: server({}) }, { name: 'x', since: at, source: 'shop' }],
  ['a file elsewhere', { main: { sqlite: { path: './data/*.db' } } }, { name: '../../x.db', since: at }],
])('whoever writes the list of a server can give nothing of it %s', async (_, sources, one) => {
  const store = { readServer: async () => ({ version: 1 as const, name: 'main', at, untold: [], databases: [one] }) };

  await expect(databaseSources(configOf(sources), store, AbortSignal.timeout(1000))).rejects.toMatchObject({
    code: 'vault-failed',
    message: `what the vault lists of main is of something else: ${one.name}`,
  });
});

test('where the list of a server is lost, its backups tell what it has had, and of whom a second name is', async () => {
  const databases = {
    'main.Shop': 'Shop',
    'main.shop~2': 'shop',
    'main.odd~3': 'odd~3',
    'main.odd~4': 'not its own',
    'main.数据库数据库数据库数~12': '数据库'.repeat(21),
    'main.left': 'left',
    other: 'x',
  };
  const id = newBackupId(at2, 0);
  const store = {
    async *sourcesListed() {
      for (const source of Object.keys(databases) as SourceName[])
        yield { source, backups: [{ id, start: at2 }] } as unknown as SourceHistory;
      yield { source: 'main.never', backups: [] } as unknown as SourceHistory;
    },
    listSource: async (source: SourceName) => ({ source, backups: [{ id, start: at2 }] }) as unknown as SourceHistory,
    readManifest: async (source: string) =>
      ({ manifest: { database: databases[source as keyof typeof databases] } }) as Awaited<
        ReturnType<Store['readManifest']>
      >,
  };
  const { servers } = configOf({ main: server({ exclude: ['left'] }) });
  const main = 'main' as SourceName;

  expect(await databasesByBackups(main, servers.get(main)!, store, AbortSignal.timeout(1000))).toEqual([
    { name: 'Shop', since: at2.toISOString() },
    { name: 'shop', source: 'main.shop~2', since: at2.toISOString() },
    { name: 'odd~3', since: at2.toISOString() },
    { name: 'odd~4', since: at2.toISOString() },
    { name: '数据库'.repeat(21), source: 'main.数据库数据库数据库数~12', since: at2.toISOString() },
  ]);
  const only = 'main.shop~2' as SourceName;
  expect(await databasesByBackups(main, servers.get(main)!, store, AbortSignal.timeout(1000), only)).toEqual([
    { name: 'shop', source: only, since: at2.toISOString() },
  ]);
});

test('a machine starts all of a server together', () => {
  const { jobs } = jobsOf(configOf({ main: server({}) }));

  expect(jobs.map(({ args }) => args.join(' '))).toEqual(['backup main', 'rotate main', 'drill main', 'check']);
});
