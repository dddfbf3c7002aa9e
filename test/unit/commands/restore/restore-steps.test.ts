import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { backup } from '../../../../core/commands/backup.ts';
import { restoreRecorded } from '../../../../core/commands/restore/restore.ts';
import type { RestoreOptions } from '../../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../../core/contract/manifest/manifest.ts';
import { BackupError } from '../../../../core/domain/errors.ts';
import { postgresReader } from '../../../../core/pipeline/rows/postgres.ts';
import type { ByteStream, Engine, LoadStep, Plan, RunEvent, Target } from '../../../../core/ports.ts';
import { toyEngine, toySource } from '../../../support/worlds/toy-engine.ts';
import type { ToyServer } from '../../../support/worlds/toy-engine.ts';
import { limit, memoryScene } from '../../../support/vaults/vault.ts';
import type { VaultScene } from '../../../support/vaults/vault.ts';

const rows = () => ({ orders: ['1', '2', '3'], items: ['hat', 'coat'] });
let scene: VaultScene;
let server: ToyServer;
let manifest: Manifest;
let told: RunEvent[];

beforeEach(async () => {
  scene = memoryScene();
  server = new Map([['shop', rows()]]);
  manifest = await backup(toySource(toyEngine(server, 'shop')), scene.deps(), limit());
  told = [];
});
afterEach(() => scene.remove());

const targeting = (engine: Engine, change: (target: Target) => Partial<Target>): Engine => ({
  ...engine,
  target: async (options, signal) => {
    const target = await engine.target(options, signal);
    return { ...target, ...change(target) };
  },
});
const restoring = (engine: Engine, options: Partial<RestoreOptions> = {}, of: Manifest = manifest) =>
  restoreRecorded(
    of,
    engine,
    { replace: false, owners: true, proof: true, ...options },
    { ...scene.deps(), report: (event) => void told.push(event), parallel: 2 },
    limit(),
  );
const again = () => toyEngine(server, 'again');
const warned = () => told.flatMap((event) => (event.type === 'warning' ? event.message : []));
const records = async () =>
  (await Array.fromAsync(scene.vault.list('', limit())))
    .map(({ key }) => String(key))
    .filter((key) => /proofs/.test(key));
const corrupt = (what: string) => new BackupError('part-corrupt', what);

test('a drill makes its database, is proven, and drops it; one that is there already is left alone', async () => {
  const drill = { assert: [] };
  const asked: unknown[] = [];
  const asking: Engine = {
    ...again(),
    target: (options, signal) => (asked.push(options.drill), again().target(options, signal)),
  };

  expect((await restoring(asking, { drill })).proof).toMatchObject({ rows: 5, differences: [] });
  expect(server.has('again')).toBe(false);
  for (const [database, tables] of [
    ['again', {}],
    ['shop', rows()],
  ] as const) {
    server.set(database, { ...tables });
    await expect(restoring(toyEngine(server, database), { replace: true, drill })).rejects.toMatchObject({
      code: 'target-not-empty',
      message: `toy://${database} is there already, so that no drill may use it`,
      hint: 'run the drill again: it takes another name each time',
    });
    expect(server.get(database)).toEqual(tables);
  }
  await restoring(toyEngine(server, 'third'));
  expect(asked).toEqual([true]);
});

test('what was told when it was backed up is told again, a line each, and of many the first ten', async () => {
  const warnings = ['a\nb', ...Array.from({ length: 11 }, (_, index) => `warning ${index}`)];

  await restoring(again(), {}, { ...manifest, warnings });

  expect(warned()).toEqual([
    'told when it was backed up: a\\nb',
    ...warnings.slice(1, 10).map((text) => `told when it was backed up: ${text}`),
    'told when it was backed up: and 2 more',
  ]);
});

test('what a drill that died had left is named: at once, though nothing can be made then, and in the end', async () => {
  const notes = ['database a\\nb, which a drill that died had left, was dropped now'];
  const swept = () => ({ swept: ['a\nb'] });
  const failing = targeting(again(), () => ({
    ...swept(),
    prepare: () => Promise.reject(new BackupError('restore-failed', 'the disk is full')),
  }));

  await expect(restoring(failing)).rejects.toMatchObject({ message: expect.stringContaining('the disk is full') });
  expect(warned()).toEqual(notes);
  const restored = await restoring(targeting(again(), (target) => ({ ...swept(), finish: target.finish })));
  expect(restored.notes).toEqual(notes);
  const failures = [{ object: 'view v', error: 'no', statement: 'CREATE VIEW v' }];
  const kept = await restoring(targeting(toyEngine(server, 'third'), () => ({ ...swept(), failures })));
  expect(kept.notes).toEqual(notes);
});

test('what a person may do is said: where the engine is another one, and where the database is not empty', async () => {
  await expect(restoring(again(), {}, { ...manifest, engine: 'other' })).rejects.toMatchObject({
    code: 'input-invalid',
    hint: 'name a source of the same engine as the target',
  });
  await expect(restoring(toyEngine(server, 'shop'))).rejects.toMatchObject({
    code: 'target-not-empty',
    hint: 'name a new database with --to, or put the backup in its place with --replace',
  });
});

