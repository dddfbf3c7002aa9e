import { startMariadb } from '../../servers/databases/mariadb.ts';
import { startMysql } from '../../servers/databases/mysql.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { mistakes, sqlIn } from './support/mistake.ts';
import type { Mistake, World } from './support/mistake.ts';
import { asRoot, at } from './support/servers.ts';

const objects = `CREATE DATABASE shop; USE shop; CREATE TABLE orders (id INT PRIMARY KEY, note TEXT); INSERT INTO orders VALUES (1, 'one'), (2, 'two');
  CREATE VIEW late AS SELECT * FROM orders; CREATE TRIGGER stamp BEFORE INSERT ON orders FOR EACH ROW SET NEW.note = 'new'; CREATE FUNCTION one() RETURNS INT DETERMINISTIC RETURN 1;
  CREATE DATABASE beside; CREATE TABLE beside.rates (id INT PRIMARY KEY); CREATE USER low IDENTIFIED BY 'low-hunter2';`;

async function open() {
  const [maria, mysql] = await Promise.all([
    startMariadb({ series: '11.8', settings: { 'log-bin': 'ON', 'server-id': '1' } }),
    startMysql(),
  ]);
  await Promise.all([asRoot(maria, objects, 'SET GLOBAL log_bin_trust_function_creators = 1'), asRoot(mysql, objects)]);
  const login = (server: DatabaseServer, user: string, variable: string) =>
    `{ ${at(server)}, user: ${user}, password: { env: ${variable} }, database: shop }`;
  const sources = {
    shop: login(maria, 'root', 'MARIA'),
    low: login(maria, 'low', 'LOW'),
    'shop-mysql': login(mysql, 'root', 'MYSQL'),
    'low-mysql': login(mysql, 'low', 'LOW'),
  };
  const config = `vault: ./backups\nsources:\n${Object.entries(sources)
    .map(([name, server]) => `  ${name}:\n    mariadb: ${server}\n`)
    .join('')}`;
  return { maria, mysql, config, stop: async () => void (await Promise.all([maria.stop(), mysql.stop()])) };
}
type Servers = Awaited<ReturnType<typeof open>>;
type Which = 'maria' | 'mysql';

const secrets = (world: World<Servers>) => {
  Object.assign(world.env, { LOW: 'low-hunter2', MARIA: world.maria.password, MYSQL: world.mysql.password });
  return [world.maria.password, world.mysql.password];
};
const run =
  (which: Which, ...statements: string[]) =>
  async (world: World<Servers>) => {
    secrets(world);
    await asRoot(world[which], ...statements);
  };
const asTold = (which: Which) => (world: World<Servers>, hint: string) => asRoot(world[which], ...sqlIn(hint));
const backedUp =
  (which: Which, ...statements: string[]) =>
  async (world: World<Servers>) => {
    await run(which, ...statements)(world);
    await world.well('backup', which === 'maria' ? 'shop' : 'shop-mysql');
  };
const revoked = 'REVOKE ALL PRIVILEGES, GRANT OPTION FROM low';
const into = (source: string, server: string, ...more: string[]) => [
  'restore',
  source,
  '--server',
  server,
  '--to',
  'copy',
  ...more,
];
const copy = 'GRANT ALL PRIVILEGES ON copy.* TO low';
const gone = 'DROP DATABASE IF EXISTS copy';

const table: Mistake<Servers>[] = [
  {
    name: 'MariaDB: the user has no right at all',
    secrets,
    given: run('maria', 'SELECT 1'),
    args: ['backup', 'low'],
    remedy: asTold('maria'),
    after: run('maria', revoked),
  },
  {
    name: 'MariaDB: the user may read rows alone',
    secrets,
    given: run('maria', 'GRANT SELECT ON shop.* TO low'),
    args: ['backup', 'low'],
    remedy: asTold('maria'),
    after: run('maria', revoked),
  },
  {
    name: 'MariaDB: the user may read one table',
    secrets,
    given: run('maria', 'GRANT SELECT ON shop.orders TO low'),
    args: ['backup', 'low'],
    remedy: asTold('maria'),
    after: run('maria', revoked),
  },
  {
    name: 'MySQL: the user may read rows alone',
    secrets,
    given: run('mysql', 'GRANT SELECT ON shop.* TO low'),
    args: ['backup', 'low-mysql'],
    remedy: asTold('mysql'),
    after: run('mysql', revoked),
  },
  {
    name: 'MariaDB: the user may not make a database',
    secrets,
    given: backedUp('maria', 'SELECT 1'),
    args: into('shop', 'low', '--no-owner'),
    remedy: asTold('maria'),
    after: run('maria', gone, revoked),
  },
  {
    name: 'MariaDB: what belongs to another is restored',
    secrets,
    given: run('maria', copy),
    args: into('shop', 'low'),
    remedy: asTold('maria'),
    after: run('maria', gone, revoked),
  },
  {
    name: 'MariaDB: the binary log keeps functions from being made',
    secrets,
    args: into('shop', 'low', '--no-owner'),
    given: run('maria', copy, 'SET GLOBAL log_bin_trust_function_creators = 0'),
    remedy: asTold('maria'),
    after: run('maria', gone, revoked),
  },
  {
    name: 'MariaDB: a view reads another database',
    secrets,
    args: into('shop', 'low', '--no-owner'),
    given: backedUp('maria', copy, 'CREATE VIEW shop.rated AS SELECT * FROM beside.rates'),
    remedy: asTold('maria'),
    after: run('maria', gone, revoked, 'DROP VIEW shop.rated'),
  },
  {
    name: 'MySQL: a view reads another database',
    secrets,
    args: into('shop-mysql', 'low-mysql', '--no-owner'),
    given: backedUp(
      'mysql',
      copy,
      'GRANT SHOW_ROUTINE ON *.* TO low',
      'CREATE VIEW shop.rated AS SELECT * FROM beside.rates',
    ),
    remedy: asTold('mysql'),
    after: run('mysql', gone, revoked, 'DROP VIEW shop.rated'),
  },
  {
    name: 'MariaDB: the server is read-only',
    secrets,
    args: into('shop', 'low', '--no-owner'),
    given: backedUp('maria', copy, 'SET GLOBAL read_only = ON'),
    remedy: asTold('maria'),
    after: run('maria', 'SET GLOBAL read_only = OFF', gone, revoked),
  },
  {
    name: 'MariaDB: the server ends large joins',
    secrets,
    args: ['backup', 'low'],
    given: run(
      'maria',
      'GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, SHOW CREATE ROUTINE ON shop.* TO low',
      'SET GLOBAL max_join_size = 1',
      'SET GLOBAL sql_big_selects = OFF',
    ),
    remedy: asTold('maria'),
    after: run('maria', revoked, 'SET GLOBAL max_join_size = DEFAULT', 'SET GLOBAL sql_big_selects = ON'),
  },
  {
    name: 'MariaDB: a row is too long for the server',
    secrets,
    args: ['restore', 'shop', '--to', 'shop', '--replace', '--yes'],
    given: backedUp(
      'maria',
      `INSERT INTO shop.orders VALUES (3, '')`,
      `UPDATE shop.orders SET note = REPEAT('x', 60000) WHERE id = 3`,
      'SET GLOBAL max_allowed_packet = 2048',
    ),
    remedy: asTold('maria'),
    after: run('maria', 'SET GLOBAL max_allowed_packet = DEFAULT', 'DELETE FROM shop.orders WHERE id = 3'),
  },
];

mistakes('rights-mariadb', open, table);
