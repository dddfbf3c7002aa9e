import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { FileHandle } from 'node:fs/promises';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { objectKey } from '../../../../core/domain/keys.ts';
import type { ObjectKey } from '../../../../core/domain/keys.ts';
import type { Vault } from '../../../../core/vault.ts';
import { folderVault } from '../../../../core/vaults/folder/folder.ts';
import { requireMounts } from '../../../../core/vaults/folder/mounts.ts';
import { versionOf } from '../../../../core/vaults/folder/replace.ts';
import { chunks, keysOf } from '../../../contract/vault/vault-data.ts';
import { answering, answeringAgain, failure, systemCalls } from './system-calls.ts';

// What the file system of no test answers: a share that loses answers, a disk that lies, one without links.
const signal = new AbortController().signal;
const [a, b] = [objectKey('shop/1/a'), objectKey('shop/1/b')];
const bytes = (text: string) => Buffer.from(text);
let above: string;
let root: string;
let vault: Vault;

beforeEach(async () => {
  above = await mkdtemp(join(tmpdir(), 'nightjar-answers-'));
  root = join(above, 'vault');
  vault = folderVault(root);
  await vault.putIfAbsent(a, bytes('text'), {}, signal);
});
afterEach(async () => {
  answeringAgain();
  await rm(above, { recursive: true });
});

const put = (key: ObjectKey, on = signal) => vault.put(key, chunks(bytes('text')), {}, on);
const replace = (text: string) => vault.putIfUnchanged(a, bytes(text), versionOf(bytes('text')), signal);
const share = (to = b) => vault.share!([{ from: a, to, bytes: 4 }], signal);
const held = (key = a) => readFile(join(root, key), 'utf8');
const hidden = () => readdir(join(root, '.nightjar/incoming'));
/** As the system does it; but when `when` says so, then `otherwise`. */
const renaming = (when: (from: string, to: string) => boolean, otherwise: typeof systemCalls.rename) =>
  answering({
    rename: (from, to) => (when(String(from), String(to)) ? otherwise(from, to) : systemCalls.rename(from, to)),
  });
/** Files that are opened have these answers of their own. */
const opening = (when: (path: string) => boolean, change: (handle: FileHandle) => void) =>
  answering({
    open: async (path, ...rest) => {
      const handle = await systemCalls.open(path, ...rest);
      if (when(String(path))) change(handle);
      return handle;
    },
  });
const isClaim = (from: string, to: string) => from.endsWith('.claim') && !to.endsWith('.claim');

describe('a claim that is made by a rename', () => {
  test('is ours where a server has heard of it twice, and answers that there was nothing to rename', async () => {
    renaming(isClaim, async (from, to) => {
      await systemCalls.rename(from, to);
      throw failure('ENOENT');
    });

    expect(await replace('more')).toEqual({ version: versionOf(bytes('more')) });
    expect([await held(), await hidden()]).toEqual(['more', []]);
  });

  test('is nobody’s where it was not made', async () => {
    renaming(isClaim, () => Promise.reject(failure('ENOENT')));

    await expect(replace('more')).rejects.toMatchObject({ code: 'object-exists' });
    expect([await held(), await hidden()]).toEqual(['text', []]);
  });

  test.each([
    ['EEXIST', 'object-exists'],
    ['ENOTEMPTY', 'object-exists'],
    ['EIO', 'vault-failed'],
    ['EACCES', 'vault-denied'],
  ])('that fails with %s is %s', async (code, meaning) => {
    renaming(isClaim, () => Promise.reject(failure(code)));

    await expect(replace('more')).rejects.toMatchObject({ code: meaning });
    expect([await held(), await hidden()]).toEqual(['text', []]);
  });

  test('is taken back where the object has changed behind it', async () => {
    renaming(isClaim, async (from, to) => {
      await systemCalls.rename(from, to);
      await writeFile(join(root, a), 'another');
    });

    await expect(replace('more')).rejects.toMatchObject({ code: 'object-exists' });
    expect([await held(), await hidden()]).toEqual(['another', []]);
  });

  test('is taken back where the object was removed behind it', async () => {
    renaming(isClaim, async (from, to) => {
      await systemCalls.rename(from, to);
      await rm(join(root, a));
    });

    await expect(replace('more')).rejects.toMatchObject({ code: 'object-exists' });
    expect([await keysOf(vault, ''), await hidden()]).toEqual([[], []]);
  });

  test('that another writer has worked off for us counts as ours', async () => {
    renaming(isClaim, async (from, to) => {
      await systemCalls.rename(from, to);
      const [file] = await readdir(to);
      await systemCalls.rename(join(String(to), file!), join(root, a));
    });

    expect(await replace('more')).toEqual({ version: versionOf(bytes('more')) });
    expect([await held(), await hidden()]).toEqual(['more', []]);
  });
});

