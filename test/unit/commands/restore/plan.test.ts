import { beforeEach, expect, test } from '@jest/globals';
import { backup } from '../../../../core/commands/backup.ts';
import { hindrance, planRestore } from '../../../../core/commands/restore/plan.ts';
import type { RestoreOptions, RestorePlan } from '../../../../core/commands/restore/plan.ts';
import { rankMissing } from '../../../../core/commands/restore/rank.ts';
import { excerptNotes } from '../../../../core/commands/restore/tables.ts';
import type { Manifest } from '../../../../core/contract/manifest/manifest.ts';
import type { Engine, Excerpt, RestoreFinding, Target, TargetOptions } from '../../../../core/ports.ts';
import { toyEngine, toySource } from '../../../support/worlds/toy-engine.ts';
import type { ToyServer } from '../../../support/worlds/toy-engine.ts';
import { limit, memoryScene } from '../../../support/vaults/vault.ts';
import type { VaultScene } from '../../../support/vaults/vault.ts';

let scene: VaultScene;
let server: ToyServer;
let manifest: Manifest;
let asked: TargetOptions[];
let closed: number;

beforeEach(async () => {
  scene = memoryScene();
  server = new Map([['shop', { orders: ['1', '2', '3'], items: ['hat', 'coat'] }]]);
  manifest = await backup(toySource(toyEngine(server, 'shop')), scene.deps(), limit());
  [asked, closed] = [[], 0];
});

function planning(
  options: Partial<RestoreOptions> & { foresee?: boolean } = {},
  { into = 'again', target: more = {} as Partial<Target> } = {},
): Promise<RestorePlan> {
  const toy = toyEngine(server, into);
  const engine: Engine = {
    ...toy,
    async target(given, signal) {
      asked.push(given);
      const target = await toy.target(given, signal);
      return { ...target, close: async () => void (closed += 1), ...more };
    },
  };
  const usual = { replace: false, owners: true, proof: true };
  return planRestore(manifest, engine, { ...usual, ...options }, scene.deps(), limit());
}

const note = (what: string): RestoreFinding => ({ weight: 'note', what });
const excerptOf = (more: Partial<Excerpt> = {}): Excerpt => ({
  tables: ['public.orders'],
  bare: ['public.items'],
  manifest,
  catalogFor: (found) => found,
  lacking: ['2 triggers'],
  notes: ['a note'],
  copying: (from, to) => [`copy from ${from} to ${to};`, 'done;'],
  ...more,
});

test('nothing is asked of an engine that nobody has asked for', async () => {
  await planning();
  await planning({
    owners: false,
    proof: false,
    tablespaces: false,
    keepGoing: true,
    events: true,
    dropOld: true,
    drill: { assert: [] },
  });

  expect(asked.map(({ manifest: _, catalog: __, open: ___, ...rest }) => rest)).toEqual([
    {
      owners: true,
      proof: true,
      tablespaces: true,
      keepGoing: false,
      events: false,
      dropOld: false,
      drill: false,
      tries: false,
    },
    {
      owners: false,
      proof: false,
      tablespaces: false,
      keepGoing: true,
      events: true,
      dropOld: true,
      drill: true,
      tries: false,
    },
  ]);
  expect(asked[0]!.catalog).toEqual({ table: { orders: 'line text', items: 'line text' } });
});

test('an engine that looks for tables gets the content of the parts that it asks for', async () => {
  await planning({ tables: ['orders'] }, { target: { excerpt: excerptOf() } });

  const [{ tables } = {}] = asked;
  expect(tables?.asked).toEqual(['orders']);
  const schema = manifest.parts.find(({ role }) => role === 'schema')!;
  const content = Buffer.concat(await Array.fromAsync(tables!.open(schema, limit()))).toString();
  expect(JSON.parse(content)).toEqual(['orders', 'items']);
});

test.each([
  [{ tables: ['orders'] }, 'some tables alone'],
  [{ tables: ['orders'], schemaOnly: true }, 'some tables alone'],
  [{ schemaOnly: true }, 'definitions alone'],
])('a part of a backup, %j, never takes the place of a whole database', async (part, what) => {
  await expect(planning({ ...part, replace: true }, { into: 'shop' })).rejects.toMatchObject({
    code: 'input-invalid',
    message: `${what} replace no database: everything else in it would be gone`,
    hint: 'restore them beside it, without --replace; of tables, the end of that says how to copy their rows over',
  });
  expect(asked).toEqual([]);
});

