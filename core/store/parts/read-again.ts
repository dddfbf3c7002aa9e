import type { ManifestPart } from '../../contract/manifest/manifest.ts';
import { BackupError, isBackupError } from '../../domain/errors.ts';
import { summed } from '../../pipeline/sum.ts';
import type { ByteStream } from '../../ports.ts';
import type { Vault } from '../../vault.ts';
import { openPart, partPlace, readStored } from './reading.ts';
import type { BackupName } from './reading.ts';

/** A part of a backup. `inspect` lets its content pass and throws `part-corrupt` where it holds what it may not. */
export type PartOfBackup = {
  backup: BackupName;
  part: ManifestPart;
  inspect?: ((content: ByteStream) => ByteStream) | undefined;
};

/**
 * Reads a part again that was read wrongly: memory, a proxy or the network may have changed it on its way, and a backup
 * is not to be called damaged for that. Returns where it is whole now. Throws `part-corrupt` where two readings gave
 * the same bytes, which are not those of the manifest, and `vault-failed` where they differ. Costs one more reading, of
 * a damaged part two.
 */
export async function requireWhole(
  vault: Vault,
  damage: BackupError,
  { backup, part, inspect }: PartOfBackup,
  signal: AbortSignal,
): Promise<void> {
  const first = await digestOf(readStored(vault, backup, part, signal));
  if (first === digestIn(part)) {
    const content = openPart(vault, backup, part, signal);
    await digestOf(inspect === undefined ? content : inspect(content));
    return;
  }
  const second = await digestOf(readStored(vault, backup, part, signal));
  if (second === digestIn(part)) return;
  if (first === second) throw damage;
  throw readsDifferently(partPlace(vault, backup, part), damage);
}

/** No judgement of what is stored there can be had. */
export function readsDifferently(name: string, cause: BackupError): BackupError {
  return new BackupError('vault-failed', `${name} reads differently each time`, {
    hint: 'something on the way from the vault changes data: memory, disk, proxy or network',
    cause,
  });
}

/**
 * What to throw for a failed reading after which something can't be taken back: that it can be tried again, where the
 * part proves whole.
 */
export async function afterReadingAgain(
  vault: Vault,
  error: unknown,
  read: PartOfBackup,
  signal: AbortSignal,
): Promise<unknown> {
  if (signal.aborted || !isBackupError(error, 'part-corrupt')) return error;
  try {
    await requireWhole(vault, error, read, signal);
  } catch (known) {
    return known;
  }
  return new BackupError(
    'vault-failed',
    `${partPlace(vault, read.backup, read.part)} was changed on its way: read again, it is whole`,
    { hint: 'run it again', cause: error },
  );
}

function digestIn({ storedBytes, sha256 }: ManifestPart): string {
  return `${storedBytes} ${sha256}`;
}

async function digestOf(content: ByteStream): Promise<string> {
  const { stream, sum } = summed(content);
  for await (const _ of stream) continue;
  return `${sum.bytes} ${sum.sha256()}`;
}
