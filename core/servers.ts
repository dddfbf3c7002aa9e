import { wrongNames } from './contract/config/config.ts';
import type { Config, SourceConfig } from './contract/config/config.ts';
import {
  databaseSource,
  databaseSourceName,
  globalsSources,
  wholeServer,
} from './contract/config/sources/whole-servers.ts';
import type { SourceName } from './domain/keys.ts';
import type { LookRules } from './domain/servers/databases.ts';
import type { Store } from './store/store.ts';

/**
 * The databases of whole servers that the vault knows, as sources: but for what the file leaves out by now. Where none is
 * known, and nothing else stands for the server, it is itself one, so that a check misses its backups.
 */
export async function databaseSources(
  { servers }: Pick<Config, 'servers'>,
  store: Pick<Store, 'readServers'>,
  signal: AbortSignal,
): Promise<[SourceName, SourceConfig][]> {
  const known = await store.readServers(signal);
  return [...servers].flatMap(([server, source]) => {
    const { exclude } = wholeServer(source)!;
    const all = known.find(({ name }) => name === server)?.databases ?? [];
    const databases = all.filter(({ name }) => !exclude.includes(name));
    if (databases.length === 0 && globalsSources(server, source).length === 0) return [[server, { ...source, server }]];
    return databases.map((one): [SourceName, SourceConfig] => [
      databaseSourceName(server, one.name),
      databaseSource(server, source, one),
    ]);
  });
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
