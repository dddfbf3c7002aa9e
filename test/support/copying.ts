import { copyBackup, copyMissing } from '../../core/commands/copy.ts';
import type { CopiedBackup, CopiedSource } from '../../core/commands/copy.ts';
import type { BackupId } from '../../core/domain/keys.ts';
import { openStore } from '../../core/store/store.ts';
import type { Vault } from '../../core/vault.ts';
import type { MemoryState } from './vaults/memory-vault.ts';
import { shop, watching } from './vaults/seen.ts';

/** Copies one backup of the source `shop` from vault to vault; any earlier holder of a lease counts as dead. */
export function copying(
  id: BackupId,
  from: Vault,
  to: Vault,
  signal: AbortSignal = AbortSignal.timeout(60_000),
): Promise<CopiedBackup> {
  return copyBackup(shop, id, depsOf(from, to), signal);
}

/** Copies to a further vault everything that it should have of the source `shop`: as many as its retention counts. */
export function copyingAll(
  from: Vault,
  to: Vault,
  count = 10,
  signal: AbortSignal = AbortSignal.timeout(60_000),
): Promise<CopiedSource> {
  const retention = { count };
  const memory = { shrink: watching().watch.shrink, timeZone: 'UTC', retention };
  return copyMissing(shop, { memory, retention }, depsOf(from, to), signal);
}

function depsOf(from: Vault, to: Vault) {
  return {
    from: openStore(from),
    to: openStore(to),
    clock: { now: () => new Date('2026-11-29T12:00:00Z') },
    identity: { run: 'copy', holder: 'host', isGone: () => true },
    report: () => undefined,
  };
}

/** The objects of a backup with their bytes, as plain text. */
export function bytesOf({ objects }: MemoryState, id: BackupId): Record<string, string> {
  const own = [...objects].filter(([key]) => key.startsWith(`shop/${id}/`));
  return Object.fromEntries(own.map(([key, { body }]) => [key, Buffer.from(body).toString('hex')]));
}
