import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { backup } from '../../../../core/commands/backup.ts';
import { proofSentence } from '../../../../core/commands/proof/prove.ts';
import { restore } from '../../../../core/commands/restore/restore.ts';
import type { RestoreOptions, Restored } from '../../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../../core/contract/manifest/manifest.ts';
import type { Compared, Engine, Plan, RunEvent, Target } from '../../../../core/ports.ts';
import { opening } from '../../../support/parts.ts';
import { toyEngine, toySource } from '../../../support/worlds/toy-engine.ts';
import type { ToyServer } from '../../../support/worlds/toy-engine.ts';
import { memoryScene, limit } from '../../../support/vaults/vault.ts';
import type { VaultScene } from '../../../support/vaults/vault.ts';

let scene: VaultScene;
let server: ToyServer;
let events: RunEvent[];

beforeEach(async () => {
  scene = memoryScene();
  server = new Map([['shop', { orders: ['1', '2', '3'], items: ['hat', 'coat'] }]]);
  events = [];
});
afterEach(() => scene.remove());

type PlanChange = (plan: Plan, options: Parameters<Engine['plan']>[0]) => Partial<Plan>;
const planning =
  (change: PlanChange) =>
  (engine: Engine): Engine => ({
    ...engine,
    plan: async (options, signal) => {
      const plan = await engine.plan(options, signal);
      return { ...plan, ...change(plan, options) };
    },
  });
const targeting =
  (change: (target: Target) => Partial<Target>) =>
  (engine: Engine): Engine => ({
    ...engine,
    target: async (options, signal) => {
      const target = await engine.target(options, signal);
      return { ...target, ...change(target) };
    },
  });
const changing =
  (change: Parameters<typeof opening>[1]) =>
  (engine: Engine): Engine =>
    opening(engine, change);
const backingUp = (engine: Engine = toyEngine(server, 'shop')): Promise<Manifest> =>
  backup(toySource(engine), scene.deps(), limit());
const restoring = (manifest: Manifest, engine: Engine, options: Partial<RestoreOptions> = {}): Promise<Restored> =>
  restore(
    manifest,
    engine,
    { replace: false, owners: true, proof: true, ...options },
    { ...scene.deps(), report: (event) => void events.push(event), parallel: 2 },
    limit(),
  );
const again = () => toyEngine(server, 'again');

test('what a restored database has otherwise in sequences and large objects is found, too', async () => {
  const holding = (sequences: Record<string, string>, count: number, fingerprint: string) =>
    changing(({ reader }, { file }) =>
      reader === undefined || file !== 'data/0001.sql'
        ? {}
        : {
            reader: {
              ...reader,
              end: () => ({ ...reader.end(), sequences, largeObjects: { count, fingerprint } }),
            },
          },
    );
  const print = '00000000000000aa';
  const manifest = await backingUp(holding({ s: '7, true' }, 2, print)(toyEngine(server, 'shop')));
  const found = async (engine: Engine) =>
    restoring(manifest, engine).then(
      ({ proof }) => proof?.differences,
      (error: Error) => error.message,
    );

  expect(await found(holding({ s: '7, true' }, 2, print)(again()))).toEqual([]);
  expect(await found(holding({ s: '8, true' }, 2, print)(toyEngine(server, 'b')))).toContain(
    'sequence s stands at (8, true) instead of (7, true)',
  );
  expect(await found(holding({}, 2, print)(toyEngine(server, 'c')))).toContain('sequence s is missing');
  expect(await found(holding({ s: '7, true' }, 3, print)(toyEngine(server, 'd')))).toContain(
    '3 large objects instead of 2',
  );
  expect(await found(holding({ s: '7, true' }, 2, '00000000000000ab')(toyEngine(server, 'e')))).toContain(
    'large objects have other content',
  );
});

