import type { ManifestPart } from '../../../contract/manifest/manifest.ts';
import type { Bytes } from '../../../domain/units.ts';
import type { BackupBefore, SharedPart } from '../../../ports.ts';
import type { PackedCatalog } from '../../../domain/packed/catalog.ts';
import { forEachConcurrently } from '../../../pipeline/concurrency.ts';
import { factOf } from '../facts.ts';
import type { CatalogFacts, PathFacts } from '../facts.ts';
import { nameOf, topTable } from '../names.ts';
import { headerBytes, namesTogether, partBytes } from '../plan/parts.ts';
import { someOf } from '../plan/found.ts';
import type { FoundPath, FoundPaths, Many } from '../plan/found.ts';
import { blockBytes } from '../tar/header.ts';
import { changedAt, listIn, noList, partNumber, placedIn, unsure } from './places.ts';
import type { FilePlaced } from './places.ts';
import { stillHolds } from './still-holds.ts';

/** A file that has not changed since the backup before, and where it lies in the new one. */
export type KeptPath = FilePlaced & { path: string; facts: PathFacts };

/** `shared`: the parts that hold what is kept; `anew`: what has to be read. Both in the order in which they were found. */
export type TakenOver = { kept: Iterable<KeptPath>; shared: SharedPart[]; anew: Many<FoundPath> };

/**
 * What was changed less than so long before it was read may have been changed again without another time of change: two
 * changes by the same tick of a clock, and what a program writes through a mapping of the file until the system writes
 * that down (by default within 35 s: vm.dirty_expire_centisecs, vm.dirty_writeback_centisecs).
 */
const settlingMs = 60_000;
const readsAtOnce = 4;
/** A part less than half of which is needed still is not taken over. */
const leastShare = 0.5;
/** So many small parts are stored anew as few large ones. */
const mostSmall = 50;
const smallBytes = partBytes / 4;

/**
 * What the list of the backup before says, by the order of what was found: the number of its part, 0 where there is none,
 * and whether it stands as it did then. `banned`: parts that hold what no backup may.
 */
type SaidByList = { part: Uint32Array; stands: Uint8Array; banned: ReadonlySet<number> };
/** What is unchanged, by the same order, and how much of each part that is. */
type Unchanged = { isSame: Uint8Array; live: ReadonlyMap<number, Bytes> };

/** `isBanned`: of what is not found any more, what no backup may hold; a part that does is taken over no more. */
type Now = { folder: string; oneTable: boolean; isBanned(path: string, kind: PathFacts['kind'] | undefined): boolean };

/**
 * What need not be read again: files and links that are as they were when the backup before read them, as far as the
 * parts that hold them are worth being kept.
 */
export async function takeOver(
  found: FoundPaths,
  before: BackupBefore,
  now: Now,
  signal: AbortSignal,
): Promise<TakenOver> {
  const list = listIn(before.manifest);
  if (list === undefined) return { kept: [], shared: [], anew: found };
  const listed = await readList(list, found, before, now, signal);
  const { isSame, live } = await unchangedSince(before, listed, found, now, signal);
  const parts = worthKeeping(before, live);
  const numbers = new Map(parts.map(({ file }, at) => [numberOf(file), at + 1]));
  /** The number of its part in the new backup, 0 where it is read. */
  const keptIn = listed.part.map((part, at) => (isSame[at] === 1 ? (numbers.get(part) ?? 0) : 0));
  return {
    kept: { [Symbol.iterator]: () => keptPaths(found, keptIn, before.catalog) },
    shared: parts.map((part) => ({
      part,
      file: part.file.replace(/\d+/, written(numbers.get(numberOf(part.file))!)),
      live: Math.min(part.bytes, live.get(numberOf(part.file))!),
    })),
    anew: someOf(
      found,
      Uint32Array.from(keptIn.keys()).filter((one) => keptIn[one] === 0),
    ),
  };
}

