import { globalsSourceName } from '../../core/contract/config/sources/whole-servers.ts';
import { startOf } from '../../core/domain/keys.ts';
import type { SourceName } from '../../core/domain/keys.ts';
import { mapConcurrently } from '../../core/pipeline/concurrency.ts';
import type { SourceHistory } from '../../core/domain/verdict/history.ts';
import type { Invocation } from './host.ts';
import { ofRun } from './identity.ts';

const listedAtOnce = 8;

/** The databases of a whole server, including those that are gone; its roles have schedules of their own. */
export function everDatabases(server: SourceName, { onServer }: Pick<Invocation, 'onServer'>): SourceName[] {
  return onServer(server).filter((name) => name !== globalsSourceName(server));
}

/** Those that existed at the last look. */
export function databasesThere(server: SourceName, nightjar: Pick<Invocation, 'onServer' | 'settings'>): SourceName[] {
  return everDatabases(server, nightjar).filter((name) => nightjar.settings(name).gone === undefined);
}

/** What the vault has of each, in the same order. */
export function listedEach(
  sources: readonly SourceName[],
  { store }: Pick<Invocation, 'store'>,
  signal: AbortSignal,
): Promise<SourceHistory[]> {
  return mapConcurrently(listedAtOnce, sources, (source, stop) => store.listSource(source, stop), signal);
}

/**
 * The order in which databases are backed up: those not tried for longest first, so that one that ends the function, or
 * takes all its time, does not block the same others every night. Last come those that an earlier attempt at this
 * request has begun, because one of them may have ended it.
 */
export function turnsOf(
  listed: readonly Pick<SourceHistory, 'source' | 'starts' | 'failures' | 'backups'>[],
  { runOf }: { runOf(source: SourceName): string },
): SourceName[] {
  const turns = listed.map(({ source, starts, failures, backups }) => ({
    source,
    isBegun: [...starts, ...failures].some(({ run }) => run === runOf(source)),
    last: Math.max(
      0,
      ...[...starts, ...backups].map(({ id }) => startOf(id).getTime()),
      ...failures.map(({ at }) => at.getTime()),
    ),
  }));
  return turns.toSorted((a, b) => Number(a.isBegun) - Number(b.isBegun) || a.last - b.last).map(({ source }) => source);
}

/**
 * The same turns, starting from another one each time: the vault does not remember attempts at this work, and one that
 * takes all the time, or ends the function, would always block the same others.
 */
export function fromAnother<T>(turns: readonly T[], now: Date): T[] {
  const first = Math.floor(ofRun(now.toISOString()) * turns.length);
  return [...turns.slice(first), ...turns.slice(0, first)];
}
