import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import {
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BackupError } from '../../../../core/domain/errors.ts';
import { objectKey } from '../../../../core/domain/keys.ts';
import type { ObjectKey } from '../../../../core/domain/keys.ts';
import type { Vault } from '../../../../core/vault.ts';
import { folderVault } from '../../../../core/vaults/folder/folder.ts';
import { folderPlace, inFolder } from '../../../../core/vaults/folder/place.ts';
import { versionOf } from '../../../../core/vaults/folder/replace.ts';
import { linkNew } from '../../../../core/vaults/folder/write.ts';
import { unopenedVault } from '../../../../core/vaults/unopened.ts';
import { chunks, keysOf } from '../../../contract/vault/vault-data.ts';

// What else may stand, or happen, where an object is read or written.
const signal = new AbortController().signal;
const [a, b] = [objectKey('shop/1/a'), objectKey('shop/1/b')];
const bytes = (text: string) => Buffer.from(text);
let above: string;
let root: string;
let vault: Vault;

beforeEach(async () => {
  above = await mkdtemp(join(tmpdir(), 'nightjar-odd-'));
  root = join(above, 'vault');
  vault = folderVault(root);
  await vault.putIfAbsent(a, bytes('text'), {}, signal);
});
afterEach(() => rm(above, { recursive: true }));

const read = (key: ObjectKey) => vault.read(key, signal).then(({ body }) => body.toString());
const get = (key: ObjectKey) => Array.fromAsync(vault.get(key, signal));
const fail = (code: string) => Object.assign(new Error(code), { code });

test('a folder, a pipe and what lies below a file are no objects, and keep nobody waiting', async () => {
  execFileSync('mkfifo', [join(root, 'shop/1/pipe')]);

  for (const key of ['shop/1', 'shop/1/pipe', 'shop/1/a/b', 'shop/2/a', 'none'].map(objectKey)) {
    for (const ask of [() => read(key), () => get(key)])
      await expect(ask()).rejects.toMatchObject({
        code: 'object-missing',
        message: `read ${root}/${key}: there is no such object`,
        cause: expect.any(Error),
      });
    await expect(vault.tags(objectKey('shop/1/a/b'), signal)).rejects.toMatchObject({ code: 'object-missing' });
  }
  for (const key of ['shop/1/a/b', 'shop/1/pipe/b'])
    expect(await vault.delete(objectKey(key), signal)).toEqual({ state: 'gone' });
  await expect(read(objectKey('shop/1/pipe'))).rejects.toMatchObject({
    cause: { message: `EISDIR: ${root}/shop/1/pipe is not a file` },
  });
  expect([await keysOf(vault, ''), await read(a)]).toEqual([[a], 'text']);
});

test.each(['.nightjar', '.nightjar/incoming'])('a link in the place of %s removes nothing elsewhere', async (name) => {
  const elsewhere = join(above, 'elsewhere');
  const precious = join(elsewhere, name === '.nightjar' ? 'incoming' : '.', 'precious');
  await mkdir(join(precious, '..'), { recursive: true });
  await writeFile(precious, '');
  await utimes(precious, 0, 0);
  await rm(join(root, name), { recursive: true });
  await symlink(elsewhere, join(root, name));

  const refused = { code: 'vault-failed', message: expect.stringContaining(`${join(root, name)} is a symbolic link`) };
  await expect(vault.putIfAbsent(b, bytes('more'), {}, signal)).rejects.toMatchObject(refused);
  await expect(keysOf(vault, '')).rejects.toMatchObject(refused);
  await expect(vault.delete(a, signal)).rejects.toMatchObject(refused);
  expect([await readFile(precious, 'utf8'), await read(a)]).toEqual(['', 'text']);
});

test('a large object is not read as a small one', async () => {
  await truncate(join(root, a), 64 * 1024 ** 2 + 1);

  await expect(read(a)).rejects.toMatchObject({
    code: 'object-too-large',
    message: `${root}/${a} is too large for a small object: 67108865 bytes`,
  });
});

test('an object that gets shorter while it is read is an error, and no shorter object', async () => {
  await vault.put(b, chunks(Buffer.alloc(2 * 1024 ** 2)), {}, signal);
  const reading = async () => {
    for await (const _ of vault.get(b, signal)) await truncate(join(root, b), 524_288);
  };

  await expect(reading()).rejects.toMatchObject({
    code: 'vault-failed',
    message: `read ${root}/${b}: the file ended at 524288 of 2097152 bytes`,
  });
});

test('names that no key can have are somebody else’s; so are links, unless a backup lies behind one that is asked for', async () => {
  await writeFile(join(root, 'shop/1/my notes.txt'), 'mine');
  await symlink(join(root, a), join(root, 'shop/1/linked'));
  const id = '20261120T020000Z-7f3a9c';
  await mkdir(join(above, 'elsewhere', id), { recursive: true });
  await writeFile(join(above, 'elsewhere', id, 'manifest.json'), '{}');
  expect(await keysOf(vault, '')).toEqual([a]);

  await symlink(join(above, 'elsewhere'), join(root, 'blog'));
  expect(await keysOf(vault, 'shop/')).toEqual([a]);
  for (const prefix of ['', 'b', 'blog/'])
    await expect(keysOf(vault, prefix)).rejects.toMatchObject({
      code: 'vault-failed',
      message: expect.stringContaining(`${root}/blog is a symbolic link`),
    });
});

