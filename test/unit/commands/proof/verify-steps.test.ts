import { beforeEach, expect, test } from '@jest/globals';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { backup } from '../../../../core/commands/backup.ts';
import { verify, verifyRecorded } from '../../../../core/commands/proof/verify.ts';
import type { Manifest, ManifestPart } from '../../../../core/contract/manifest/manifest.ts';
import { manifestKey, partKey } from '../../../../core/domain/layout/places.ts';
import { BackupError } from '../../../../core/domain/errors.ts';
import type { BackupId, SourceName } from '../../../../core/domain/keys.ts';
import { postgresReader } from '../../../../core/pipeline/rows/postgres.ts';
import type { DumpTally } from '../../../../core/pipeline/rows/reader.ts';
import type { RunEvent } from '../../../../core/ports.ts';
import { openStore } from '../../../../core/store/store.ts';
import type { Store } from '../../../../core/store/store.ts';
import { toyEngine, toySource } from '../../../support/worlds/toy-engine.ts';
import { limit, memoryScene, overwrite } from '../../../support/vaults/vault.ts';
import type { VaultScene } from '../../../support/vaults/vault.ts';

const shop = 'shop' as SourceName;
let scene: VaultScene;
let store: Store;
let manifest: Manifest;

beforeEach(async () => {
  scene = memoryScene();
  store = openStore(scene.vault);
  manifest = await backingUp([]);
});

function backingUp(recipients: string[]): Promise<Manifest> {
  const server = new Map([['shop', { orders: ['1', '2', '3'], items: ['hat', 'coat'], void: [] }]]);
  return backup({ ...toySource(toyEngine(server, 'shop')), recipients }, scene.deps(), limit());
}
type Reader = typeof postgresReader;
const verifying = (of: Manifest, reader?: Reader, other = store) =>
  verify(of, { store: other, report: () => {}, ...(reader && { reader }) }, limit());
/** The same reader, and what becomes of its tally. */
const telling =
  (change: (tally: DumpTally) => Partial<DumpTally>): Reader =>
  () => {
    const reader = postgresReader();
    return {
      ...reader,
      end() {
        const tally = reader.end();
        return { ...tally, ...change(tally) };
      },
    };
  };
const keyOf = (part: ManifestPart) => partKey(shop, manifest.id as BackupId, part.file);
const ofRole = (role: string) => manifest.parts.filter((part) => part.role === role);
const problemsOf = async (of: Manifest, reader: Reader = postgresReader) =>
  (await verifying(of, reader)).problems.map(({ file, error }) => [file, error.code, error.message]);
const contradicting = (lines: string) => [
  ['manifest.json', 'part-corrupt', `the manifest of shop ${manifest.id} in memory is not of these parts: ${lines}`],
];
const tablesWith = (change: Partial<Manifest['tables'][number]>, table = 'public.orders') =>
  manifest.tables.map((one) => (one.table === table ? { ...one, ...change } : one));

test('what is read again is told from the beginning to the end, and its sizes are added up', async () => {
  const told: RunEvent[] = [];
  const sum = (of: (part: ManifestPart) => number) => manifest.parts.reduce((total, part) => total + of(part), 0);

  const { problems, ...found } = await verify(
    manifest,
    { store, report: (event) => void told.push(event), reader: postgresReader },
    limit(),
  );

  const { id, parts } = manifest;
  const bytes = sum((part) => part.bytes);
  expect(problems).toEqual([]);
  expect(found).toEqual({
    ...{ id, source: 'shop', parts: parts.length, bytes, storedBytes: sum((part) => part.storedBytes) },
    sealed: false,
  });
  expect(told[0]).toEqual({
    ...{ type: 'planned', source: 'shop', engine: 'toy', id, what: 'reading every part again' },
    ...{ totalBytes: bytes, parts: parts.length },
  });
  const progress = told.flatMap((event) => (event.type === 'progress' ? event : []));
  expect(progress.reduce((total, event) => total + event.bytes, 0)).toBe(bytes);
  expect(
    told.filter(({ type }) => type === 'part-done').toSorted((a, b) => fileIn(a).localeCompare(fileIn(b))),
  ).toEqual(
    parts
      .map(({ file, bytes: plain, storedBytes, rows = 0 }) => ({
        ...{ type: 'part-done', file, bytes: plain, storedBytes, rows },
      }))
      .toSorted((a, b) => a.file.localeCompare(b.file)),
  );
});

