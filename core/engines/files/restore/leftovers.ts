import { basename } from 'node:path';
import { BackupError, messageOf } from '../../../domain/errors.ts';
import { immovable } from './movable.ts';
import { removeTree } from './remove.ts';

/** Removes what a dead restore left, and says so; or says why it stays, which prevents nothing. */
export async function removeLeft(left: string): Promise<string> {
  const what = `${basename(left)}, which a restore that died had left,`;
  try {
    const [held] = await immovable(left);
    if (held !== undefined) return `${what} stays: ${held.what}`;
    await removeTree(left);
    return `${what} is removed`;
  } catch (error) {
    return `${what} can't be removed: ${messageOf(error)}`;
  }
}

/** The same for a folder whose name is needed now. Throws `restore-failed`. */
export async function dropFresh(fresh: string): Promise<void> {
  const [held] = await immovable(fresh);
  if (held !== undefined)
    throw new BackupError('restore-failed', `${fresh}, of an earlier restore, can't be removed: ${held.what}`, {
      hint: 'move that out of it first',
    });
  await removeTree(fresh);
}
