import { wrongNames } from './contract/config/config.ts';
import type { Config, SourceConfig } from './contract/config/config.ts';
import {
  databaseSource,
  databaseSourceName,
  globalsSources,
  wholeServer,
} from './contract/config/sources/whole-servers.ts';
import type { ServerDatabases } from './contract/memory/servers.ts';
import { BackupError } from './domain/errors.ts';
import type { SourceName } from './domain/keys.ts';
import { mayBeOther, sourceNames, sourceOfDatabase } from './domain/servers/databases.ts';
import type { LookRules } from './domain/servers/databases.ts';
import { descriptorOf } from './engines/index.ts';
import type { Store } from './store/store.ts';

/** `unlooked`: servers whose databases were never listed. */
export type KnownOnServers = { sources: [SourceName, SourceConfig][]; unlooked: SourceName[] };

/**
 * The databases of whole servers that the vault knows, as sources, without those that the configuration excludes. A
 * server without any such source is a source itself, so that a check misses its backups.
 */
export async function databaseSources(
  { servers }: Pick<Config, 'servers'>,
  store: Pick<Store, 'readServer'>,
  signal: AbortSignal,
): Promise<KnownOnServers> {
  const found: KnownOnServers = { sources: [], unlooked: [] };
  for (const [server, source] of servers) {
    const { exclude } = wholeServer(source)!;
    const known = await store.readServer(server, signal);
    const databases = (known?.databases ?? []).filter(({ name }) => !exclude.includes(name));
    if (known === undefined) found.unlooked.push(server);
    requireOwn(server, source, databases);
    const isItself = databases.length === 0 && globalsSources(server, source).length === 0;
    if (isItself) found.sources.push([server, { ...source, server }]);
    found.sources.push(...sourcesOn(server, source, databases));
  }
  return found;
}

/**
 * Whoever can write that list in the vault may only decide which databases are missed: it can't take another source's
 * name or lead to a file elsewhere.
 */
function requireOwn(server: SourceName, { engine, at }: SourceConfig, databases: ServerDatabases['databases']): void {
  const areFiles = descriptorOf(engine).everyFile?.isMeant(at) === true;
  const own = databaseSourceName(server, '');
  const wrong = databases.find(
    ({ name, source = own }) => !source.startsWith(own) || (areFiles && (name.includes('/') || name.includes('\\'))),
  );
  if (wrong === undefined) return;
  throw new BackupError('vault-failed', `what the vault lists of ${server} is of something else: ${wrong.name}`, {
    hint: 'somebody has written .servers/ in the vault by hand: take an older version of that object, or delete it',
  });
}

/** The databases of a whole server, known from their backups in the vault (of `only` that one), for when the list is lost. */
export async function databasesByBackups(
  server: SourceName,
  source: SourceConfig,
  store: Pick<Store, 'sourcesListed' | 'listSource' | 'readManifest'>,
  signal: AbortSignal,
  only?: SourceName,
): Promise<ServerDatabases['databases']> {
  const { exclude } = wholeServer(source)!;
  const sourceOf = (database: string) => databaseSourceName(server, database);
  const usual = sourceOf('');
  const found = new Map<SourceName, ServerDatabases['databases'][number]>();
  const listed = only === undefined ? store.sourcesListed(signal) : [await store.listSource(only, signal)];
  for await (const { source: one, backups } of listed) {
    const [oldest, newest] = [backups[0], backups.at(-1)];
    if (!one.startsWith(usual) || oldest === undefined || newest === undefined) continue;
    const written = one.slice(usual.length);
    const { database = written } = mayBeOther(written)
      ? await store.readManifest(one, newest.id, signal).then(
          ({ manifest }) => manifest,
          () => ({ database: undefined }),
        )
      : {};
    const since = oldest.start.toISOString();
    const isOther = database !== written && sourceNames(database, sourceOf).includes(one);
    found.set(one, isOther ? { name: database, source: one, since } : { name: written, since });
  }
  const databases = [...found.values()].filter(({ name }) => !exclude.includes(name));
  requireOwn(server, source, databases);
  return databases;
}

/** The databases of a server as sources. */
export function sourcesOn(
  server: SourceName,
  source: SourceConfig,
  databases: ServerDatabases['databases'],
): [SourceName, SourceConfig][] {
  return databases.map((one) => [
    sourceOfDatabase(one, (name) => databaseSourceName(server, name)),
    databaseSource(server, source, one),
  ]);
}

/** The rules by which the databases of a server become sources. */
export function lookRules(server: SourceName, source: SourceConfig): LookRules {
  return {
    server,
    exclude: wholeServer(source)!.exclude,
    sourceOf: (database) => databaseSourceName(server, database),
    isName: (name, others) =>
      wrongNames([name]).length === 0 && others.every((other) => other.toLowerCase() !== name.toLowerCase()),
  };
}
