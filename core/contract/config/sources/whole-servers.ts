import { descriptorOf } from '../../../engines/index.ts';
import type { EngineName, SourceOfEngine } from '../../../engines/index.ts';
import type { SourceName } from '../../../domain/keys.ts';

/**
 * One source, its defaults filled in. `on`: the host of its server, for messages; `server`: the whole server in the file
 * that it is a part of; `gone`: since when its database is not there any more; `undrilled`: no drill can work with it.
 */
export type SourceConfig = SourceOfEngine & { on?: string; server?: SourceName; gone?: string; undrilled?: true };

/** What a source asks for that is a whole server; undefined for every other one. */
export function wholeServer({ engine, at }: SourceConfig): { exclude: readonly string[] } | undefined {
  const { databases, exclude = [] } = at as { databases?: 'all'; exclude?: readonly string[] };
  return databases === 'all' && descriptorOf(engine).everyDatabase !== undefined ? { exclude } : undefined;
}

/** What the source of one database of a server is called: of no two databases alike. */
export function databaseSourceName(server: string, database: string): SourceName {
  return `${server}.${database}` as SourceName;
}

/** What the source of a server's roles and accounts is called: no database's. */
export function globalsSourceName(server: string): SourceName {
  return `${server}-globals` as SourceName;
}

/** One database of a server as a source: all that the file says of the server holds for it. `gone`: since when. */
export function databaseSource(
  server: SourceName,
  source: SourceConfig,
  { name, gone }: { name: string; gone?: string | undefined },
): SourceConfig {
  const { databases: _, exclude: __, ...at } = source.at as Record<string, unknown>;
  const whole = { ...source, at: { ...at, database: name }, server, ...(gone !== undefined && { gone }) };
  return whole as unknown as SourceConfig;
}

/** Its roles and accounts as a source. Without another server for drills there are none: they would touch the own one. */
export function globalsSource(server: SourceName, source: SourceConfig): SourceConfig {
  const { globals, entry } = descriptorOf(source.engine).everyDatabase!;
  const { drill, watch } = source;
  return {
    ...databaseSource(server, source, { name: entry }),
    engine: globals as EngineName,
    drill: { ...drill, assert: [] },
    ...(drill.server === undefined && { watch: { ...watch, drillEveryMs: undefined }, undrilled: true }),
  } as unknown as SourceConfig;
}

/** Why a source can't have its name beside whole servers: whose one of theirs it would be. */
export function besideServers(names: readonly string[], servers: readonly string[]): [string, string][] {
  return names.flatMap((name): [string, string][] => {
    const server = servers.find(
      (one) => one !== name && (name.startsWith(`${one}.`) || name === globalsSourceName(one)),
    );
    if (server === undefined) return [];
    return [[name, `is a name for what is on the server ${server}, whose databases are all backed up: take another`]];
  });
}
