import { lstat, readdir, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BackupError, messageOf } from '../../../domain/errors.ts';
import { fewNames } from '../../../domain/lines.ts';
import type { KeptDatabase, Replaced } from '../../../ports.ts';
import { withPlaceClaimed } from '../../places/claim.ts';
import { unfinishedName } from '../../places/unfinished.ts';
import { unlessGone, whyOf } from '../paths.ts';
import { immovable } from './movable.ts';
import { hiddenName } from './folder.ts';
import { dropTree } from './remove.ts';

/**
 * The name of a folder that this backup replaced; a second one ends in `.2`. `.swap`: from an exchange that died while
 * it put the folder back.
 */
const keptEnding = /^\.before_\d{8}T\d{6}Z-[0-9a-f]{6}(\.\d+)?(\.swap)?$/;
const usualNightMs = 20 * 3_600_000;

/** A free name for what this backup is about to replace. */
export async function keptName(folder: string, id: string): Promise<string> {
  const taken = new Set((await listKept(folder)).map(({ name }) => name));
  const name = `${basename(folder)}.before_${id}`;
  for (let count = 1; ; count += 1) {
    const one = count === 1 ? name : `${name}.${count}`;
    if (!taken.has(one) && !taken.has(`${one}.swap`)) return one;
  }
}

/**
 * Replaces a folder by one beside it, and keeps the old one as `keptAs`; if the second rename fails, nothing is
 * changed.
 */
export async function replaceFolder(folder: string, by: string, keptAs: string): Promise<void> {
  await rename(folder, keptAs);
  await rename(by, folder).catch(async (cause: unknown) => {
    await rename(keptAs, folder);
    throw new BackupError('restore-failed', `${by} can't be put in the place of ${folder}: ${whyOf(cause)}`, { cause });
  });
}

/** The folders that earlier replacements kept beside this one. */
export function replacedFolders(folder: string): Replaced {
  const above = dirname(folder);
  const pathOf = (kept: Pick<KeptDatabase, 'name'>) => join(above, kept.name);
  return {
    list: () => listKept(folder),
    findings: async () => [],
    swapBack: (kept, _tell, signal) =>
      claimed(kept, signal, async () => {
        const aside = `${pathOf(kept)}.swap`;
        const isThere = (await lstat(folder).catch(unlessGone)) !== undefined;
        if (isThere) await replaceFolder(folder, pathOf(kept), aside);
        else await rename(pathOf(kept), folder);
        if (isThere) await rename(aside, pathOf(kept));
        return isThere ? kept.name : undefined;
      }),
    drop: (kept, signal) => claimed(kept, signal, () => drop(folder, kept.name)),
  };

  /** An undo gives what stood there the same name, but another time. */
  function claimed<T>(kept: KeptDatabase, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const working = async () => {
      const now = (await listKept(folder)).find(({ name }) => name === kept.name);
      if (now === undefined || now.since !== kept.since) throw usedMeanwhile(kept.name);
      return work();
    };
    return withPlaceClaimed(hiddenName(folder), folder, working, signal);
  }
}

function usedMeanwhile(name: string): BackupError {
  return new BackupError('restore-failed', `${name} is not what it was: somebody has used it meanwhile`, {
    hint: 'look again: the same command with --plan',
  });
}

/** The newest first: a kept folder's time of change tells when it was renamed. */
export async function listKept(folder: string): Promise<KeptDatabase[]> {
  const [above, name] = [dirname(folder), basename(folder)];
  const names = await readdir(above).catch(() => []);
  const kept = names.filter((one) => one.startsWith(name) && keptEnding.test(one.slice(name.length)));
  const all = await Promise.all(
    kept.map(async (one) => {
      const stats = await lstat(join(above, one)).catch(unlessGone);
      return stats === undefined ? [] : [{ name: one, at: stats.ctimeMs }];
    }),
  );
  const sorted = all.flat().toSorted((a, b) => b.at - a.at);
  return sorted.map(({ name: one, at }) => ({ name: one, since: new Date(at).toISOString() }));
}

const unknownNames = (error: unknown) => [`what nobody can look for: ${messageOf(error)}`];

/** What happens to replaced folders. `excludedIn`: what a folder holds that no backup has; `nightMs`: how old is earlier. */
type Fate = {
  dropOld: boolean;
  proven: boolean;
  excludedIn?(folder: string): Promise<string[]>;
  nightMs?: number;
};

/**
 * Notes about the replaced folder. Drops it if that is asked for. Once the new one is `proven`, also drops what earlier
 * replacements kept before today, unless it holds what no backup has.
 */
export async function fateOfOld(
  folder: string,
  old: string,
  { dropOld, proven, excludedIn = async () => [], nightMs = usualNightMs }: Fate,
): Promise<string[]> {
  const kept = await listKept(folder);
  const since = (one: KeptDatabase | undefined) => Date.parse(one?.since ?? '');
  const now = since(kept.find(({ name }) => name === old));
  const isEarlier = (one: KeptDatabase) => proven && one.name !== old && now - since(one) > nightMs;
  const dropped: string[] = [];
  const notes: string[] = [];
  for (const { name } of kept.filter((one) => dropOld || isEarlier(one))) {
    const excluded = dropOld ? [] : await excludedIn(join(dirname(folder), name)).catch(unknownNames);
    if (excluded.length > 0) notes.push(`${name} holds what exclude leaves out of backups: ${fewNames(excluded)}`);
    else
      await drop(folder, name).then(
        () => dropped.push(name),
        (error: unknown) => notes.push(messageOf(error)),
      );
  }
  const rest = kept.map(({ name }) => name).filter((name) => name !== old && !dropped.includes(name));
  return [
    ...(dropOld ? [] : [`the old folder is kept as ${old}: --undo puts it back, --drop-old drops it`]),
    ...(dropOld || dropped.length === 0 ? [] : [`dropped, as earlier replacements had kept it: ${dropped.join(', ')}`]),
    ...notes,
    ...(rest.length === 0 ? [] : [`kept from before: ${rest.join(', ')}: --drop-old drops what is kept`]),
  ];
}

async function drop(folder: string, name: string): Promise<void> {
  const [held] = await immovable(join(dirname(folder), name));
  if (held !== undefined)
    throw new BackupError('restore-failed', `${name} is not dropped: ${held.what}`, {
      hint: 'move that out of it first',
    });
  return dropTree(join(dirname(folder), name), unfinishedName(hiddenName(folder)));
}
