import dns from 'node:dns';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { backup } from '../../../../core/commands/backup.ts';
import { openCopySession } from '../../../../core/engines/postgres/copying/copy-session.ts';
import { postgresEngine } from '../../../../core/engines/postgres/index.ts';
import type { PostgresRecipe } from '../../../../core/engines/postgres/plan/making.ts';
import { openSession, withSession } from '../../../../core/engines/postgres/session.ts';
import { startPostgres } from '../../../servers/databases/postgres.ts';
import type { DatabaseServer } from '../../../servers/server.ts';
import { limit, postgresScene } from '../../../support/postgres.ts';
import type { PostgresScene } from '../../../support/postgres.ts';

// A name that only this process knows, and that leads elsewhere at every look: libpq can't resolve it at all.
const host = 'shop.cluster-ro.nightjar.test';
const lookup = dns.lookup;
const copyWishes = {
  name: 'nightjar',
  options: '',
  idleLimitMs: 30_000,
  failure: 'dump-failed',
  explain: (cause: unknown) => cause,
  hear: () => {},
} as const;
let scene: PostgresScene;
let guarded: DatabaseServer;
let looks = 0;

beforeAll(async () => {
  scene = await postgresScene(17);
  await scene.sql('postgres', 'create database shop');
  await scene.sql(
    'shop',
    'create table orders as select id from generate_series(1, 5000) as id; create view v as table orders',
  );
  guarded = await startPostgres({ major: 17, tls: true });
}, 1_200_000);
afterAll(async () => {
  await scene?.stop();
  await guarded?.stop();
});
afterEach(() => void (dns.lookup = lookup));

/** The first look leads to the server, every later one to an address where nobody listens. */
function namedOnce(): void {
  looks = 0;
  const once = ((name: string, options: dns.LookupOptions, answer: (...told: unknown[]) => void) => {
    if (name !== host) return lookup(name, options, answer as never);
    looks += 1;
    const address = looks === 1 ? '127.0.0.1' : '127.0.0.9';
    return options.all ? answer(null, [{ address, family: 4 }]) : answer(null, address, 4);
  }) as typeof lookup;
  dns.lookup = once;
}

test('a name of several servers is looked up once in a backup: sessions and programs go to one of them', async () => {
  namedOnce();
  const source = scene.source('shop', { login: { host }, sliceBytes: 100_000 });

  const manifest = await backup(source, scene.deps(), limit());

  expect(manifest.tables).toMatchObject([{ table: 'public.orders', rows: 5000 }]);
  expect(looks).toBe(1);
});

test('who goes to an address still checks the certificate for the name', async () => {
  const tls = { mode: 'verify', ca: guarded.caFile! } as const;
  const { port, user, password } = guarded;
  const login = scene.login('postgres', { port, user, password, tls });
  namedOnce();
  await expect(openSession({ ...login, host }, limit())).rejects.toThrow(/does not match certificate's altnames/);
  dns.lookup = lookup;

  const named = { ...login, host: 'localhost' };
  const plan = await postgresEngine(named, scene.tools).plan({}, limit());
  await plan.close();
  expect(plan.parts[0]!.recipe).toMatchObject({ under: { address: '127.0.0.1' } });
  await expect(openSession({ ...login, host, address: '127.0.0.1' }, limit())).rejects.toThrow(
    /does not match certificate's altnames/,
  );
  await (await openSession({ ...named, address: '127.0.0.1' }, limit())).close();
});

test('a proof reads rows over TLS, after the password was proven, as psql prints them', async () => {
  const { port, user, password, caFile } = guarded;
  const login = scene.login('postgres', {
    host: 'localhost',
    port,
    user,
    password,
    tls: { mode: 'verify', ca: caFile! },
  });
  await withSession(login, limit(), (session) =>
    session.rows(
      String.raw`create table public.odd as select g as id, E'\\.\t\n' || repeat('w', g % 3000) as said, case when g % 7 > 0 then now() end as at
      from generate_series(1, 3000) g`,
    ),
  );
  const engine = postgresEngine(login, scene.tools);
  const plan = await engine.plan({}, limit());
  const part = plan.parts.find(({ recipe }) => (recipe as PostgresRecipe).print === 'rows')!;
  const printed = async (more: object): Promise<string> => {
    const opened = engine.open({ ...part, recipe: { ...(part.recipe as object), ...more } }, limit());
    const chunks: Buffer[] = [];
    for await (const chunk of opened.content) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks).toString();
  };

  const [bySession, byPsql] = [await printed({ bySession: true }), await printed({})];
  await plan.close();

  expect(bySession.length).toBeGreaterThan(4_000_000);
  expect(bySession === byPsql).toBe(true);
  await expect(openCopySession({ ...login, host, address: '127.0.0.1' }, copyWishes, limit())).rejects.toMatchObject({
    code: 'source-unreachable',
    message: expect.stringContaining('altnames'),
  });
});
