import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { backup } from '../../../../core/commands/backup.ts';
import { listBackups } from '../../../support/vaults/listed.ts';
import { proofSentence } from '../../../../core/commands/proof/prove.ts';
import { restoreRecorded } from '../../../../core/commands/restore/restore.ts';
import type { RestoreOptions } from '../../../../core/commands/restore/restore.ts';
import { verify } from '../../../../core/commands/proof/verify.ts';
import type { Manifest } from '../../../../core/contract/manifest/manifest.ts';
import { BackupError, isBackupError } from '../../../../core/domain/errors.ts';
import type { SourceName } from '../../../../core/domain/keys.ts';
import type { Engine, TargetOptions } from '../../../../core/ports.ts';
import { opening } from '../../../support/parts.ts';
import { toyEngine, toySource } from '../../../support/worlds/toy-engine.ts';
import type { ToyServer } from '../../../support/worlds/toy-engine.ts';
import { memoryScene, limit } from '../../../support/vaults/vault.ts';
import type { VaultScene } from '../../../support/vaults/vault.ts';

const shop = 'shop' as SourceName;
const rows = () => ({ orders: ['1', '2', '3'], items: ['hat', 'coat'] });
let scene: VaultScene;
let server: ToyServer;
let manifest: Manifest;
let warnings: string[];

beforeEach(async () => {
  scene = memoryScene();
  server = new Map([['shop', rows()]]);
  manifest = await backingUp();
  warnings = [];
});
afterEach(() => scene.remove());

const deps = () => ({
  ...scene.deps(),
  report: (event: { type: string; message?: string }) =>
    void (event.type === 'warning' && warnings.push(event.message!)),
});
const backingUp = (engine: Engine = toyEngine(server, 'shop')) => backup(toySource(engine), scene.deps(), limit());
const restoring = (engine: Engine, options: Partial<RestoreOptions> = {}) =>
  restoreRecorded(
    manifest,
    engine,
    { replace: false, owners: true, proof: true, ...options },
    { ...deps(), parallel: 2 },
    limit(),
  );
const proofs = async () =>
  (await Array.fromAsync(scene.vault.list('', limit()))).flatMap(
    ({ key }) => /proofs\/\w+-(\w+-\w+)\.json$/.exec(key)?.[1] ?? [],
  );

type Deed = [what: string, wrong: (engine: Engine) => Engine, code?: string];
const broken = () => Promise.reject(new BackupError('dump-failed', 'the program died'));
const planning =
  (change: (plan: Awaited<ReturnType<Engine['plan']>>, proof: boolean) => object) =>
  (engine: Engine): Engine => ({
    ...engine,
    plan: async (options, signal) => {
      const plan = await engine.plan(options, signal);
      return { ...plan, ...change(plan, options.like !== undefined) };
    },
  });
const changing =
  (change: Parameters<typeof opening>[1]) =>
  (engine: Engine): Engine =>
    opening(engine, change);
const targeting =
  (change: (target: Awaited<ReturnType<Engine['target']>>) => object) =>
  (engine: Engine): Engine => ({
    ...engine,
    target: async (options, signal) => {
      const target = await engine.target(options, signal);
      return { ...target, ...change(target) };
    },
  });
/** Each part in turn: its text as it is, and what becomes of it. */
const reading = (spoil: (text: string, file: string) => string) =>
  changing(({ content }, { file }) => ({
    content: (async function* () {
      yield Buffer.from(spoil(Buffer.concat(await Array.fromAsync(content)).toString(), file));
    })(),
  }));
const loading = (
  load: (content: Uint8Array[], real: (content: AsyncIterable<Uint8Array>) => Promise<void>) => Promise<void>,
) =>
  targeting((target) => ({
    stages: target.stages.map((steps) =>
      steps.map((step) => ({
        ...step,
        load: async (content: AsyncIterable<Uint8Array>, signal: AbortSignal) =>
          load(await Array.fromAsync(content), (other) => step.load(other, signal)),
      })),
    ),
  }));
async function* streamOf(...chunks: Uint8Array[]) {
  yield* chunks;
}

