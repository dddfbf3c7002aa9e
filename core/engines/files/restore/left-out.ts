import { messageOf } from '../../../domain/errors.ts';
import { fewNames } from '../../../domain/lines.ts';
import type { RestoreFinding } from '../../../ports.ts';
import { pathText } from '../names.ts';
import { walk } from '../plan/walk.ts';

/** `old`: the name under which the folder will be kept; `excludes`: what its backups leave out, as in a walk. */
type Replacing = { old: string; dropOld: boolean; excludes(path: string): boolean };

/**
 * What a replacement takes out of a folder although no backup has it. To drop that, too, is refused: there may be no
 * other copy.
 */
export async function leftOut(
  folder: string,
  { old, dropOld, excludes }: Replacing,
  signal: AbortSignal,
): Promise<RestoreFinding[]> {
  const names = await excludedIn(folder, excludes, signal).catch((error: unknown) => {
    if (signal.aborted) throw error;
    return !dropOld ? [] : [`what nobody can look for: ${messageOf(error)}`];
  });
  if (names.length === 0) return [];
  const what = `exclude leaves out of backups what is there now: ${fewNames(names)}`;
  return dropOld
    ? [
        {
          weight: 'fails',
          what: `${what}; --drop-old would remove it`,
          remedy: `leave out --drop-old: ${old} keeps it`,
        },
      ]
    : [{ weight: 'note', what: `${what}; it will not be in the new folder, but in ${old}` }];
}

/** The names in a folder that its backups leave out. Throws if it can't be walked through. */
export async function excludedIn(
  folder: string,
  excludes: Replacing['excludes'],
  signal: AbortSignal,
): Promise<string[]> {
  const names: string[] = [];
  function noting(path: string): boolean {
    const isExcluded = excludes(path);
    if (isExcluded) names.push(pathText(path));
    return isExcluded;
  }
  await walk(folder, { excludes: noting, isSecret: () => false, oneFileSystem: false }, signal);
  return names.toSorted();
}
