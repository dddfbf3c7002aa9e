import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readlink, rm, rmdir, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { objectKey } from '../../../../core/domain/keys.ts';
import { folderVault } from '../../../../core/vaults/folder/folder.ts';
import { chunks, keysOf, patterned } from '../../../contract/vault/vault-data.ts';

const signal = new AbortController().signal;
const programs = join(import.meta.dirname, '../../../real/vaults/programs');

let above: string;
let root: string;

beforeEach(async () => {
  above = await mkdtemp(join(tmpdir(), 'nightjar-folder-'));
  root = join(above, 'vault');
});
afterEach(() => rm(above, { recursive: true }));

const put = (key: string, size = 1000) => folderVault(root).put(objectKey(key), patterned(size, 65_536), {}, signal);

test('a first backup makes the folder, but none above it', async () => {
  await put('shop/1/a');
  expect(await keysOf(folderVault(root), '')).toEqual(['shop/1/a']);

  const deep = folderVault(join(above, 'disk-not-mounted', 'vault'));
  await expect(deep.put(objectKey('a'), chunks(Buffer.from('x')), {}, signal)).rejects.toMatchObject({
    code: 'vault-unreachable',
    message: expect.stringContaining('disk-not-mounted'),
  });
});

test('an empty folder, as an unmounted disk leaves it, does not read as an empty vault', async () => {
  await mkdir(root);

  await expect(keysOf(folderVault(root), '')).rejects.toMatchObject({
    code: 'vault-unreachable',
    hint: expect.stringContaining('mount'),
  });
  await expect(folderVault(root).read(objectKey('a'), signal)).rejects.toMatchObject({ code: 'vault-unreachable' });
});

test('objects and folders are readable to their owner alone', async () => {
  await put('shop/1/a');

  expect((await stat(join(root, 'shop/1/a'))).mode & 0o777).toBe(0o600);
  for (const folder of ['.', 'shop', 'shop/1', '.nightjar'])
    expect((await stat(join(root, folder))).mode & 0o777).toBe(0o700);
});

test('a key leads out of the vault neither by its name nor by a symbolic link', async () => {
  const outside = join(above, 'outside');
  await mkdir(outside);
  await writeFile(join(outside, 'secret'), 'secret');
  await put('shop/1/a');
  await symlink(outside, join(root, 'link'));
  await symlink(join(outside, 'secret'), join(root, 'shop/1/linked'));

  await expect(put('link/a')).rejects.toMatchObject({ code: 'vault-failed' });
  await expect(folderVault(root).read(objectKey('link/secret'), signal)).rejects.toMatchObject({
    code: 'vault-failed',
    message: expect.stringContaining('symbolic link'),
  });
  await expect(folderVault(root).read(objectKey('shop/1/linked'), signal)).rejects.toMatchObject({
    code: 'object-missing',
  });
  await expect(put('.nightjar/incoming/a')).rejects.toMatchObject({ code: 'input-invalid' });
  expect(() => objectKey('shop/../../outside/a')).toThrow();
  expect(await keysOf(folderVault(root), '')).toEqual(['shop/1/a']);
  expect(await readdir(outside)).toEqual(['secret']);
});

test('files that are no objects are not listed and not touched', async () => {
  await put('shop/1/a');
  await writeFile(join(root, 'my notes.txt'), 'mine');
  await mkdir(join(root, 'lost+found'), { mode: 0 });

  expect(await keysOf(folderVault(root), '')).toEqual(['shop/1/a']);
  await rmdir(join(root, 'lost+found'));
});

test('folders that a delete leaves empty go with it', async () => {
  await put('shop/1/data/a');
  await put('shop/2/a');

  await folderVault(root).delete(objectKey('shop/1/data/a'), signal);

  expect(await readdir(join(root, 'shop'))).toEqual(['2']);
});

test('what a killed run has left half written is invisible, and removed by a write a day later', async () => {
  await put('shop/1/a');
  const incoming = join(root, '.nightjar/incoming');
  for (const name of ['yesterday', 'now']) await writeFile(join(incoming, name), 'half');
  const past = Date.now() / 1000 - 25 * 3600;
  await utimes(join(incoming, 'yesterday'), past, past);

  await put('shop/2/a');

  expect(await readdir(incoming)).toEqual(['now']);
  expect(await keysOf(folderVault(root), '')).toEqual(['shop/1/a', 'shop/2/a']);
});

test('a full disk, a read-only one and one that is unmounted are told apart, and leave nothing half written', async () => {
  const mountPoint = join(above, 'disk');
  await mkdir(mountPoint);
  const own = ['--user', '--map-root-user', '--mount', process.execPath, join(programs, 'full-disk.ts'), mountPoint];

  const { stdout } = await promisify(execFile)('unshare', own, { env: { PATH: process.env['PATH'] } });

  expect(JSON.parse(stdout)).toEqual({
    full: 'vault-full',
    left: [],
    listed: ['first'],
    readOnly: 'vault-denied',
    unmounted: 'vault-unreachable',
  });
});

test('a read that is given up while its file is being opened leaves no file open', async () => {
  await put('shop/1/a');
  const open = async () =>
    (
      await Promise.all((await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')))
    ).filter((path) => path.startsWith(above));

  for (let times = 0; times < 20; times += 1)
    await expect(
      Array.fromAsync(folderVault(root).get(objectKey('shop/1/a'), AbortSignal.abort())),
    ).rejects.toMatchObject({ code: 'aborted' });
  // what was given up goes on for a moment
  for (let tries = 0, quiet = 0; tries < 400 && quiet < 10; tries += 1) {
    await new Promise((wake) => setTimeout(wake, 50));
    quiet = (await open()).length === 0 ? quiet + 1 : 0;
  }

  expect(await open()).toEqual([]);
});

test('a disk of /etc/fstab that is not mounted gets no backup below its mount point, and one that is gets it', async () => {
  const own = ['--user', '--map-root-user', '--mount', process.execPath, join(programs, 'not-mounted.ts'), above];

  const { stdout } = await promisify(execFile)('unshare', own, { env: { PATH: process.env['PATH'] } });

  expect(JSON.parse(stdout)).toEqual({
    away: 'vault-unreachable: /disk is not mounted, and /disk/vault is there',
    written: [],
    there: 'stored',
    listed: ['first'],
  });
});

test('museum: a folder that may not be read, of a source or of a backup, is denied, and reads as empty in no listing', async () => {
  await put('shop/20261120T020000Z-7f3a9c/data/a');
  const own = [
    '--user',
    process.execPath,
    join(programs, 'unreadable.ts'),
    root,
    'shop',
    'shop/20261120T020000Z-7f3a9c',
    'shop/20261120T020000Z-7f3a9c/data',
  ];

  const { stdout } = await promisify(execFile)('unshare', own, { env: { PATH: process.env['PATH'] } });

  expect(JSON.parse(stdout)).toEqual(Array.from({ length: 6 }, () => 'vault-denied'));
  await rm(join(root, '.nightjar'), { recursive: true });
  expect(
    JSON.parse((await promisify(execFile)('unshare', own, { env: { PATH: process.env['PATH'] } })).stdout),
  ).toEqual(Array.from({ length: 6 }, (_, at) => (at < 4 ? 'vault-denied' : 'vault-unreachable')));
});
