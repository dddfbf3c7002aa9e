import { chown, link, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { backupId } from '../../../core/domain/keys.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import { listKeysIn } from '../../../core/secrets/list-keys.ts';

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
afterEach(() => rm(top, { recursive: true }));

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

test('what root keeps in the folder of another user belongs to that one', async () => {
  // nobody else may give a folder away
  const owner = process.getuid!() === 0 ? 12_345 : process.getuid!();
  await mkdir(folder, { recursive: true });
  if (owner === 12_345) await chown(folder, owner, owner);
  await keys().keep(shop, [key(1)]);

  expect(await stat(await fileIn())).toMatchObject({ uid: owner });
});
