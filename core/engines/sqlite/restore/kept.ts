import { readdir, rename, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BackupError, messageOf } from '../../../domain/errors.ts';
import type { KeptDatabase, Replaced } from '../../../ports.ts';
import { overdueNotes, usualKeepMs } from '../../kept-notes.ts';
import type { DroppedKept } from '../../kept-notes.ts';
import { withPlaceClaimed } from '../../places/claim.ts';
import { placeOf, realOf, unlessGone } from '../place.ts';
import type { SqliteFiles } from '../place.ts';
import { syncFolder } from './file.ts';
import { isBeside, removeDatabase } from './names.ts';
import { exchange, moveSidecars, requireFree } from './swap.ts';

const form = /^\.(?:before|undone)_(.+)$/s;

type Keeping = Pick<SqliteFiles, 'keepReplacedMs'>;

/** Replaced files that are kept beside this one. */
export function replacedFiles(written: string, { keepReplacedMs }: Keeping): Replaced {
  return {
    list: async () => keptFiles(await realOf(written)),
    findings: async () => [],
    ...(keepReplacedMs !== undefined && {
      dropOverdue: async (signal) => {
        const path = await realOf(written);
        const drop = () => dropUnused(path, keepReplacedMs, signal);
        return overdueNotes(await withPlaceClaimed(path, placeOf(path), drop, signal));
      },
    }),
    async swapBack({ name }, _tell, signal) {
      const path = await realOf(written);
      return withPlaceClaimed(path, placeOf(path), () => swapBack(path, name, signal), signal);
    },
    async drop({ name }, signal) {
      const path = await realOf(written);
      const drop = () => dropKept(path, (kept) => kept.name === name);
      const [dropped] = await withPlaceClaimed(path, placeOf(path), drop, signal);
      if (dropped === undefined) throw gone(name);
      if (dropped.why === undefined) return;
      throw new BackupError('restore-failed', `${join(dirname(path), name)} could not be deleted: ${dropped.why}`);
    },
  };
}

/** Returns the new name of what stood there; undefined if nothing did. */
async function swapBack(path: string, name: string, signal: AbortSignal): Promise<string | undefined> {
  const kept = join(dirname(path), name);
  if ((await keptFiles(path)).every((one) => one.name !== name)) throw gone(name);
  await requireFree(kept, placeOf(kept), signal);
  const isThere = (await stat(path).catch(unlessGone)) !== undefined;
  const [, id = ''] = form.exec(name.slice(basename(path).length)) ?? [];
  const before = isThere ? await freeName(path, 'undone', id) : undefined;
  if (before === undefined) await rename(kept, path);
  else await exchange({ made: kept, path, before, place: placeOf(path), owners: false }, signal);
  await moveSidecars(kept, path);
  await syncFolder(dirname(path));
  return before === undefined ? undefined : basename(before);
}

function gone(name: string): BackupError {
  return new BackupError('restore-failed', `${name} is not what it was: somebody has used it meanwhile`, {
    hint: 'look again: the same command with --plan',
  });
}

/** The path under which the present file will be kept once the backup `id` has taken its place. */
export async function freeName(path: string, word: 'before' | 'undone', id: string): Promise<string> {
  for (let count = 1; ; count += 1) {
    const tried = `${path}.${word}_${id}${count === 1 ? '' : `_${count}`}`;
    if ((await stat(tried).catch(unlessGone)) === undefined) return tried;
  }
}

/** The newest first, by the time of the rename. */
export async function keptFiles(path: string, { keepReplacedMs = usualKeepMs }: Keeping = {}): Promise<KeptDatabase[]> {
  const current = await stat(path, { bigint: true }).catch(unlessGone);
  const names = (await readdir(dirname(path))).filter(
    (name) => name.startsWith(basename(path)) && form.test(name.slice(basename(path).length)) && !isBeside(name),
  );
  const found = await Promise.all(
    names.map(async (name) => {
      // another run may drop it, or put it back, between the list and this look
      const stats = await stat(join(dirname(path), name), { bigint: true }).catch(unlessGone);
      return stats === undefined ? [] : [{ name, ...stats }];
    }),
  );
  return (
    found
      .flat()
      // an exchange that died has only given it a second name
      .filter(({ ino }) => ino !== current?.ino)
      .sort((one, other) => Number(other.ctimeNs - one.ctimeNs))
      .map(({ name, size, ctimeMs }) => ({
        name,
        bytes: Number(size),
        since: new Date(Number(ctimeMs)).toISOString(),
        ...(current !== undefined && Number(current.ctimeMs - ctimeMs) < keepReplacedMs && { recent: true as const }),
      }))
  );
}

/** Deletes those kept files that match. */
export async function dropKept(
  path: string,
  isMeant: (kept: KeptDatabase) => boolean = () => true,
  keeping: Keeping = {},
): Promise<DroppedKept[]> {
  const dropped: DroppedKept[] = [];
  for (const kept of (await keptFiles(path, keeping)).filter(isMeant)) {
    const failure = await removeDatabase(join(dirname(path), kept.name)).then(
      () => ({}),
      (error: unknown) => ({ why: messageOf(error) }),
    );
    dropped.push({ ...kept, ...failure });
  }
  return dropped;
}

/** Deletes files that are kept for longer than that and that nobody has open. */
async function dropUnused(path: string, keepMs: number, signal: AbortSignal): Promise<DroppedKept[]> {
  const isOverdue = ({ since = '' }: KeptDatabase): boolean => Date.now() - Date.parse(since) > keepMs;
  const dropped: DroppedKept[] = [];
  for (const kept of (await keptFiles(path)).filter(isOverdue)) {
    const why = await requireFree(join(dirname(path), kept.name), kept.name, signal).then(() => undefined, messageOf);
    if (why !== undefined) dropped.push({ ...kept, why });
    else dropped.push(...(await dropKept(path, ({ name }) => name === kept.name)));
  }
  return dropped;
}
