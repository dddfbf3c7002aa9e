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
import type { FoundPath, Many } from '../plan/found.ts';
import { blockBytes } from '../tar/header.ts';
import { changedAt, partNumber, placesIn, unsure } from './places.ts';
import type { FilePlaced, Places } from './places.ts';
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

/** What is unchanged, by its number in the list of the backup before, and how much of each part that is. */
type Unchanged = { isSame: Uint8Array; live: ReadonlyMap<string, Bytes> };

type BeforeWithPlaces = BackupBefore & { places: Places };

/** `isBanned`: of what is not found any more, what no backup may hold; a part that does is taken over no more. */
type Now = { folder: string; oneTable: boolean; isBanned(path: string, kind: PathFacts['kind'] | undefined): boolean };

/**
 * What need not be read again: files and links that are as they were when the backup before read them, as far as the
 * parts that hold them are worth being kept.
 */
export async function takeOver(
  found: Many<FoundPath>,
  before: BackupBefore,
  now: Now,
  signal: AbortSignal,
): Promise<TakenOver> {
  const places = await placesIn(before.manifest, before.open, signal);
  if (places === undefined) return { kept: [], shared: [], anew: found };
  const { isSame, live } = await unchangedSince({ ...before, places }, found, now, signal);
  const parts = worthKeeping(before, live);
  const numbers = new Map(parts.map(({ file }, at) => [partNumber(file)!, String(at + 1).padStart(4, '0')]));
  /** By the order of what was found: the number of its part, 0 where it is read. */
  const keptIn = new Uint32Array(found.length);
  let at = 0;
  for (const { path } of found) {
    const index = places.indexOf(path);
    if (index !== undefined && isSame[index] === 1) keptIn[at] = Number(numbers.get(places.at(index).part) ?? 0);
    at += 1;
  }
  return {
    kept: { [Symbol.iterator]: () => keptPaths(found, keptIn, before.catalog) },
    shared: parts.map((part) => ({
      part,
      file: renumbered(part.file, numbers),
      live: Math.min(part.bytes, live.get(partNumber(part.file)!)!),
    })),
    anew: someOf(
      found,
      Uint32Array.from(keptIn.keys()).filter((one) => keptIn[one] === 0),
    ),
  };
}

function* keptPaths(found: Many<FoundPath>, keptIn: Uint32Array, catalog: PackedCatalog): Generator<KeptPath> {
  for (const [at, number] of keptIn.entries()) {
    if (number === 0) continue;
    const { path, state, owner } = found.at(at)!;
    const part = String(number).padStart(4, '0');
    yield { path, part, state, facts: { ...factOf(catalog, nameOf(path))!, owner } };
  }
}

async function unchangedSince(
  { manifest, catalog, places }: BeforeWithPlaces,
  found: Many<FoundPath>,
  { folder, oneTable, isBanned }: Now,
  signal: AbortSignal,
): Promise<Unchanged> {
  const isSame = new Uint8Array(places.size);
  const live = new Map<string, Bytes>();
  const wasOneTable = manifest.tables.every(({ table }) => table === topTable);
  // a tar says itself in which table its rows count
  if (wasOneTable !== oneTable && hasFolders(catalog)) return { isSame, live };
  const settledBefore = BigInt(Date.parse(manifest.start) - settlingMs) * 1_000_000n;
  const banned = new Set<string>();
  for (const { path, part } of goneFrom(places, found))
    if (!banned.has(part) && isBanned(path, factOf(catalog, nameOf(path))?.kind)) banned.add(part);

  async function factsOfGroup(group: readonly FoundPath[], part: string): Promise<CatalogFacts[] | undefined> {
    const facts: CatalogFacts[] = [];
    for (const { path, kind, state, settles } of group) {
      const place = places.get(path);
      if (place === undefined || place.part !== part || place.state === unsure) return undefined;
      const fact = state === place.state ? factOf(catalog, nameOf(path)) : undefined;
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
    const part = places.get(group[0]!.path)?.part;
    if (part === undefined || banned.has(part)) return;
    const facts = await factsOfGroup(group, part);
    if (facts === undefined) return;
    for (const { path } of group) isSame[places.indexOf(path)!] = 1;
    live.set(part, (live.get(part) ?? 0) + storedBytes(facts));
  }
  async function* groups() {
    yield* namesTogether(found);
  }
  await forEachConcurrently(readsAtOnce, groups(), look, signal);
  return { isSame, live };
}

/** What the list names and was not found. */
function* goneFrom(places: Places, found: Many<FoundPath>): Iterable<FilePlaced & { path: string }> {
  const isThere = new Uint8Array(places.size);
  for (const { path } of found) {
    const index = places.indexOf(path);
    if (index !== undefined) isThere[index] = 1;
  }
  for (const [index, there] of isThere.entries()) if (there === 0) yield places.at(index);
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
function worthKeeping({ manifest, isSharable }: BackupBefore, live: ReadonlyMap<string, Bytes>): ManifestPart[] {
  const needed = manifest.parts.filter((part) => {
    const bytes = live.get(partNumber(part.file) ?? '') ?? 0;
    return bytes > 0 && bytes >= part.bytes * leastShare && isSharable(part);
  });
  const small = needed.filter(({ bytes }) => bytes < smallBytes);
  return small.length > mostSmall ? needed.filter((part) => !small.includes(part)) : needed;
}

function renumbered(file: string, numbers: ReadonlyMap<string, string>): string {
  return file.replace(/\d+/, (number) => numbers.get(number)!);
}
