import { createHash } from 'node:crypto';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { beforeEach, expect, test } from '@jest/globals';
import type { Manifest, ManifestPart } from '../../../core/contract/manifest/manifest.ts';
import { BackupError } from '../../../core/domain/errors.ts';
import { objectKey } from '../../../core/domain/keys.ts';
import type { BackupId, SourceName } from '../../../core/domain/keys.ts';
import type { ByteStream, OpenedPart, Plan, PlannedPart, RunEvent, Source } from '../../../core/ports.ts';
import { catalogPart, readCatalog } from '../../../core/store/parts/catalog.ts';
import { afterReadingAgain, readWhole } from '../../../core/store/parts/read-again.ts';
import type { PartOfBackup } from '../../../core/store/parts/read-again.ts';
import { openPart, openStored } from '../../../core/store/parts/reading.ts';
import { discardParts, storeParts } from '../../../core/store/parts/storing.ts';
import type { Vault } from '../../../core/vault.ts';
import { dailyIds, putBackup, signal } from '../../support/vaults/history.ts';
import { emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';
import type { MemoryState } from '../../support/vaults/memory-vault.ts';
import { shop } from '../../support/vaults/seen.ts';

// What lies in the vault is unpacked by Node's own zlib, and counted by its own hash.
const [id] = dailyIds(1) as [BackupId];
let state: MemoryState;
let vault: Vault;
let events: RunEvent[];
beforeEach(() => {
  state = emptyState();
  vault = memoryVault(state, { place: 'here' });
  events = [];
});
const report = (event: RunEvent) => void events.push(event);
const sha256 = (body: Uint8Array) => createHash('sha256').update(body).digest('hex');
const bodyOf = (file: string) => state.objects.get(objectKey(`shop/${id}/${file}`))!.body;
const text = (body: Uint8Array) => Buffer.from(body).toString();

async function* said(...chunks: string[]): ByteStream {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

/** A source whose engine makes a part by saying its recipe. */
function sourceSaying(notes: string[] = []): Source {
  const open = ({ recipe }: PlannedPart) => ({
    content: said(...(recipe as string[])),
    notes: async () => ({ heard: notes }),
  });
  return { name: shop, parallel: 2, compressionLevel: 3, engine: { name: 'sayer', open } } as unknown as Source;
}
const planned = (role: PlannedPart['role'], file: string, recipe: string[], compress = true): PlannedPart => ({
  role,
  file,
  compress,
  estimatedBytes: 0,
  hasRows: false,
  recipe,
});
const catalog = { table: { 'public.orders': 'a digest' } };
const storing = (parts: PlannedPart[], source = sourceSaying(), on = vault, shared: Plan['shared'] = []) =>
  storeParts(
    on,
    { parts, catalog, shared } as Pick<Plan, 'parts' | 'catalog' | 'shared'>,
    { source, id, tiers: ['daily'] },
    report,
    signal,
  );

test('each part is stored packed or as it is, tagged, and known by what lies there', async () => {
  const stored = await storing([
    planned('schema', 'schema.pgdump', ['raw'], false),
    planned('data', 'data/0001.sql', ['a', 'b']),
  ]);

  expect(text(bodyOf('schema.pgdump'))).toBe('raw');
  expect(text(zstdDecompressSync(bodyOf('data/0001.sql.zst')))).toBe('ab');
  expect(JSON.parse(text(zstdDecompressSync(bodyOf('catalog.json.zst'))))).toEqual(catalog);
  const tags = [...state.objects.values()].map((object) => object.tags);
  expect(tags).toEqual(Array(3).fill({ 'nightjar-tier': 'daily', 'nightjar-tiers': 'daily' }));
  expect(stored.map(({ part }) => part)).toMatchObject([
    { role: 'schema', file: 'schema.pgdump', bytes: 3, storedBytes: 3, sha256: sha256(Buffer.from('raw')) },
    { role: 'data', file: 'data/0001.sql.zst', bytes: 2, sha256: sha256(bodyOf('data/0001.sql.zst')) },
    { role: 'catalog', file: 'catalog.json.zst', storedBytes: bodyOf('catalog.json.zst').length },
  ]);
});

test('a catalog that is too large to be read again is not stored', async () => {
  const { content } = catalogPart(catalog, JSON.stringify(catalog).length - 1).open();

  await expect(Array.fromAsync(content)).rejects.toMatchObject({ code: 'source-unsupported' });
});

test('what its program said comes with a part, and a catalog’s maker says nothing', async () => {
  const stored = await storing([planned('data', 'data/0001.sql', ['a'])], sourceSaying(['careful']));

  expect(stored.map(({ notes }) => notes)).toEqual([{ heard: ['careful'] }, { heard: [] }]);
});

test('what was read and what was stored are told as they pass, and each part at its end', async () => {
  await storing([planned('data', 'data/0001.sql', ['abc', 'de'], false)]);

  const sum = (of: 'bytes' | 'storedBytes') =>
    events.reduce((total, one) => total + (one.type === 'progress' ? one[of] : 0), 0);
  const packed = bodyOf('catalog.json.zst').length;
  expect(sum('bytes')).toBe(5 + JSON.stringify(catalog).length);
  expect(sum('storedBytes')).toBe(5 + packed);
  expect(events.filter(({ type }) => type === 'part-done')).toEqual(
    expect.arrayContaining([
      { type: 'part-done', file: 'data/0001.sql', bytes: 5, storedBytes: 5, rows: 0 },
      {
        type: 'part-done',
        file: 'catalog.json.zst',
        bytes: JSON.stringify(catalog).length,
        storedBytes: packed,
        rows: 0,
      },
    ]),
  );
});

test('the rows of a part are counted by its reader, and its tables named once', async () => {
  const tables = ['public.orders', 'public.items', 'public.orders'].map((table, at) => ({ table, rows: at + 1 }));
  const tally = { ended: true, tables };
  const reader = { write: () => undefined, progress: () => ({ rows: 6 }), end: () => tally };
  const source = sourceSaying();
  const open: Source['engine']['open'] = (part, stop) =>
    ({ ...sourceSaying().engine.open(part, stop), reader }) as unknown as OpenedPart;

  const [stored, ofCatalog] = await storing([planned('data', 'data/0001.sql', ['abc'], false)], {
    ...source,
    engine: { ...source.engine, open },
  });

  expect(stored).toMatchObject({ part: { rows: 6, tables: ['public.orders', 'public.items'] }, tally });
  expect(events).toContainEqual({ type: 'part-done', file: 'data/0001.sql', bytes: 3, storedBytes: 3, rows: 6 });
  expect(ofCatalog).not.toHaveProperty('tally');
  expect(ofCatalog!.part).not.toHaveProperty('rows');
});

test.each([
  ['as no such part may be', [planned('data', 'rows.sql', ['x'])], 'data part rows.sql'],
  ['as no such part may be', [planned('schema', 'data/0001.sql', ['x'])], 'schema part data/0001.sql'],
  [
    'as another one',
    [planned('data', 'data/0001.sql', ['x']), planned('data', 'data/0001.sql', ['y'])],
    'data part data/0001.sql',
  ],
] as const)('an engine that calls a part %s is refused before anything is stored', async (why, parts, called) => {
  await expect(storing([...parts])).rejects.toMatchObject({
    code: 'internal',
    message: `shop ${id}: the engine sayer calls a ${called}, ${why}: nothing was stored`,
    hint: 'core/contract/manifest/part-name.ts says how parts may be called',
  });

  expect(state.objects.size).toBe(0);
});

test('an engine that calls a part as one that the backup shares already is refused', async () => {
  const shared = [{ file: 'data/0001.sql.zst' }] as unknown as NonNullable<Plan['shared']>;

  await expect(storing([planned('data', 'data/0001.sql', ['x'])], sourceSaying(), vault, shared)).rejects.toMatchObject(
    { code: 'internal', message: expect.stringContaining('data/0001.sql, as another one') },
  );
});

test('a vault that holds another size than was sent is not believed', async () => {
  const lying: Vault = { ...vault, put: async (...given) => ({ bytes: (await vault.put(...given)).bytes - 1 }) };

  await expect(
    storing([planned('data', 'data/0001.sql', ['abcde'], false)], sourceSaying(), lying),
  ).rejects.toMatchObject({
    code: 'vault-failed',
    message: expect.stringMatching(/^here\/shop\/.*: \d+ bytes were sent, the vault holds \d+$/),
  });
});

test('the parts of a failed run are removed, and those of no other; that it can’t is no failure', async () => {
  await storing([planned('data', 'data/0001.sql', ['a'])]);
  const other = objectKey(`shop/${id.replace('2026', '2025')}/data/0001.sql.zst`);
  await vault.putIfAbsent(other, Buffer.from('x'), {}, signal);
  const closed: Vault = { ...vault, delete: () => Promise.reject(new BackupError('vault-denied', 'you may not')) };

  await discardParts(closed, shop, id);
  expect(state.objects.size).toBe(3);
  await discardParts(vault, shop, id);
  expect([...state.objects.keys()]).toEqual([other]);
});

const noKeys = async () => [];
/** Puts a part there, and returns what a manifest says of it. */
async function lay(file: string, content: string, body: Uint8Array = zstdCompressSync(content)): Promise<PartOfBackup> {
  await vault.putIfAbsent(objectKey(`shop/${id}/${file}`), body, {}, signal);
  const part: ManifestPart = {
    role: 'data',
    file,
    bytes: content.length,
    storedBytes: body.length,
    sha256: sha256(body),
  };
  return { backup: { source: 'shop', id }, part };
}
const opening = (on = vault) => ({ vault: on, identitiesOf: noKeys });
const collected = async (content: ByteStream) => Buffer.concat(await Array.fromAsync(content)).toString();
const place = `here/shop/${id}/data/0001.sql.zst`;
const corrupt = (why: string | RegExp) => ({
  code: 'part-corrupt',
  message: expect.stringMatching(why),
});

test('a part is read packed and unpacked, and checked against the manifest', async () => {
  const { backup, part } = await lay('data/0001.sql.zst', 'rows');
  const plain = await lay('schema.sql', 'create', Buffer.from('create'));

  expect(await collected(openPart(opening(), backup, part, signal))).toBe('rows');
  expect(await collected(openPart(opening(), plain.backup, plain.part, signal))).toBe('create');
  const stored = openStored(vault, backup, part, signal);
  expect(Buffer.concat(await Array.fromAsync(stored))).toEqual(Buffer.from(bodyOf('data/0001.sql.zst')));
});

test.each([
  [3, 'it holds more than the 3 bytes that the manifest names'],
  [5, 'it holds 4 of the 5 bytes that the manifest names'],
])('a part of 4 bytes that the manifest calls %i is damaged', async (bytes, why) => {
  const { backup, part } = await lay('data/0001.sql.zst', 'rows');

  const reading = collected(openPart(opening(), backup, { ...part, bytes }, signal));

  await expect(reading).rejects.toMatchObject({ code: 'part-corrupt', message: `${place} is damaged: ${why}` });
});

test('a few bytes that stand for very many are not unpacked to their end', async () => {
  const { backup, part } = await lay('data/0001.sql.zst', 'a'.repeat(5_000_000));
  let passed = 0;

  const reading = async () => {
    for await (const chunk of openPart(opening(), backup, { ...part, bytes: 3 }, signal)) passed += chunk.length;
  };

  await expect(reading()).rejects.toMatchObject(corrupt('more than the 3 bytes'));
  expect(passed).toBe(0);
});

/** A vault whose readings of a part give these, one after another, the last one for ever. */
function readingAs(bodies: Uint8Array[]): { vault: Vault; reads: () => number } {
  let reads = 0;
  const get: Vault['get'] = async function* () {
    const body = bodies[Math.min(reads, bodies.length - 1)]!;
    reads += 1;
    yield Buffer.from(body);
  };
  return { vault: { ...vault, get }, reads: () => reads };
}
const spoilt = (body: Uint8Array, at: number) => {
  const copy = Buffer.from(body);
  copy[at]! ^= 1;
  return copy;
};
const whole = (read: PartOfBackup, on: Vault) => readWhole(opening(on), read, collected, report, signal);
const differently = {
  code: 'vault-failed',
  message: `${place} reads differently each time`,
  hint: 'something on the way from the vault changes data: memory, disk, proxy or network',
};

test('a part whose way was bad once is read again, and that is told', async () => {
  const read = await lay('data/0001.sql.zst', 'rows');
  const [good, bad] = [bodyOf('data/0001.sql.zst'), spoilt(bodyOf('data/0001.sql.zst'), 9)];
  const told = [{ type: 'warning', message: `${place} was changed on its way: read again, it is whole` }];

  expect(await whole(read, readingAs([bad, good]).vault)).toBe('rows');
  expect(events).toEqual(told);
  expect(await whole(read, readingAs([bad, bad, good]).vault)).toBe('rows');
  expect(events).toEqual([...told, ...told]);
});

test('a part that reads wrongly twice alike is damaged, and differently each time it is nobody’s to judge', async () => {
  const read = await lay('data/0001.sql.zst', 'rows');
  const [good, bad, worse] = [0, 9, 10].map((at) => spoilt(bodyOf('data/0001.sql.zst'), at));

  await expect(whole(read, readingAs([bad!]).vault)).rejects.toMatchObject({ code: 'part-corrupt' });
  await expect(whole(read, readingAs([bad!, worse!, good!]).vault)).rejects.toMatchObject(differently);
  expect(events).toEqual([]);
});

test('a part that is whole when it is looked at, and bad again when it is read, reads differently', async () => {
  const read = await lay('data/0001.sql.zst', 'rows');
  const [good, bad] = [bodyOf('data/0001.sql.zst'), spoilt(bodyOf('data/0001.sql.zst'), 9)];

  await expect(whole(read, readingAs([bad, good, good, bad]).vault)).rejects.toMatchObject(differently);
  const failed = new BackupError('vault-unreachable', 'gone');
  let reads = 0;
  const once = async (content: ByteStream) => {
    reads += 1;
    if (reads > 1) throw failed;
    return collected(content);
  };
  await expect(readWhole(opening(readingAs([bad, good]).vault), read, once, report, signal)).rejects.toBe(failed);
});

test('what is wrong with a part whose bytes are those of the manifest is found again, and is its damage', async () => {
  const read = await lay('data/0001.sql.zst', 'rows');
  const wrong = new BackupError('part-corrupt', 'it holds what it may not');
  const refusing = async function* (content: ByteStream): ByteStream {
    yield* content;
    throw wrong;
  };

  await expect(whole({ ...read, inspect: refusing }, vault)).rejects.toBe(wrong);
});

test('an error that says nothing of the part is thrown at once, and nothing is read again', async () => {
  const read = await lay('data/0001.sql.zst', 'rows');
  const failed = new BackupError('vault-unreachable', 'gone');
  const counting = readingAs([bodyOf('data/0001.sql.zst')]);

  const reading = readWhole(opening(counting.vault), read, () => Promise.reject(failed), report, signal);

  await expect(reading).rejects.toBe(failed);
  expect(counting.reads()).toBe(0);
});

test('a sealed part is read as it is stored', async () => {
  const read = await lay('data/0001.sql.zst', 'rows');

  const content = await readWhole(
    opening(),
    { ...read, sealed: true },
    (stored) => Array.fromAsync(stored),
    report,
    signal,
  );

  expect(Buffer.concat(content)).toEqual(Buffer.from(bodyOf('data/0001.sql.zst')));
});

test('after a reading that can’t be taken back, a part that proves whole is to be tried again', async () => {
  const read = await lay('data/0001.sql.zst', 'rows');
  const [good, bad, worse] = [
    bodyOf('data/0001.sql.zst'),
    ...[9, 10].map((at) => spoilt(bodyOf('data/0001.sql.zst'), at)),
  ];
  const damage = new BackupError('part-corrupt', 'damaged');
  const other = new BackupError('vault-unreachable', 'gone');
  const after = (error: unknown, bodies: Uint8Array[], stop = signal) =>
    afterReadingAgain(opening(readingAs(bodies).vault), error, read, stop);

  expect(await after(damage, [good])).toMatchObject({
    code: 'vault-failed',
    message: `${place} was changed on its way: read again, it is whole`,
    hint: 'run it again',
    cause: damage,
  });
  expect(await after(damage, [bad!])).toBe(damage);
  expect(await after(damage, [bad!, worse!])).toMatchObject(differently);
  expect(await after(other, [good])).toBe(other);
  expect(await after(damage, [good], AbortSignal.abort())).toBe(damage);
});

const catalogOf = async (body: Uint8Array | string, change: Partial<ManifestPart> = {}) => {
  const content = typeof body === 'string' ? body : '';
  const packed = zstdCompressSync(content);
  const manifest = await putBackup(memoryVault(emptyState()), 'shop', id);
  await vault.putIfAbsent(objectKey(`shop/${id}/catalog.json.zst`), packed, {}, signal);
  const part: ManifestPart = {
    role: 'catalog',
    file: 'catalog.json.zst',
    bytes: content.length,
    storedBytes: packed.length,
    sha256: sha256(packed),
    ...change,
  };
  return readCatalog(opening(), { ...manifest, parts: [manifest.parts[0]!, part] }, signal);
};
const catalogPlace = `here/shop/${id}/catalog.json.zst`;

test('a catalog is read as it was stored', async () => {
  expect(await catalogOf(JSON.stringify(catalog))).toEqual(catalog);
});

test('an object of a catalog may have any name', async () => {
  const text = '{"table":{"public.orders":"a digest","__proto__":"another"},"view":{}}';
  expect(JSON.stringify(await catalogOf(text))).toBe(text);
});

test.each([
  'no json',
  '[]',
  '{"table": 1}',
  '{"table": null}',
  '{"table": ["a digest"]}',
  '{"table": {"a": "a digest", "b": 1}}',
])('what is no catalog is damage: %s', async (content) => {
  await expect(catalogOf(content)).rejects.toMatchObject({
    ...corrupt(`^${catalogPlace} is no catalog$`),
    cause: expect.anything(),
  });
});

test('a catalog is held in memory: one that the manifest calls huge is not read', async () => {
  const why = `^${catalogPlace} is no catalog: the manifest says that it holds 268435457 bytes$`;

  await expect(catalogOf('{}', { bytes: 256 * 1024 ** 2 + 1 })).rejects.toMatchObject(corrupt(why));
});

test('a manifest without a catalog says so', async () => {
  const manifest: Manifest = await putBackup(vault, 'shop' as SourceName, id);
  const none = { ...manifest, parts: manifest.parts.filter(({ role }) => role !== 'catalog') };

  await expect(readCatalog(opening(), none, signal)).rejects.toMatchObject({
    code: 'manifest-invalid',
    message: `the manifest of shop ${id} names no catalog`,
  });
});
