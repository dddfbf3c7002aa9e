import { chown, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BackupError, messageOf } from '../../../domain/errors.ts';
import type { RestoreFinding } from '../../../ports.ts';

type Owner = { uid: number; gid: number };

const remedy = 'run it as root, or let the new file belong to you: --no-owner';
/** New files in such a folder get its group. */
const setGroup = 0o2000;

/** Findings if a new file could not be given to the owner of the one it replaces. */
export async function ownerFindings(path: string, place: string): Promise<RestoreFinding[]> {
  const { uid, gid } = await stat(path);
  const { getuid, getgid, getgroups } = process;
  if (getuid?.() === 0) return [];
  const folder = await stat(dirname(path));
  const groups = [getgid?.(), ...(getgroups?.() ?? []), ...(folder.mode & setGroup ? [folder.gid] : [])];
  if (uid === getuid?.() && groups.includes(gid)) return [];
  const what = `${place} belongs to ${uid}:${gid}, to whom we can't give the new file`;
  return [{ weight: 'fails', code: 'privilege-missing', what, remedy }];
}

/** Throws `privilege-missing` if a file that `must` change its owner can't. */
export async function giveTo(path: string, { uid, gid }: Owner, must: boolean): Promise<void> {
  const now = await stat(path);
  if (now.uid === uid && now.gid === gid) return;
  await chown(path, uid, gid).catch((cause: unknown) => {
    if (!must) return;
    const what = `${path} can't be given to ${uid}:${gid}: ${messageOf(cause)}`;
    throw new BackupError('privilege-missing', what, { hint: remedy, cause });
  });
}
