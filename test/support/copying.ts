import { copyBackup } from '../../core/commands/copy.ts';
import type { CopiedBackup } from '../../core/commands/copy.ts';
import type { BackupId } from '../../core/domain/keys.ts';
import { openStore } from '../../core/store/store.ts';
import type { Vault } from '../../core/vault.ts';
import type { MemoryState } from './vaults/memory-vault.ts';
import { shop } from './vaults/seen.ts';

/** Copies one backup of the source `shop` from vault to vault; who held a lease before is known to be gone. */
export function copying(
  id: BackupId,
  from: Vault,
  to: Vault,
  signal: AbortSignal = AbortSignal.timeout(60_000),
): Promise<CopiedBackup> {
  return copyBackup(
    shop,
    id,
    {
      from: openStore(from),
      to: openStore(to),
      clock: { now: () => new Date('2026-11-29T12:00:00Z') },
      identity: { run: 'copy', holder: 'host', isGone: () => true },
      report: () => undefined,
    },
    signal,
  );
}

/** What lies below a backup's place, with its bytes, in plain words. */
export function bytesOf({ objects }: MemoryState, id: BackupId): Record<string, string> {
  const own = [...objects].filter(([key]) => key.startsWith(`shop/${id}/`));
  return Object.fromEntries(own.map(([key, { body }]) => [key, Buffer.from(body).toString('hex')]));
}
