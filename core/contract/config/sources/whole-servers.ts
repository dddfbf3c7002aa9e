import { descriptorOf } from '../../../engines/index.ts';
import type { EngineName, SourceOfEngine } from '../../../engines/index.ts';
import type { ShrinkSettings } from '../settings/watch.ts';
import type { SourceName } from '../../../domain/keys.ts';

/**
 * One source, with defaults filled in. `on`: the host of its server, for messages; `server`: the configured whole
 * server that it belongs to, and `called`: its database's name there; `since`: since when that database is known, and
 * `gone`: since when it no longer exists; `undrilled`: drills can't work with it.
 */
export type SourceConfig = SourceOfEngine & {
  on?: string;
  server?: SourceName;
  called?: string;
  gone?: string;
  since?: string;
  undrilled?: true;
};

/**
 * The settings of a source that is a whole server, or all files of a pattern, which are treated alike; undefined for
 * every other source.
 */
export function wholeServer({
  engine,
  at,
}: Pick<SourceConfig, 'engine' | 'at'>): { exclude: readonly string[] } | undefined {
  const { everyDatabase, everyFile } = descriptorOf(engine);
  const { databases, exclude = [] } = at as { databases?: 'all'; exclude?: readonly string[] };
  const isServer = databases === 'all' && everyDatabase !== undefined;
  return isServer || everyFile?.isMeant(at) === true ? { exclude } : undefined;
}

/** The source name of one database of a server; differs for different databases. */
export function databaseSourceName(server: string, database: string): SourceName {
  return `${server}.${database}` as SourceName;
}

/** The source name of a server's roles and accounts; no database has this name. */
export function globalsSourceName(server: string): SourceName {
  return `${server}-globals` as SourceName;
}

/** One database of a server as a source, with the server's settings. `gone`, `since`: as in its server's list. */
export function databaseSource(
  server: SourceName,
  source: SourceConfig,
  { name, gone, since }: { name: string; gone?: string | undefined; since?: string },
): SourceConfig {
  const { databases: _, exclude: __, ...at } = source.at as Record<string, unknown>;
  const own = descriptorOf(source.engine).everyFile?.one(source.at, name) ?? { ...at, database: name };
  const shrink: ShrinkSettings = { ...source.watch.shrink, mayBeginEmpty: true };
  const watch = { ...source.watch, shrink };
  const known = { ...(gone !== undefined && { gone }), ...(since !== undefined && { since }) };
  const whole = { ...source, at: own, watch, server, called: name, ...known };
  return whole as unknown as SourceConfig;
}

/** The text of a server's roles is short, whatever else it holds: at most this many bytes. */
const largestGlobals = 1_000_000;

/**
 * A server's roles and accounts as a source; files have none. It has no drills unless there is another server for them,
 * because they would touch this one.
 */
export function globalsSources(server: SourceName, source: SourceConfig): [SourceName, SourceConfig][] {
  const { everyDatabase } = descriptorOf(source.engine);
  if (everyDatabase === undefined) return [];
  const { drill, cloud } = source;
  const { called: _, watch, ...others } = databaseSource(server, source, { name: everyDatabase.entry });
  const globals = {
    ...others,
    engine: everyDatabase.globals as EngineName,
    drill: { ...drill, assert: [] },
    cloud: { ...cloud, size: largestGlobals },
    watch: drill.server === undefined ? { ...watch, drillEveryMs: undefined } : watch,
    ...(drill.server === undefined && { undrilled: true }),
  };
  return [[globalsSourceName(server), globals as unknown as SourceConfig]];
}

/**
 * Names that sources can't have beside whole servers, because one of a server's sources could get the same name, also
 * on a file system that ignores case.
 */
export function besideServers(names: readonly string[], servers: readonly string[]): [string, string][] {
  return names.flatMap((name): [string, string][] => {
    const server = servers.find(
      (one) =>
        one !== name && (small(name).startsWith(small(`${one}.`)) || small(name) === small(globalsSourceName(one))),
    );
    if (server === undefined) return [];
    return [[name, `is a name for what is on the server ${server}, whose databases are all backed up: take another`]];
  });
}

const small = (name: string): string => name.toLowerCase();
