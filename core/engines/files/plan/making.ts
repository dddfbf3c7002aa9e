import type { BigIntStats } from 'node:fs';
import { BackupError, messageOf } from '../../../domain/errors.ts';
import { firstOf } from '../../../domain/lines.ts';
import type { DumpReader } from '../../../pipeline/rows/reader.ts';
import type { ByteStream, OpenedPart, PlannedPart } from '../../../ports.ts';
import { pathText } from '../names.ts';
import { lookAtAll } from '../looking.ts';
import { stateOf, unsure } from '../sharing/places.ts';
import { blockBytes } from '../tar/header.ts';
import { tarEnd, tarParser } from '../tar/parser.ts';
import { createTar } from '../tar/program.ts';
import type { FactsByPath } from '../tar/packed-facts.ts';
import { tarCounting } from '../tar/reader.ts';
import type { TarCounting } from '../tar/reader.ts';
import { writtenNotes } from './noted.ts';
import type { Noted } from './noted.ts';
import { pathsIn } from './parts.ts';
import type { TarRecipe } from './parts.ts';

/** Where a part is made from. */
type MadeFrom = Pick<TarRecipe, 'folder' | 'isNear'>;
type Standings = { states: (string | undefined)[]; inodes: ReadonlyMap<number, string> };

const tries = 3;

/**
 * Makes a part: a tar. A file that changed while it was read is added again, and the last one counts, as it does for
 * tar.
 */
export function openTarPart({ file, recipe }: PlannedPart, signal: AbortSignal): OpenedPart {
  const { folder, tar, oneTable, states: hasStates, isNear, ...asked } = recipe as TarRecipe;
  const place = { folder, isNear };
  const paths = pathsIn(asked);
  const counting = tarCounting(signal);
  const heard: string[] = [];
  const noted = { vanished: [] as string[], unsteady: [] as string[] };
  const states = new Map<string, string>();
  const passing = tarsEnd();
  /** How many bytes were made, and whether that was everything. */
  let made: { bytes: number; all: boolean } | undefined;

  async function* content(): ByteStream {
    made = { bytes: 0, all: false };
    for await (const chunk of making()) {
      made.bytes += chunk.length;
      yield chunk;
    }
  }

  async function* making(): ByteStream {
    let wanted: readonly string[] = paths;
    for (let left = tries; wanted.length > 0 && left > 0; left -= 1) {
      const before = await standingsOf(place, wanted, signal);
      const present = wanted.filter((_, at) => before.states[at] !== undefined);
      const wish = {
        paths: present,
        oneTable: oneTable && left === tries,
        say: (line: string) => void heard.push(line),
      };
      if (present.length > 0) yield* withoutEnd(createTar(folder, wish, tar, signal), file, counting);
      const after = await standingsOf(place, wanted, signal);
      for (const [at, path] of wanted.entries()) {
        const state = before.states[at];
        if (state === undefined) noted.vanished.push(path);
        else if (hasStates) states.set(path, state);
      }
      wanted = changedOf(wanted, before, after);
      for (const path of hasStates ? wanted : []) states.set(path, unsure);
    }
    noted.unsteady.push(...wanted);
    made!.all = true;
    yield tarEnd();
  }

  async function notes() {
    const { facts } = counting;
    const counted: Noted = { entries: writtenNotes(facts, states), ...(await settled(noted, place, facts, signal)) };
    const vanished = new Set(counted.vanished);
    const lost = paths.filter((path) => facts.get(path) === undefined && !vanished.has(path));
    if (lost.length > 0) throw lostError(file, lost);
    return { heard, counted };
  }

  /** counted while it is made, so that it need not be read again; everything must pass, to the end of the tar */
  const reader: DumpReader = {
    write: passing.write,
    end() {
      const isAll = made === undefined || (made.all && made.bytes === passing.bytes());
      return { tables: counting.tables(), ended: passing.isEnd() && isAll };
    },
    progress: () => ({ rows: counting.rows(), bytes: passing.bytes() }),
  };
  return { content: content(), reader, notes };
}

