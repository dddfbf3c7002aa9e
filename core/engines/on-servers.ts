import { serverSchema, tlsChoice } from '../contract/config/sources/server.ts';
import type { ServerConfig } from '../contract/config/sources/server.ts';
import { databaseOfGlobals } from '../domain/content-words.ts';
import type { ContentWords } from '../domain/content-words.ts';
import { BackupError } from '../domain/errors.ts';
import { hostOfRestore } from '../domain/tools/restore-host.ts';
import type { RowDialect } from '../domain/django/dialect.ts';
import type { Engine, Inspection } from '../ports.ts';
import type { Tools } from '../tools.ts';
import type { EngineDescriptor, EveryDatabase, Opening, SourceFacts, SourceOf, SourcePlace } from './descriptor.ts';
import type { Login } from './login.ts';
import { serverProblems } from './server-problems.ts';
import type { Against } from './server-problems.ts';

type OnServers = Pick<EngineDescriptor, 'name' | 'about' | 'note' | 'rds'> &
  Against & {
    /** `a PostgreSQL server`. */
    what: string;
    /** The default port of such a server. */
    port: number;
    /** The schemes of its URLs, and its heading in docs/rights.md. */
    schemes: readonly string[];
    rights: string;
    load(): Promise<(login: Login, tools: Tools) => Engine>;
    everyDatabase?: EveryDatabase;
    inspection(): Promise<Inspection>;
    plainSql: NonNullable<EngineDescriptor['plainSql']>;
    dialect(): Promise<RowDialect>;
  };

type OfWholeServers = Pick<EngineDescriptor, 'name' | 'about' | 'note'> &
  Pick<OnServers, 'what' | 'port' | 'proxies' | 'load'> & {
    /** The database to log in to if the configuration names none. */
    entry: string;
    /** The words for its content. */
    words: ContentWords;
  };

/** Describes an engine whose databases are on network servers, with a login and TLS. */
export function onServers({ what, port, load, everyDatabase, proxies, readers, schemes, rights, ...own }: OnServers) {
  return {
    ...own,
    ...(everyDatabase && { everyDatabase }),
    schema: serverSchema(what, port, { whole: everyDatabase !== undefined }),
    async databases(source, key, from, signal) {
      const { logIn } = await import('./logging-in.ts');
      const { entry, list } = everyDatabase!;
      const at = { ...source.at, database: entry };
      return list(await logIn(`${key}.${own.name}`, { ...source, at }, from, signal), signal);
    },
    drillsElsewhere: true,
    asking: {
      schemes,
      rights,
      read: placeInUrl,
      keys: [
        { key: 'host', asked: 'host of the server', usual: 'localhost' },
        { key: 'port', asked: 'port', usual: String(port) },
        { key: 'database', asked: `database${everyDatabase === undefined ? '' : ' (all: every one of the server)'}` },
        { key: 'user', asked: 'user to log in as', usual: 'nightjar' },
      ],
      password: ({ user }) => user,
      ...(everyDatabase && { whole: true }),
    },
    describe: (source) => factsOf(source, own.name, port),
    cloudProblems: (source) =>
      serverProblems(own.name, source, { ...(proxies && { proxies }), ...(readers && { readers }) }),
    async open(source, opening, from, signal) {
      const { key, at } = serverFor(source, own.name, port, opening);
      const [open, { logIn }] = await Promise.all([load(), import('./logging-in.ts')]);
      const login = await logIn(`${opening.key}.${key}`, { ...source, at }, from, signal);
      const { database = login.database } = opening;
      return { engine: open({ ...login, database }, await from.tools(signal)), database };
    },
  } satisfies EngineDescriptor<ReturnType<typeof serverSchema>>;
}

/** Describes an engine whose sources are what belongs to whole servers and to no database: roles, accounts. */
export function onWholeServers({ what, port, load, proxies, entry, ...own }: OfWholeServers) {
  return {
    ...own,
    schema: serverSchema(what, port, { entry }),
    drillsElsewhere: true,
    describe: (source) => factsOf(source, own.name, port),
    cloudProblems: (source) => serverProblems(own.name, source, { ...(proxies && { proxies }) }),
    async open(source, opening, from, signal) {
      if (opening.drill === true && source.drill.server === undefined) throw noScratch(opening.key);
      const { key, at } = serverFor(source, own.name, port, opening);
      const [open, { logIn }] = await Promise.all([load(), import('./logging-in.ts')]);
      const login = await logIn(`${opening.key}.${key}`, { ...source, at }, from, signal);
      return { engine: open(login, await from.tools(signal)), database: databaseOfGlobals };
    },
    inspection: async () => ({ inspect: (_, content) => content }),
  } satisfies EngineDescriptor<ReturnType<typeof serverSchema>>;
}

function noScratch(key: string): BackupError {
  return new BackupError(
    'config-invalid',
    `${key} has no server for its drills: on its own one, a drill would touch who may log in`,
    {
      hint:
        'name a server that nobody needs: drill: { server: … }; without one, nightjar verify reads such a backup, ' +
        'and nothing restores it',
    },
  );
}

function factsOf(source: SourceOf<ServerConfig>, engine: string, port: number): SourceFacts {
  const { at, drill } = source;
  return {
    ...placeOf(at),
    ...(drill.server !== undefined && { drills: placeOf(serverFor(source, engine, port, { drill: true }).at) }),
    ...(at.password === 'iam' && { iamUser: String(at.user) }),
  };
}

export function passwordInSight(): BackupError {
  return new BackupError('input-invalid', 'a password never stands on a command line: others can read it there', {
    hint: 'leave it out: it is asked for, or read from --password-file',
  });
}

/** `//nightjar@db.internal:5432/shop`. Refuses a password in it, which would be visible in the list of processes. */
function placeInUrl(place: string): Record<string, string | number> {
  const url = URL.parse(`any:${place}`);
  const database = decodeURIComponent(url?.pathname.slice(1) ?? '');
  if (!place.startsWith('//') || url === null || database.includes('/'))
    throw new BackupError('input-invalid', 'no place of a database', {
      hint: 'write it as postgres://user@host:port/database',
    });
  if (url.password !== '') throw passwordInSight();
  return {
    ...(url.hostname !== '' && { host: url.hostname.replace(/^\[|\]$/g, '') }),
    ...(url.port !== '' && { port: Number(url.port) }),
    ...(database !== '' && { database }),
    ...(url.username !== '' && { user: decodeURIComponent(url.username) }),
  };
}

/** The server that is meant, and the key below the source that names it. */
function serverFor(
  { at, drill, adopt, cloud: { restoreHost } }: SourceOf<ServerConfig>,
  engine: string,
  usualPort: number,
  { drill: ofDrills = false, adopting = false, restoring = false, restoreHost: named }: Omit<Opening, 'key'>,
): { key: string; at: ServerConfig } {
  if (adopting && adopt !== undefined) {
    const { port = usualPort, ...other } = adopt;
    return { key: 'adopt', at: { ...other, port, database: at.database } };
  }
  if ((ofDrills || adopting) && drill.server !== undefined) {
    const { port = usualPort, ...other } = drill.server;
    return { key: 'drill.server', at: { ...other, port, database: at.database } };
  }
  const host = restoring ? hostOfRestore(restoreHost, named) : undefined;
  return { key: engine, at: { ...at, ...(host !== undefined && { host }) } };
}

function placeOf(at: ServerConfig): SourcePlace {
  const secrets = [at.user, at.password].filter((one) => typeof one === 'object');
  return { server: { host: at.host, port: at.port, tls: tlsChoice(at) }, secrets };
}
