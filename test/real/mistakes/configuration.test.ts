import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mistakes } from './support/mistake.ts';
import type { Mistake } from './support/mistake.ts';

const login = 'host: 127.0.0.1, port: 9, database: shop, user: app';
const source = (more: string, rest = '') =>
  `vault: ./backups\nsources:\n  shop:\n    postgres: { ${login}${more} }\n${rest}`;
const settings = (rest: string) => source('', rest);
const open = async () => ({ config: source(''), stop: async () => undefined });

const table: Mistake<Awaited<ReturnType<typeof open>>>[] = [
  { name: 'The configuration is elsewhere', args: ['backup', '-c', '/nowhere/nightjar.yaml'] },
  { name: 'The configuration is a folder', args: ['backup', '-c', '/tmp'] },
  { name: 'The configuration is empty', config: '', args: ['backup'] },
  { name: 'The configuration is text', config: 'postgres://app@db/shop\n', args: ['backup'] },
  { name: 'YAML: a tab for blanks', config: 'vault: ./b\nsources:\n\tshop:\n', args: ['backup'] },
  {
    name: 'YAML: a bracket is not closed',
    config: 'vault: ./b\nsources:\n  shop: { postgres: { host: db\n',
    args: ['backup'],
  },
  {
    name: 'YAML: a colon without a blank',
    config: 'vault: ./b\nsources:\n  shop:\n    postgres: { host:db, database: shop, user: app }\n',
    args: ['backup'],
  },
  { name: 'YAML: a key twice', config: 'vault: ./b\nvault: ./c\nsources: {}\n', args: ['backup'] },
  { name: 'A key is misspelt', config: settings('    retension: { daily: 7 }\n'), args: ['backup'] },
  { name: 'A key is on the wrong level', config: `${settings('')}retention: { daily: 7 }\n`, args: ['backup'] },
  {
    name: 'Four mistakes at once',
    config:
      'vualt: ./b\nsources:\n  shop:\n    postgres: { host: db, port: many, database: shop, user: app }\n    ' +
      'retention: { daily: seven }\n    timeZone: Europe/Amstrdam\n',
    args: ['backup'],
  },
  { name: 'No sources', config: 'vault: ./b\nsources: {}\n', args: ['backup'] },
  { name: 'Two engines for one source', config: settings(`    mariadb: { ${login} }\n`), args: ['backup'] },
  {
    name: 'A URL as the host',
    config:
      'vault: ./b\nsources:\n  shop:\n    postgres: { host: "postgres://app:hunter2@db/shop", database: shop, ' +
      'user: app }\n',
    args: ['backup'],
  },
  {
    name: 'A vault with its keys in the URL',
    config:
      'vault: s3://AKIA:hunter2@bucket/prefix\nsources:\n  shop:\n    postgres: { host: db, database: shop, ' +
      'user: app }\n',
    args: ['backup'],
  },
  { name: 'The password is written in plain', config: source(', password: hunter2'), args: ['backup'] },
  { name: 'The password is in braces', config: source(', password: { hunter2 }'), args: ['backup'] },
  {
    name: 'The password is in two pairs of braces',
    config: source(', password: {{ hunter2 }}'),
    args: ['backup'],
    keyboard: {},
  },
  {
    name: 'The password is the name of a variable with a dollar',
    config: source(', password: { env: $SHOP_PASSWORD }'),
    args: ['backup'],
  },
  { name: 'The password begins with an asterisk', config: source(', password: *hunter2'), args: ['backup'] },
  {
    name: 'The variable is not set',
    config: source(', password: { env: SHOP_PASSWORD }'),
    args: ['backup'],
    // told before the clients are fetched: there is no folder for them, and nobody has noticed
    given: async (world) => (world.env['NIGHTJAR_TOOLS'] = '/nowhere'),
  },
  {
    name: 'The variable is empty',
    config: source(', password: { env: SHOP_PASSWORD }'),
    args: ['backup'],
    given: async (world) => (world.env['SHOP_PASSWORD'] = ''),
  },
  { name: 'The secret file is not there', config: source(', password: { file: secret.txt }'), args: ['backup'] },
  {
    name: 'The secret file is empty',
    config: source(', password: { file: secret.txt }'),
    args: ['backup'],
    given: ({ folder }) => writeFile(join(folder, 'secret.txt'), '\n'),
  },
  {
    name: 'The secret file is a folder',
    config: source(', password: { file: secrets }'),
    args: ['backup'],
    given: ({ folder }) => mkdir(join(folder, 'secrets')),
  },
  {
    name: 'The file of the authority is not there',
    config: source(', tls: { ca: ./authority.pem }'),
    args: ['backup'],
  },
  {
    name: 'The file of the authority is a key',
    config: source(', tls: { ca: ./server.key }'),
    args: ['backup'],
    given: ({ folder }) => writeFile(join(folder, 'server.key'), '-----BEGIN PRIVATE KEY-----\nhunter2\n'),
  },
  {
    name: 'The database clients are not where NIGHTJAR_TOOLS says',
    args: ['backup'],
    given: async (world) => (world.env['NIGHTJAR_TOOLS'] = '/nowhere'),
  },
];

mistakes('configuration', open, table);