function fileIn(event: RunEvent): string {
  return event.type === 'part-done' ? event.file : '';
}

test('what a manifest says of rows and no part holds is found, each table by its name', async () => {
  const [orders] = manifest.tables.filter(({ table }) => table === 'public.orders');

  expect(await problemsOf(manifest)).toEqual([]);
  expect(await problemsOf({ ...manifest, tables: tablesWith({ rows: 4 }) })).toEqual(
    contradicting('table public.orders has 3 rows instead of 4'),
  );
  expect(await problemsOf({ ...manifest, tables: tablesWith({ rows: 0 }) })).toEqual(
    contradicting('table public.orders has 3 rows instead of 0'),
  );
  expect(await problemsOf({ ...manifest, tables: tablesWith({ fingerprint: '0'.repeat(16) }) })).toEqual(
    contradicting('table public.orders has the right number of rows, and other content'),
  );
  expect(await problemsOf({ ...manifest, tables: [...manifest.tables, { ...orders!, table: 'public.more' }] })).toEqual(
    contradicting('table public.more is missing (3 rows)'),
  );
  expect(
    await problemsOf({ ...manifest, tables: manifest.tables.filter(({ table }) => table !== 'public.orders') }),
  ).toEqual(contradicting('table public.orders is not in the backup'));
  const [problem] = (await verifying({ ...manifest, tables: [] }, postgresReader)).problems;
  expect(problem?.error.hint).toMatch(/^who has written to the vault\? Restore another backup/);
});

test('a table without rows may be in no part: not every engine prints it', async () => {
  const withoutEmpty = telling(({ tables }) => ({ tables: tables.filter(({ rows }) => rows > 0) }));

  expect(manifest.tables.map(({ table, rows }) => [table, rows])).toContainEqual(['public.void', 0]);
  expect(await problemsOf(manifest, withoutEmpty)).toEqual([]);
  expect(await problemsOf({ ...manifest, tables: tablesWith({ rows: 1 }, 'public.void') })).toEqual(
    contradicting('table public.void has 0 rows instead of 1'),
  );
});

test('sequences are compared where one part at least prints them in a form that is counted', async () => {
  const numbered = { ...manifest, sequences: { counter: '7, true' } };
  const uncounted = telling(() => ({ sequences: undefined as never }));
  const counted = (sequences: Record<string, string>) =>
    telling(({ tables }) => ({
      sequences: (tables.some(({ table }) => table === 'public.items') ? sequences : undefined) as never,
    }));

  expect(await problemsOf(numbered, uncounted)).toEqual([]);
  expect(await problemsOf(numbered, counted({ counter: '7, true' }))).toEqual([]);
  expect(await problemsOf(numbered, counted({ counter: '8, true' }))).toEqual(
    contradicting('sequence counter stands at (8, true) instead of (7, true)'),
  );
  expect(await problemsOf(numbered, counted({}))).toEqual(contradicting('sequence counter is missing'));
});

test('parts that hold one table in two forms contradict any manifest; another failure says nothing of it', async () => {
  let columns = 0;
  const forms = telling(({ tables }) => ({
    tables: tables.map((table) => ({ ...table, table: 'public.orders', columns: `c${(columns += 1)}` })),
  }));
  const failing = telling(() => ({ tables: undefined as never }));

  expect(await problemsOf(manifest, forms)).toEqual([
    [
      'manifest.json',
      'part-corrupt',
      expect.stringMatching(/table public\.orders has columns \(c\d\) in one part and \(c\d\) in another$/),
    ],
  ]);
  await expect(verifying(manifest, failing)).rejects.toThrow(TypeError);
});

test('where a part is damaged, that is told, and nothing is made of the rows of the others', async () => {
  const [, second] = ofRole('data');
  await overwrite(scene.vault, keyOf(second!), 'damaged');

  expect((await problemsOf(manifest)).map(([file, code]) => [file, code])).toEqual([[second!.file, 'part-corrupt']]);
});

