import { createHash } from 'node:crypto';
import { manifestSchema } from '../../../core/contract/manifest/manifest.ts';
import { newBackupId } from '../../../core/domain/keys.ts';
import { manifestKey, partKey } from '../../../core/domain/layout/places.ts';
import type { BackupId, SourceName } from '../../../core/domain/keys.ts';
import type { Vault } from '../../../core/vault.ts';

/**
 * `tables` has the rows of each; without, all `rows` are of one. `dates` are what the manifest says, where it is not
 * the truth.
 */
export type StoredBackup = {
  rows?: number;
  seconds?: number;
  tables?: Record<string, number>;
  bytes?: number;
  parts?: number;
  engine?: string;
  database?: string;
  identity?: string;
  random?: number;
  dates?: { start: Date; end: Date };
  /** Whether it was somebody else's dump. */
  adopted?: boolean;
};

const content = Buffer.from('rows');
const sha256 = createHash('sha256').update(content).digest('hex');

/**
 * Puts a complete backup of this moment into a vault, as a run would have left it; its parts hold nothing that could be
 * restored.
 */
export async function storeBackup(
  vault: Vault,
  source: string,
  start: Date,
  options: StoredBackup = {},
): Promise<BackupId> {
  const {
    rows = 1000,
    seconds = 60,
    tables = { orders: rows },
    parts = 1,
    engine = 'postgres',
    database = source,
    identity,
    random = 0.5,
    dates,
    adopted = false,
  } = options;
  const name = source as SourceName;
  const id = newBackupId(start, random);
  const signal = AbortSignal.timeout(30_000);
  const all = Object.values(tables).reduce((sum, one) => sum + one, 0);
  const files = Array.from({ length: parts }, (_, index) => `data/000${index + 1}.sql.zst`);
  const { start: began, end } = dates ?? { start, end: new Date(start.getTime() + seconds * 1000) };
  const manifest = manifestSchema.parse({
    format: 1,
    id,
    source,
    engine,
    database,
    server: { product: 'PostgreSQL', version: '18.1', ...(identity !== undefined && { identity }) },
    client: { program: 'pg_dump', version: '18.1' },
    nightjar: 'test',
    run: 'test',
    start: began.toISOString(),
    end: end.toISOString(),
    timeZone: 'UTC',
    tiers: ['last'],
    compression: { method: 'zstd', level: 1 },
    encryption: null,
    parts: files.map((file, index) => ({
      role: 'data',
      file,
      bytes: index === 0 ? (options.bytes ?? all * 100) : 0,
      storedBytes: content.length,
      sha256,
      rows: all,
    })),
    tables: Object.entries(tables).map(([table, count]) => ({
      table,
      columns: '(id)',
      rows: count,
      fingerprint: '0'.repeat(16),
    })),
    sequences: {},
    objects: {},
    ...(adopted && {
      adopted: { file: 'shop.sql.gz', sha256, bytes: 4, by: 'ann@desk', at: '2026-11-20T11:00:00.000Z' },
    }),
    warnings: [],
    restore: [],
  });
  for (const file of files) await vault.putIfAbsent(partKey(name, id, file), content, {}, signal);
  await vault.putIfAbsent(manifestKey(name, id), Buffer.from(JSON.stringify(manifest)), {}, signal);
  return id;
}
