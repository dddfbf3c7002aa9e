import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newIdentity } from '../../core/pipeline/age/keys.ts';
import { newSigningKey } from '../../core/signing.ts';
import type { Tools } from '../../core/tools.ts';
import type { DatabaseServer, S3Server } from '../servers/server.ts';
import type { Command } from './measure.ts';

export type EngineName = 'postgres' | 'mariadb';

/** One way to take a backup; `command` runs it into the bucket `bench`. */
export type Way = { name: string; stores: boolean; command(store: S3Server): Promise<Command> };

/** `nightjar`: the command line, as it is installed. */
export type Setting = {
  tools: Tools;
  server: DatabaseServer;
  folder: string;
  nightjar: string;
  parallel: number;
  level: number;
};

const database = 'shop';
const competitor = join(import.meta.dirname, 'competitor.ts');

/** The name of our way, and of the same with keys. */
export const ours = 'nightjar backup';
export const oursSealed = 'nightjar backup, encrypted and signed';

/** Every way for a server's database, ours last. */
export function waysOf(engine: EngineName, setting: Setting): Way[] {
  return [
    ...(engine === 'postgres' ? postgresWays(setting) : mariadbWays(setting)),
    { name: ours, stores: true, command: (store) => nightjarCommand(engine, setting, store, 'plain') },
    { name: oursSealed, stores: true, command: (store) => nightjarCommand(engine, setting, store, 'sealed') },
  ];
}

function postgresWays({ tools, server }: Setting): Way[] {
  const { command, args } = tools.program('pg_dump', 18);
  const dump = shell([
    command,
    ...args,
    '--host',
    server.host,
    '--port',
    String(server.port),
    '--username',
    server.user,
    database,
  ]);
  const env = { PGPASSWORD: server.password };
  return [
    { name: 'pg_dump >/dev/null', stores: false, command: () => toNowhere(dump, env) },
    stock('pg_dump | gzip', `${dump} | gzip`, env),
    stock('pg_dump -Fc', `${dump} -Fc`, env),
    stock('pg_dump -Fc -Z1', `${dump} -Fc -Z1`, env),
  ];
}

function mariadbWays({ tools, server }: Setting): Way[] {
  const { command, args } = tools.program('mariadb-dump');
  const login = [
    '--no-defaults',
    '--skip-ssl',
    '--protocol=tcp',
    `--host=${server.host}`,
    `--port=${server.port}`,
    `--user=${server.user}`,
  ];
  const dump = shell([
    command,
    ...args,
    ...login,
    '--single-transaction',
    '--hex-blob',
    '--routines',
    '--events',
    database,
  ]);
  const env = { MYSQL_PWD: server.password };
  return [
    { name: 'mariadb-dump >/dev/null', stores: false, command: () => toNowhere(dump, env) },
    stock('mariadb-dump | gzip', `${dump} | gzip`, env),
  ];
}

async function toNowhere(dump: string, env: Record<string, string>): Promise<Command> {
  return { program: '/bin/sh', args: ['-c', `exec ${dump} >/dev/null`], env };
}

function stock(name: string, command: string, env: Record<string, string>): Way {
  return {
    name,
    stores: true,
    command: async (store) => ({
      program: process.execPath,
      args: [competitor, 'bench', name.replace(/\W+/g, '-'), command],
      env: {
        ...env,
        ENDPOINT: store.endpoint,
        AWS_REGION: store.region,
        AWS_ACCESS_KEY_ID: store.accessKeyId,
        AWS_SECRET_ACCESS_KEY: store.secretAccessKey,
      },
    }),
  };
}

/** The command line, with a configuration that names the server and the store. */
export async function nightjarCommand(
  engine: EngineName,
  { server, folder, nightjar, parallel, level }: Setting,
  store: S3Server,
  form: 'plain' | 'sealed',
  args: readonly string[] = ['backup', database],
): Promise<Command> {
  const config = join(folder, `${engine}-${form}.json`);
  const { defaults, env: secrets } = form === 'plain' ? { defaults: {}, env: {} } : await withKeys();
  const { host, port, user } = server;
  const { endpoint, region } = store;
  const keys = { accessKeyId: { env: 'STORE_ID' }, secretAccessKey: { env: 'STORE_KEY' } };
  await writeFile(
    config,
    JSON.stringify({
      vault: { s3: { bucket: 'bench', prefix: form, endpoint, region, ...keys } },
      defaults,
      sources: {
        [database]: {
          [engine]: { host, port, user, database, password: { env: 'DB_PASSWORD' } },
          parallel,
          compression: level,
        },
      },
    }),
  );
  const env = {
    ...secrets,
    STORE_ID: store.accessKeyId,
    STORE_KEY: store.secretAccessKey,
    DB_PASSWORD: server.password,
    HOME: process.env['HOME'] ?? '/',
  };
  return {
    program: process.execPath,
    args: ['--max-semi-space-size=2', nightjar, '--config', config, ...args],
    env,
  };
}

/** New keys, as a configuration names them. */
async function withKeys() {
  const [{ recipient }, { publicKey, privateKey }] = [await newIdentity(), newSigningKey()];
  return {
    defaults: {
      encryption: { recipients: [recipient] },
      signing: { publicKeys: [publicKey], privateKey: { env: 'SIGNING_KEY' } },
    },
    env: { SIGNING_KEY: privateKey },
  };
}

export function shell(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
}
