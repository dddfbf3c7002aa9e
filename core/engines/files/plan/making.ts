import { BackupError, messageOf } from '../../../domain/errors.ts';
import { firstOf } from '../../../domain/lines.ts';
import { mapConcurrently } from '../../../pipeline/concurrency.ts';
import type { ByteStream, OpenedPart, PlannedPart } from '../../../ports.ts';
import { nameOf, pathText } from '../names.ts';
import { lookingBelow } from '../looking.ts';
import type { LooksBelow } from '../looking.ts';
import { unlessGone } from '../paths.ts';
import { stateOf, unsure } from '../sharing/places.ts';
import { tarEnd, tarParser } from '../tar/parser.ts';
import { createTar } from '../tar/program.ts';
import { tarReader } from '../tar/reader.ts';
import { writtenNotes } from './noted.ts';
import type { Noted } from './noted.ts';
import { pathsIn } from './parts.ts';
import type { TarRecipe } from './parts.ts';

const tries = 3;
const looksAtOnce = 16;

/**
 * Makes a part: a tar, in which a file that was changed while it was read stands once more, and the last one counts, as
 * it does for tar.
 */
export function openTarPart({ file, recipe }: PlannedPart, signal: AbortSignal): OpenedPart {
  const { folder, tar, oneTable, states: hasStates, isNear, ...asked } = recipe as TarRecipe;
  const looking = lookingBelow(folder, isNear);
  const paths = pathsIn(asked);
  const reader = tarReader(signal);
  const heard: string[] = [];
  const noted = { vanished: [] as string[], unsteady: [] as string[] };
  const states = new Map<string, string>();

  async function* content(): ByteStream {
    let wanted: readonly string[] = paths;
    for (let left = tries; wanted.length > 0 && left > 0; left -= 1) {
      const before = await statesOf(looking, wanted, signal);
      const present = wanted.filter((path) => before.has(path));
      const wish = {
        paths: present,
        oneTable: oneTable && left === tries,
        say: (line: string) => void heard.push(line),
      };
      if (present.length > 0) yield* withoutEnd(createTar(folder, wish, tar, signal), file);
      const after = await statesOf(looking, present, signal);
      noted.vanished.push(...wanted.filter((path) => !before.has(path)));
      wanted = changedOf(present, before, after);
      for (const path of hasStates ? present : []) states.set(path, before.get(path)!.state);
      for (const path of hasStates ? wanted : []) states.set(path, unsure);
    }
    noted.unsteady.push(...wanted);
    yield tarEnd();
  }

  async function notes() {
    const facts = reader.facts();
    const names = new Set([...facts.values()].map(({ name }) => name));
    const counted: Noted = {
      entries: writtenNotes(facts, states),
      ...(await settled(noted, looking, names, signal)),
    };
    const known = new Set([...names, ...counted.vanished.map(nameOf)]);
    const lost = paths.filter((path) => !known.has(nameOf(path)));
    if (lost.length > 0) throw lostError(file, lost);
    return { heard, counted };
  }
  return { content: content(), reader, notes };
}

/** What is not there any more, and what of it was stored before, which may be half of it. */
async function settled(
  { vanished, unsteady }: Pick<Noted, 'vanished' | 'unsteady'>,
  looking: LooksBelow,
  stored: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Pick<Noted, 'vanished' | 'unsteady'>> {
  const there = await statesOf(looking, unsteady, signal);
  const gone = [...vanished, ...unsteady.filter((path) => !there.has(path))];
  return {
    vanished: [...new Set(gone)].filter((path) => !stored.has(nameOf(path))),
    unsteady: [...new Set([...unsteady, ...gone])].filter((path) => stored.has(nameOf(path))),
  };
}

/** How each of these files is now, without those that are gone: what differs was changed, or is another file. */
async function statesOf(
  { stats: statsOf }: LooksBelow,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, { state: string; inode: string }>> {
  const look = async (path: string) => {
    const stats = await statsOf(path).catch(unlessGone);
    if (stats === undefined) return [];
    // what is added to a folder changes no file
    const state = stats.isDirectory() ? 'folder' : stateOf(stats);
    return [[path, { state, inode: `${stats.dev}:${stats.ino}` }]] as const;
  };
  return new Map((await mapConcurrently(looksAtOnce, paths, look, signal)).flat());
}

/** Those that were changed, with every other name of them. */
function changedOf(
  paths: readonly string[],
  before: Awaited<ReturnType<typeof statesOf>>,
  after: Awaited<ReturnType<typeof statesOf>>,
): string[] {
  const changed = paths.filter((path) => before.get(path)?.state !== after.get(path)?.state);
  const inodes = new Set(changed.map((path) => before.get(path)!.inode));
  return paths.filter((path) => inodes.has(before.get(path)!.inode));
}

/** A tar without the empty blocks at its end: another one may follow. */
async function* withoutEnd(tar: ByteStream, file: string): ByteStream {
  let out: Buffer[] = [];
  const parser = tarParser({ raw: (bytes) => void out.push(bytes) });
  for await (const chunk of tar) {
    orStrange(file, () => parser.write(chunk));
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
