import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { backup } from '../../../../core/commands/backup.ts';
import { proofSentence } from '../../../../core/commands/proof/prove.ts';
import { planRestore } from '../../../../core/commands/restore/plan.ts';
import { restore, restoreRecorded } from '../../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../../core/contract/manifest/manifest.ts';
import { postgresRead } from '../../../../core/engines/postgres/programs.ts';
import { programText } from '../../../../core/pipeline/program.ts';
import { limit, postgresScene } from '../../../support/postgres.ts';
import type { PostgresScene } from '../../../support/postgres.ts';

const world = join(import.meta.dirname, '../../../data/postgres/some-tables.sql');

/** What is left of the world when everything but the table `orders` and what it needs is dropped by hand. */
const ordersAlone = `drop view v; drop materialized view mv; drop publication everything; drop table borrows, child, parent, hashed, log, "Odd; Table", sales.orders;
  drop policy theirs on orders; drop rule kept on orders; drop table customer, other cascade; drop type unused; drop domain email; drop extension citext;
  drop function untouched; drop sequence nobodys; select lo_unlink(4711)`;
const logAlone = `drop view v; drop materialized view mv; drop publication everything; alter table log drop constraint log_customer_fkey;
  drop table borrows, child, parent, hashed, "Odd; Table", sales.orders, orders, customer, other cascade; drop type unused, mood; drop domain email; drop extension citext, pg_trgm;
  drop function untouched, stamp, code; drop sequence nobodys, codes; select lo_unlink(4711)`;

