import type { ManifestPart } from '../../../contract/manifest/manifest.ts';
import type { Bytes } from '../../../domain/units.ts';
import type { BackupBefore, SharedPart } from '../../../ports.ts';
import { forEachConcurrently } from '../../../pipeline/concurrency.ts';
import type { TableTally } from '../../../pipeline/rows/reader.ts';
import { filesTally } from '../facts.ts';
import type { CatalogFacts, FilesTally, PathFacts } from '../facts.ts';
import { nameOf, topTable } from '../names.ts';
import { headerBytes, partBytes, partFiles, placesTogether } from '../plan/parts.ts';
import { someOf } from '../plan/found.ts';
import type { FoundPath, FoundPaths, Many } from '../plan/found.ts';
import { blockBytes } from '../tar/header.ts';
import { listIn, noList, partNumber, placedIn, unsure } from './places.ts';
import type { FilePlaced } from './places.ts';
import { factsBefore } from './facts-before.ts';
import type { FactBefore, FactsBefore } from './facts-before.ts';
import { stillHolds } from './still-holds.ts';

/** `shared`: the parts that hold what is kept; `anew`: what has to be read. Both in the order of what was found. */
export type TakenOver = { kept: KeptFiles; shared: SharedPart[]; anew: Many<FoundPath> };
/** What is kept: where it lies, its facts, and the rows of each part. */
export type KeptFiles = {
  places(): Iterable<FilePlaced & { path: string }>;
  facts(): Iterable<PathFacts>;
  tallies: TableTally[][];
};

/** Nothing is kept. */
export const nothingKept: KeptFiles = { places: () => [], facts: () => [], tallies: [] };

/**
 * A file changed less than this before it was read may have changed again with the same time of change: two changes
 * within one tick of the clock, or a write through a memory mapping before the system records it (within 35 s by
 * default: vm.dirty_expire_centisecs, vm.dirty_writeback_centisecs).
 */
const settlingMs = 60_000;
const readsAtOnce = 4;
/** A part of which less than half is still needed is not taken over. */
const leastShare = 0.5;
/**
 * If there are so many small parts, they are stored anew as few large ones. A part with many files would not become
 * larger.
 */
const mostSmall = 50;
const [smallBytes, smallFiles] = [partBytes / 4, partFiles / 4];

/**
 * What the previous backup says, by index of what was found: the number of its part (0 if none), whether its state is
 * the same, and what the catalog says. `banned`: parts that hold what no backup may.
 */
type SaidBefore = { part: Uint32Array; stands: Uint8Array; banned: ReadonlySet<number>; facts: FactsBefore };
/** What is unchanged, by index, and how many bytes and which rows of each part that is. */
type Unchanged = { isSame: Uint8Array; live: ReadonlyMap<number, LiveRows> };
type LiveRows = { bytes: Bytes; rows: FilesTally };

/** `isBanned`: of paths that no longer exist, those that no backup may hold: their parts are not taken over. */
type Now = { folder: string; oneTable: boolean; isBanned(path: string, kind: PathFacts['kind'] | undefined): boolean };

/**
 * What need not be read again: files and links that are unchanged since the previous backup, as far as their parts are
 * worth keeping.
 */
export async function takeOver(
  found: FoundPaths,
  before: BackupBefore,
  now: Now,
  signal: AbortSignal,
): Promise<TakenOver> {
  const list = listIn(before.manifest);
  if (list === undefined) return { kept: nothingKept, shared: [], anew: found };
  const said = await readBefore(list, found, before, now, signal);
  const { isSame, live } = await unchangedSince(before, said, found, now, signal);
  const parts = worthKeeping(before, live);
  const numbers = new Map(parts.map(({ file }, at) => [numberOf(file), at + 1]));
  /** The number of its part in the new backup, 0 if it is read. */
  const keptIn = said.part.map((part, at) => (isSame[at] === 1 ? (numbers.get(part) ?? 0) : 0));
  return {
    kept: {
      places: () => keptPlaces(found, keptIn),
      facts: () => keptFacts(found, keptIn, said.facts),
      tallies: parts.map(({ file }) => live.get(numberOf(file))!.rows.tables()),
    },
    shared: parts.map((part) => ({
      part,
      file: part.file.replace(/\d+/, written(numbers.get(numberOf(part.file))!)),
      live: Math.min(part.bytes, live.get(numberOf(part.file))!.bytes),
    })),
    anew: someOf(
      found,
      Uint32Array.from(keptIn.keys()).filter((one) => keptIn[one] === 0),
    ),
  };
}

async function readBefore(
  list: ManifestPart,
  found: FoundPaths,
  before: BackupBefore,
  { isBanned }: Now,
  signal: AbortSignal,
): Promise<SaidBefore> {
  const [part, stands, banned] = [new Uint32Array(found.length), new Uint8Array(found.length), new Set<number>()];
  /** What is gone and banned, with its part, unless the catalog says that it was a symbolic link. */
  const gone = new Map<string, number>();
  for await (const { path, part: within, state } of placedIn(list, before.open, signal)) {
    const at = found.indexOf(path);
    const number = Number(within);
    if (at === undefined) {
      if (isBanned(path, 'symlink')) banned.add(number);
      else if (isBanned(path, undefined)) gone.set(path, number);
      continue;
    }
    if (part[at] !== 0) throw noList(list);
    part[at] = number;
    if (state !== unsure && state === found.stateAt(at)) stands[at] = 1;
  }
  const links = new Set<string>();
  const passed = (path: string, kind: PathFacts['kind']) =>
    void (kind === 'symlink' && gone.has(path) && links.add(path));
  const facts = await factsBefore(found, before, stands, passed, signal);
  for (const [path, number] of gone) if (!links.has(path)) banned.add(number);
  return { part, stands, banned, facts };
}

