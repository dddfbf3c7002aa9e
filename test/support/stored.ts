import { manifestSchema } from '../../core/contract/manifest.ts';
import { manifestKey, newBackupId, partKey } from '../../core/domain/keys.ts';
import type { BackupId, SourceName } from '../../core/domain/keys.ts';
import type { Vault } from '../../core/ports.ts';

export type StoredBackup = { rows?: number; seconds?: number };

/** Puts a complete backup of this moment into a vault, as a run would have left it; its only part holds nothing that could be restored. */
export async function storeBackup(vault: Vault, source: string, start: Date, { rows = 1000, seconds = 60 }: StoredBackup = {}): Promise<BackupId> {
  const name = source as SourceName;
  const id = newBackupId(start, 0.5);
  const signal = AbortSignal.timeout(30_000);
  const content = Buffer.from('rows');
  const manifest = manifestSchema.parse({
    format: 1, id, source, engine: 'postgres', database: source, server: { product: 'PostgreSQL', version: '18.1' }, client: { program: 'pg_dump', version: '18.1' }, nightjar: 'test', run: 'test',
    start: start.toISOString(), end: new Date(start.getTime() + seconds * 1000).toISOString(), timeZone: 'UTC', tiers: ['last'], compression: { method: 'zstd', level: 1 }, encryption: null,
    parts: [{ role: 'data', file: 'data/0001.sql.zst', bytes: rows * 100, storedBytes: content.length, sha256: '0'.repeat(64), rows }],
    tables: [{ table: 'orders', columns: '(id)', rows, fingerprint: '0'.repeat(16) }],
    sequences: {}, objects: {}, warnings: [], restore: [],
  });
  await vault.putIfAbsent(partKey(name, id, 'data/0001.sql.zst'), content, {}, signal);
  await vault.putIfAbsent(manifestKey(name, id), Buffer.from(JSON.stringify(manifest)), {}, signal);
  return id;
}
