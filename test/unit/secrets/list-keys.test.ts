import { chmod, chown, link, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { backupId } from '../../../core/domain/keys.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import { listKeysIn, plainly } from '../../../core/secrets/list-keys.ts';
import { cacheRoot } from '../../../layers/db-tools/cache.ts';

const shop = 'shop' as SourceName;
const key = (day: number) => ({
  id: backupId(`2026112${day}T020000Z-00000a`),
  manifest: `${day}`.repeat(64),
  identity: `AGE-SECRET-KEY-1${day}`,
});
let top: string;
let folder: string;
const keys = (vault = '/srv/backups') => listKeysIn(async () => folder, vault);

beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'nightjar-list-keys-'));
  folder = join(top, 'cache', 'keys');
});
afterEach(async () => {
  jest.restoreAllMocks();
  await rm(top, { recursive: true });
});

const fileIn = async () => join(folder, (await readdir(folder))[0]!);

test('what is kept is read again, of this source in this vault alone, and nobody else may read it', async () => {
  expect(await keys().read(shop)).toEqual({ place: folder, keys: [] });
  await keys().keep(shop, [key(1)]);
  await keys().keep(shop, [key(1), key(2)]);

  expect(await keys().read(shop)).toEqual({ place: folder, keys: [key(1), key(2)] });
  expect(await keys().read('other' as SourceName)).toMatchObject({ keys: [] });
  expect(await keys('/srv/others').read(shop)).toMatchObject({ keys: [] });
  expect(await readdir(folder)).toHaveLength(1);
  expect([(await stat(folder)).mode & 0o777, (await stat(await fileIn())).mode & 0o777]).toEqual([0o700, 0o600]);
});

test('what is no line of ours is passed over, and a link is not followed', async () => {
  await keys().read(shop);
  await keys().keep(shop, [key(1)]);
  const good = await readFile(await fileIn(), 'latin1');
  await writeFile(await fileIn(), `\0\n${good.replace('20261121', '20261399')}${good}${good.slice(0, 60)}`);
  expect(await keys().read(shop)).toMatchObject({ keys: [key(1)] });

  const file = await fileIn();
  await link(file, join(top, 'kept'));
  await rm(file);
  await symlink(join(top, 'kept'), file);
  expect(await keys().read(shop)).toMatchObject({ why: expect.stringContaining('ELOOP') });
  await keys().keep(shop, [key(2)]);
  expect(await keys().read(shop)).toMatchObject({ keys: [key(2)] });
});

test('what a killed run has left beside it does not stay, and does not stand in the way', async () => {
  await keys().read(shop);
  await keys().keep(shop, [key(1)]);
  await writeFile((await fileIn()).replace('.key', '.new.key'), 'half');
  await keys().keep(shop, [key(2)]);

  expect(await readdir(folder)).toHaveLength(1);
  expect(await keys().read(shop)).toMatchObject({ keys: [key(2)] });
});

test('where nothing can be kept it is said why', async () => {
  await writeFile(join(top, 'cache'), '');
  expect(await keys().read(shop)).toMatchObject({ why: expect.stringMatching(/ENOTDIR|EEXIST/) });
  await expect(keys().keep(shop, [key(1)])).rejects.toThrow('ENOTDIR');
  const homeless = listKeysIn(() => Promise.reject(new Error('no home')), '/srv/backups');
  expect(await homeless.read(shop)).toEqual({ why: 'no home' });
});

test('a folder in which others may replace keys is refused', async () => {
  await keys().read(shop);
  for (const mode of [0o770, 0o1777, 0o702]) {
    await chmod(folder, mode);
    expect(await keys().read(shop)).toEqual({
      why: `others may write to the folder ${folder}: its mode is ${mode.toString(8)}`,
    });
  }
});

test('a folder of another user is refused, but by root', async () => {
  await keys().read(shop);
  const { uid } = await stat(folder);
  jest.spyOn(process, 'getuid').mockReturnValue(uid + 1);
  const why = `the folder ${folder} belongs to user ${uid}, and this is user ${uid + 1}`;
  expect(await keys().read(shop)).toEqual({ why });

  jest.spyOn(process, 'getuid').mockReturnValue(0);
  expect(await keys().read(shop)).toEqual({ place: folder, keys: [] });
});

test('an empty HOME keeps nothing in the working folder', () => {
  jest.spyOn(process, 'getuid').mockReturnValue(1000);
  const { HOME } = process.env;
  process.env['HOME'] = '';
  try {
    expect(isAbsolute(cacheRoot({}))).toBe(true);
  } finally {
    if (HOME === undefined) delete process.env['HOME'];
    else process.env['HOME'] = HOME;
  }
});

test('what a disk that may only be read answers is told as a sentence', () => {
  const told = (code: string) => `${plainly('/srv/keys', Object.assign(new Error(code), { code }))}`;

  // a folder is made with those above it: that is ENOENT there
  expect(['ENOENT', 'EROFS', 'EACCES', 'EIO'].map(told)).toEqual([
    'Error: the folder /srv/keys is on a disk that may only be read',
    'Error: the folder /srv/keys is on a disk that may only be read',
    'Error: this user may not write to the folder /srv/keys',
    'Error: EIO',
  ]);
});

test('what root keeps in the folder of another user belongs to that one', async () => {
  // nobody else may give a folder away
  const owner = process.getuid!() === 0 ? 12_345 : process.getuid!();
  await mkdir(folder, { recursive: true });
  if (owner === 12_345) await chown(folder, owner, owner);
  await keys().keep(shop, [key(1)]);

  expect(await stat(await fileIn())).toMatchObject({ uid: owner });
});
