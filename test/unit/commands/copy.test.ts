import { beforeEach, expect, test } from '@jest/globals';
import { copyBackup, copyMissing } from '../../../core/commands/copy.ts';
import type { CopyDeps } from '../../../core/commands/copy.ts';
import { copyDocument, copyInto } from '../../../core/commands/copy-source.ts';
import { BackupError } from '../../../core/domain/errors.ts';
import type { FailureCode } from '../../../core/domain/errors.ts';
import { manifestKey, partKey } from '../../../core/domain/layout/places.ts';
import { proofKey } from '../../../core/domain/layout/records.ts';
import type { BackupId } from '../../../core/domain/keys.ts';
import type { RunEvent } from '../../../core/ports.ts';
import { openStore } from '../../../core/store/store.ts';
import type { Vault } from '../../../core/vault.ts';
import { bytesOf } from '../../support/copying.ts';
import { dailyIds, none, putBackup } from '../../support/vaults/history.ts';
import { emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';
import type { MemoryState } from '../../support/vaults/memory-vault.ts';
import { shop, watching } from '../../support/vaults/seen.ts';
import { limit } from '../../support/vaults/vault.ts';

const adoption = { file: 'dump.sql', sha256: '0'.repeat(64), bytes: 1, by: 'ann', at: '2026-11-20T03:00:00.000Z' };
const part = 'data/0001.sql.zst';
let [from, to]: [MemoryState, MemoryState] = [emptyState(), emptyState()];
let ids: BackupId[];
let told: RunEvent[];

beforeEach(async () => {
  [from, to, told] = [emptyState(), emptyState(), []];
  ids = dailyIds(4);
  for (const [index, id] of ids.entries())
    await putBackup(memoryVault(from), 'shop', id, { rows: `rows ${'of many '.repeat(index)}` });
});

function depsOf(change: (vault: Vault) => Partial<Vault> = () => ({})): CopyDeps {
  const first = memoryVault(from, { place: 'first' });
  return {
    from: openStore({ ...first, ...change(first) }),
    to: openStore(memoryVault(to, { place: 'second' })),
    clock: { now: () => new Date('2026-11-20T12:00:00Z') },
    identity: { run: 'copy', holder: 'test', isGone: () => true },
    report: (event) => void told.push(event),
  };
}
const rulesOf = (count: number) => ({
  memory: { shrink: watching().watch.shrink, timeZone: 'UTC', retention: undefined },
  retention: { ...none, count, last: count },
});
const copying = (count: number, deps: CopyDeps = depsOf(), signal = limit()) =>
  copyMissing(shop, rulesOf(count), deps, signal);
const there = () => ids.filter((id) => to.objects.has(manifestKey(shop, id)));
const copied = ({ copied: done }: Awaited<ReturnType<typeof copying>>) => done.map(({ id }) => id);

test('a damaged backup takes no place in a copy: an older good one is brought in its stead', async () => {
  from.objects.delete(partKey(shop, ids[3]!, part));

  expect(copied(await copying(2))).toEqual([ids[2], ids[1]]);
  expect(there()).toEqual([ids[1], ids[2]]);
  expect(copied(await copying(2))).toEqual([]);
});

test('what is there as its manifest has it is not brought again, whatever lies beside it in the first vault', async () => {
  expect(copied(await copying(2))).toEqual([ids[3], ids[2]]);
  for (const id of ids)
    await memoryVault(from).putIfAbsent(partKey(shop, id, 'data/0099.sql.zst'), Buffer.from('x'), {}, limit());
  told = [];

  expect(copied(await copying(3))).toEqual([ids[1]]);
  expect(told.flatMap((event) => (event.type === 'planned' ? [event.id] : []))).toEqual([ids[1]]);
});

function adopt(id: BackupId): void {
  const found = from.objects.get(manifestKey(shop, id))!;
  const manifest = { ...(JSON.parse(Buffer.from(found.body).toString()) as object), adopted: adoption };
  from.objects.set(manifestKey(shop, id), { ...found, body: Buffer.from(JSON.stringify(manifest)) });
}

test('what was adopted is copied once, and takes no place of what the retention keeps', async () => {
  adopt(ids[0]!);

  expect(copied(await copying(4))).toEqual([ids[3], ids[2], ids[1], ids[0]]);
  expect(copied(await copying(4))).toEqual([]);
  expect(there()).toEqual(ids);
});

test('what was adopted is copied before any check has run, also where the retention of the copy is short', async () => {
  adopt(ids[0]!);

  expect(copied(await copying(2))).toEqual([ids[3], ids[2], ids[0]]);
  expect(copied(await copying(2))).toEqual([]);
});

test('what was adopted and is copied keeps no other from being copied, before any check has run', async () => {
  adopt(ids[3]!);
  await copyBackup(shop, ids[3]!, depsOf(), limit());

  expect(copied(await copying(2))).toEqual([ids[2], ids[1]]);
});

test('a copy that has lost a part is none, and gets that part again', async () => {
  await copying(2);
  to.objects.delete(partKey(shop, ids[2]!, part));

  expect(await copying(2)).toMatchObject({ copied: [{ id: ids[2], state: 'copied', parts: 1 }], failures: [] });
  expect(to.objects.has(partKey(shop, ids[2]!, part))).toBe(true);
});

test.each(['vault-unreachable', 'vault-denied', 'vault-full', 'lease-lost', 'deadline'] as FailureCode[])(
  'after %s the next backup is not tried, and after anything else it is',
  async (code) => {
    const failing = (how: FailureCode) =>
      depsOf((vault) => ({
        async *get(key, signal) {
          if (key.includes(ids[3]!)) throw new BackupError(how, 'no');
          yield* vault.get(key, signal);
        },
      }));

    expect(await copying(3, failing(code))).toMatchObject({
      place: 'second',
      copied: [],
      removed: [],
      failures: [{ code }],
    });
    const others = await copying(3, failing('vault-failed'));
    expect([copied(others), others.failures.length]).toEqual([[ids[2], ids[1]], 1]);
  },
);

test('a copy that is stopped ends with the backup that it was at', async () => {
  const stop = new AbortController();
  const deps = depsOf((vault) => ({
    async *get(key) {
      stop.abort(new BackupError('aborted', 'stopped'));
      throw new TypeError(`${vault.place}/${key}: broken off`);
    },
  }));

  const ended = await copying(3, deps, stop.signal).catch((error: BackupError) => error);

  if (!(ended instanceof BackupError)) expect(ended.failures).toHaveLength(1);
  expect(told.filter(({ type }) => type === 'planned')).toHaveLength(1);
});

test('what rotation removes before or while it is copied is told as removed; a part that is lost is a failure', async () => {
  const removing = (isRotation: boolean) =>
    depsOf((vault) => ({
      async *get(key, signal) {
        if (key === partKey(shop, ids[3]!, part)) {
          if (isRotation) await vault.delete(manifestKey(shop, ids[3]!), signal);
          await vault.delete(key, signal);
        }
        yield* vault.get(key, signal);
      },
    }));
  const broken = await copying(1, removing(false));
  expect(broken).toMatchObject({ removed: [], copied: [], failures: [{ code: 'object-missing' }] });
  await putBackup(memoryVault(from), 'other', ids[3]!, { rows: `rows ${'of many '.repeat(3)}` });
  from.objects.set(partKey(shop, ids[3]!, part), from.objects.get(partKey('other' as typeof shop, ids[3]!, part))!);
  expect(await copying(1, removing(true))).toMatchObject({ removed: [ids[3]], failures: [], copied: [] });
});

test('a backup that is gone between the look and the copy is told as removed', async () => {
  const { from: store, ...rest } = depsOf();
  const early: CopyDeps = {
    ...rest,
    from: {
      ...store,
      storedBackup: (source, id, signal) => (
        from.objects.delete(manifestKey(source, id)), store.storedBackup(source, id, signal)
      ),
    },
  };
  expect(await copying(1, early)).toMatchObject({ removed: [ids[3]], failures: [], copied: [] });
});

test('it is told what is brought and where to; of a part alone, its size, and no backup comes of it', async () => {
  const id = ids[0]!;
  const sizeOf = (file: string) => from.objects.get(partKey(shop, id, file))!.body.length;

  const alone = await copyBackup(shop, id, { ...depsOf(), only: ({ role }) => role === 'catalog' }, limit());

  expect(alone).toMatchObject({ source: shop, id, place: 'second', parts: 1, bytes: sizeOf('catalog.json.zst') });
  expect(there()).toEqual([]);
  await copyBackup(shop, id, depsOf(), limit());
  const planned = { type: 'planned', source: shop, engine: 'postgres', id, what: 'into second' };
  expect(told.filter(({ type }) => type === 'planned')).toEqual([
    { ...planned, totalBytes: sizeOf('catalog.json.zst'), parts: 1 },
    { ...planned, totalBytes: sizeOf('catalog.json.zst') + sizeOf(part), parts: 2 },
  ]);
  expect(there()).toEqual([id]);
});

test('of each further vault it is said what was brought or what failed, and none keeps another from being worked on', async () => {
  const hint = 'mount it';
  const vault = async (name: string) => {
    if (name === 'away') throw new BackupError('vault-unreachable', 'no route', { hint });
    if (name === 'odd') throw new TypeError('a fault');
    return depsOf().to;
  };
  const into = (name: string) =>
    copyInto(
      shop,
      { vault: name, retention: rulesOf(1).retention },
      rulesOf(1).memory,
      { ...depsOf(), vault },
      limit(),
    );

  const outcomes = [await into('away'), await into('odd'), await into('nas')];

  expect(copyDocument(shop, outcomes)).toEqual({
    source: shop,
    copies: [
      {
        vault: 'away',
        copied: [],
        removed: [],
        failures: [{ code: 'vault-unreachable', message: 'no route', hint }],
      },
      { vault: 'odd', copied: [], removed: [], failures: [expect.objectContaining({ code: 'internal' })] },
      {
        vault: 'nas',
        place: 'second',
        copied: [{ id: ids[3], state: 'copied', parts: 2, bytes: expect.any(Number) }],
        removed: [],
        failures: [],
      },
    ],
  });
});

/** What `nightjar verify` leaves beside a copy that it has found damaged. */
function foundDamaged(id: BackupId, state = to): void {
  const key = proofKey(shop, id, { kind: 'verify', outcome: 'failed', at: new Date('2026-11-20T11:00:00Z') });
  state.objects.set(key, { body: Buffer.from('{}'), tags: {}, version: 'p', modified: new Date() });
}
function spoil(state: MemoryState, id: BackupId, file: string): void {
  const found = state.objects.get(partKey(shop, id, file))!;
  const body = Buffer.from(found.body);
  body[0]! ^= 1;
  state.objects.set(partKey(shop, id, file), { ...found, body });
}
const recordsIn = (state: MemoryState, id: BackupId) =>
  [...state.objects.keys()].flatMap((key) => new RegExp(`${id}/proofs/.*-(.*)\\.json$`).exec(key)?.[1] ?? []);
const mending = (deps = depsOf()) => copying(4, { ...deps, mend: true });

test('a copy that was found damaged is made good from the first vault, and says so', async () => {
  await copying(4);
  const whole = bytesOf(to, ids[3]!);
  spoil(to, ids[3]!, part);
  foundDamaged(ids[3]!);
  told = [];

  const { copied: done, failures } = await mending();

  expect(failures).toEqual([]);
  expect(done).toMatchObject([{ id: ids[3], state: 'mended', parts: 1 }]);
  expect(bytesOf(to, ids[3]!)).toMatchObject(whole);
  expect(recordsIn(to, ids[3]!)).toEqual(['failed', 'passed']);
  expect(copied(await mending())).toEqual([]);
});

test('a copy that nobody is to mend is left as it is', async () => {
  await copying(4);
  spoil(to, ids[3]!, part);
  foundDamaged(ids[3]!);
  const before = bytesOf(to, ids[3]!);

  expect(copied(await copying(4))).toEqual([]);
  expect(bytesOf(to, ids[3]!)).toEqual(before);
});

test('a manifest in a copy that can not be believed is brought anew', async () => {
  await copying(4);
  const whole = bytesOf(to, ids[3]!);
  spoil(to, ids[3]!, 'manifest.json');
  foundDamaged(ids[3]!);

  expect((await mending()).copied).toMatchObject([{ id: ids[3], state: 'mended' }]);
  expect(bytesOf(to, ids[3]!)).toMatchObject(whole);
});

test('where the first vault is damaged at the same place, nothing of the copy is taken away, and both are told', async () => {
  await copying(4);
  spoil(to, ids[3]!, part);
  spoil(from, ids[3]!, part);
  foundDamaged(ids[3]!);
  const before = bytesOf(to, ids[3]!);

  const { failures } = await mending();

  expect(failures).toMatchObject([{ code: 'part-corrupt', message: expect.stringContaining('first/') }]);
  expect(bytesOf(to, ids[3]!)).toEqual(before);
  expect(recordsIn(from, ids[3]!)).toEqual(['failed']);
  expect(recordsIn(to, ids[3]!)).toEqual(['failed']);
});

test('a good backup of another content under the same id is not taken for a damaged copy', async () => {
  await copying(4);
  const other = emptyState();
  await putBackup(memoryVault(other), 'shop', ids[3]!, { rows: 'quite other rows' });
  for (const [key, object] of other.objects) to.objects.set(key, object);
  foundDamaged(ids[3]!);
  const before = bytesOf(to, ids[3]!);

  expect((await mending()).failures).toMatchObject([{ code: 'object-exists' }]);
  expect(bytesOf(to, ids[3]!)).toEqual(before);
});

test('where nothing may be removed, the copy stays as it is, it says what to do, and the others are copied', async () => {
  await copying(2);
  spoil(to, ids[3]!, part);
  foundDamaged(ids[3]!);
  const before = bytesOf(to, ids[3]!);
  const second = memoryVault(to, { place: 'second' });
  const denied = () => Promise.reject(new BackupError('vault-denied', 'no'));
  const deps = { ...depsOf(), to: openStore({ ...second, name: 'nas', delete: denied }) };

  const { failures, copied: done } = await mending(deps);

  expect(failures).toMatchObject([
    {
      code: 'vault-failed',
      message: expect.stringMatching(/second\/.* is damaged, and these credentials may not remove it/),
      hint: expect.stringContaining(`nightjar remove shop ${ids[3]} --vault nas and then nightjar copy`),
    },
  ]);
  expect(bytesOf(to, ids[3]!)).toEqual(before);
  expect(done.map(({ id }) => id)).toEqual([ids[1], ids[0]]);
  expect(recordsIn(from, ids[3]!)).toEqual([]);
});

test('a run that ends between taking away and bringing leaves a copy that the next one completes', async () => {
  await copying(4);
  const whole = bytesOf(to, ids[3]!);
  spoil(to, ids[3]!, part);
  foundDamaged(ids[3]!);
  const second = memoryVault(to, { place: 'second' });
  const away = () => Promise.reject(new BackupError('vault-unreachable', 'away'));
  await mending({ ...depsOf(), to: openStore({ ...second, put: away }) });
  expect(to.objects.has(partKey(shop, ids[3]!, part))).toBe(false);

  expect((await mending()).copied).toMatchObject([{ id: ids[3], state: 'mended', parts: 1 }]);
  expect(bytesOf(to, ids[3]!)).toMatchObject(whole);
});

test('a part that proves damaged while it is copied leaves the record of that in the first vault', async () => {
  spoil(from, ids[3]!, part);

  expect((await mending()).failures).toMatchObject([{ code: 'part-corrupt' }]);
  expect(recordsIn(from, ids[3]!)).toEqual(['failed']);
  expect(there()).toEqual(ids.slice(0, 3));
});
