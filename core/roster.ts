import { isByTag } from './contract/cloud/by-tag.ts';
import { sourceElsewhere } from './contract/config/config.ts';
import type { Config, SourceConfig } from './contract/config/config.ts';
import type { Roster } from './contract/memory/roster.ts';
import { BackupError, isBackupError } from './domain/errors.ts';
import type { SourceName } from './domain/keys.ts';
import type { Store } from './store/store.ts';

/** What the vault knows about the sources found by their tag. `error`: why not all of them are known. */
export type RosterKnown = { roster?: Roster | undefined; error?: BackupError | undefined };

export type SourcesOfRoster = RosterKnown & { sources: ReadonlyMap<SourceName, SourceConfig> };

/**
 * The sources that only the vault knows. If it can't be read, the other sources can still be worked on: the problem is
 * returned as `error`, for whoever watches.
 */
export async function rosterSources(
  config: Config,
  store: Pick<Store, 'readRoster'>,
  signal: AbortSignal,
): Promise<SourcesOfRoster> {
  try {
    const { roster } = await store.readRoster(signal);
    const read = (roster?.sources ?? []).map(({ name, written }) => ({
      name,
      source: sourceElsewhere(written, config),
    }));
    const lost = read.flatMap(({ name, source }) => (source === undefined || !isByTag(name) ? [name] : []));
    const sources = read.flatMap(({ name, source }): [SourceName, SourceConfig][] =>
      source === undefined || lost.includes(name) ? [] : [[name as SourceName, source]],
    );
    return { sources: new Map(sources), roster, ...(lost.length > 0 && { error: unusable(lost) }) };
  } catch (error) {
    if (signal.aborted || !isBackupError(error)) throw error;
    return { sources: new Map(), error };
  }
}

function unusable(names: readonly string[]): BackupError {
  return new BackupError('vault-failed', `what roster.json says of ${names.join(', ')} can't be used here`);
}
