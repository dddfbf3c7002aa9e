import { onServers } from '../on-servers.ts';

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
  load: async () => (await import('./index.ts')).mariadbEngine,
  dialect: async () => (await import('./fixture/dialect.ts')).dialect,
  inspection: async () => (await import('./inspection.ts')).inspection,
  plainSql: async () => (await import('./restore/text/plain-sql.ts')).plainSql,
});
