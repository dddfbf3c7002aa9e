import type { BackupId, SourceName } from '../domain/keys.ts';
import type { Clock, Identity, Report } from '../ports.ts';
import type { Received } from '../store/copying/receive.ts';
import type { Store } from '../store/store.ts';

/** Two vaults, and who works on them. */
export type CopyDeps = { from: Store; to: Store; clock: Clock; identity: Identity; report: Report };

/** A backup that is in another vault now, too. */
export type CopiedBackup = { source: SourceName; id: BackupId; place: string } & Received;

/**
 * Has one backup in another vault, too, under the lease that its source has there, so that no rotation sweeps what is
 * half brought. Throws as `receiveBackup` and `readManifest` do, and `lease-held`.
 */
export function copyBackup(
  source: SourceName,
  id: BackupId,
  { from, to, ...deps }: CopyDeps,
  signal: AbortSignal,
): Promise<CopiedBackup> {
  return to.withLease(
    source,
    deps,
    async (held, confirm) => {
      const stored = await from.storedBackup(source, id, held);
      const { parts } = stored.manifest;
      const totalBytes = parts.reduce((sum, part) => sum + part.storedBytes, 0);
      deps.report({ type: 'planned', source, id, what: `into ${to.place}`, totalBytes, parts: parts.length });
      const received = await to.receiveBackup(stored, { report: deps.report, confirm }, held);
      return { source, id, place: to.place, ...received };
    },
    signal,
  );
}
