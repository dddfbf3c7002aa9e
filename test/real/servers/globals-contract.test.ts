import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { mariadbGlobalsEngine } from '../../../core/engines/mariadb/globals/index.ts';
import { postgresGlobalsEngine } from '../../../core/engines/postgres/globals/index.ts';
import type { ByteStream, Engine, Target } from '../../../core/ports.ts';
import { engineContract } from '../../contract/engine/engine-contract.ts';
import type { EngineUnderTest, Lines } from '../../contract/engine/engine-contract.ts';
import { startMariadb } from '../../servers/databases/mariadb.ts';
import { startPostgres } from '../../servers/databases/postgres.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { connect, limit, loginTo } from '../../support/mariadb/mariadb.ts';
import { runSql } from '../../support/postgres.ts';
import { layerTools } from '../../support/tools.ts';

/** Roles of a whole server, or accounts: `ours` are those that `make` has made, which bear these names. */
type Kind = {
  start(): Promise<DatabaseServer>;
  engine(server: DatabaseServer): Engine;
  make(server: DatabaseServer, name: string): Promise<unknown>;
  drop(server: DatabaseServer, name: string): Promise<unknown>;
  names(server: DatabaseServer): Promise<string[]>;
  left(server: DatabaseServer): Promise<string[]>;
  /** Who is connected to the database postgres. */
  inPostgres?(server: DatabaseServer): Promise<string[]>;
};

/** What the contract calls a database is a server here, a row a role of it, and a table what roles' names begin with. */
function wholeServers({ start, engine, make, names, left }: Kind, others: number): EngineUnderTest {
  const servers = new Map<string, DatabaseServer>();
  const rows = new Map<string, { table: string; row: string }>();
  const started = async (name: string): Promise<DatabaseServer> => {
    const server = servers.get(name) ?? (await start());
    servers.set(name, server);
    return server;
  };
  const add = async (name: string, table: string, row: string) => {
    const called = `${table}_${createHash('md5').update(row).digest('hex')}`;
    rows.set(called, { table, row });
    await make(await started(name), called);
  };
  const there = async (name: string) => engine(await started(name));
  return {
    bigRows: 6,
    counted: (tables) => ({ tables: 1, rows: Object.values(tables).flat().length + others }),
    engine: (name) => ({
      ...engine({ host: '127.0.0.1', port: 1, user: 'nobody', password: '' } as DatabaseServer),
      plan: async (options, signal) => (await there(name)).plan(options, signal),
      open: (part, signal) => engine(servers.get(name)!).open(part, signal),
      target: async (options, signal) => (await there(name)).target(options, signal),
    }),
    async make(name, tables: Lines) {
      for (const [table, lines] of Object.entries(tables)) for (const row of lines) await add(name, table, row);
    },
    async add(name, added) {
      for (const [table, row] of Object.entries(added)) await add(name, table, row);
    },
    async rowsIn(name) {
      const server = servers.get(name);
      const found = server === undefined ? [] : (await names(server)).flatMap((one) => rows.get(one) ?? []);
      if (found.length === 0) return undefined;
      const lines = Object.groupBy(found, ({ table }) => table);
      // nothing of a server says that there is a table without rows
      return {
        none: [],
        ...Object.fromEntries(Object.entries(lines).map(([table, of]) => [table, of!.map(({ row }) => row)])),
      };
    },
    left: async () => (await Promise.all([...servers.values()].map(left))).flat(),
    async close() {
      await Promise.all([...servers.values()].map((server) => server.stop()));
    },
  };
}

const excepted = {
  'a backup is of one moment: what comes while its rows are read is not in it, and comes all the same':
    'nothing holds a moment of roles; what changes meanwhile ends the run as source-changed (below)',
  'rows are counted as the server counts them, and a fingerprint changes with one row of its table':
    'there are no rows; a digest of each definition stands in the catalog',
  'a part is a value: any adapter of the database makes it from JSON, under the plan of another':
    'what it reads is counted by tables; a recipe is JSON all the same',
  'a dump that is cut anywhere is told from a whole one': 'no part holds rows, and so none is read by a reader',
  'a dump that ends early without an error makes no backup': 'the same; the text is read whole before it is stored',
  'a proof finds one row that is not as it was, and names its table':
    'what else a server has is no matter of a backup of roles; one that differs is left as it is, and excepted by name',
  'what is there is refused, and stays; told to replace it, a restore does':
    'a restore makes what is missing, and replaces nothing',
};

const roles = async (): Promise<Kind> => {
  const tools = await layerTools();
  const asked = async (server: DatabaseServer, sql: string) =>
    (await runSql(server, 'postgres', sql)).map((row) => String(Object.values(row)[0]));
  return {
    start: () => startPostgres({ major: 18 }),
    engine: (server) => postgresGlobalsEngine(loginTo(server, 'postgres'), tools),
    make: (server, name) => asked(server, `create role "${name}" login password 'x'`),
    drop: (server, name) => asked(server, `drop role "${name}"`),
    names: (server) => asked(server, 'select rolname from pg_roles'),
    left: (server) =>
      asked(
        server,
        `select query from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()
          union all select rolname from pg_roles where rolname like 'nightjar%'`,
      ),
    inPostgres: (server) =>
      asked(server, `select query from pg_stat_activity where datname = 'postgres' and pid <> pg_backend_pid()`),
  };
};

