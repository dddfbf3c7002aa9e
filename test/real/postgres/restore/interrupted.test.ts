import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import pg from 'pg';
import { backup } from '../../../../core/commands/backup.ts';
import { restore } from '../../../../core/commands/restore/restore.ts';
import { inspect } from '../../../../core/engines/postgres/database/database.ts';
import { openSession } from '../../../../core/engines/postgres/session.ts';
import type { Manifest } from '../../../../core/contract/manifest/manifest.ts';
import { nightjar, start } from '../../../support/cli/command.ts';
import type { Place, Running } from '../../../support/cli/command.ts';
import { killClient, killed } from '../../../support/faults/interrupted/strike.ts';
import { muteable } from '../../../support/faults/muteable.ts';
import { limit, postgresScene } from '../../../support/postgres.ts';
import type { PostgresScene } from '../../../support/postgres.ts';

const replace = ['restore', 'shop', '--to', 'shop', '--replace', '--yes'];
const verbs = {
  replace,
  undo: ['restore', 'shop', '--undo', '--yes'],
  'drop-old': ['restore', 'shop', '--drop-old', '--yes'],
  'replace --drop-old': [...replace, '--drop-old'],
} as const;
type Verb = keyof typeof verbs;
const victims = ['us', 'client', 'server'] as const;
type Victim = (typeof victims)[number];

/**
 * What is held, so that the run stands still there, and what is seen then; a share of the usual time where nothing is.
 */
type When = { seen: string; held?: (kept: string) => string; minimal?: true } | { share: number };
const waiting = (query: string) =>
  `select from pg_stat_activity where query ilike '${query}' and wait_event_type = 'Lock'`;
const filling: When = { seen: `select from pg_database where datname like 'nightjar_new%' and datallowconn` };
/** Rows are loaded in the transaction that empties their table, and stand in no log. */
const fillingUnlogged: When = { ...filling, minimal: true };
const renaming: When = {
  held: () => `select from pg_database where datname = 'shop' for update`,
  seen: waiting('alter database %rename to%'),
};
const betweenRenames: When = {
  held: (kept) => `select from pg_database where datname = '${kept}' for update`,
  seen: waiting('alter database %rename to "shop"'),
};
/** A database is marked as half dropped, and then its row is deleted, which waits for this. */
const dropping: When = {
  held: (kept) => `select from pg_database where datname = '${kept}' for key share`,
  seen: waiting('drop database%'),
};

const moments: [verb: Verb, victim: Victim, where: string, when: When][] = [
  ['replace', 'us', 'while rows are loaded', filling],
  ['replace', 'client', 'as soon as there is one', { share: 0 }],
  ['replace', 'server', 'while rows are loaded', filling],
  ['replace', 'us', 'at the swap', renaming],
  ['replace', 'server', 'at the swap', renaming],
  ['undo', 'us', 'between the renames', betweenRenames],
  ['undo', 'server', 'between the renames', betweenRenames],
  ['drop-old', 'us', 'in the drop', dropping],
  ['drop-old', 'server', 'in the drop', dropping],
  ['replace --drop-old', 'server', 'in the drop', dropping],
  ['replace', 'server', 'while rows are loaded, with a minimal log', fillingUnlogged],
];
/** NIGHTJAR_ROUNDS=60: so many more, at any moment. */
const rounds = Number(process.env['NIGHTJAR_ROUNDS'] ?? 0);
for (let round = 0; round < rounds; round += 1) {
  const share = 0.3 + (0.75 * ((round * 37) % rounds)) / rounds;
  const verb = Object.keys(verbs)[round % 4] as Verb;
  moments.push([verb, victims[round % 3]!, `at any moment (${round})`, { share }]);
}

let scene: PostgresScene;
let manifest: Manifest;
let place: Place;

beforeAll(async () => {
  scene = await postgresScene(17);
  await scene.sql('postgres', 'create database shop');
  await scene.sql(
    'shop',
    `create table stamp as select 'backup' as word;
    create table goods (id int primary key, item text);
    insert into goods select g, repeat(md5(g::text), 20) from generate_series(1, 2000) g`,
  );
  manifest = await backup(scene.source('shop'), scene.deps(), limit());
  const { host, port, user, password } = scene.server;
  const cwd = await mkdtemp(join(tmpdir(), 'nightjar-interrupted-'));
  place = { cwd, env: { SHOP_PASSWORD: password, NODE_COMPILE_CACHE: join(tmpdir(), 'compiled') } };
  const postgres = { host, port, user, database: 'shop', password: { env: 'SHOP_PASSWORD' } };
  await writeFile(join(cwd, 'nightjar.yaml'), JSON.stringify({ vault: scene.folder, sources: { shop: { postgres } } }));
}, 1_200_000);

afterAll(async () => {
  await scene?.stop();
  await rm(place.cwd, { recursive: true, force: true });
});

const usualMs = new Map<Verb, number>();
let live = 0;

test.each(moments)(
  '%s, %s killed %s: every database that is to be there is whole',
  async (verb, victim, _, when) => {
    if ('minimal' in when) await logLittle();
    if ((await states()).kept.length === 0) await restoring();
    live += 1;
    const word = `live-${live}`;
    await scene.sql('shop', `update stamp set word = '${word}'; delete from goods where id = 1`);
    const before = await states();
    const holder = 'held' in when ? await holding(when.held!(before.names[0]!)) : undefined;
    const began = Date.now();

    const running = start(verbs[verb], place);
    await Promise.race([running.ended, moment(when, verb, running.ended)]);
    await strike(victim, running);
    await holder?.end().catch(() => undefined);
    const { code } = await running.ended;
    if (code === 0) usualMs.set(verb, Date.now() - began);

    const after = await settled();
    const seen = { code, before, after };
    const words = [after.shop, ...after.kept];
    expect({ ...seen, isKnown: [word, 'backup', ...before.kept].includes(after.shop) }).toEqual({
      ...seen,
      isKnown: true,
    });
    // whatever --undo could bring back, and what it would put aside, is somewhere and whole
    const mustBe = { replace: [word], undo: [word, before.kept[0]], 'drop-old': [word], 'replace --drop-old': [] }[
      verb
    ];
    expect({ ...seen, words }).toEqual({ ...seen, words: expect.arrayContaining(mustBe) });
    if (verb === 'drop-old') expect({ ...seen, shop: after.shop }).toEqual({ ...seen, shop: word });
    if (verb === 'undo') expect({ ...seen, words: words.length }).toEqual({ ...seen, words: before.kept.length + 1 });
  },
  120_000,
);