describe.each([13, 15, 18] as const)('PostgreSQL %i', (major) => {
  let scene: PostgresScene;
  let manifest: Manifest;
  const read = new Set<string>();

  beforeAll(async () => {
    scene = await postgresScene(major);
    await scene.sql('postgres', 'create role app');
    await scene.sql('postgres', 'create database shop');
    await scene.sql('shop', await readFile(world, 'utf8'));
    manifest = await backup(scene.source('shop', { sliceBytes: 8192 }), scene.deps(), limit());
  }, 1_200_000);
  afterAll(() => scene?.stop());

  /** A vault that remembers what was read. */
  const deps = () => {
    const noting: typeof scene.vault = {
      ...scene.vault,
      get(key, signal, ...rest) {
        read.add(key.slice(key.indexOf(manifest.id) + manifest.id.length + 1));
        return scene.vault.get(key, signal, ...rest);
      },
    };
    return { ...scene.deps(noting), parallel: 2 };
  };
  const options = { replace: false, owners: true, proof: true };
  const restoring = (to: string, tables: string[] | undefined, more: Partial<Parameters<typeof restore>[2]> = {}) =>
    restoreRecorded(manifest, scene.source(to).engine, { ...options, tables, ...more }, deps(), limit());

  /** What the stock program prints of a whole database. */
  async function dumped(database: string, options: string[] = []): Promise<string[]> {
    const text = await programText(
      postgresRead(scene.tools, 'pg_dump', major, scene.login(database), options),
      limit(),
    );
    return text.split('\n').filter((line) => !/^\\(?:un)?restrict /.test(line));
  }

  const judged: [string, string[], string][] = [
    ['orders', ['public.orders'], ordersAlone],
    ['log', ['log'], logAlone],
  ];
  test.each(judged.filter(([name]) => major === 18 || name === (major === 13 ? 'orders' : 'log')))(
    'the stock dump of %s restored alone is that of the source once all else is dropped',
    async (name, tables, drops) => {
      await scene.sql('postgres', `create database ${name}_judge template shop`);
      await scene.sql(`${name}_judge`, drops);

      const { proof, failures } = await restoring(`${name}_alone`, tables);

      expect({ differences: proof?.differences, failures }).toEqual({ differences: [], failures: [] });
      expect(await dumped(`${name}_alone`)).toEqual(await dumped(`${name}_judge`));
    },
    60_000,
  );

  if (major !== 18) return;

  test('the proof says what was compared and what was left out, and how the rows come back', async () => {
    const { proof, notes } = await restoring('told', ['public.orders']);

    expect(proof).toMatchObject({ tables: 1, rows: 20 });
    expect(proofSentence(proof!)).toMatch(
      /^proven equal, except .*foreign key orders_customer_fkey on public\.orders, which needs public\.customer; .*\d+ tables of the backup, not asked for; 1 large object: 1 table, 20 rows, \d+ definitions$/,
    );
    expect(notes.join('\n')).toMatch(/left out: policy theirs on public\.orders, which needs public\.other/);
    expect(notes.join('\n')).toMatch(/pg_dump --data-only --table='public\.orders' --dbname='told' \| psql/);
  });

  test('the command that the end prints brings back rows with generated columns and identities', async () => {
    const { notes } = await restoring('brought', ['public.orders']);
    const before = await scene.sql('shop', 'select * from orders order by id');
    await scene.sql('shop', 'set session_replication_role = replica; delete from orders');
    const [printed = ''] = /pg_dump .*/.exec(notes.join('\n')) ?? [];
    const { env, secretEnv } = postgresRead(scene.tools, 'psql', major, scene.login('shop'), []);
    const programs = (['pg_dump', 'psql'] as const).map((name) => ({ ...scene.tools.program(name, major), name }));
    const started = programs.map(
      ({ name, command, args }) => `${name}() { '${[command, ...args].join("' '")}' "$@"; }`,
    );
    await promisify(execFile)('sh', ['-ec', [...started, printed].join('\n')], {
      env: { ...programs[0]!.env, ...env, ...(await secretEnv!(limit())) },
    });

    expect(before).toHaveLength(20);
    expect(await scene.sql('shop', 'select * from orders order by id')).toEqual(before);
  });

  test('only the parts that hold the rows are read', async () => {
    read.clear();
    await restoring('few', ['"Odd; Table"']);

    const holding = manifest.parts.filter(({ tables }) => tables?.includes('public."Odd; Table"'));
    expect(holding).toHaveLength(1);
    expect([...read].sort()).toEqual(['catalog.json.zst', holding[0]!.file, 'schema.pgdump']);
    expect(await scene.sql('few', 'select * from "Odd; Table"')).toEqual(
      await scene.sql('shop', 'select * from "Odd; Table"'),
    );
  });

  test('a backup from before parts named their tables gives them too', async () => {
    const parts = manifest.parts.map(({ tables: _, ...part }) => part);
    const { proof } = await restore(
      { ...manifest, parts },
      scene.source('old').engine,
      { ...options, tables: ['orders', 'customer'].map((name) => `public.${name}`) },
      deps(),
      limit(),
    );

    expect(proof).toMatchObject({ tables: 2, rows: 40, differences: [] });
    expect(await scene.sql('old', 'insert into orders (customer, n) values (1, 0) returning id, code, g')).toEqual([
      { id: 22, code: 'c121', g: 21 },
    ]);
  });

  test('definitions alone are those of the stock dump, without a row, read without the parts that hold rows', async () => {
    read.clear();
    const { proof, notes } = await restoring('definitions', undefined, { schemaOnly: true });
    const few = await restoring('few_definitions', ['log'], { schemaOnly: true });

    expect([proof, few.proof]).toMatchObject([
      { tables: manifest.tables.length, rows: 0, differences: [] },
      { tables: 2, rows: 0, differences: [] },
    ]);
    expect(await dumped('definitions', ['--schema-only'])).toEqual(await dumped('shop', ['--schema-only']));
    expect([...read].sort()).toEqual(['catalog.json.zst', 'schema.pgdump']);
    expect(notes[0]).toMatch(/^read from the vault: 2 of \d+ parts/);
    expect(proofSentence(proof!)).toContain('proven equal, except every row, large objects, and where sequences stand');
  });

  test('a table of which another needs the definition is made without rows', async () => {
    const partition = await restoring('partition', ['sales.log_2026']);
    const inherited = await restoring('inherited', ['child', 'borrows']);

    expect([partition, inherited].map(({ proof }) => proof)).toMatchObject([
      { rows: 7, differences: [] },
      { rows: 2, differences: [] },
    ]);
    expect(await scene.sql('partition', 'select count(*)::int from log')).toEqual([{ count: 7 }]);
    expect(
      await scene.sql(
        'inherited',
        'select (select count(*) from only parent)::int as parents, (select count(*) from orders)::int as orders',
      ),
    ).toEqual([{ parents: 0, orders: 0 }]);
  });

  test('patterns choose over all schemas, and everything is everything', async () => {
    expect((await restoring('both', ['ord*'])).proof).toMatchObject({ tables: 2, rows: 21, differences: [] });
    expect((await restoring('all', ['*'], { keepGoing: true })).proof).toMatchObject({
      tables: manifest.tables.length,
      differences: [],
    });
  });

  test('whoever owns nothing restores tables without owners', async () => {
    await scene.sql('postgres', `create role nobody login createdb password 'nobody'`);
    const engine = scene.source('bare', { login: { user: 'nobody', password: 'nobody' } }).engine;
    const { proof } = await restore(manifest, engine, { ...options, owners: false, tables: ['log'] }, deps(), limit());

    expect(proof).toMatchObject({ differences: [] });
  });

  test.each([
    ['ordrs', 'the backup holds no table ordrs, did you mean "orders"?'],
    ['orders', 'orders may mean public.orders; sales.orders'],
    ['hashed_0', 'the rows of public.hashed_0 lie among those of public.hashed, which it is a partition of'],
  ])('%s is refused before anything is made', async (name, message) => {
    await expect(restoring('never', [name])).rejects.toMatchObject({ code: 'input-invalid', message });
    expect(await scene.sql('postgres', `select 1 from pg_database where datname = 'never'`)).toEqual([]);
  });

  test('a plan says what is made, read and left out, and some tables replace no database', async () => {
    const engine = scene.source('planned').engine;
    const plan = await planRestore(manifest, engine, { ...options, tables: ['log'], foresee: true }, deps(), limit());
    await plan.target.close();

    expect(plan.steps).toEqual([
      'make database planned',
      'restore 3 tables with their rows: public.log, public.log_2025, sales.log_2026',
      expect.stringMatching(/^read \d of \d+ parts, .* of .*B$/),
    ]);
    expect(plan.findings.map(({ what }) => what)).toContain(
      'left out: foreign key log_customer_fkey on public.log, which needs public.customer',
    );
    for (const part of [{ tables: ['log'] }, { schemaOnly: true }])
      await expect(restoring('shop', undefined, { ...part, replace: true })).rejects.toMatchObject({
        code: 'input-invalid',
        hint: expect.stringContaining('without --replace'),
      });
  });

  test('rows that came out otherwise are found, and neither end is kept as a proof of the whole backup', async () => {
    const tables = manifest.tables.map((table) => (table.table === 'public.log_2025' ? { ...table, rows: 6 } : table));
    const recording = (one: Manifest, to: string) =>
      restoreRecorded(one, scene.source(to).engine, { ...options, tables: ['log'] }, deps(), limit());

    await expect(recording({ ...manifest, tables }, 'differs')).rejects.toMatchObject({
      code: 'proof-failed',
      message: expect.stringContaining('table public.log_2025 has 5 rows instead of 6'),
    });
    expect((await scene.files()).filter((file) => file.includes('proofs'))).toEqual([]);
  });
});