const accounts = async (): Promise<Kind> => {
  const asked = async (server: DatabaseServer, sql: string) => {
    const connection = await connect(server);
    const [found] = await connection.query(sql).finally(() => connection.end());
    return Array.isArray(found) ? found.map((row) => String(Object.values(row)[0])) : [];
  };
  return {
    start: () => startMariadb({ series: '11.8' }),
    engine: (server) => mariadbGlobalsEngine(loginTo(server, 'mysql')),
    make: (server, name) => asked(server, `create or replace user \`${name}\`@'%' identified by 'x'`),
    drop: (server, name) => asked(server, `drop user \`${name}\`@'%'`),
    names: (server) => asked(server, `select user from mysql.user where is_role = 'N'`),
    left: (server) =>
      asked(
        server,
        `select coalesce(info, command) from information_schema.processlist where id <> connection_id() and user = '${server.user}'
          union all select schema_name from information_schema.schemata where schema_name like 'nightjar%'`,
      ),
  };
};

engineContract('roles of PostgreSQL', async () => wholeServers(await roles(), 1), excepted);
engineContract('accounts of MariaDB', async () => wholeServers(await accounts(), 3), {
  ...excepted,
  'a restore that is stopped at any moment leaves no half database, and is run again':
    'no transaction holds accounts: what was made stays, and the next run goes on (mariadb-globals.test.ts)',
});

describe.each([
  ['roles of PostgreSQL', roles],
  ['accounts of MariaDB', accounts],
])('%s', (_, open) => {
  let kind: Kind;
  let server: DatabaseServer;

  beforeAll(async () => {
    kind = await open();
    server = await kind.start();
  }, 600_000);
  afterAll(() => server?.stop());

  test('that change between the look and the end of a backup end it', async () => {
    const { plan, ...whole } = kind.engine(server);
    const planned = await plan({}, limit());
    await kind.make(server, 'late');

    const { content, notes } = whole.open(planned.parts[0]!, limit());
    await Array.fromAsync(content);
    const ended = planned.confirm([], [await notes()], limit());

    await expect(ended).rejects.toMatchObject({ code: 'source-changed' });
    await planned.close();
  });

  test('of a drill and a restore at once, the second says why, and what a drill that was killed made is none of the server’s', async () => {
    const { plan, ...whole } = kind.engine(server);
    await kind.make(server, 'needed');
    const planned = await plan({}, limit());
    const texts: Buffer[] = [];
    for (const part of planned.parts)
      texts.push(Buffer.concat(await Array.fromAsync(whole.open(part, limit()).content)));
    await planned.close();
    await kind.drop(server, 'needed');
    const parts = planned.parts.map(({ role, file }) => ({ role, file }));
    const manifest = { id: 'one', source: 'globals', server: planned.server, parts } as unknown as Manifest;
    const target = (drill: boolean) =>
      whole.target({ manifest, catalog: planned.catalog, owners: true, drill }, limit());
    const load = async (one: Target) => {
      await one.prepare(false, limit());
      for (const [index, step] of one.stages.flat().entries()) await step.load(once(texts[index]!), limit());
    };
    const isThere = async () => (await kind.names(server)).includes('needed');

    const drilling = await target(true);
    await load(drilling);
    const [second, third] = [await target(true), await target(false)];
    const ends = await Promise.allSettled([second.prepare(false, limit()), third.prepare(false, limit())]);
    for (const refused of [second, third]) await refused.discard(limit()).then(() => refused.close());
    const isDrillsStill = await isThere();
    // as if it had been killed
    await drilling.close();
    const restoring = await target(false);
    await load(restoring);
    await restoring.finish(limit()).then(() => restoring.close());
    const next = await target(true);
    await load(next);
    await next.finish(limit()).then(() => next.close());

    expect(ends).toMatchObject(Array(2).fill({ reason: { code: 'lease-held' } }));
    expect(isDrillsStill).toBe(true);
    expect(await isThere()).toBe(true);
    expect(await kind.left(server)).toEqual([]);
    await kind.drop(server, 'needed');
  });

  test('one run at a time may restore all of a server', async () => {
    const claim = () => kind.engine(server).claimServer!(['shop', 'postgres'], limit());
    const held = await claim();

    const second = await claim();
    await held!.release();
    const third = await claim();

    expect(second).toBeUndefined();
    expect(third).toBeDefined();
    // a database that is to be replaced may be renamed meanwhile
    if (kind.inPostgres !== undefined) expect(await kind.inPostgres(server)).toEqual([]);
    await third!.release();
    expect(await kind.left(server)).toEqual([]);
  });
});

async function* once(text: Buffer): ByteStream {
  yield text;
}