test.each<Deed>([
  ['no snapshot', (engine) => ({ ...engine, plan: broken })],
  [
    'no rows',
    changing(() => ({
      content: (async function* () {
        throw new BackupError('dump-failed', 'the program died');
      })(),
    })),
  ],
  [
    'rows that break off',
    changing(({ content }) => ({
      content: (async function* () {
        for await (const chunk of content) {
          yield chunk;
          throw new BackupError('dump-failed', 'the program died');
        }
      })(),
    })),
  ],
  [
    'rows that end early, without an error',
    reading((text, file) => (file.startsWith('data/') ? text.slice(0, -20) : text)),
  ],
  ['nothing, without an error', reading(() => '')],
  [
    'a table that was not seen',
    planning(() => ({
      confirm: () => Promise.reject(new BackupError('dump-cut', 'the dump holds no rows section for t')),
    })),
  ],
  ["a session that can't be closed", planning(() => ({ close: broken }))],
])('a source that gives %s: no backup is told, and none is listed that is not whole', async (_, wrong) => {
  const error: unknown = await backingUp(wrong(toyEngine(server, 'shop'))).catch((thrown: unknown) => thrown);

  expect(isBackupError(error)).toBe(true);
  for (const found of await listBackups(shop, scene.vault, limit())) {
    expect(found.status === 'complete' && (await verify(found.manifest, scene.deps(), limit())).problems).toEqual([]);
  }
});

test.each<Deed>([
  ["can't be looked at", (engine) => ({ ...engine, target: broken }), 'dump-failed'],
  ["can't be made", targeting(() => ({ prepare: broken })), 'dump-failed'],
  ['takes nothing', loading(broken), 'dump-failed'],
  [
    'takes all and says that it failed',
    loading(async (chunks, real) => {
      await real(streamOf(...chunks));
      await broken();
    }),
    'dump-failed',
  ],
  ['takes nothing and says that it did', loading(async () => {}), 'proof-failed'],
  [
    'takes one row fewer',
    loading((chunks, real) => real(streamOf(Buffer.from(Buffer.concat(chunks).toString().replace('2\n', ''))))),
    'proof-failed',
  ],
  [
    'takes one row twice',
    loading((chunks, real) => real(streamOf(Buffer.from(Buffer.concat(chunks).toString().replace('2\n', '2\n2\n'))))),
    'proof-failed',
  ],
  [
    'takes another value',
    loading((chunks, real) => real(streamOf(Buffer.from(Buffer.concat(chunks).toString().replace('hat', 'cap'))))),
    'proof-failed',
  ],
  ["can't be read again", planning((_, proof) => (proof ? { confirm: broken } : {})), 'dump-failed'],
  ['is read to half', planning((plan, proof) => (proof ? { parts: plan.parts.slice(0, -1) } : {})), 'proof-failed'],
  ["can't be put in its place", targeting(() => ({ finish: broken })), 'dump-failed'],
  [
    "can't be dropped again",
    (engine) =>
      targeting(() => ({ discard: () => Promise.reject(new BackupError('restore-failed', 'it is in use')) }))(
        loading(broken)(engine),
      ),
    'dump-failed',
  ],
  ["can't be let go", targeting(() => ({ close: broken })), 'dump-failed'],
])('a target that %s: no restore is told, and none is on record as passed unless it is', async (what, wrong, code) => {
  const error: unknown = await restoring(wrong(toyEngine(server, 'again'))).catch((thrown: unknown) => thrown);

  expect(error).toMatchObject({ name: 'BackupError', code });
  expect(await proofs()).toEqual(code === 'proof-failed' ? ['restore-failed'] : []);
  if (what === "can't be dropped again") expect(String(error)).toMatch(/the program died.*it is in use/);
});