test('reads, writes and listings leave no file open', async () => {
  const open = async () => {
    const all = await readdir('/proc/self/fd');
    const paths = await Promise.all(all.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
    return paths.filter((path) => path.startsWith(above));
  };

  await vault.put(b, chunks(bytes('1')), {}, signal);
  await vault.putIfUnchanged(a, bytes('more'), versionOf(bytes('text')), signal);
  await vault.putIfUnchanged(a, bytes('more'), 'another', signal).catch(() => undefined);
  await vault.put(b, chunks(bytes('1')), {}, signal).catch(() => undefined);
  await read(a);
  await get(a);
  await read(objectKey('shop/1')).catch(() => undefined);
  for await (const _ of vault.get(a, signal)) break;
  await keysOf(vault, '');
  await vault.delete(b, signal);

  expect(await open()).toEqual([]);
});

test('a folder that is removed for being empty, while an object is written into it, is made again; ten times at most', async () => {
  const place = folderPlace(root);
  const key = 'shop/9/a';
  const tries: string[] = [];
  const failing = (times: number, code: string) => {
    tries.length = 0;
    return inFolder(place, key, async (path) => {
      tries.push(path);
      if (tries.length > times) return writeFile(path, 'x').then(() => 'written');
      await rm(join(root, 'shop/9'), { recursive: true, force: true });
      throw fail(code);
    });
  };

  expect([await failing(9, 'ENOENT'), tries.length]).toEqual(['written', 10]);
  await expect(failing(10, 'ENOENT')).rejects.toMatchObject({ code: 'ENOENT' });
  expect(tries).toHaveLength(10);
  await expect(failing(1, 'EIO')).rejects.toMatchObject({ code: 'EIO' });
  expect(tries).toEqual([join(root, key)]);
});

test('a name is given once; where a server has heard of it twice, it is ours', async () => {
  const [file, name] = [join(above, 'file'), join(above, 'name')];
  await writeFile(file, '1');

  expect(await linkNew(file, name)).toBe(true);
  // as it is when the answer to the first call was lost
  expect(await linkNew(file, name)).toBe(true);
  await writeFile(join(above, 'other'), '2');
  expect(await linkNew(join(above, 'other'), name)).toBe(false);
  await expect(linkNew(file, join(above, 'none', 'name'))).rejects.toMatchObject({ code: 'ENOENT' });
  expect(await readFile(name, 'utf8')).toBe('1');
});

test('an object that is gone, beside one that is there, is not replaced', async () => {
  await vault.putIfAbsent(b, bytes('text'), {}, signal);
  await vault.delete(a, signal);

  await expect(vault.putIfUnchanged(a, bytes('more'), versionOf(bytes('text')), signal)).rejects.toMatchObject({
    code: 'object-exists',
  });

  expect(await keysOf(vault, '')).toEqual([b]);
});

test('what stands in the place of a claim and is none keeps the object as it is', async () => {
  const version = versionOf(bytes('text'));
  await writeFile(join(root, '.nightjar/incoming', versionOf(bytes(`${join(root, a)}\n${version}`))), 'a file');

  await expect(vault.putIfUnchanged(a, bytes('more'), version, signal)).rejects.toMatchObject({
    code: 'object-exists',
  });

  expect(await read(a)).toBe('text');
});

test('two names of one file are one to a share, and another file is in its way', async () => {
  await link(join(root, a), join(root, b));
  const share = (from: ObjectKey, to: ObjectKey) => vault.share!([{ from, to, bytes: 4 }], signal);

  expect(await share(a, b)).toBe(true);
  await vault.putIfAbsent(objectKey('shop/1/c'), bytes('text'), {}, signal);
  await expect(share(a, objectKey('shop/1/c'))).rejects.toMatchObject({ code: 'object-exists' });
  const long = objectKey(`shop/1/${'x'.repeat(300)}`);
  await expect(share(a, long)).rejects.toMatchObject({ code: 'vault-failed' });
});

test('a vault that could not be opened fails whatever it is asked, and says why', async () => {
  const cause = new Error('no key');
  const unopened = unopenedVault(
    's3://b',
    new BackupError('secret-missing', 'no key is there', { hint: 'set it', cause }),
  );
  const why = { code: 'vault-unreachable', message: 'no key is there', hint: 'set it', cause };

  expect(unopened.place).toBe('s3://b');
  for (const ask of [
    () => unopened.put(a, chunks(), {}, signal),
    () => unopened.putIfAbsent(a, bytes(''), {}, signal),
    () => unopened.putIfUnchanged(a, bytes(''), '', signal),
    () => unopened.read(a, signal),
    () => Array.fromAsync(unopened.get(a, signal)),
    () => keysOf(unopened, ''),
    () => unopened.delete(a, signal),
    () => unopened.tags(a, signal),
    () => unopened.retag(a, {}, signal),
    () => Array.fromAsync(unopened.unfinished('', signal)),
    () => unopened.abandon({ key: a, upload: 'u', begun: new Date() }, signal),
  ])
    await expect(ask()).rejects.toMatchObject(why);
});
