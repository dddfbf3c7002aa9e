import { wrongNames } from './contract/config/config.ts';
import type { Config, SourceConfig } from './contract/config/config.ts';
import {
  databaseSource,
  databaseSourceName,
  globalsSources,
  wholeServer,
} from './contract/config/sources/whole-servers.ts';
import type { SourceName } from './domain/keys.ts';
import { sourceOfDatabase } from './domain/servers/databases.ts';
import type { LookRules } from './domain/servers/databases.ts';
import type { Store } from './store/store.ts';

/** `unlooked`: servers at which nobody has looked yet. */
export type KnownOnServers = { sources: [SourceName, SourceConfig][]; unlooked: SourceName[] };

/**
 * The databases of whole servers that the vault knows, as sources: but for what the file leaves out by now. Where none is
 * known, and nothing else stands for the server, it is itself one, so that a check misses its backups.
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
    const isItself = databases.length === 0 && globalsSources(server, source).length === 0;
    if (isItself) found.sources.push([server, { ...source, server }]);
    for (const one of databases)
      found.sources.push([
        sourceOfDatabase(one, (name) => databaseSourceName(server, name)),
        databaseSource(server, source, one),
      ]);
  }
  return found;
}

/** By what the databases of a server become sources. */
export function lookRules(server: SourceName, source: SourceConfig): LookRules {
  return {
    server,
    exclude: wholeServer(source)!.exclude,
    sourceOf: (database) => databaseSourceName(server, database),
    isName: (name, others) => wrongNames([...others, name]).every(([wrong]) => wrong !== name),
  };
}