test('what is being replaced is readable to its owner alone', async () => {
  const modes: number[] = [];
  renaming(isClaim, async (from, to) => {
    modes.push((await stat(from)).mode & 0o777);
    await systemCalls.rename(from, to);
  });

  await replace('more');

  expect(modes).toEqual([0o700]);
});

describe('a second name', () => {
  test.each(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'])(
    'that a disk can’t give (%s) is given to nobody, and no error',
    async (code) => {
      answering({ link: () => Promise.reject(failure(code)) });
      expect(await share()).toBe(false);
    },
  );

  test('that is there, of nobody knows what, is in the way', async () => {
    answering({ link: () => Promise.reject(failure('EEXIST')) });
    await expect(share()).rejects.toMatchObject({
      code: 'object-exists',
      message: `write ${join(root, b)}: it is there already`,
    });
  });

  test('is an error where the disk fails', async () => {
    answering({
      link: async (from, to) => {
        await systemCalls.link(from, to);
        throw failure('EIO');
      },
    });
    await expect(share()).rejects.toMatchObject({ code: 'vault-failed', message: expect.stringContaining('EIO') });
    await expect(put(objectKey('shop/1/c'))).rejects.toMatchObject({
      code: 'vault-failed',
      message: expect.stringContaining('EIO'),
    });
  });

  test('is the last one that is given when somebody asks us to stop', async () => {
    const stop = new AbortController();
    answering({
      link: async (from, to) => {
        await systemCalls.link(from, to);
        stop.abort();
      },
    });
    const shared = ['shop/3/a', 'shop/4/a'].map((to) => ({ from: a, to: objectKey(to), bytes: 4 }));

    expect(await vault.share!(shared, stop.signal)).toBe(false);

    expect(await keysOf(vault, 'shop/')).toEqual([a, 'shop/3/a']);
  });
});

