import { globalsWords } from '../../domain/content-words.ts';
import { onServers, onWholeServers } from '../on-servers.ts';

export const mariadb = onServers({
  name: 'mariadb',
  what: 'a MariaDB or MySQL server',
  about: 'A MariaDB or MySQL database.',
  note: 'For MySQL, too.',
  port: 3306,
  schemes: ['mariadb', 'mysql'],
  rights: 'MariaDB',
  rds: /mysql|mariadb/,
  readers:
    'is the name of several servers (a reader or custom endpoint of Aurora): each connection of a backup may reach another one, which knows nothing of the snapshot; write the endpoint of one instance, and the cluster’s as cloud.restoreHost',
  everyDatabase: {
    entry: 'mysql',
    globals: 'mariadbGlobals',
    globalsTwice: true,
    list: async (login, signal) => (await import('./globals/databases.ts')).listDatabases(login, signal),
  },
  load: async () => (await import('./index.ts')).mariadbEngine,
  dialect: async () => (await import('./fixture/dialect.ts')).dialect,
  inspection: async () => (await import('./inspection.ts')).inspection,
  plainSql: async () => (await import('./restore/text/plain-sql.ts')).plainSql,
});

export const mariadbGlobals = onWholeServers({
  name: 'mariadbGlobals',
  what: 'a MariaDB or MySQL server',
  about: 'What belongs to a whole MariaDB or MySQL server: accounts, passwords, roles, rights.',
  note: 'docs/whole-servers.md says what is kept and how it comes back.',
  port: 3306,
  entry: 'mysql',
  words: globalsWords('account'),
  load: async () => (await import('./globals/index.ts')).mariadbGlobalsEngine,
});