test('what is not proven is kept, what could not be loaded is dropped, and the message says which', async () => {
  const fewer = loading((chunks, real) =>
    real(streamOf(Buffer.from(Buffer.concat(chunks).toString().replace('2\n', '')))),
  );

  await expect(restoring(fewer(toyEngine(server, 'again')))).rejects.toMatchObject({
    code: 'proof-failed',
    message: 'toy://again is not what was backed up: table public.orders has 2 rows instead of 3; again is there',
  });
  await expect(restoring(loading(broken)(toyEngine(server, 'third')))).rejects.toMatchObject({
    message: 'the program died; third is gone',
  });

  expect([...server.keys()]).toEqual(['shop', 'again']);
});

test('of more than ten differences ten are shown, and the rest are counted', async () => {
  const names = Array.from({ length: 12 }, (_, index) => `t${index}`);
  server.set('shop', Object.fromEntries(names.map((name) => [name, ['1']])));
  manifest = await backingUp();

  await expect(restoring(loading(async () => {})(toyEngine(server, 'again')))).rejects.toMatchObject({
    message: expect.stringMatching(
      /^toy:\/\/again is not what was backed up: (table public\.t\d+ [^;]*; ){9}[^;]*, and \d+ more; again is there$/,
    ),
  });
});

test('a name with a newline or an escape in it stays within its line, in a difference and in an exception', async () => {
  const name = 'a\n  differs: nothing\u001b[2J\u202e\u2028b';
  const shown = 'a\\n  differs: nothing\\x1b[2J\\u202e\\u2028b';
  const named = planning((plan, proof) =>
    proof
      ? {}
      : {
          catalog: { ...plan.catalog, view: { [name]: 'x' } },
          confirm: async (seen: object) => ({ tables: seen, warnings: [], exceptions: [`column ${name}`] }),
        },
  );
  manifest = await backingUp(named(toyEngine(server, 'shop')));

  const error = await restoring(toyEngine(server, 'again')).catch((thrown: unknown) => thrown);
  const { proof } = await restoring(
    targeting(() => ({ leftOut: [{ kind: 'view', name, why: 'no\nrole' }] }))(toyEngine(server, 'third')),
  );

  expect(error).toMatchObject({
    message: `toy://again is not what was backed up: view ${shown} is missing; again is there`,
  });
  expect(proofSentence(proof!)).toContain(`proven equal, except column ${shown}; view ${shown}: no\\nrole: `);
});

test('a restore that went on without some objects is kept, replaces nothing, and is on record in no way', async () => {
  const failures = [{ object: 'view v', error: 'no such column', statement: 'CREATE VIEW v' }];
  const finished: string[] = [];
  const beside = targeting((target) => ({
    failures,
    made: () => target.database,
    keep: async () => ['kept'],
    finish: async () => (finished.push('finished'), []),
  }));

  const restored = await restoring(beside(toyEngine(server, 'again')), { keepGoing: true });

  expect(restored).toMatchObject({ database: 'again', failures, notes: ['kept'], proof: { differences: [] } });
  expect(restored).not.toHaveProperty('notReplaced');
  expect([finished, await proofs()]).toEqual([[], []]);
});

test('what was made beside a database that it was to replace is named, and so is the database', async () => {
  // `again` is where it is loaded and read, `old` is what it was to replace
  const beside = targeting((target) => ({
    database: 'old',
    made: () => target.database,
    failures: [{ object: 'view v', error: 'no', statement: 'CREATE VIEW v' }],
  }));
  const wrong = targeting((target) => ({ database: 'old', made: () => target.database }));
  const fewer = loading((chunks, real) =>
    real(streamOf(Buffer.from(Buffer.concat(chunks).toString().replace('2\n', '')))),
  );

  expect(await restoring(beside(toyEngine(server, 'again')))).toMatchObject({ database: 'again', notReplaced: 'old' });
  await expect(restoring(wrong(fewer(toyEngine(server, 'again2'))))).rejects.toMatchObject({
    message: expect.stringContaining('toy://again2 (in database again2, beside it) is not what was backed up'),
  });
  expect(await restoring(wrong(toyEngine(server, 'again3')))).toMatchObject({ database: 'old', failures: [] });
});

