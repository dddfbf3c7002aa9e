import { createHash } from 'node:crypto';
import { access, constants, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf } from '../domain/errors.ts';
import { isBackupId } from '../domain/keys.ts';
import type { BackupId, SourceName } from '../domain/keys.ts';
import type { ListKey, ListKeys } from '../ports.ts';

/** Two keys take 400 bytes, also post-quantum ones. */
const largestFile = 64 * 1024;
const line = /^(\S+) ([0-9a-f]{64}) (AGE-SECRET-KEY-\S+)$/;

/**
 * Keys to lists in a folder of this machine: one file per source and vault, one key per line: `<id> <SHA-256 of the
 * manifest> AGE-SECRET-KEY-…`. The file's name ends like those of private keys, so that no unencrypted backup of the
 * folder includes it (docs/files.md).
 */
export function listKeysIn(folderOf: () => Promise<string>, vault: string): ListKeys {
  const fileFor = async (source: SourceName) => {
    const name = createHash('sha256').update(`${vault}\n${source}`).digest('hex').slice(0, 32);
    return join(await folderOf(), `${name}.key`);
  };
  return {
    async read(source) {
      try {
        const file = await fileFor(source);
        const place = dirname(file);
        await requireOwnFolder(place);
        return { place, keys: keysIn(await textOf(file)) };
      } catch (error) {
        return { why: messageOf(error) };
      }
    },
    async keep(source, keys) {
      const file = await fileFor(source);
      await replace(file, keys.map(({ id, manifest, identity }) => `${id} ${manifest} ${identity}\n`).join(''));
    },
  };
}

/**
 * Makes the folder. Throws if others may replace files in it, because a key says which backup is compared with. Root may
 * use the folder of the user who runs its timer.
 */
async function requireOwnFolder(place: string): Promise<void> {
  try {
    await mkdir(place, { recursive: true, mode: 0o700 });
    await access(place, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw plainly(place, error);
  }
  const { uid, mode } = await stat(place);
  const own = process.getuid?.() ?? uid;
  if (own !== 0 && uid !== own) throw new Error(`the folder ${place} belongs to user ${uid}, and this is user ${own}`);
  if ((mode & 0o022) !== 0)
    throw new Error(`others may write to the folder ${place}: its mode is ${(mode & 0o7777).toString(8)}`);
}

/** Node says ENOENT if folders can't be made on a read-only disk. */
export function plainly(place: string, error: unknown): unknown {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (['EROFS', 'ENOENT'].includes(code)) return new Error(`the folder ${place} is on a disk that may only be read`);
  return code === 'EACCES' ? new Error(`this user may not write to the folder ${place}`) : error;
}

/** Ignores lines that are not ours: a lost key only costs a full backup. */
function keysIn(text: string): ListKey[] {
  return text.split('\n').flatMap((one) => {
    const [, id, manifest, identity] = line.exec(one) ?? [];
    return id !== undefined && isBackupId(id) ? [{ id: id as BackupId, manifest: manifest!, identity: identity! }] : [];
  });
}

async function textOf(file: string): Promise<string> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(absent);
  if (handle === undefined) return '';
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(largestFile), 0, largestFile, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

/**
 * Leaves the old file or the new one, whole, whatever happens. Only one run works on a source, so one temporary name is
 * enough.
 */
async function replace(file: string, text: string): Promise<void> {
  const beside = `${file.slice(0, -'.key'.length)}.new.key`;
  await rm(beside, { force: true });
  try {
    const handle = await open(beside, 'wx', 0o600);
    try {
      // a file written by root must be readable by the owner of the folder, whose timer runs later
      const { uid, gid } = await stat(dirname(file));
      if (process.getuid?.() === 0) await handle.chown(uid, gid);
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined);
    throw error;
  }
  const folder = await open(dirname(file), 'r');
  // some file systems can't; a lost file only costs a full backup
  await folder.sync().catch(() => undefined);
  await folder.close();
}

/** A file of another user does not count, and is replaced. */
function absent(error: unknown): undefined {
  if (!['ENOENT', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
}
