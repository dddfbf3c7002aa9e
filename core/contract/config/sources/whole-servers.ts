import { descriptorOf } from '../../../engines/index.ts';
import type { EngineName, SourceOfEngine } from '../../../engines/index.ts';
import type { ShrinkSettings } from '../settings/watch.ts';
import type { SourceName } from '../../../domain/keys.ts';

/**
 * One source, its defaults filled in. `on`: the host of its server, for messages; `server`: the whole server in the file
 * that it is a part of, and `called` what its database is there; `gone`: since when that is not there any more;
 * `undrilled`: no drill can work with it.
 */
export type SourceConfig = SourceOfEngine & {
  on?: string;
  server?: SourceName;
  called?: string;
  gone?: string;
  undrilled?: true;
};

/**
 * What a source asks for that is a whole server, or all files of a pattern, which are treated alike; undefined for every
 * other one.
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
  const own = descriptorOf(source.engine).everyFile?.one(source.at, name) ?? { ...at, database: name };
  const shrink: ShrinkSettings = { ...source.watch.shrink, mayBeginEmpty: true };
  const watch = { ...source.watch, shrink };
  const whole = { ...source, at: own, watch, server, called: name, ...(gone !== undefined && { gone }) };
  return whole as unknown as SourceConfig;
}

/** Whatever a server holds, the text of its roles is short: in bytes. */
const largestGlobals = 1_000_000;

/**
 * Its roles and accounts as a source; files have none. Without another server for drills there are none: they would
 * touch the own one.
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
 * Why a source can't have its name beside whole servers: whose one of theirs it would be, also on a file system that
 * does not tell capitals from small letters.
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