test('an engine that settles what differs in text is told all of it, and its word stands in the sentence', async () => {
  const print = (text: string) =>
    planning((plan) => ({
      server: { product: 'Toy', version: text === 'before' ? '1.0' : '2.0' },
      catalog: { ...plan.catalog, view: { v: text, same: 'x' }, owner: { v: text } },
    }));
  const manifest = await backingUp({ ...print('before')(toyEngine(server, 'shop')), ownerKinds: ['owner'] });
  const asked: (Compared & { part: string })[] = [];
  const settle: Engine['settle'] = async (compared, signal) => {
    const part = compared.manifest.parts.find(({ role }) => role === 'schema')!;
    asked.push({ ...compared, part: Buffer.concat(await Array.fromAsync(compared.open(part, signal))).toString() });
    const kept = compared.unequal.filter(({ kind }) => kind === 'owner');
    return {
      ways: { 'by meaning': 1 },
      exceptions: ['view v: a remark'],
      different: kept,
      ...(kept.length > 0 && { hint: 'look there' }),
    };
  };
  const settling = (database: string): Engine => ({
    ...print('after')(toyEngine(server, database)),
    ownerKinds: ['owner'],
    settle,
  });

  const failed = await restoring(manifest, settling('again')).catch((error: unknown) => error);
  const { proof } = await restoring(manifest, settling('third'), { owners: false });

  const view = { kind: 'view', name: 'v', how: 'changed' };
  expect(asked).toMatchObject([
    {
      owners: true,
      sameVersion: false,
      unequal: [view, { kind: 'owner', name: 'v', how: 'changed' }],
      part: '["orders","items"]',
      expected: { view: { v: 'before' } },
      found: { view: { v: 'after' } },
    },
    { owners: false, sameVersion: false, unequal: [view], manifest: { id: manifest.id } },
  ]);
  expect(failed).toMatchObject({
    code: 'proof-failed',
    message: expect.stringContaining('owner v is defined differently'),
    hint: 'look there',
  });
  expect(proof).toMatchObject({
    definitions: true,
    ways: { 'by meaning': 1 },
    exceptions: ['view v: a remark'],
    differences: [],
  });
  expect(proof).not.toHaveProperty('hint');
});

test('what was there before a restore is no difference, and is said; of other facts nothing is passed over', async () => {
  const with_ = (facts: Record<string, string>) =>
    planning((plan, { like }) => (like === undefined ? {} : { catalog: { ...plan.catalog, setting: facts } }));
  const manifest = await backingUp();
  const seen: unknown[] = [];
  const keeping = targeting(() => ({ wasThere: (...asked) => (seen.push(asked), asked[1] !== 'new') }));

  const { proof } = await restoring(manifest, keeping(with_({ own: '1', old: '0' })(again())));
  const failed = await restoring(manifest, keeping(with_({ own: '1', new: '2' })(toyEngine(server, 'b')))).catch(
    (error: unknown) => error,
  );

  expect(seen[0]).toEqual(['setting', 'own', '1']);
  expect(proofSentence(proof!)).toContain(
    'proven equal, except what the database, which was there before the restore, keeps of its own: setting own, ' +
      'setting old: ',
  );
  expect(failed).toMatchObject({
    code: 'proof-failed',
    message: expect.stringMatching(/setting new is not in the backup; b is there$/),
    hint: expect.stringContaining('restore another backup'),
  });
});

test('what is made only behind the proof is not expected by it, and is excepted nowhere', async () => {
  const manifest = await backingUp(
    planning((plan) => ({ catalog: { ...plan.catalog, setting: { late: '1', early: '2' } } }))(
      toyEngine(server, 'shop'),
    ),
  );
  const lacking = (names: Record<string, string>) =>
    planning((plan) => ({ catalog: { ...plan.catalog, setting: names } }));
  const late = targeting(() => ({ afterProof: [{ kind: 'setting', name: 'late' }] }));

  const { proof } = await restoring(manifest, late(lacking({ early: '2' })(again())));
  const failed = await restoring(manifest, late(lacking({})(toyEngine(server, 'b')))).catch((error: unknown) => error);

  expect(proof).toMatchObject({ differences: [], exceptions: [] });
  expect(failed).toMatchObject({ code: 'proof-failed', message: expect.stringContaining('setting early is missing') });
});

test('a proof reads the database that was made, like the backup, and its parts of rows alone', async () => {
  const asked: Parameters<Engine['plan']>[0][] = [];
  const opened: string[] = [];
  const closed: string[] = [];
  const seen: unknown[] = [];
  const noting = changing((_, { file }) => (opened.push(file), {}));
  const planned = planning((plan, options) => {
    asked.push(options);
    return {
      close: async () => {
        closed.push('plan');
      },
      confirm: (tables, notes, signal) => (seen.push(...tables), plan.confirm(tables, notes, signal)),
    };
  });
  const watching = (engine: Engine) => noting(planned(engine));
  const manifest = await backingUp();

  await restoring(manifest, watching(again()));
  await restoring(
    manifest,
    watching(planning(() => ({ confirm: () => Promise.reject(new Error('no')) }))(toyEngine(server, 'b'))),
  ).catch(() => {});

  expect(asked[0]).toMatchObject({
    like: { id: manifest.id },
    restored: { table: { orders: 'line text' } },
    database: 'again',
  });
  expect(opened.slice(0, 2).sort()).toEqual(['data/0001.sql', 'data/0002.sql']);
  expect(opened).toHaveLength(4);
  expect(seen.slice(0, 2)).toEqual(manifest.tables);
  expect(closed).toEqual(['plan', 'plan']);
});

