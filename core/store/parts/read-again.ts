import type { ManifestPart } from '../../contract/manifest/manifest.ts';
import { BackupError, isBackupError } from '../../domain/errors.ts';
import { summed } from '../../pipeline/sum.ts';
import type { ByteStream, Report } from '../../ports.ts';
import { keyOfPart, openPart, openStored, partPlace, readStored } from './reading.ts';
import type { BackupName, PartOpening } from './reading.ts';

/**
 * A part of a backup. `inspect` passes its content on, and throws `part-corrupt` for content that the part may not
 * have.
 */
export type PartOfBackup = {
  backup: BackupName;
  part: ManifestPart;
  inspect?: ((content: ByteStream) => ByteStream) | undefined;
  /** Nobody here has its key: only its stored bytes are checked. */
  sealed?: boolean;
};

/**
 * Reads a part's content to its end; if only the transfer was at fault, reports that and reads it once more. Throws
 * `part-corrupt` if the part is damaged, and `vault-failed` if it reads differently each time.
 */
export async function readWhole<T>(
  opening: PartOpening,
  read: PartOfBackup,
  reading: (content: ByteStream) => Promise<T>,
  report: Report,
  signal: AbortSignal,
): Promise<T> {
  const place = partPlace(opening.vault, read.backup, read.part);
  const content = (): ByteStream => contentOf(opening, read, signal);
  try {
    return await reading(content());
  } catch (error) {
    if (!isBackupError(error, 'part-corrupt')) throw error;
    await requireWhole(opening, error, read, signal);
    report({ type: 'warning', message: `${place} was changed on its way: read again, it is whole` });
    return reading(content()).catch((again: unknown) => {
      throw isBackupError(again, 'part-corrupt') ? readsDifferently(place, again) : again;
    });
  }
}

/**
 * Reads a part again that seemed damaged, because memory, a proxy or the network may have changed it on its way.
 * Returns if it is whole now. Throws `part-corrupt` if two readings gave the same wrong bytes, and `vault-failed` if
 * they differ. Costs one more reading, or two for a damaged part.
 */
async function requireWhole(
  opening: PartOpening,
  damage: BackupError,
  read: PartOfBackup,
  signal: AbortSignal,
): Promise<void> {
  const { vault } = opening;
  const { backup, part } = read;
  const first = await digestOf(readStored(vault, backup, part, signal));
  if (first === digestIn(part)) {
    await digestOf(contentOf(opening, read, signal)).catch((error: unknown) => {
      if (isBackupError(error, 'part-corrupt')) opening.damaged?.add(keyOfPart(backup, part));
      throw error;
    });
    return;
  }
  const second = await digestOf(readStored(vault, backup, part, signal));
  if (second === digestIn(part)) return;
  if (first === second) {
    opening.damaged?.add(keyOfPart(backup, part));
    throw damage;
  }
  throw readsDifferently(partPlace(vault, backup, part), damage);
}

/** The error when the stored bytes can't be judged. */
function readsDifferently(name: string, cause: BackupError): BackupError {
  return new BackupError('vault-failed', `${name} reads differently each time`, {
    hint: 'something on the way from the vault changes data: memory, disk, proxy or network',
    cause,
  });
}

/** The error after a reading failed in work that can't be undone: if the part proves whole, it says to try again. */
export async function afterReadingAgain(
  opening: PartOpening,
  error: unknown,
  read: PartOfBackup,
  signal: AbortSignal,
): Promise<unknown> {
  if (signal.aborted || !isBackupError(error, 'part-corrupt')) return error;
  try {
    await requireWhole(opening, error, read, signal);
  } catch (known) {
    return known;
  }
  return new BackupError(
    'vault-failed',
    `${partPlace(opening.vault, read.backup, read.part)} was changed on its way: read again, it is whole`,
    { hint: 'run it again', cause: error },
  );
}

function contentOf(
  opening: PartOpening,
  { backup, part, inspect, sealed }: PartOfBackup,
  signal: AbortSignal,
): ByteStream {
  if (sealed === true) return openStored(opening.vault, backup, part, signal);
  const content = openPart(opening, backup, part, signal);
  return inspect === undefined ? content : inspect(content);
}

function digestIn({ storedBytes, sha256 }: ManifestPart): string {
  return `${storedBytes} ${sha256}`;
}

async function digestOf(content: ByteStream): Promise<string> {
  const { stream, sum } = summed(content);
  for await (const _ of stream) continue;
  return `${sum.bytes} ${sum.sha256()}`;
}