test('a backup that was removed while a part was missing is none; one without that is damaged', async () => {
  const [first, second] = ofRole('data');
  await overwrite(scene.vault, keyOf(first!), 'damaged');
  await scene.vault.delete(manifestKey(shop, manifest.id as BackupId), limit());

  expect((await problemsOf(manifest)).map(([, code]) => code)).toEqual(['part-corrupt']);
  await scene.vault.delete(keyOf(second!), limit());
  await expect(verifying(manifest)).rejects.toMatchObject({
    code: 'backup-missing',
    message: `shop ${manifest.id} was removed from memory while it was read`,
    hint: 'see what there is: nightjar list shop',
  });
});

const identity = await generateX25519Identity();
const recipients = [await identityToRecipient(identity)];

test('without its key a backup is sealed: no row is counted, and the record says what was looked at', async () => {
  const locked = await backingUp(recipients);
  const seen: string[] = [];
  const watch = (part: ManifestPart) => void seen.push(part.file);
  const spying: Reader = () => (seen.push('a reader'), postgresReader());
  const looking = { ...scene.deps(), report: () => {}, reader: spying, watch };
  const opened: string[] = [];
  const one: Store = {
    ...store,
    openPart: (of, part, stop) => (opened.push(part.file), store.openPart(of, part, stop)),
  };

  expect(await verifyRecorded(locked, { ...looking, store: one }, limit())).toMatchObject({
    sealed: true,
    problems: [],
  });
  expect(seen).toEqual([]);
  const smallest = Math.min(...locked.parts.map(({ storedBytes }) => storedBytes));
  expect(opened).toEqual([locked.parts.find(({ storedBytes }) => storedBytes === smallest)?.file]);
  const open = openStore(scene.vault, async () => [identity]);
  expect(await verify({ ...locked, tables: [] }, { ...looking, store: open }, limit())).toMatchObject({
    sealed: false,
    problems: [{ file: 'manifest.json' }],
  });
  expect(seen.filter((what) => what === 'a reader')).toHaveLength(ofRole('data').length);
  expect(await compared(locked)).toMatch(/^size and SHA-256 of 5 parts, [\d.]+ kB, encrypted and not opened$/);
});

test('whether it can be opened is asked of a part: damage is found by reading, a lost vault is an error', async () => {
  const locked = await backingUp(recipients);
  const opening = (code: 'part-corrupt' | 'object-missing' | 'vault-unreachable'): Store => ({
    ...openStore(scene.vault, async () => [identity]),
    openPart: async function* () {
      throw new BackupError(code, 'no answer');
    },
  });

  expect(await verifying(locked, postgresReader, opening('part-corrupt'))).toMatchObject({
    sealed: false,
    problems: [],
  });
  expect(await verifying(locked, postgresReader, opening('object-missing'))).toMatchObject({ sealed: false });
  await expect(verifying(locked, postgresReader, opening('vault-unreachable'))).rejects.toMatchObject({
    code: 'vault-unreachable',
  });
  expect(await verifying(manifest, postgresReader, opening('vault-unreachable'))).toMatchObject({ problems: [] });
});

test('the record of a verification says what was compared, and every difference', async () => {
  const lying = { ...manifest, tables: tablesWith({ rows: 4 }) };

  await verifyRecorded(lying, { ...scene.deps(), reader: postgresReader }, limit());

  expect(await compared(manifest)).toMatch(/^size, SHA-256, form and rows of 5 parts, [\d.]+ k?B$/);
  expect((await recordOf(manifest))['differences']).toEqual([
    contradicting('table public.orders has 3 rows instead of 4')[0]![2],
  ]);
});

async function recordOf({ id }: Manifest): Promise<Record<string, unknown>> {
  const listed = await Array.fromAsync(scene.vault.list(`shop/`, limit()));
  const { key } = listed.find((object) => object.key.includes(id) && object.key.includes('proofs/'))!;
  return JSON.parse(Buffer.from((await scene.vault.read(key, limit())).body).toString()) as Record<string, unknown>;
}
const compared = async (of: Manifest): Promise<unknown> => (await recordOf(of))['compared'];