test('what was left out on purpose is not expected, and stands in the sentence of the proof', async () => {
  server.set('shop', { ...rows() });
  const without = (kind: string, name: string) => (engine: Engine) =>
    targeting(() => ({ leftOut: [{ kind, name, why: 'no such role' }] }))(
      planning((plan, proof) => (proof ? { catalog: { table: { orders: plan.catalog['table']!['orders']! } } } : {}))(
        engine,
      ),
    );

  const { proof } = await restoring(without('table', 'items')(toyEngine(server, 'again')));

  expect(proof).toMatchObject({ differences: [], exceptions: ['table items: no such role'] });
  expect(proofSentence(proof!)).toContain('proven equal, except table items: no such role:');
  for (const [kind, name] of [
    ['view', 'items'],
    ['table', 'other'],
  ] as const) {
    await expect(restoring(without(kind, name)(toyEngine(server, `again ${kind}`)))).rejects.toMatchObject({
      code: 'proof-failed',
      message: expect.stringContaining('table items is missing'),
    });
  }
});

test('what programs said though they succeeded is told, and what the target has to say comes with the result', async () => {
  const restored = await restoring(
    targeting(() => ({ heard: () => ['a notice'], finish: async () => ['an event does not run'] }))(
      toyEngine(server, 'again'),
    ),
  );

  expect(warnings).toEqual(['a notice']);
  expect(restored.notes).toEqual(['an event does not run']);
});

test('nothing is gone on with, and nothing runs by itself, unless somebody says so', async () => {
  const asked: TargetOptions[] = [];
  const engine = toyEngine(server, 'again');
  const asking: Engine = {
    ...engine,
    target: (options, signal) => (asked.push(options), engine.target(options, signal)),
  };

  await restoring(asking);
  server.delete('again');
  await restoring(asking, { owners: false, tablespaces: false, keepGoing: true, events: true });

  expect(asked).toMatchObject([
    {
      manifest: { id: manifest.id },
      catalog: { table: { orders: 'line text' } },
      owners: true,
      proof: true,
      tablespaces: true,
      keepGoing: false,
      events: false,
    },
    { owners: false, tablespaces: false, keepGoing: true, events: true },
  ]);
});

test('rows are counted, and objects without those of owners', async () => {
  const owned = (engine: Engine): Engine => ({
    ...planning((plan) => ({ catalog: { ...plan.catalog, owner: { a: 'x', b: 'y', c: 'z' } } }))(engine),
    ownerKinds: ['owner'],
  });
  manifest = await backingUp(owned(toyEngine(server, 'shop')));

  expect((await restoring(owned(toyEngine(server, 'again')))).proof).toMatchObject({
    tables: 2,
    rows: 5,
    objects: 5,
    definitions: true,
  });
  expect((await restoring(owned(toyEngine(server, 'third')), { owners: false })).proof).toMatchObject({
    tables: 2,
    rows: 5,
    objects: 2,
  });
});

test.each([
  ['18.1', '18.4', true],
  ['18.1', '17.6', false],
  ['11.8.2', '11.8.9', true],
  ['11.8.2', '11.4.9', false],
  ['10.11.1', '11.11.1', false],
])('definitions of %s and %s are compared by their texts: %p', async (from, to, definitions) => {
  const of = (version: string, product = 'Toy') =>
    planning((plan, proof) => ({
      server: { product, version },
      ...(proof && {
        catalog: {
          table: Object.fromEntries(Object.keys(plan.catalog['table']!).map((name) => [name, 'printed otherwise'])),
        },
      }),
    }));
  const byName = { definitions: false, ways: { 'by name alone: the servers’ versions differ': 2 }, differences: [] };
  manifest = await backingUp(of(from)(toyEngine(server, 'shop')));

  const restored = restoring(of(to)(toyEngine(server, 'again')));

  if (definitions)
    await expect(restored).rejects.toMatchObject({
      code: 'proof-failed',
      message: expect.stringMatching(/table orders is defined differently; table items is defined differently/),
    });
  else expect((await restored).proof).toMatchObject(byName);
  expect((await restoring(of(from, 'Other')(toyEngine(server, 'third')))).proof).toMatchObject(byName);
});