test('a restore that was not to be proven is on record in no way', async () => {
  const restored = await restoring(again(), { proof: false });

  expect(restored).not.toHaveProperty('proof');
  expect(await records()).toEqual([]);
});

test('before a database is replaced the rows of the backup are counted, and must be those of its manifest', async () => {
  const counting: Engine = { ...toyEngine(server, 'shop'), reader: postgresReader };
  const lying = { ...manifest, tables: manifest.tables.map((table) => ({ ...table, rows: table.rows + 1 })) };

  await expect(restoring(counting, { replace: true }, lying)).rejects.toMatchObject({
    code: 'part-corrupt',
    message: expect.stringContaining('public.orders'),
  });
  expect(server.get('shop')).toEqual(rows());
  expect((await restoring(counting, { replace: true })).proof).toMatchObject({ rows: 5, differences: [] });
  expect(warned()).toEqual([]);
});

test('before a database is replaced its target sees all that the backup holds, and what it could not find out is told', async () => {
  const watched = new Map<string, string>();
  const rehearsed: string[] = [];
  const engine = targeting(toyEngine(server, 'shop'), () => ({
    watch: ({ file }, chunk) => void watched.set(file, `${watched.get(file) ?? ''}${Buffer.from(chunk).toString()}`),
    rehearse: async (contents, signal) => {
      for (const part of manifest.parts)
        rehearsed.push(Buffer.concat(await Array.fromAsync(contents(part, signal))).toString());
      return ['rights of app@% are not known'];
    },
  }));

  await restoring(engine, { replace: true });

  expect(warned()).toEqual(['rights of app@% are not known']);
  expect(rehearsed.map((text) => text.length)).toEqual(manifest.parts.map(({ bytes }) => bytes));
  expect(manifest.parts.map(({ file }) => watched.get(file))).toEqual(rehearsed);
});

/** Every data part has two passes, and the second alone asks something of it: that it holds no hat. */
const twoPasses = (spoilt: string, seen: [string, string][]) => (target: Target) => ({
  stages: target.stages.map((steps) =>
    steps.flatMap((step): LoadStep[] =>
      step.part.role !== 'data'
        ? [step]
        : [
            { ...step, load: async (content) => void (await Array.fromAsync(content)) },
            {
              ...step,
              async *inspect(content: ByteStream) {
                const text = Buffer.concat(await Array.fromAsync(content)).toString();
                seen.push([step.part.file, text.split('\n')[1] ?? '']);
                if (text.includes(spoilt)) throw corrupt(`${step.part.file} holds a ${spoilt}`);
                yield Buffer.from(text);
              },
            },
          ],
    ),
  ),
});

test('before a database is replaced, each part is asked what its own loading will ask, in whichever pass', async () => {
  const [files, seen] = [manifest.parts.filter(({ role }) => role === 'data').map(({ file }) => file), []] as [
    string[],
    [string, string][],
  ];
  const picky = (spoilt: string) => targeting(toyEngine(server, 'shop'), twoPasses(spoilt, seen));

  await expect(restoring(picky('hat'), { replace: true })).rejects.toMatchObject({
    code: 'part-corrupt',
    message: expect.stringContaining('holds a hat'),
  });
  expect(server.get('shop')).toEqual(rows());
  seen.length = 0;
  expect((await restoring(picky('fox'), { replace: true })).proof).toMatchObject({ differences: [] });
  expect(seen.toSorted()).toEqual([
    [files[0], '1'],
    [files[1], 'hat'],
  ]);
});

test('a stage is called after what it loads, one of rows is called rows, and an empty one has no name', async () => {
  const engine = targeting(again(), ({ stages }) => ({ stages: [[], ...stages] }));

  await restoring(engine);

  expect(told.flatMap((event) => (event.type === 'stage' ? event.label : []))).toEqual([
    '',
    'schema.sql.zst',
    'rows',
    'proof',
  ]);
});

test('a part that reads well the second time was changed on its way: it is not called damaged', async () => {
  const failing = targeting(again(), ({ stages }) => ({
    stages: stages.map((steps) =>
      steps.map((step) => ({ ...step, load: () => Promise.reject(corrupt(`${step.part.file} is damaged`)) })),
    ),
  }));

  await expect(restoring(failing)).rejects.toMatchObject({
    code: 'vault-failed',
    message: expect.stringContaining('schema.sql.zst was changed on its way: read again, it is whole'),
    hint: 'run it again',
  });
  expect(await records()).toEqual([]);
});

test('what the end of a restore makes is expected by no proof before it, and of its kind alone', async () => {
  const table = 'line text';
  const finishing = (name: string) =>
    targeting(
      {
        ...toyEngine(server, name),
        plan: async (options, signal): Promise<Plan> => {
          const plan = await toyEngine(server, name).plan(options, signal);
          const { orders = table } = plan.catalog['table'] ?? {};
          return options.like === undefined ? plan : { ...plan, catalog: { table: { orders } } };
        },
      },
      () => ({ afterProof: [{ kind: 'table', name: 'items' }] }),
    );

  expect((await restoring(finishing('again'))).proof).toMatchObject({ differences: [], exceptions: [] });
});