function* keptPlaces(found: FoundPaths, keptIn: Uint32Array): Generator<FilePlaced & { path: string }> {
  for (let at = 0; at < keptIn.length; at += 1) {
    const number = keptIn[at]!;
    if (number !== 0) yield { path: found.at(at)!.path, part: written(number), state: found.stateAt(at) };
  }
}

function* keptFacts(found: FoundPaths, keptIn: Uint32Array, facts: FactsBefore): Generator<PathFacts> {
  for (let at = 0; at < keptIn.length; at += 1)
    if (keptIn[at] !== 0) yield { ...factsAt(found, at, facts.at(at)!), owner: found.at(at)!.owner };
}

function factsAt(found: FoundPaths, at: number, { kind, value }: FactBefore): CatalogFacts {
  const { path, size } = found.at(at)!;
  return { kind, name: nameOf(path), value, size: kind === 'file' ? size : 0 };
}

async function unchangedSince(
  { manifest }: BackupBefore,
  said: SaidBefore,
  found: FoundPaths,
  { folder, oneTable }: Now,
  signal: AbortSignal,
): Promise<Unchanged> {
  const isSame = new Uint8Array(found.length);
  const live = new Map<number, LiveRows>();
  const wasOneTable = manifest.tables.every(({ table }) => table === topTable);
  // a tar itself says in which table its rows count
  if (wasOneTable !== oneTable && said.facts.hasFolders) return { isSame, live };
  const settledBefore = BigInt(Date.parse(manifest.start) - settlingMs) * 1_000_000n;

  /** Whether a file's time of change is proof enough: then nothing of it is read. */
  const isSettled = (at: number, { settles }: FoundPath) => settles && found.changedAt(at) < settledBefore;

  /** What was said about a path that may be unchanged; undefined if it is changed, or of another part. */
  function factOf(at: number, { kind }: FoundPath, part: number): FactBefore | undefined {
    const fact = said.part[at] === part && said.stands[at] === 1 ? said.facts.at(at) : undefined;
    return fact !== undefined && isKind(fact.kind, kind) ? fact : undefined;
  }

  function note(places: readonly number[], facts: readonly FactBefore[], part: number): void {
    const known = live.get(part) ?? { bytes: 0, rows: filesTally(oneTable) };
    if (known.bytes === 0) live.set(part, known);
    for (const [index, at] of places.entries()) {
      const row = factsAt(found, at, facts[index]!);
      isSame[at] = 1;
      known.rows.add(row);
      known.bytes += storedBytes(row.size);
    }
  }

  async function look(places: readonly number[]): Promise<void> {
    const part = said.part[places[0]!]!;
    const facts: FactBefore[] = [];
    for (const at of places) {
      const one = found.at(at)!;
      const fact = factOf(at, one, part);
      if (fact === undefined) return;
      const state = found.stateAt(at);
      if (!isSettled(at, one) && !(await stillHolds(folder, one.path, { state, ...fact }, signal))) return;
      facts.push(fact);
    }
    const names = new Set(places.length === 1 ? [] : places.map((at) => nameOf(found.at(at)!.path)));
    if (facts.every(({ kind, value }) => kind !== 'link' || names.has(value))) note(places, facts, part);
  }

  /** Those that need a longer look: most are judged at once. */
  async function* doubtful() {
    for (const places of placesTogether(found)) {
      const at = places[0]!;
      const part = said.part[at]!;
      if (part === 0 || said.banned.has(part)) continue;
      const one = found.at(at)!;
      const fact = places.length === 1 && isSettled(at, one) ? factOf(at, one, part) : undefined;
      if (fact === undefined || fact.kind === 'link') yield places;
      else note(places, [fact], part);
    }
  }
  await forEachConcurrently(readsAtOnce, doubtful(), look, signal);
  return { isSame, live };
}

/** What one of this size takes in a tar. */
function storedBytes(size: Bytes): Bytes {
  return Math.ceil(size / blockBytes) * blockBytes + headerBytes;
}

/** A further name of a link is a link, too. */
function isKind(was: PathFacts['kind'], is: FoundPath['kind']): boolean {
  return was === is || was === 'link';
}

/** The parts that are taken over, in their order. */
function worthKeeping({ manifest, isSharable }: BackupBefore, live: Unchanged['live']): ManifestPart[] {
  const needed = manifest.parts.filter((part) => {
    const bytes = live.get(numberOf(part.file))?.bytes ?? 0;
    return bytes > 0 && bytes >= part.bytes * leastShare && isSharable(part);
  });
  const small = needed.filter(({ bytes, rows = 0 }) => bytes < smallBytes && rows < smallFiles);
  return small.length > mostSmall ? needed.filter((part) => !small.includes(part)) : needed;
}

/** The number of a data part; 0 for any other. */
function numberOf(file: string): number {
  return Number(partNumber(file) ?? 0);
}

function written(number: number): string {
  return String(number).padStart(4, '0');
}
