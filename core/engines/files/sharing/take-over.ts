import type { Catalog } from '../../../contract/manifest/catalog.ts';
import type { ManifestPart } from '../../../contract/manifest/manifest.ts';
import type { Bytes } from '../../../domain/units.ts';
import type { BackupBefore, SharedPart } from '../../../ports.ts';
import { factOf } from '../facts.ts';
import type { PathFacts } from '../facts.ts';
import { nameOf, topTable } from '../names.ts';
import { headerBytes, namesTogether, partBytes } from '../plan/parts.ts';
import type { FoundPath } from '../plan/walk.ts';
import { blockBytes } from '../tar/header.ts';
import { changedAt, partNumber, placesIn, unsure } from './places.ts';
import type { FilePlaced } from './places.ts';

/** A file that has not changed since the backup before, and where it lies in the new one. */
export type KeptPath = { path: string; place: FilePlaced; facts: PathFacts };

/** `shared`: the parts that hold what is kept; `anew`: what has to be read, in its order. */
export type TakenOver = { kept: KeptPath[]; shared: SharedPart[]; anew: FoundPath[] };

/** Two changes within so much time may leave a file with one time of change. */
const coarseMs = 2000;
/** A part less than half of which is needed still is not taken over. */
const leastShare = 0.5;
/** So many small parts are stored anew as few large ones. */
const mostSmall = 50;
const smallBytes = partBytes / 4;

/** A group of names of one file, all unchanged, in one part of the backup before. */
type Unchanged = { part: string; group: readonly FoundPath[]; facts: readonly PathFacts[] };

/**
 * What need not be read again: files and links that are as they were when the backup before read them, as far as the
 * parts that hold them are worth being kept.
 */
export async function takeOver(
  found: readonly FoundPath[],
  before: BackupBefore,
  oneTable: boolean,
  signal: AbortSignal,
): Promise<TakenOver> {
  const unchanged = await unchangedSince(before, found, oneTable, signal);
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
  oneTable: boolean,
  signal: AbortSignal,
): Promise<Unchanged[]> {
  const places = await placesIn(manifest, open, signal);
  if (places === undefined) return [];
  const wasOneTable = manifest.tables.every(({ table }) => table === topTable);
  // a tar says itself in which table its rows count
  if (wasOneTable !== oneTable && namesIn(catalog).some((name) => name.includes('/'))) return [];
  const settledBefore = BigInt(Date.parse(manifest.start) - coarseMs) * 1_000_000n;
  const isAsItWas = (state: string, was: string): boolean => was === state && changedAt(was) < settledBefore;

  function factsOfGroup(group: readonly FoundPath[], part: string): PathFacts[] | undefined {
    const facts: PathFacts[] = [];
    for (const { path, kind, state, owner } of group) {
      const place = places!.get(path);
      if (place === undefined || place.part !== part || place.state === unsure) return undefined;
      const fact = isAsItWas(state, place.state) ? factOf(catalog, nameOf(path)) : undefined;
      if (fact === undefined || !isKind(fact.kind, kind)) return undefined;
      facts.push({ ...fact, owner });
    }
    const links = facts.filter(({ kind }) => kind === 'link');
    const names = new Set(links.length === 0 ? [] : facts.map(({ name }) => name));
    return links.every(({ value }) => names.has(value)) ? facts : undefined;
  }

  const unchanged: Unchanged[] = [];
  for (const group of namesTogether(found.filter(({ kind }) => kind !== 'folder'))) {
    const part = places.get(group[0]!.path)?.part;
    const facts = part === undefined ? undefined : factsOfGroup(group, part);
    if (part !== undefined && facts !== undefined) unchanged.push({ part, group, facts });
  }
  return unchanged;
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