test('an engine that can’t choose tables restores none, and what was opened is closed', async () => {
  await expect(planning({ tables: ['orders'] })).rejects.toMatchObject({
    code: 'source-unsupported',
    message: 'backups of toy have no tables to choose from',
    hint: 'restore all of it, without --table',
  });
  expect(closed).toBe(1);
});

test('what would go wrong is looked for where something is replaced, or where that is asked for', async () => {
  const looked: boolean[] = [];
  const foresee: Target['foresee'] = async (replace, contents, signal) => {
    looked.push(replace);
    const schema = manifest.parts.find(({ role }) => role === 'schema')!;
    expect(Buffer.concat(await Array.fromAsync(contents(schema, signal))).toString()).toContain('orders');
    return { steps: ['make it'], findings: [note('slow')] };
  };
  const target = { foresee };

  expect(await planning({}, { target })).toMatchObject({ steps: [], findings: [] });
  expect(await planning({ foresee: true }, { target })).toMatchObject({ steps: ['make it'], findings: [note('slow')] });
  const replacing = await planning({ replace: true }, { into: 'shop', target });
  expect(replacing).toMatchObject({ steps: ['make it'], findings: [note('slow')], options: { replace: true } });
  expect(replacing.options).not.toHaveProperty('foresee');
  expect(looked).toEqual([false, true]);
});

test.each([
  [{}, 'name a new database with --to, or put the backup in its place with --replace'],
  [{ tables: ['orders'] }, 'name a new database with --to'],
  [{ schemaOnly: true }, 'name a new database with --to'],
  // a restore of all that is on a server takes no --to
  [{ ofServer: true }, 'beside it: nightjar restore shop; in its place: nightjar restore shop --to shop --replace'],
])('what stands in the database is found before anything else, %j', async (part, remedy) => {
  const target = {
    foresee: async () => ({ steps: [], findings: [note('slow')] }),
    excerpt: excerptOf({ lacking: [] }),
  };

  const plan = await planning({ ...part, foresee: true }, { into: 'shop', target });

  expect(plan.findings.slice(0, 2)).toEqual([
    { weight: 'fails', code: 'target-not-empty', what: 'toy://shop is not empty: it holds 2 tables', remedy },
    note('slow'),
  ]);
  expect(hindrance(plan)).toMatchObject({
    code: 'target-not-empty',
    message: 'toy://shop is not empty: it holds 2 tables',
    hint: remedy,
  });
});

test('an empty database is no hindrance', async () => {
  server.set('again', {});

  const plan = await planning({ foresee: true });

  expect(plan.findings).toEqual([]);
  expect(hindrance(plan)).toBeUndefined();
});

test('all that would have to be mended is told at once, what is sure and what is likely, and each remedy once', async () => {
  const found: RestoreFinding[] = [
    { weight: 'fails', what: 'no role ann', remedy: 'CREATE ROLE ann;', code: 'privilege-missing' },
    note('it is large'),
    { weight: 'may-fail', what: 'no extension x', remedy: 'CREATE EXTENSION x;' },
    { weight: 'fails', what: 'no role ben', remedy: 'CREATE ROLE ann;', code: 'privilege-missing' },
  ];
  const planOf = (findings: RestoreFinding[]) =>
    planning({ foresee: true }, { target: { foresee: async () => ({ steps: [], findings }) } });

  expect(hindrance(await planOf(found))).toMatchObject({
    code: 'privilege-missing',
    message: 'no role ann; no role ben; and it may fail: no extension x; again is gone',
    hint: 'CREATE ROLE ann; CREATE EXTENSION x;',
  });
  const unlike = [...found, { weight: 'fails', what: 'no room' } as const];
  expect(hindrance(await planOf(unlike))).toMatchObject({ code: 'restore-failed' });
  const bare = hindrance(await planOf([{ weight: 'fails', what: 'no room' }]));
  expect(bare).toMatchObject({ code: 'restore-failed', message: 'no room; again is gone', hint: undefined });
  expect(hindrance(await planOf([note('it is large'), found[2]!]))).toBeUndefined();
});

