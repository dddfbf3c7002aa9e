import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { startMariadb } from '../../servers/databases/mariadb.ts';
import { startPostgres } from '../../servers/databases/postgres.ts';
import { exchangeCertificate } from './support/certificates.ts';
import type { Flaw } from './support/certificates.ts';
import { mistakes, sqlIn } from './support/mistake.ts';
import type { Mistake, World } from './support/mistake.ts';
import { asPostgres, asRoot, at } from './support/servers.ts';

async function open() {
  const [plain, tls, maria, old] = await Promise.all([
    startPostgres({ major: 18 }),
    startPostgres({ major: 18, tls: true }),
    startMariadb({ series: '11.8', tls: true }),
    startMariadb({ series: '10.11' }),
  ]);
  const silent = createServer((socket) => void socket.resume()).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  await asPostgres(plain, 'postgres', 'create database shop', `create role reader login password 'hunter2'`);
  await Promise.all([
    asPostgres(tls, 'postgres', 'create database shop'),
    asRoot(maria, 'CREATE DATABASE shop'),
    asRoot(old, 'CREATE DATABASE other'),
  ]);
  const stop = async () => {
    silent.close();
    await Promise.all([plain, tls, maria, old].map((server) => server.stop()));
  };
  return { plain, tls, maria, old, silent: (silent.address() as AddressInfo).port, config: '', stop };
}
type Servers = Awaited<ReturnType<typeof open>>;

const source = (engine: 'postgres' | 'mariadb', server: string) =>
  `vault: ./backups\nsources:\n  shop:\n    ${engine}: { ${server} }\n`;
const postgres =
  (server: 'plain' | 'tls', more = '') =>
  (world: World<Servers>) => {
    world.env['PASSWORD'] = world[server].password;
    return source(
      'postgres',
      `${at(world[server])}, user: postgres, password: { env: PASSWORD }, database: shop${more}`,
    );
  };
const mariadb =
  (server: 'maria' | 'old', more = '', database = 'shop') =>
  (world: World<Servers>) => {
    world.env['PASSWORD'] = world[server].password;
    return source(
      'mariadb',
      `${at(world[server])}, user: root, password: { env: PASSWORD }, database: ${database}${more}`,
    );
  };
const flawed =
  (flaw: Flaw) =>
  async ({ tls }: World<Servers>) => {
    await exchangeCertificate(tls, flaw);
    const since = new Date().toISOString();
    await asPostgres(tls, 'postgres', 'select pg_reload_conf()');
    // who connects before the server has heard of it is shown the certificate of before
    const isLoaded = () =>
      asPostgres(tls, 'postgres', `select 1 / (pg_conf_load_time() >= '${since}')::int`).then(
        () => true,
        () => false,
      );
    while (!(await isLoaded())) await new Promise((wake) => setTimeout(wake, 50));
  };
const flawedMaria =
  (flaw: Flaw) =>
  async ({ maria }: World<Servers>) => {
    await exchangeCertificate(maria, flaw);
    await asRoot(maria, 'FLUSH SSL');
  };
const verified = (world: World<Servers>) => postgres('tls', `, tls: { ca: ${world.tls.caFile} }`)(world);
const verifiedMaria = (world: World<Servers>) => mariadb('maria', `, tls: { ca: ${world.maria.caFile} }`)(world);
/** The certificate itself, copied from the server, in the place of an authority. */
const pinned = (world: World<Servers>) => verified(world).replace('ca.pem', 'server.pem');
const pinnedMaria = (world: World<Servers>) => verifiedMaria(world).replace('ca.pem', 'server.pem');
/** What the hint says, written into the configuration. */
const mended = (config: (world: World<Servers>) => string) => (world: World<Servers>) => world.configure(config(world));
/** Runs the SQL of the hint. */
const granted = ({ plain }: World<Servers>, hint: string) => asPostgres(plain, 'postgres', ...sqlIn(hint));
const asReader = (engine: 'postgres' | 'mariadb') => (world: World<Servers>) => {
  world.env['READER'] = 'hunter2';
  const config = engine === 'postgres' ? postgres('plain')(world) : mariadb('old', '', 'other')(world);
  return config.replace(/user: \w+/, 'user: reader').replace('PASSWORD', 'READER');
};
const backup = ['backup'];