describe('what is written', () => {
  test('is on the disk before anybody sees it, and so is its name when it is told', async () => {
    const done: string[] = [];
    const nameOf = (path: string) => (path.startsWith(join(root, '.nightjar')) ? 'hidden' : path.slice(root.length));
    answering({
      open: async (path, ...rest) => {
        const handle = await systemCalls.open(path, ...rest);
        const sync = handle.sync.bind(handle);
        handle.sync = () => (done.push(`sync ${nameOf(String(path))}`), sync());
        return handle;
      },
      link: (from, to) => (done.push(`link ${nameOf(String(to))}`), systemCalls.link(from, to)),
      rename: (from, to) => {
        if (String(to) === join(root, a)) done.push(`rename ${nameOf(String(to))}`);
        return systemCalls.rename(from, to);
      },
    });

    await put(b);
    expect(done).toEqual(['sync hidden', `link /${b}`, 'sync /shop/1']);
    done.length = 0;
    await replace('more');
    expect(done).toEqual(['sync hidden', `rename /${a}`, 'sync /shop/1']);
    done.length = 0;
    await put(objectKey('crm/1'));
    expect(done).toEqual(['sync hidden', 'sync ', 'link /crm/1', 'sync /crm']);
    done.length = 0;
    await vault.delete(b, signal);
    expect(done).toEqual(['sync /shop/1']);
  });

  test.each(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'EBADF'])(
    'is written where the file system can’t make the entries of folders durable: %s',
    async (code) => {
      opening(
        (path) => path === join(root, 'shop/1'),
        (handle) => (handle.sync = () => Promise.reject(failure(code))),
      );
      await put(b);
      expect(await held(b)).toBe('text');
    },
  );

  test.each(['EIO', undefined])('is an error where that fails: %p', async (code) => {
    const error = Object.assign(new Error('it did not work'), code && { code });
    opening(
      (path) => path === join(root, 'shop/1'),
      (handle) => (handle.sync = () => Promise.reject(error)),
    );
    await expect(put(b)).rejects.toMatchObject({ code: 'vault-failed', cause: error });
  });

  test('is nothing where the disk holds another number of bytes', async () => {
    opening(
      (path) => path.includes('incoming/'),
      (handle) => (handle.stat = async () => ({ size: 3 }) as never),
    );

    await expect(put(b)).rejects.toMatchObject({
      code: 'vault-failed',
      message: `write ${join(root, b)}: the disk holds 3 of 4 bytes`,
    });
    expect([await keysOf(vault, ''), await hidden()]).toEqual([[a], []]);
  });

  test('is nothing, and leaves nothing, where we are stopped while the disk still opens the file', async () => {
    const stop = new AbortController();
    const release = Promise.withResolvers<void>();
    answering({
      open: async (path, flags, ...rest) => {
        if (flags === 'wx') {
          stop.abort();
          await release.promise;
        }
        return systemCalls.open(path, flags, ...rest);
      },
    });

    const writing = put(b, stop.signal);
    setImmediate(release.resolve);

    await expect(writing).rejects.toMatchObject({ code: 'aborted' });
    // a disk that takes its time is not waited for
    for (let tries = 0; tries < 500 && (await hidden()).length > 0; tries += 1)
      await new Promise((wake) => setTimeout(wake, 10));
    expect([await keysOf(vault, ''), await hidden()]).toEqual([[a], []]);
  });

  test('is nothing where the file can’t be opened', async () => {
    answering({ open: (path, flags) => Promise.reject(failure(flags === 'wx' ? 'EMFILE' : `no ${String(path)}`)) });

    await expect(put(b)).rejects.toMatchObject({ code: 'vault-failed', message: expect.stringContaining('EMFILE') });
  });
});

test('a folder that can’t be made says why', async () => {
  answering({
    mkdir: ((path: string, ...rest: []) =>
      path === join(root, 'crm') ? Promise.reject(failure('EROFS')) : systemCalls.mkdir(path, ...rest)) as never,
  });

  await expect(put(objectKey('crm/1'))).rejects.toMatchObject({ code: 'vault-denied' });
});

describe('the table of file systems', () => {
  const tables = (fstab: string | (() => Promise<string>)) =>
    answering({
      readFile: ((path: string, ...rest: []) =>
        path === '/etc/fstab'
          ? typeof fstab === 'string'
            ? Promise.resolve(fstab)
            : fstab()
          : systemCalls.readFile(path, ...rest)) as never,
    });

  test('keeps a new vault from a disk that is not mounted, and is not asked of one that is there', async () => {
    tables(`nas:/export ${above} nfs\n`);

    await put(b);
    await expect(folderVault(join(above, 'other')).put(a, chunks(), {}, signal)).rejects.toMatchObject({
      code: 'vault-unreachable',
      message: `${above} is not mounted, and ${join(above, 'other')} is there`,
    });
    expect(await readdir(above)).toEqual(['vault']);
  });

  test('that nobody may read says nothing; one that can’t be read is an error', async () => {
    tables(() => Promise.reject(failure('EACCES')));
    await requireMounts(root);
    tables(() => Promise.reject(failure('EIO')));
    await expect(requireMounts(root)).rejects.toMatchObject({ code: 'EIO' });
  });
});

test('a folder that holds no backups yet is made a vault by the first write', async () => {
  const empty = join(above, 'empty');
  await mkdir(empty);

  await folderVault(empty).put(a, chunks(bytes('text')), {}, signal);

  expect(await keysOf(folderVault(empty), '')).toEqual([a]);
});
