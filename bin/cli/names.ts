import { resolve } from 'node:path';
import { factsOf } from '../../core/contract/config/sources/source-facts.ts';
import type { Nightjar } from '../../core/compose.ts';
import { BackupError } from '../../core/domain/errors.ts';
import type { SourceName } from '../../core/domain/keys.ts';
import type { SourceRules } from '../../core/domain/verdict/verdict.ts';
import { listLost, memoryOf } from '../../core/survey/watched.ts';
import type { CommandSession } from './session.ts';
import { fewNames } from '../../core/domain/lines.ts';
import { word } from '../../core/domain/messages/text.ts';
import { suggestion } from '../../core/domain/nearest.ts';

/**
 * The configured sources of these names, or all if none is named; the name of a whole server means all its known
 * sources. Throws `input-invalid` with every unknown name.
 */
export function configured(names: readonly string[], nightjar: Nightjar): SourceName[] {
  const { sourceNames, onServer } = nightjar;
  const unknown = names.filter((name) => !isServer(name, nightjar) && !sourceNames.includes(name as SourceName));
  if (unknown.length > 0) throw unknownSource(unknown, sourceNames);
  if (names.length === 0) return [...sourceNames];
  return [...new Set(names.flatMap((name) => (isServer(name, nightjar) ? onServer(name) : [name as SourceName])))];
}

/** Those whole servers among the named ones, or among all, whose databases stand in no list in the vault. */
export function unlistedAmong(names: readonly string[], { unlooked }: Pick<Nightjar, 'unlooked'>): SourceName[] {
  const isMeant = (server: string) => names.some((name) => name === server || name.startsWith(`${server}.`));
  return unlooked.filter((server) => names.length === 0 || isMeant(server));
}

/** If the list of what is on those servers is lost, their backups tell which databases they are. */
export async function recallMeant(
  names: readonly string[],
  { nightjar, out }: CommandSession,
  signal: AbortSignal,
): Promise<void> {
  for (const server of unlistedAmong(names, nightjar))
    if ((await nightjar.recall(server, signal)) > 0) out.note(`note    ${listLost(server)}`);
}

/** Whether a configured name is a whole server. */
export function isServer(name: string, { config }: Pick<Nightjar, 'config'>): name is SourceName {
  return config.servers.has(name as SourceName);
}

/**
 * A source that has or may have backups in the vault: one that is no longer configured can still be read. Throws
 * `input-invalid`.
 */
export async function readable(name: string, nightjar: Nightjar, signal: AbortSignal): Promise<SourceName> {
  const { sourceNames, store } = nightjar;
  const source = name as SourceName;
  if (isServer(name, nightjar)) throw aServer(name, nightjar);
  if (!sourceNames.includes(source) && (await store.backupIds(source, signal)).length === 0)
    throw unknownSource([name], sourceNames);
  return source;
}

/** The same for several: all if none is named, and all known sources of a whole server. */
export async function readableAll(
  name: string | undefined,
  session: CommandSession,
  signal: AbortSignal,
): Promise<readonly SourceName[]> {
  const { nightjar } = session;
  await recallMeant(name === undefined ? [] : [name], session, signal);
  if (name === undefined) return nightjar.sourceNames;
  return isServer(name, nightjar) ? nightjar.onServer(name) : [await readable(name, nightjar, signal)];
}

/** How the backups of a source are judged, configured or not. */
export function memoryFor(source: SourceName, { sourceNames, settings }: Nightjar): SourceRules {
  return memoryOf(sourceNames.includes(source) ? settings(source) : undefined);
}

/**
 * What `--to` names: a database or, if the source can be a file or folder, a path relative to the current folder;
 * without a slash, a name beside the source's own.
 */
export function placeNamed(
  to: string,
  server: string,
  { nightjar, cwd }: Pick<CommandSession, 'nightjar' | 'cwd'>,
): string {
  return factsOf(nightjar.settings(server)).isPath?.(to) === true ? resolve(cwd, to) : to;
}

/**
 * The source whose server `--server` names in a restore of `name`: of a whole server, that one if it is there, or another
 * database. Throws `input-invalid` if none is known.
 */
export function sourceOnServer(server: string, name: string, nightjar: Nightjar): string {
  if (!isServer(server, nightjar)) return server;
  const databases = nightjar.onServer(server).filter((one) => nightjar.settings(one).called !== undefined);
  const found = databases.find((one) => one === name) ?? databases[0];
  if (found !== undefined) return found;
  throw new BackupError('input-invalid', `no database of the server ${server} is known yet`, {
    hint: `nightjar backup ${word(server)} looks which there are`,
  });
}

function aServer(name: string, { onServer }: Nightjar): BackupError {
  return new BackupError('input-invalid', `${name} is a whole server, and this is for one source`, {
    hint: `on it are: ${fewNames(onServer(name), 20)}`,
  });
}

function unknownSource(names: readonly string[], known: readonly string[]): BackupError {
  const listed = names.map((name) => `there is no source ${name} in the configuration${suggestion(name, known)}`);
  return new BackupError('input-invalid', listed.join('; '), { hint: `configured: ${known.join(', ')}` });
}
