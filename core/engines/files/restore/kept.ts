import { lstat, readdir, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BackupError } from '../../../domain/errors.ts';
import type { KeptDatabase, Replaced } from '../../../ports.ts';
import { unlessGone } from '../paths.ts';
import { removeTree } from './remove.ts';

/** How a folder is called that was replaced by this backup. `.swap`: an exchange died that was putting it back. */
const keptEnding = /^\.before_\d{8}T\d{6}Z-[0-9a-f]{6}(\.swap)?$/;
const nightMs = 20 * 3_600_000;

export function keptName(name: string, id: string): string {
  return `${name}.before_${id}`;
}

/** The folders that replacements of one have kept beside it. */
export function replacedFolders(folder: string): Replaced {
  const [above, name] = [dirname(folder), basename(folder)];
  const pathOf = (kept: Pick<KeptDatabase, 'name'>) => join(above, kept.name);
  return {
    list: () => listKept(folder),
    findings: async () => [],
    async swapBack(kept) {
      const aside = `${pathOf(kept)}.swap`;
      const isThere = (await lstat(folder).catch(unlessGone)) !== undefined;
      if (isThere) await rename(folder, aside);
      await rename(pathOf(kept), folder).catch(async (cause: unknown) => {
        if (isThere) await rename(aside, folder);
        throw new BackupError('restore-failed', `${pathOf(kept)} can't be put back as ${name}`, { cause });
      });
      if (isThere) await rename(aside, pathOf(kept));
      return isThere ? kept.name : undefined;
    },
    drop: (kept) => removeTree(pathOf(kept)),
  };
}

/** The newest first. A folder is renamed when it is kept, which its time of change tells. */
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

/**
 * What became of the folder that was replaced, for people. Drops it where that is asked for, and what earlier
 * replacements have kept before today where this one is `proven`.
 */
export async function fateOfOld(
  folder: string,
  old: string,
  { dropOld, proven }: { dropOld: boolean; proven: boolean },
): Promise<string[]> {
  const kept = await listKept(folder);
  const since = (one: KeptDatabase | undefined) => Date.parse(one?.since ?? '');
  const now = since(kept.find(({ name }) => name === old));
  const isDropped = (one: KeptDatabase) => dropOld || (proven && one.name !== old && now - since(one) > nightMs);
  const dropped = kept.filter(isDropped);
  for (const one of dropped) await removeTree(join(dirname(folder), one.name));
  const rest = kept.filter((one) => !isDropped(one) && one.name !== old).map(({ name }) => name);
  return [
    ...(dropOld ? [] : [`the old folder is kept as ${old}: --undo puts it back, --drop-old drops it`]),
    ...(dropOld || dropped.length === 0 ? [] : [`dropped, as earlier replacements had kept it: ${namesOf(dropped)}`]),
    ...(rest.length === 0 ? [] : [`kept from before: ${rest.join(', ')}: --drop-old drops what is kept`]),
  ];
}

function namesOf(kept: readonly KeptDatabase[]): string {
  return kept.map(({ name }) => name).join(', ');
}
