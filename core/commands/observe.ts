import type { Manifest } from '../contract/manifest.ts';
import { isBackupError } from '../domain/errors.ts';
import type { Measure } from '../domain/anomaly.ts';
import type { Seen } from '../domain/freshness.ts';
import { historiesOf } from '../domain/history.ts';
import type { SourceHistory } from '../domain/history.ts';
import type { BackupId, SourceName } from '../domain/keys.ts';
import type { Listed, Vault } from '../ports.ts';
import { atOnce } from './at-once.ts';
import { findManifest } from './list.ts';

/** So many of the newest manifests tell what is usual: two weeks of days, or what rotation keeps of a year. */
const manifestsRead = 15;
const readsAtOnce = 4;

/** What a listing of these prefixes shows, source by source; `''` is everything. */
export async function listHistories(prefixes: readonly string[], vault: Vault, signal: AbortSignal): Promise<Map<SourceName, SourceHistory>> {
  const listed: Listed[] = [];
  for (const prefix of prefixes) for await (const found of vault.list(prefix, signal)) listed.push(found);
  return historiesOf(listed);
}

/** Reads the newest manifests of a source. One that can't be understood is said; one that rotation has just removed is not there. Throws where the vault can't be read. */
export async function observe(history: SourceHistory, vault: Vault, signal: AbortSignal): Promise<Seen> {
  const newest = history.backups.slice(-manifestsRead).map(({ id }) => id);
  const read = await atOnce(readsAtOnce, newest, (id, stop) => readOne(history.source, id, vault, stop), signal);
  const gone = new Set(read.flatMap((one) => ('gone' in one ? [one.gone] : [])));
  return {
    history: gone.size === 0 ? history : { ...history, backups: history.backups.filter(({ id }) => !gone.has(id)) },
    measures: read.flatMap((one) => ('measure' in one ? [one.measure] : [])),
    unreadable: read.flatMap((one) => ('unreadable' in one ? [one.unreadable] : [])),
  };
}

type Read = { measure: Measure } | { unreadable: { id: BackupId; why: string } } | { gone: BackupId };

async function readOne(source: SourceName, id: BackupId, vault: Vault, signal: AbortSignal): Promise<Read> {
  try {
    return { measure: measureOf(id, await findManifest(source, id, vault, signal)) };
  } catch (error) {
    if (isBackupError(error, 'backup-missing')) return { gone: id };
    if (isBackupError(error, 'manifest-invalid')) return { unreadable: { id, why: error.message } };
    throw error;
  }
}

function measureOf(id: BackupId, { tables, parts, start, end }: Manifest): Measure {
  return {
    id,
    rows: tables.reduce((sum, { rows }) => sum + rows, 0),
    bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
    ms: Math.max(0, Date.parse(end) - Date.parse(start)),
  };
}
