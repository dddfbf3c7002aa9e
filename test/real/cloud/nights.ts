import { expect, test } from '@jest/globals';
import type { Invocation } from '../lambda/sandbox/function.ts';
import { valueOf } from '../lambda/sandbox/outcome.ts';
import { mariadbSql, postgresSql } from '../lambda/sql.ts';
import { keysOf } from './by-tag.ts';
import pg from 'pg';
import type { DatabaseServer } from '../../servers/server.ts';
import { messagesOf, type World } from './world.ts';

const sources = ['shop', 'blog', 'ledger'] as const;
/** Those whose backups are drilled and copied by schedule. */
const drilled = ['shop', 'blog'] as const;
const answerOf = (run: { attempts: Invocation[] }): Record<string, unknown> =>
  valueOf(run.attempts.at(-1)!) as Record<string, unknown>;

/** Locks a table, so that a backup waits while it holds its lease; returns what unlocks it. */
async function locked(
  { host, port, user, password }: DatabaseServer,
  database: string,
  table: string,
): Promise<() => Promise<void>> {
  const blocker = new pg.Client({ host, port, user, password, database });
  await blocker.connect();
  await blocker.query(`begin; lock table ${table} in access exclusive mode`);
  return () => blocker.end();
}

async function scratchDatabases({ shop, blog }: World['shop']): Promise<unknown[]> {
  return [
    ...(await postgresSql(shop, 'postgres', "select datname from pg_database where datname like '%drill%'")),
    ...(await mariadbSql(blog, "show databases like '%drill%'")),
  ];
}

