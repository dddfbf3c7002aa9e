import { BackupError } from '../../../domain/errors.ts';
import type { ObjectKey } from '../../../domain/keys.ts';
import type { ByteStream } from '../../../ports.ts';
import type { Versioned } from '../../../vault.ts';
import { answered, codeOf } from '../errors.ts';
import { currentFile } from '../older.ts';
import { openFile, readSmall } from '../open.ts';
import { pathOf, requireVault, type FolderPlace } from '../place.ts';
import { versionOf } from '../replace.ts';

const chunkBytes = 512 * 1024;
/** There is no file, or (ESTALE) another machine has just replaced it on a share. */
const missing = ['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ESTALE'];

/** An object's bytes. Throws `object-missing`, and `vault-failed` if the file becomes shorter while it is read. */
export async function* readFolder(place: FolderPlace, key: ObjectKey, signal: AbortSignal): ByteStream {
  const what = `read ${place.root}/${key}`;
  const opening = reading(place, what, async () => {
    const target = await pathOf(place, key);
    return openFile(await currentFile(place, key, target));
  });
  const handle = await answered(what, opening, signal).catch((error: unknown) => {
    // given up while the disk was still opening it
    void opening.then(
      (late) => late.close(),
      () => undefined,
    );
    throw error;
  });
  try {
    const { size } = await answered(what, handle.stat(), signal);
    for (let at = 0; at < size; ) {
      const block = Buffer.allocUnsafeSlow(Math.min(chunkBytes, size - at));
      const { bytesRead } = await answered(what, handle.read(block, 0, block.length, at), signal);
      if (bytesRead === 0) throw new BackupError('vault-failed', `${what}: the file ended at ${at} of ${size} bytes`);
      at += bytesRead;
      yield block.subarray(0, bytesRead);
    }
  } finally {
    await handle.close().catch(() => undefined);
  }
}

/** A small object and its version. Throws `object-missing`. */
export async function readVersion(place: FolderPlace, key: ObjectKey, signal: AbortSignal): Promise<Versioned> {
  const what = `read ${place.root}/${key}`;
  const work = reading(place, what, async () => {
    const target = await pathOf(place, key);
    const { body } = await readSmall(await currentFile(place, key, target));
    return { body, version: versionOf(body) };
  });
  return answered(what, work, signal);
}

/** Tries again if the file was replaced before it could be read. */
async function reading<T>(place: FolderPlace, what: string, attempt: () => Promise<T>): Promise<T> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!missing.includes(codeOf(error) ?? '')) throw error;
      await requireVault(place);
      if (attempts === 3) throw new BackupError('object-missing', `${what}: there is no such object`, { cause: error });
    }
  }
}