/** Counts bytes as they pass, and knows whether the last of them were the empty blocks that end a tar. */
function tarsEnd() {
  const end = tarEnd().length;
  let [bytes, zeros] = [0, 0];
  return {
    write(chunk: Uint8Array): void {
      const tail = chunk.subarray(-end);
      const last = tail.findLastIndex((byte) => byte !== 0);
      zeros = last < 0 ? zeros + tail.length : tail.length - 1 - last;
      bytes += chunk.length;
    },
    isEnd: () => zeros >= end && bytes % blockBytes === 0,
    bytes: () => bytes,
  };
}

/** What no longer exists, and what of it was already stored, which may be half of it. */
async function settled(
  { vanished, unsteady }: Pick<Noted, 'vanished' | 'unsteady'>,
  place: MadeFrom,
  stored: FactsByPath,
  signal: AbortSignal,
): Promise<Pick<Noted, 'vanished' | 'unsteady'>> {
  const { states } = await standingsOf(place, unsteady, signal);
  const gone = [...vanished, ...unsteady.filter((_, at) => states[at] === undefined)];
  const isStored = (path: string) => stored.get(path) !== undefined;
  return {
    vanished: [...new Set(gone)].filter((path) => !isStored(path)),
    unsteady: [...new Set([...unsteady, ...gone])].filter(isStored),
  };
}

/**
 * The states of some files, undefined if one is gone: a different state means that it was changed, or is another file.
 * `inodes`: of those with several names, by index.
 */
async function standingsOf(place: MadeFrom, paths: readonly string[], signal: AbortSignal): Promise<Standings> {
  const states: (string | undefined)[] = [];
  const inodes = new Map<number, string>();
  function note(at: number, stats: BigIntStats | undefined): void {
    // adding something to a folder changes no file
    states[at] = stats === undefined ? undefined : stats.isDirectory() ? 'folder' : stateOf(stats);
    if (stats !== undefined && !stats.isDirectory() && stats.nlink > 1) inodes.set(at, `${stats.dev}:${stats.ino}`);
  }
  await lookAtAll(place, paths, note, signal);
  return { states, inodes };
}

/** The existing ones that were changed, with every other name of theirs. */
function changedOf(paths: readonly string[], before: Standings, after: Standings): string[] {
  const isChanged = (at: number) => before.states[at] !== undefined && before.states[at] !== after.states[at];
  const several = new Set([...before.inodes].flatMap(([at, inode]) => (isChanged(at) ? [inode] : [])));
  return paths.filter((_, at) => isChanged(at) || several.has(before.inodes.get(at) ?? ''));
}

/** Counts a tar and passes it on without the empty blocks at its end, because another may follow. */
async function* withoutEnd(tar: ByteStream, file: string, counting: TarCounting): ByteStream {
  let out: Buffer[] = [];
  const parser = tarParser({ ...counting.events, raw: (bytes) => void out.push(bytes) });
  for await (const chunk of tar) {
    orStrange(file, () => parser.write(chunk));
    await counting.settle();
    if (out.length > 0) yield Buffer.concat(out);
    out = [];
  }
  if (!parser.ended())
    throw new BackupError('dump-cut', `${file}: tar ended without the end of its archive, and said that it succeeded`);
}

function orStrange(file: string, work: () => void): void {
  try {
    work();
  } catch (cause) {
    throw new BackupError('dump-failed', `${file}: tar writes what no backup may hold: ${messageOf(cause)}`, { cause });
  }
}

function lostError(file: string, paths: readonly string[]): BackupError {
  return new BackupError('dump-cut', `${file}: tar has left out ${firstOf(paths.map(pathText), 20)}`, {
    hint: 'run the backup again; if it says the same, leave these out by exclude and report it',
  });
}
