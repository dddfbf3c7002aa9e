import type { SourceConfig } from '../../contract/config/config.ts';
import { factsOf } from '../../contract/config/sources/source-facts.ts';
import { BackupError } from '../../domain/errors.ts';
import type { SourceName } from '../../domain/keys.ts';
import { highestRank, rankToName } from '../../domain/rank.ts';
import type { Rank } from '../../domain/rank.ts';
import { isLoopback } from '../../domain/tools/image-reference.ts';
import { plainHost } from '../../domain/watch/account.ts';

/**
 * `of`: the source of the backup; `server`: the source whose server is written to; `into`: the rank that the person
 * named.
 */
export type RankAsked = { of: string; server: string; replace: boolean; isInPlace: boolean; into?: Rank | undefined };
type RankedSources = { sourceNames: readonly SourceName[]; settings(name: string): SourceConfig };

/**
 * The rank that the person still has to name before this restore; undefined if none is needed, or it was named. Throws
 * `input-invalid` if the named rank is not that of the server.
 */
export function rankNotNamed(
  { of, server, replace, isInPlace, into }: RankAsked,
  { sourceNames, settings }: RankedSources,
): Rank | undefined {
  const rankOf = (name: string) => (sourceNames.some((known) => known === name) ? settings(name).rank : undefined);
  const places = placesOf(settings(server));
  const neighbours = isInPlace
    ? [server]
    : sourceNames.filter((name) => name === server || !places.isDisjointFrom(placesOf(settings(name))));
  const onto = highestRank(neighbours.map(rankOf));
  if (into !== undefined && into !== onto) throw otherRank(server, into, onto);
  const needed = rankToName({ from: rankOf(of), onto, isBeside: of === server && !replace, isInPlace });
  return into === undefined ? needed : undefined;
}

/** The error where nobody can be asked for the rank. */
export function rankMissing(server: string, rank: Rank): BackupError {
  return new BackupError('input-invalid', `the server of ${server} is ${rank}, and nobody has said that it is meant`, {
    hint: `if it is: --into ${rank}`,
  });
}

function otherRank(server: string, into: Rank, onto: Rank | undefined): BackupError {
  const found = onto === undefined ? 'has no rank in the configuration' : `is ${onto}`;
  return new BackupError('input-invalid', `--into ${into}: the server of ${server} ${found}`, {
    hint: 'nothing was written; name the server and the rank that you mean',
  });
}

/**
 * The server that a source is read from, and those that functions may restore it on. Folders and files of one machine
 * are on one server: a path given to `--to` may lead to each of them, by links too.
 */
function placesOf(source: SourceConfig): Set<string> {
  const { server, fileSystem, isPath } = factsOf(source);
  if (server === undefined) return new Set(isPath === undefined ? [] : [fileSystem?.accessPoint ?? 'this machine']);
  const hosts = [server.host, source.cloud.restoreHost ?? []].flat().flatMap((host) => host.split(','));
  return new Set(hosts.map((host) => `${isLoopback(host) ? 'localhost' : plainHost(host)}:${server.port}`));
}