const table: Mistake<Servers>[] = [
  {
    name: 'PostgreSQL: the host is misspelt',
    config: source('postgres', 'host: nowhere.invalid, user: app, database: shop, tls: off'),
    args: backup,
  },
  {
    name: 'PostgreSQL: nothing listens on the port',
    config: source('postgres', 'host: 127.0.0.1, port: 9, user: app, database: shop'),
    args: backup,
  },
  {
    name: 'PostgreSQL: the password is wrong',
    config: postgres('plain'),
    given: async (world) => (world.env['PASSWORD'] = 'hunter2'),
    args: backup,
  },
  {
    name: 'PostgreSQL: no password',
    config: ({ plain }) => source('postgres', `${at(plain)}, user: postgres, database: shop`),
    args: backup,
    remedy: mended(postgres('plain')),
  },
  {
    name: 'PostgreSQL: the user is not there',
    config: (world) => postgres('plain')(world).replace('user: postgres', 'user: backpu'),
    args: backup,
  },
  {
    name: 'PostgreSQL: the database is not there',
    config: (world) => postgres('plain')(world).replace('database: shop', 'database: shpo'),
    args: backup,
  },
  {
    name: 'PostgreSQL: the role may not log in',
    given: ({ plain }) => asPostgres(plain, 'postgres', 'alter role reader nologin'),
    config: asReader('postgres'),
    args: backup,
    remedy: granted,
  },
  {
    name: 'PostgreSQL: the role may not connect to the database',
    given: ({ plain }) => asPostgres(plain, 'postgres', 'revoke connect on database shop from public'),
    config: asReader('postgres'),
    args: backup,
    remedy: granted,
    after: ({ plain }) => asPostgres(plain, 'postgres', 'grant connect on database shop to public'),
  },
  {
    name: 'PostgreSQL: the role may have no session',
    given: ({ plain }) => asPostgres(plain, 'postgres', 'alter role reader connection limit 0'),
    config: asReader('postgres'),
    args: backup,
    remedy: granted,
  },
  {
    name: 'PostgreSQL: the password has expired',
    given: ({ plain }) => asPostgres(plain, 'postgres', `alter role reader valid until '2020-01-01'`),
    config: asReader('postgres'),
    args: backup,
    after: ({ plain }) => asPostgres(plain, 'postgres', `alter role reader valid until 'infinity'`),
  },
  {
    name: 'PostgreSQL: the database is closed',
    given: ({ plain }) => asPostgres(plain, 'postgres', 'alter database shop allow_connections false'),
    config: asReader('postgres'),
    args: backup,
    remedy: granted,
  },
  {
    name: 'PostgreSQL: the server has no TLS',
    config: postgres('plain', ', tls: verify'),
    args: backup,
    remedy: mended(postgres('plain', ', tls: off')),
  },
  {
    name: 'PostgreSQL: the server wants TLS',
    config: postgres('tls', ', tls: off'),
    args: backup,
    remedy: mended(verified),
  },
  {
    name: 'PostgreSQL: the authority is unknown',
    config: postgres('tls', ', tls: verify'),
    args: backup,
    remedy: mended(verified),
  },
  {
    name: 'PostgreSQL: the certificate is self-signed',
    config: postgres('tls', ', tls: verify'),
    given: flawed('self-signed'),
    args: backup,
    remedy: mended(pinned),
  },
  { name: 'PostgreSQL: the certificate has expired', config: verified, given: flawed('expired'), args: backup },
  {
    name: 'PostgreSQL: the certificate is for another name',
    config: verified,
    given: flawed('other name'),
    args: backup,
    after: flawed('none'),
  },
  {
    name: 'PostgreSQL: the port is of MariaDB',
    config: ({ old }) => source('postgres', `${at(old)}, user: app, database: shop`),
    args: backup,
  },
  {
    name: 'MariaDB: nothing listens on the port',
    config: source('mariadb', 'host: 127.0.0.1, port: 9, user: app, database: shop'),
    args: backup,
  },
  {
    name: 'MariaDB: the password is wrong',
    config: mariadb('old'),
    given: async (world) => (world.env['PASSWORD'] = 'hunter2'),
    args: backup,
  },
  {
    name: 'MariaDB: the user is not there',
    config: (world) => mariadb('old')(world).replace('user: root', 'user: backpu'),
    args: backup,
  },
  { name: 'MariaDB: the database is not there', config: mariadb('old'), args: backup },
  {
    name: 'MariaDB: the account is locked',
    given: ({ old }) => asRoot(old, `CREATE OR REPLACE USER reader@'%' IDENTIFIED BY 'hunter2' ACCOUNT LOCK`),
    config: asReader('mariadb'),
    args: backup,
  },
  {
    name: 'MariaDB: the password has expired',
    given: ({ old }) => asRoot(old, `CREATE OR REPLACE USER reader@'%' IDENTIFIED BY 'hunter2' PASSWORD EXPIRE`),
    config: asReader('mariadb'),
    args: backup,
  },
  {
    name: 'MariaDB: the server has no TLS',
    config: mariadb('old', ', tls: verify'),
    args: backup,
    remedy: mended(mariadb('old', ', tls: off', 'other')),
  },
  {
    name: 'MariaDB: the server wants TLS',
    config: mariadb('maria', ', tls: off'),
    args: backup,
    remedy: mended(verifiedMaria),
  },
  {
    name: 'MariaDB: the authority is unknown',
    config: mariadb('maria', ', tls: verify'),
    args: backup,
    remedy: mended(verifiedMaria),
  },
  {
    name: 'MariaDB: the certificate is self-signed',
    config: mariadb('maria', ', tls: verify'),
    given: flawedMaria('self-signed'),
    args: backup,
    remedy: mended(pinnedMaria),
  },
  { name: 'MariaDB: the certificate has expired', config: verifiedMaria, given: flawedMaria('expired'), args: backup },
  {
    name: 'MariaDB: the certificate is for another name',
    config: verifiedMaria,
    given: flawedMaria('other name'),
    args: backup,
  },
  {
    name: 'PostgreSQL: the server says nothing',
    slow: true,
    config: ({ silent }) => source('postgres', `host: 127.0.0.1, port: ${silent}, user: app, database: shop`),
    args: backup,
  },
  {
    name: 'MariaDB: the port is of PostgreSQL',
    slow: true,
    config: ({ plain }) => source('mariadb', `${at(plain)}, user: app, database: shop`),
    args: backup,
  },
];

mistakes('connection', open, table);
