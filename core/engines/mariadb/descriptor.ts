import { onServers } from '../on-servers.ts';

export const mariadb = onServers({
  name: 'mariadb',
  what: 'a MariaDB or MySQL server',
  about: 'A MariaDB or MySQL database.',
  note: 'For MySQL, too.',
  port: 3306,
  load: async () => (await import('./index.ts')).mariadbEngine,
  inspection: async () => (await import('./inspection.ts')).inspection,
});