async function readList(
  list: ManifestPart,
  found: FoundPaths,
  { open, catalog }: BackupBefore,
  { isBanned }: Now,
  signal: AbortSignal,
): Promise<SaidByList> {
  const [part, stands, banned] = [new Uint32Array(found.length), new Uint8Array(found.length), new Set<number>()];
  for await (const { path, part: within, state } of placedIn(list, open, signal)) {
    const at = found.indexOf(path);
    const number = Number(within);
    if (at === undefined) {
      if (!banned.has(number) && isBanned(path, factOf(catalog, nameOf(path))?.kind)) banned.add(number);
      continue;
    }
    if (part[at] !== 0) throw noList(list);
    part[at] = number;
    if (state !== unsure && state === found.at(at)!.state) stands[at] = 1;
  }
  return { part, stands, banned };
}

function* keptPaths(found: Many<FoundPath>, keptIn: Uint32Array, catalog: PackedCatalog): Generator<KeptPath> {
  for (const [at, number] of keptIn.entries()) {
    if (number === 0) continue;
    const { path, state, owner } = found.at(at)!;
    yield { path, part: written(number), state, facts: { ...factOf(catalog, nameOf(path))!, owner } };
  }
}

async function unchangedSince(
  { manifest, catalog }: BackupBefore,
  listed: SaidByList,
  found: FoundPaths,
  { folder, oneTable }: Now,
  signal: AbortSignal,
): Promise<Unchanged> {
  const isSame = new Uint8Array(found.length);
  const live = new Map<number, Bytes>();
  const wasOneTable = manifest.tables.every(({ table }) => table === topTable);
  // a tar says itself in which table its rows count
  if (wasOneTable !== oneTable && hasFolders(catalog)) return { isSame, live };
  const settledBefore = BigInt(Date.parse(manifest.start) - settlingMs) * 1_000_000n;

  async function factsOfGroup(group: readonly FoundPath[], part: number): Promise<CatalogFacts[] | undefined> {
    const facts: CatalogFacts[] = [];
    for (const { path, kind, state, settles } of group) {
      const at = found.indexOf(path)!;
      const fact = listed.part[at] === part && listed.stands[at] === 1 ? factOf(catalog, nameOf(path)) : undefined;
      if (fact === undefined || !isKind(fact.kind, kind)) return undefined;
      const isSettled = settles && changedAt(state) < settledBefore;
      if (!isSettled && !(await stillHolds(folder, path, { state, ...fact }, signal))) return undefined;
      facts.push(fact);
    }
    const links = facts.filter(({ kind }) => kind === 'link');
    const names = new Set(links.length === 0 ? [] : facts.map(({ name }) => name));
    return links.every(({ value }) => names.has(value)) ? facts : undefined;
  }

  async function look(group: readonly FoundPath[]): Promise<void> {
    const part = listed.part[found.indexOf(group[0]!.path)!]!;
    if (part === 0 || listed.banned.has(part)) return;
    const facts = await factsOfGroup(group, part);
    if (facts === undefined) return;
    for (const { path } of group) isSame[found.indexOf(path)!] = 1;
    live.set(part, (live.get(part) ?? 0) + storedBytes(facts));
  }
  async function* groups() {
    yield* namesTogether(found);
  }
  await forEachConcurrently(readsAtOnce, groups(), look, signal);
  return { isSame, live };
}

function hasFolders({ entries }: PackedCatalog): boolean {
  for (const { name } of entries()) if (name.includes('/')) return true;
  return false;
}

/** What they take in a tar. */
function storedBytes(facts: readonly CatalogFacts[]): Bytes {
  return facts.reduce((sum, { size }) => sum + Math.ceil(size / blockBytes) * blockBytes + headerBytes, 0);
}

/** Another name of a link is a link, too. */
function isKind(was: PathFacts['kind'], is: FoundPath['kind']): boolean {
  return was === is || was === 'link';
}

/** The parts that are taken over, in their order. */
function worthKeeping({ manifest, isSharable }: BackupBefore, live: ReadonlyMap<number, Bytes>): ManifestPart[] {
  const needed = manifest.parts.filter((part) => {
    const bytes = live.get(numberOf(part.file)) ?? 0;
    return bytes > 0 && bytes >= part.bytes * leastShare && isSharable(part);
  });
  const small = needed.filter(({ bytes }) => bytes < smallBytes);
  return small.length > mostSmall ? needed.filter((part) => !small.includes(part)) : needed;
}

/** The number of a data part; 0 for any other. */
function numberOf(file: string): number {
  return Number(partNumber(file) ?? 0);
}

function written(number: number): string {
  return String(number).padStart(4, '0');
}