test('of some tables it is said before what is made, read and left out, and afterwards how the rows get over', async () => {
  const bytes = manifest.parts.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
  const read = `4 of 4 parts, ${bytes} B of ${bytes} B`;
  const { steps, findings, target } = await planning({ tables: ['orders'] }, { target: { excerpt: excerptOf() } });

  expect(steps).toEqual([
    'restore 1 table with their rows: public.orders',
    'make without rows: public.items',
    `read ${read}`,
  ]);
  expect(findings).toEqual([note('left out: 2 triggers'), note('a note')]);
  expect(excerptNotes(target, manifest)).toEqual([
    'restored are the rows of public.orders, of 2 tables in the backup',
    'made without rows: public.items',
    `read from the vault: ${read}`,
    'left out: 2 triggers',
    'a note',
    'to add the rows to shop (a key that is there already stops it): copy from again to shop; done;',
  ]);

  const little = excerptOf({ tables: [], bare: [], lacking: [], notes: [], copying: () => [] });
  const data = target.stages.map((steps) => steps.filter(({ part }) => part.file === 'data/0001.sql.zst'));
  const few = { ...target, excerpt: little, stages: data };
  const chosen = manifest.parts.filter(({ role, file }) => role === 'catalog' || file === 'data/0001.sql.zst');
  const sum = chosen.reduce((total, { storedBytes }) => total + storedBytes, 0);
  expect(excerptNotes(few, manifest)).toEqual([`read from the vault: 2 of 4 parts, ${sum} B of ${bytes} B`]);
  const { excerpt: _, ...whole } = target;
  expect(excerptNotes(whole, manifest)).toEqual([]);
});

test('of definitions alone no row is read, and a proof expects none', async () => {
  const withObjects = { ...manifest, largeObjects: { count: 1, fingerprint: 'f'.repeat(16) }, sequences: { s: '1' } };
  const toy = toyEngine(server, 'again');
  const options = { replace: false, owners: true, proof: true, schemaOnly: true };

  const { target, catalog, steps, findings } = await planRestore(withObjects, toy, options, scene.deps(), limit());

  expect(target.stages.map((one) => one.map(({ part }) => part.role))).toEqual([['schema']]);
  const { excerpt } = target;
  expect(excerpt).toMatchObject({ tables: [], bare: [], notes: [] });
  expect(excerpt!.manifest).not.toHaveProperty('largeObjects');
  expect(excerpt!.manifest).toMatchObject({
    id: manifest.id,
    sequences: {},
    tables: manifest.tables.map((table) => ({ ...table, rows: 0, fingerprint: '0000000000000000' })),
  });
  expect(excerpt!.catalogFor({})).toEqual(catalog);
  expect(excerpt!.copying('a', 'b')).toEqual([]);
  expect(steps).toHaveLength(1);
  expect(findings).toEqual([note('left out: every row, large objects, and where sequences stand')]);
});

test('of the definitions of some tables, those tables alone are made, and all that they lack is told', async () => {
  const [, orders] = manifest.tables;
  const chosen = excerptOf({
    manifest: { ...manifest, tables: [orders!] },
    catalogFor: () => ({ kind: { one: 'x' } }),
  });

  const { target } = await planning({ tables: ['orders'], schemaOnly: true }, { target: { excerpt: chosen } });

  expect(target.excerpt).toMatchObject({
    tables: [],
    bare: ['public.orders', 'public.items'],
    manifest: { tables: [{ table: orders!.table, rows: 0 }] },
    lacking: ['every row, large objects, and where sequences stand', '2 triggers'],
    notes: ['a note'],
  });
  expect(target.excerpt!.catalogFor({})).toEqual({ kind: { one: 'x' } });
});

test('where nobody can be asked for the rank of a server, it is said how to name it', () => {
  expect(rankMissing('live', 'production')).toMatchObject({
    code: 'input-invalid',
    message: 'the server of live is production, and nobody has said that it is meant',
    hint: 'if it is: --into production',
  });
});
