import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { folderVault } from '../../../core/vaults/folder/folder.ts';
import { startPostgres } from '../../servers/databases/postgres.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { dailyIds, putBackup } from '../../support/vaults/history.ts';
import { mistakes } from './support/mistake.ts';
import type { Mistake, World } from './support/mistake.ts';
import { asPostgres, at } from './support/servers.ts';
import { atTerminal } from './support/terminal.ts';
import type { Seen } from './support/terminal.ts';

/** A server, and an endpoint that refuses every message. */
async function open() {
  const server = await startPostgres({ major: 18 });
  await asPostgres(server, 'postgres', 'create database shop');
  await asPostgres(server, 'shop', 'create table orders (id int primary key)');
  const refusing = createServer((_, response) => response.writeHead(403).end('invalid_token')).listen(0, '127.0.0.1');
  await once(refusing, 'listening');
  const stop = async () => {
    refusing.close();
    await server.stop();
  };
  return {
    server,
    refusing: `http://127.0.0.1:${(refusing.address() as AddressInfo).port}`,
    config: configOf(server, ''),
    stop,
  };
}
type Servers = Awaited<ReturnType<typeof open>>;

function configOf(server: DatabaseServer, more: string, settings = ''): string {
  return `vault: ./backups\nsources:\n  shop:\n    postgres: { ${at(server)}, user: postgres, password: { env: PASSWORD }, database: shop }\n${settings}${more}`;
}
const notifying = (notifier: string) => (world: World<Servers>) => configOf(world.server, `notify:\n  - ${notifier}\n`);
const withPassword = async ({ env, server }: World<Servers>) => (env['PASSWORD'] = server.password);
const secrets = ({ server }: World<Servers>) => [server.password];
const id = '20260102T030405Z-a1b2c3';
const asNobody = process.getuid?.() === 0 ? 'setpriv --reuid=65534 --regid=65534 --clear-groups' : '';

/** A backup that waits for a lock: the source is at work as long as somebody else works on the table. */
let first: { table: pg.Client; backup: Promise<Seen> } | undefined;
async function begin(world: World<Servers>): Promise<void> {
  await withPassword(world);
  const { host, port, user, password } = world.server;
  const client = new pg.Client({ host, port, user, password, database: 'shop' });
  await client.connect();
  await client.query('begin; lock table orders in access exclusive mode');
  first = { table: client, backup: atTerminal(['backup', 'shop'], 80, world) };
  while ((await client.query(`select from pg_locks where not granted`)).rowCount === 0)
    await new Promise((resolve) => setTimeout(resolve, 20));
}
async function end(): Promise<void> {
  await first!.table.end();
  await first!.backup;
}

const table: Mistake<Servers>[] = [
  {
    name: 'A backup that is at work already',
    args: ['backup', 'shop'],
    given: begin,
    secrets,
    remedy: end,
    varies: true,
  },
  {
    name: 'A pin of a backup that is not there',
    args: ['pin', 'shop', id, '--reason', 'the migration'],
    given: withPassword,
    secrets,
  },
  { name: 'A verify of a backup that is not there', args: ['verify', 'shop', id], secrets },
  {
    name: 'A rotation that would remove most of it',
    args: ['rotate', 'old'],
    secrets,
    config: ({ server }) =>
      configOf(
        server,
        '',
        '  old:\n    mariadb: { host: 127.0.0.1, port: 9, user: app, database: old }\n    retention: { count: 1 }\n',
      ),
    async given({ folder }) {
      for (const one of dailyIds(4, '2025-01-20')) await putBackup(folderVault(join(folder, 'backups')), 'old', one);
    },
    remedy: async () => ['rotate', 'old', '--any-share'],
  },
  { name: 'Nobody is to be told', args: ['notify'], secrets },
  {
    name: 'The address of a notifier is refused',
    config: notifying('slack: { env: HOOK }'),
    args: ['notify'],
    given: async ({ env, refusing }) => (env['HOOK'] = `${refusing}/services/hunter2`),
    secrets,
  },
  {
    name: 'The address of a notifier is none',
    config: notifying('slack: { env: HOOK }'),
    args: ['notify'],
    given: async ({ env }) => (env['HOOK'] = 'hunter2'),
    secrets,
  },
  {
    name: 'The variable of a notifier is not set',
    config: notifying('slack: { env: HOOK }'),
    args: ['notify'],
    given: async ({ env }) => delete env['HOOK'],
    secrets,
  },
  {
    name: 'The token of Telegram is refused',
    config: (world) => notifying(`telegram: { token: { env: TOKEN }, chat: "-1001", api: "${world.refusing}" }`)(world),
    args: ['notify'],
    given: async ({ env }) => (env['TOKEN'] = '1:hunter2'),
    secrets,
  },
  {
    name: 'The command of a notifier is not there',
    config: notifying('command: [./tell.sh]'),
    args: ['notify'],
    secrets,
  },
  {
    name: 'The command of a notifier fails',
    config: notifying('command: [./tell.sh]'),
    args: ['notify'],
    given: ({ folder }) =>
      writeFile(join(folder, 'tell.sh'), '#!/bin/sh\necho no route to the pager >&2\nexit 7\n', { mode: 0o755 }),
    secrets,
  },
  {
    name: 'A home that is not there',
    args: ['backup', 'shop'],
    keyboard: { as: asNobody, before: 'unset NIGHTJAR_TOOLS NIGHTJAR_CACHE; export HOME=/nonexistent/home' },
    secrets,
  },
  {
    name: 'No home at all',
    args: ['backup', 'shop'],
    keyboard: { as: asNobody.replaceAll('65534', '54321'), before: 'unset NIGHTJAR_TOOLS NIGHTJAR_CACHE HOME' },
    secrets,
  },
  {
    name: 'The cache is a file',
    args: ['backup', 'shop'],
    keyboard: { before: 'unset NIGHTJAR_TOOLS; touch cache; export NIGHTJAR_CACHE=cache' },
    secrets,
  },
  {
    name: 'Others may write to the cache',
    args: ['backup', 'shop'],
    keyboard: { before: 'unset NIGHTJAR_TOOLS; mkdir -m 777 open; export NIGHTJAR_CACHE=$PWD/open' },
    secrets,
  },
];

mistakes('run', open, table);