test('the next restore succeeds, and nothing is left', async () => {
  expect(await nightjar(verbs['replace --drop-old'], place)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('proven equal'),
  });
  expect(
    await scene.sql('postgres', `select datname from pg_database where not datistemplate and datname <> 'postgres'`),
  ).toEqual([{ datname: 'shop' }]);
}, 120_000);

test('a target whose sessions are ended while it is looked at, as by a run that drops it, is looked at again', async () => {
  await scene.sql('postgres', 'create database ending');
  await scene.sql(
    'ending',
    `create sequence logins;
    create function end_first() returns event_trigger language plpgsql as $$ begin
      if nextval('public.logins') = 1 then perform pg_terminate_backend(pg_backend_pid()); end if; end $$;
    create event trigger end_first on login execute function end_first()`,
  );

  const found = await inspect(scene.login('ending'), limit());
  const [logins] = await scene.sql('ending', 'select last_value::int as count from logins');
  await scene.sql('postgres', 'drop database ending');

  expect(found).toMatchObject({ leftover: false, catalog: { sequence: {} } });
  // the one that was ended, ours, and this one
  expect(logins).toEqual({ count: 3 });
});

test('a server that is not heard any more keeps no run in its good-bye for ever', async () => {
  const mute = await muteable(scene.server.port);
  const session = await openSession(scene.login('postgres', { port: mute.port }), limit());
  mute.silence();
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  try {
    const closed = session.close();
    await jest.advanceTimersByTimeAsync(31_000);
    await expect(closed).resolves.toBeUndefined();
  } finally {
    jest.useRealTimers();
    mute.close();
  }
}, 10_000);

const restoring = () =>
  restore(
    manifest,
    scene.source('shop').engine,
    { replace: true, owners: true, proof: true },
    { ...scene.deps(), parallel: 2 },
    limit(),
  );

async function logLittle(): Promise<void> {
  const settings = { wal_level: 'minimal', max_wal_senders: '0', wal_skip_threshold: '0' };
  for (const [name, value] of Object.entries(settings))
    await scene.sql('postgres', `alter system set ${name} = '${value}'`);
  await scene.server.restart();
}

/** A session that has done this in a transaction; the server may take it away. */
async function holding(statement: string): Promise<pg.Client> {
  const { host, port, user, password } = scene.server;
  const client = new pg.Client({ host, port, user, password, database: 'postgres' });
  client.on('error', () => undefined);
  await client.connect();
  await client.query(`begin; ${statement}`);
  return client;
}

/** Comes back when that moment is there, or the run is over. */
async function moment(when: When, verb: Verb, ended: Promise<unknown>): Promise<void> {
  let isOver = false;
  void ended.then(() => (isOver = true));
  if ('share' in when) return sleep((usualMs.get(verb) ?? 2500) * when.share);
  while (!isOver && (await scene.sql('postgres', when.seen)).length === 0) await sleep(10);
}

/** PostgreSQL ends every session and recovers when one of its processes is killed. */
async function strike(victim: Victim, running: Running): Promise<void> {
  if (victim === 'us') return running.kill('SIGKILL');
  if (victim === 'client') return killClient(running);
  const [found] = await scene.sql('postgres', `select pid from pg_stat_activity where backend_type = 'checkpointer'`);
  killed(Number(found!['pid']));
}

/** What stands in the stamp of the live database and of those that are kept and whole (`names`), the newest first. */
type States = { shop: string; kept: string[]; names: string[] };

async function states(): Promise<States> {
  const rows = await scene.sql(
    'postgres',
    `select datname as name, datconnlimit <> -2 as whole, shobj_description(oid, 'pg_database') as comment
      from pg_database where not datistemplate and datname <> 'postgres' order by comment desc nulls first`,
  );
  const isKept = ({ comment }: Record<string, unknown>): boolean =>
    /^nightjar replaced "shop" at /.test(String(comment));
  const kept = rows.filter((row) => row['whole'] === true && isKept(row));
  const names = kept.map(({ name }) => String(name));
  return { shop: await stampOf('shop'), kept: await Promise.all(names.map(stampOf)), names };
}

/** One row fewer than in the backup is what the application has. */
async function stampOf(database: string): Promise<string> {
  const [row] = await scene.sql(
    database,
    'select word, (select count(*)::int from goods) as goods, (select count(*) from pg_index where not ' +
      'indisvalid) as bad from stamp',
  );
  expect({ database, ...row }).toEqual({
    database,
    word: row!['word'],
    goods: row!['word'] === 'backup' ? 2000 : 1999,
    bad: '0',
  });
  return String(row!['word']);
}

/** The same once the server answers, and nothing that was left of the run is at work. */
async function settled(): Promise<States> {
  for (;;) {
    const sessions = await scene
      .sql('postgres', `select from pg_stat_activity where application_name like 'nightjar%'`)
      .catch(() => undefined);
    if (sessions?.length === 0) return states();
    await sleep(50);
  }
}