test('a restore tells what it does, stage after stage, with the bytes of rows', async () => {
  const manifest = await backingUp();
  const bytes = manifest.parts.filter(({ role }) => role === 'data').reduce((sum, part) => sum + part.bytes, 0);

  await restoring(manifest, again());

  const stages = events.flatMap((event) => (event.type === 'stage' ? [[event.label, event.totalBytes]] : []));
  const done = events.flatMap((event) => (event.type === 'part-done' ? [[event.file, event.rows]] : []));
  const progressed = events.reduce((sum, event) => sum + (event.type === 'progress' ? event.bytes : 0), 0);
  const schema = manifest.parts.find(({ role }) => role === 'schema')!.bytes;
  expect(events.find(({ type }) => type === 'planned')).toEqual({
    type: 'planned',
    source: 'shop',
    engine: 'toy',
    id: manifest.id,
    what: 'restore into toy://again',
    totalBytes: bytes,
    parts: 4,
  });
  expect(stages).toEqual([
    ['schema.sql.zst', 0],
    ['rows', bytes],
    ['proof', bytes],
  ]);
  expect(done[0]).toEqual(['schema.sql.zst', 0]);
  expect(done.slice(1).sort()).toEqual([
    ['data/0001.sql.zst', 3],
    ['data/0002.sql.zst', 2],
  ]);
  expect(progressed).toBe(schema + 2 * bytes);
  expect(
    events
      .filter((event) => event.type === 'progress')
      .every(({ rows, storedBytes }) => rows === 0 && storedBytes === 0),
  ).toBe(true);
});

test('before anything is replaced the target watches the backup pass and rehearses it, and what it could not find out is told', async () => {
  const manifest = await backingUp();
  const [watched, rehearsed, order]: [Set<string>, string[], string[]] = [new Set(), [], []];
  const careful = targeting((target) => ({
    watch: ({ file }) => void (watched.add(file), order.push('watch')),
    async rehearse(contents, signal) {
      order.push('rehearse');
      for (const part of manifest.parts.filter(({ role }) => role === 'schema'))
        rehearsed.push(Buffer.concat(await Array.fromAsync(contents(part, signal))).toString());
      return ['something is not known'];
    },
    prepare: (replace, signal) => (order.push(`prepare ${replace}`), target.prepare(replace, signal)),
  }));

  await restoring(manifest, careful(toyEngine(server, 'shop')), { replace: true });

  expect([...watched].sort()).toEqual(manifest.parts.map(({ file }) => file).sort());
  expect(rehearsed).toEqual(['["orders","items"]']);
  expect(order.filter((one, index) => one !== order[index - 1])).toEqual(['watch', 'rehearse', 'prepare true']);
  expect(events.filter(({ type }) => type === 'warning')).toEqual([
    { type: 'warning', message: 'something is not known' },
  ]);
});

test('an empty target is neither verified nor rehearsed, and takes a backup without --replace', async () => {
  const manifest = await backingUp();
  server.set('again', {});
  const order: string[] = [];
  const careful = targeting((target) => ({
    rehearse: async () => (order.push('rehearse'), []),
    prepare: (replace, signal) => (order.push(`prepare ${replace}`), target.prepare(replace, signal)),
  }));

  const { proof, failures, notes } = await restoring(manifest, careful(again()));

  expect(order).toEqual(['prepare false']);
  expect({ differences: proof?.differences, failures, notes }).toEqual({ differences: [], failures: [], notes: [] });
});

test('without a proof nothing is read, and nothing is said to be proven', async () => {
  const manifest = await backingUp();

  const restored = await restoring(
    manifest,
    planning(() => ({ confirm: () => Promise.reject(new Error('read')) }))(again()),
    { proof: false },
  );

  expect(restored).not.toHaveProperty('proof');
  expect(restored).toMatchObject({ id: manifest.id, database: 'again' });
});

test('a kind of object that a restored database has none of at all is missing, also where some of it may be its own', async () => {
  const withView = planning(({ catalog }) => ({ catalog: { ...catalog, view: { totals: 'SELECT 1' } } }));
  const manifest = await backingUp(withView(toyEngine(server, 'shop')));
  const asked: unknown[] = [];
  const keeping = targeting(() => ({ wasThere: (...fact) => (asked.push(fact), false) }));

  const restored = restoring(manifest, keeping(again()));

  await expect(restored).rejects.toMatchObject({
    code: 'proof-failed',
    message: expect.stringContaining('view totals is missing'),
  });
  expect(asked).toEqual([['view', 'totals', undefined]]);
});