/** From an empty bucket to a restored database, started by the schedules of the stack and by hand, as deployed. */
export function nights(world: () => World): void {
  test('before the first night, the check says that there has never been a backup, and the alarm rings', async () => {
    const { fire, told, alarm } = world();

    const checked = answerOf(await fire('check'));

    expect(checked).toMatchObject({
      status: 'problems',
      sources: sources.map((source) => ({ source, state: 'never' })),
    });
    expect((await messagesOf(told)).map(({ kind, source }) => [kind, source])).toEqual(
      sources.map((source) => ['never', source]),
    );
    expect([await alarm('never'), await alarm('checker-silent')]).toEqual(['ALARM', 'OK']);
  });

  test('the first night: each schedule starts its function with an event that it takes, and afterwards all is well', async () => {
    const { fire, told, bus, alarm, shop, deadLetters } = world();

    const backups = (await Promise.all(sources.map((source) => fire(`backup-${source}`)))).map(answerOf);
    const rotations = [];
    for (const source of sources) rotations.push(answerOf(await fire(`rotate-${source}`)));
    const drills = [];
    for (const source of drilled) drills.push(await fire(`drill-${source}`));
    const copies = [];
    for (const source of drilled) copies.push(answerOf(await fire(`copy-${source}`)));
    const toldSoFar = await messagesOf(told);
    const checked = answerOf(await fire('check'));

    expect(copies).toMatchObject(
      drilled.map((source, index) => ({
        status: 'copied',
        source,
        copies: [{ vault: 'offsite', copied: [{ id: backups[index]!['id'], state: 'copied' }] }],
      })),
    );
    expect(drills.map(({ event }) => event)).toEqual(drilled.map((source) => ({ source })));
    expect(drills.map(answerOf)).toMatchObject(
      drilled.map((source, index) => ({
        status: 'drilled',
        source,
        id: backups[index]!['id'],
        proof: expect.stringContaining('proven equal: 1 table, 5,000 rows') as unknown,
        notes: [],
      })),
    );
    expect(toldSoFar).toEqual([]);
    expect(await scratchDatabases(shop)).toEqual([]);
    for (const source of drilled)
      expect(await keysOf(world(), source)).toContainEqual(expect.stringMatching(/\/proofs\/\S+-drill-passed\.json$/));
    expect(backups).toMatchObject([
      { status: 'stored', source: 'shop', rows: 5000 },
      { status: 'stored', source: 'blog', rows: 5000 },
      { status: 'stored', source: 'ledger', rows: 1000 },
    ]);
    expect(rotations).toMatchObject(sources.map((source) => ({ status: 'rotated', source, backups: 1, kept: 1 })));
    expect(checked).toMatchObject({
      status: 'fresh',
      sources: sources.map((source) => ({ source, state: 'fresh', backups: 1 })),
    });
    expect((await messagesOf(told)).map(({ severity, source }) => [severity, source])).toEqual(
      sources.map((source) => ['recovered', source]),
    );
    expect((await bus.take()).map((body) => (JSON.parse(body) as { 'detail-type': string })['detail-type'])).toContain(
      'Nightjar Backup Succeeded',
    );
    expect(shop.directory.binds.length).toBeGreaterThan(3);
    expect(await deadLetters.waiting()).toBe(0);
    expect(
      await Promise.all(
        ['failed-shop', 'check-failed', 'dead-letters', 'checker-silent', 'throttled'].map((name) => alarm(name)),
      ),
    ).toEqual(Array.from({ length: 5 }, () => 'OK'));
  });

  test('each database comes back, proven equal, by an invocation of its restore function', async () => {
    const { fn, shop } = world();

    const restored = (
      await Promise.all(sources.map((source) => fn(`restore-${source}`).invoke({ source, to: `${source}_again` })))
    ).map(valueOf);

    expect(restored).toMatchObject(
      sources.map((source) => ({
        status: 'restored',
        source,
        database: `${source}_again`,
        proof: expect.stringContaining('proven equal: 1 table') as unknown,
      })),
    );
    expect(await postgresSql(shop.shop, 'shop_again', 'select count(*)::int as n from recent')).toEqual([{ n: 1000 }]);
  });

  test('a restore in place that is asked for twice, as clients repeat an invoke, is done once', async () => {
    const { fn, shop } = world();
    const inPlace = { source: 'shop', to: 'shop_again', replace: true, confirm: 'shop_again' };

    const first = valueOf(await fn('restore-shop').invoke(inPlace));
    await postgresSql(shop.shop, 'shop_again', 'create table since_then ()');
    const again = valueOf(await fn('restore-shop').invoke(inPlace));

    expect([first, again]).toMatchObject([{ status: 'restored' }, { status: 'repeated' }]);
    expect(await postgresSql(shop.shop, 'shop_again', "select to_regclass('since_then') is not null as kept")).toEqual([
      { kept: true },
    ]);
  });

  test('an event that is delivered again gets the backup that it has made; one of another night makes its own, and the older one goes', async () => {
    const { fire, shop } = world();
    const at = new Date();

    const first = answerOf(await fire('backup-shop', { at }));
    const again = answerOf(await fire('backup-shop', { at }));
    const next = answerOf(await fire('backup-shop', { at: new Date(at.getTime() + 86_400_000) }));
    const rotation = answerOf(await fire('rotate-blog'));
    const tried = answerOf(await fire('drill-shop'));

    expect(again).toMatchObject({ status: 'stored', id: first['id'] });
    expect(next).toMatchObject({ status: 'stored', id: expect.not.stringContaining(String(first['id'])) as unknown });
    expect(rotation).toMatchObject({ status: 'rotated', removed: [] });
    expect(tried).toMatchObject({ status: 'drilled', id: next['id'] });
    expect(await scratchDatabases(shop)).toEqual([]);
  });

  test('two deliveries at once: Lambda lets the second wait; where it does not, the lease does', async () => {
    const { fire, fn, alarm, shop } = world();
    const day = (number: number): Date => new Date(Date.UTC(2030, 0, number));

    const both = await Promise.all([fire('backup-blog', { at: day(1) }), fire('backup-blog', { at: day(2) })]);
    const unlock = await locked(shop.shop, 'shop', 'orders');
    const beside = [1, 2].map((environment) => fn('backup-shop').invoke({ source: 'shop' }, { environment }));
    const earlier = await Promise.race(beside);
    await unlock();

    expect(both.map(answerOf)).toMatchObject([{ status: 'stored' }, { status: 'stored' }]);
    expect(await alarm('throttled')).toBe('ALARM');
    expect(valueOf(earlier)).toMatchObject({ status: 'skipped' });
    expect((await Promise.all(beside)).map((one) => (valueOf(one) as { status: string }).status).sort()).toEqual([
      'skipped',
      'stored',
    ]);
  });

  test('rotation puts markers over a backup that goes, and over what proved it; their bytes stay as older versions', async () => {
    const { fire, fn } = world();
    const night = new Date(Date.UTC(2030, 0, 3));

    const next = answerOf(await fire('backup-ledger', { at: night }));
    valueOf(await fn('restore-ledger').invoke({ source: 'ledger', to: 'ledger_of_another_night' }));
    const rotated = answerOf(await fire('rotate-ledger'));
    const blog = answerOf(await fire('rotate-blog'));

    expect(rotated).toMatchObject({
      status: 'rotated',
      backups: 2,
      kept: 1,
      freed: 0,
      hidden: expect.any(Number) as unknown,
    });
    expect(rotated['removed']).toMatchObject([
      { state: 'hidden', id: expect.not.stringContaining(String(next['id'])) as unknown },
    ]);
    expect(blog).toMatchObject({ status: 'rotated', backups: 3, kept: 2, removed: [{ state: 'hidden' }] });
  });
}
