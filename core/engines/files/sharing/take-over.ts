import type { Catalog } from '../../../contract/manifest/catalog.ts';
import type { ManifestPart } from '../../../contract/manifest/manifest.ts';
import type { Bytes } from '../../../domain/units.ts';
import type { BackupBefore, SharedPart } from '../../../ports.ts';
import { mapConcurrently } from '../../../pipeline/concurrency.ts';
import { factOf } from '../facts.ts';
import type { PathFacts } from '../facts.ts';
import { nameOf, topTable } from '../names.ts';
import { headerBytes, namesTogether, partBytes } from '../plan/parts.ts';
import type { FoundPath } from '../plan/walk.ts';
import { blockBytes } from '../tar/header.ts';
import { changedAt, partNumber, placesIn, unsure } from './places.ts';
import type { FilePlaced } from './places.ts';
import { stillHolds } from './still-holds.ts';

/** A file that has not changed since the backup before, and where it lies in the new one. */
export type KeptPath = { path: string; place: FilePlaced; facts: PathFacts };

/** `shared`: the parts that hold what is kept; `anew`: what has to be read, in its order. */
export type TakenOver = { kept: KeptPath[]; shared: SharedPart[]; anew: FoundPath[] };

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

/** A group of names of one file, all unchanged, in one part of the backup before. */
type Unchanged = { part: string; group: readonly FoundPath[]; facts: readonly PathFacts[] };

/** `isBanned`: of what is not found any more, what no backup may hold; a part that does is taken over no more. */
type Now = { folder: string; oneTable: boolean; isBanned(path: string, kind: PathFacts['kind'] | undefined): boolean };

/**
 * What need not be read again: files and links that are as they were when the backup before read them, as far as the
 * parts that hold them are worth being kept.
 */
export async function takeOver(
  found: readonly FoundPath[],
  before: BackupBefore,
  now: Now,
  signal: AbortSignal,
): Promise<TakenOver> {
  const unchanged = await unchangedSince(before, found, now, signal);
  const live = liveBytes(unchanged);
  const parts = worthKeeping(before, live);
  const numbers = new Map(parts.map(({ file }, at) => [partNumber(file)!, String(at + 1).padStart(4, '0')]));
  const kept = unchanged.flatMap(({ part, group, facts }): KeptPath[] => {
    const number = numbers.get(part);
    if (number === undefined) return [];
    return group.map(({ path, state }, at) => ({ path, place: { part: number, state }, facts: facts[at]! }));
  });
  const isKept = new Set(kept.map(({ path }) => path));
  return {
    kept,
    shared: parts.map((part) => ({
      part,
      file: renumbered(part.file, numbers),
      live: Math.min(part.bytes, live.get(partNumber(part.file)!)!),
    })),
    anew: found.filter(({ path }) => !isKept.has(path)),
  };
}

async function unchangedSince(
  { manifest, catalog, open }: BackupBefore,
  found: readonly FoundPath[],
  { folder, oneTable, isBanned }: Now,
  signal: AbortSignal,
): Promise<Unchanged[]> {
  const places = await placesIn(manifest, open, signal);
  if (places === undefined) return [];
  const wasOneTable = manifest.tables.every(({ table }) => table === topTable);
  // a tar says itself in which table its rows count
  if (wasOneTable !== oneTable && namesIn(catalog).some((name) => name.includes('/'))) return [];
  const settledBefore = BigInt(Date.parse(manifest.start) - settlingMs) * 1_000_000n;
  const there = new Set(found.map(({ path }) => path));
  const gone = [...places].filter(([path]) => !there.has(path));
  const banned = new Set(
    gone.filter(([path]) => isBanned(path, factOf(catalog, nameOf(path))?.kind)).map(([, { part }]) => part),
  );

  async function factsOfGroup(group: readonly FoundPath[], part: string): Promise<PathFacts[] | undefined> {
    const facts: PathFacts[] = [];
    for (const { path, kind, state, owner, settles } of group) {
      const place = places!.get(path);
      if (place === undefined || place.part !== part || place.state === unsure) return undefined;
      const fact = state === place.state ? factOf(catalog, nameOf(path)) : undefined;
      if (fact === undefined || !isKind(fact.kind, kind)) return undefined;
      const isSettled = settles && changedAt(state) < settledBefore;
      if (!isSettled && !(await stillHolds(folder, path, { state, ...fact }, signal))) return undefined;
      facts.push({ ...fact, owner });
    }
    const links = facts.filter(({ kind }) => kind === 'link');
    const names = new Set(links.length === 0 ? [] : facts.map(({ name }) => name));
    return links.every(({ value }) => names.has(value)) ? facts : undefined;
  }

  async function look(group: readonly FoundPath[]): Promise<Unchanged[]> {
    const part = places!.get(group[0]!.path)?.part;
    const facts = part === undefined || banned.has(part) ? undefined : await factsOfGroup(group, part);
    return part !== undefined && facts !== undefined ? [{ part, group, facts }] : [];
  }
  const groups = namesTogether(found.filter(({ kind }) => kind !== 'folder'));
  return (await mapConcurrently(readsAtOnce, groups, look, signal)).flat();
}

function namesIn(catalog: Catalog): string[] {
  return Object.values(catalog).flatMap((names) => Object.keys(names));
}

/** Another name of a link is a link, too. */
function isKind(was: PathFacts['kind'], is: FoundPath['kind']): boolean {
  return was === is || was === 'link';
}

/** How much of each part is needed, by its number. */
function liveBytes(unchanged: readonly Unchanged[]): ReadonlyMap<string, Bytes> {
  const live = new Map<string, Bytes>();
  for (const { part, facts } of unchanged) {
    const bytes = facts.reduce((sum, { size }) => sum + Math.ceil(size / blockBytes) * blockBytes + headerBytes, 0);
    live.set(part, (live.get(part) ?? 0) + bytes);
  }
  return live;
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
