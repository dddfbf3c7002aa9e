import { mistakes } from './support/mistake.ts';
import type { Mistake } from './support/mistake.ts';

const config =
  'vault: ./backups\nsources:\n  shop:\n    postgres: { host: 127.0.0.1, port: 9, database: shop, user: app }\n ' +
  ' blog:\n    mariadb: { host: 127.0.0.1, port: 9, database: blog, user: app }\n';
const open = async () => ({ config, stop: async () => undefined });

const table: Mistake<Awaited<ReturnType<typeof open>>>[] = [
  { name: 'No command', args: [] },
  { name: 'An unknown command', args: ['bakcup'] },
  { name: 'A command of another program', args: ['snapshots'] },
  { name: 'An unknown flag', args: ['restore', 'shop', '--replce'] },
  { name: 'A flag without its value', args: ['restore', 'shop', '--to'] },
  { name: 'A flag of another command', args: ['backup', '--replace'] },
  { name: 'A source that is misspelt', args: ['backup', 'shpo'] },
  { name: 'Two sources that are not there', args: ['backup', 'shpo', 'wiki'] },
  { name: 'Restore without a source', args: ['restore'] },
  { name: 'A word too many', args: ['list', 'shop', 'latest'] },
  { name: 'A database in the place of the id', args: ['restore', 'shop', 'shop_copy'] },
  { name: 'Verify one and all', args: ['verify', 'shop', '20260102T030405Z-a1b2c3', '--all'] },
  { name: 'A pin without a reason', args: ['pin', 'shop', '20260102T030405Z-a1b2c3'] },
  { name: 'A list of a vault that was never used', args: ['list'] },
  { name: 'A rotation of a vault that was never used', args: ['rotate', 'shop'] },
];

mistakes('usage', open, table);
