import { globalsWords } from '../../domain/content-words.ts';
import { onServers, onWholeServers } from '../on-servers.ts';

const proxies =
  'is an RDS Proxy, which refuses the start-up options that pg_dump and psql are given: write the endpoint of ' +
  'the instance or cluster';

export const postgres = onServers({
  name: 'postgres',
  what: 'a PostgreSQL server',
  about: 'A PostgreSQL database (13 and newer).',
  port: 5432,
  schemes: ['postgres', 'postgresql'],
  rights: 'PostgreSQL',
  rds: /postgres/,
  proxies,
  everyDatabase: {
    entry: 'postgres',
    globals: 'postgresGlobals',
    list: async (login, signal) => (await import('./globals/databases.ts')).listDatabases(login, signal),
  },
  load: async () => (await import('./index.ts')).postgresEngine,
  dialect: async () => (await import('./fixture/dialect.ts')).dialect,
  inspection: async () => (await import('./inspection.ts')).inspection,
  async plainSql(from, signal) {
    const [{ plainSql }, tools] = await Promise.all([import('./restore/text/plain-sql.ts'), from.tools(signal)]);
    return (backup, stop) => plainSql(backup, tools, stop);
  },
});

export const postgresGlobals = onWholeServers({
  name: 'postgresGlobals',
  what: 'a PostgreSQL server',
  about: 'What belongs to a whole PostgreSQL server: roles, memberships, passwords, settings of roles, tablespaces.',
  note: 'docs/whole-servers.md says what is kept and how it comes back.',
  port: 5432,
  entry: 'postgres',
  words: globalsWords('role'),
  proxies,
  load: async () => (await import('./globals/index.ts')).postgresGlobalsEngine,
});
