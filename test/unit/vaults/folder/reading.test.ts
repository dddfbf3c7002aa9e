import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { objectKey } from '../../../../core/domain/keys.ts';
import type { Vault } from '../../../../core/vault.ts';
import { folderVault } from '../../../../core/vaults/folder/folder.ts';
import { chunks, keysOf } from '../../../contract/vault/vault-data.ts';
import { answering, answeringAgain, failure, systemCalls } from './system-calls.ts';

// What may happen in the midst of a listing or a read: by others who work in the folder, or by its disk.
const signal = new AbortController().signal;
const [a, b] = [objectKey('shop/1/a'), objectKey('shop/1/b')];
let above: string;
let root: string;
let vault: Vault;

beforeEach(async () => {
  above = await mkdtemp(join(tmpdir(), 'nightjar-reading-'));
  root = join(above, 'vault');
  vault = folderVault(root);
  await put(a);
});
afterEach(async () => {
  answeringAgain();
  await rm(above, { recursive: true });
});

const put = (key: typeof a) => vault.put(key, chunks(Buffer.from('text')), {}, signal);

describe('a listing', () => {
  /** `readdir` or `lstat` of this path ends so; everything else as it is. */
  const meeting = (call: 'readdir' | 'lstat', path: string, end: () => Promise<unknown>) => {
    const asked: string[] = [];
    answering({
      [call]: ((one: string, ...rest: []) => {
        asked.push(one);
        return one === join(root, path) ? end() : (systemCalls[call] as (path: string) => unknown)(one, ...rest);
      }) as never,
    });
    return asked;
  };

  test('that meets a folder which is removed meanwhile goes on; one that meets an error fails', async () => {
    await put(objectKey('shop/2/a'));

    meeting('readdir', 'shop/1/', () => Promise.reject(failure('ENOENT')));
    expect(await keysOf(vault, '')).toEqual(['shop/2/a']);
    meeting('readdir', 'shop/1/', () => Promise.reject(failure('EIO')));
    await expect(keysOf(vault, '')).rejects.toMatchObject({
      code: 'vault-failed',
      message: `list ${root}: EIO: it did not work`,
    });
  });

  test('that meets an object which is removed meanwhile goes on; one that meets an error fails', async () => {
    await put(b);

    meeting('lstat', a, () => Promise.reject(failure('ENOENT')));
    expect(await keysOf(vault, 'shop/')).toEqual([b]);
    meeting('lstat', a, () => Promise.reject(failure('EIO')));
    await expect(keysOf(vault, 'shop/')).rejects.toMatchObject({ code: 'vault-failed' });
  });

  test('shows an object that another machine replaces meanwhile', async () => {
    let times = 0;
    meeting('lstat', a, () =>
      (times += 1) < 5 ? Promise.reject(failure('ENOENT')) : systemCalls.lstat(join(root, a)),
    );
    expect(await keysOf(vault, '')).toEqual([a]);
  });

  test('looks where its prefix may be, and nowhere else', async () => {
    for (const key of ['shop/2/a', 'shops/1', 'crm/1/a']) await put(objectKey(key));

    const asked = meeting('readdir', '-', () => Promise.resolve([]));
    expect(await keysOf(vault, 'shop/1/')).toEqual([a]);

    expect(asked.filter((path) => !path.includes('.nightjar'))).toEqual(
      ['', 'shop/', 'shop/1/'].map((path) => join(root, path)),
    );
  });

  test('of a disk that is taken away meanwhile is none', async () => {
    meeting('readdir', 'shop/1/', async () => {
      await systemCalls.rm(join(root, '.nightjar'), { recursive: true });
      return [];
    });
    await expect(keysOf(vault, '')).rejects.toMatchObject({ code: 'vault-unreachable' });
  });
});

describe('a read', () => {
  const get = async () => Buffer.concat(await Array.fromAsync(vault.get(a, signal))).toString();
  const read = () => vault.read(a, signal).then(({ body }) => body.toString());
  /** The object can't be opened, so many times. */
  const failing = (code: string, times: number) => {
    let left = times;
    answering({
      open: (path, ...rest) =>
        String(path) === join(root, a) && left-- > 0 ? Promise.reject(failure(code)) : systemCalls.open(path, ...rest),
    });
  };

  test.each(['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ESTALE'])(
    'that finds the object replaced under it (%s) is tried three times',
    async (code) => {
      for (const ask of [get, read]) {
        failing(code, 2);
        expect(await ask()).toBe('text');
        failing(code, 3);
        await expect(ask()).rejects.toMatchObject({
          code: 'object-missing',
          message: `read ${join(root, a)}: there is no such object`,
        });
      }
    },
  );

  test('that fails otherwise is tried once', async () => {
    for (const ask of [get, read]) {
      failing('EIO', 1);
      await expect(ask()).rejects.toMatchObject({ code: 'vault-failed' });
    }
  });

  test('gives all bytes, however few the disk gives at once, and minds no file that can’t be closed', async () => {
    answering({
      open: async (path, ...rest) => {
        const handle = await systemCalls.open(path, ...rest);
        if (path !== join(root, a)) return handle;
        const [one, close] = [
          handle.read.bind(handle) as (...given: unknown[]) => Promise<never>,
          handle.close.bind(handle),
        ];
        handle.read = ((block: Buffer, _: number, __: number, at: number) => one(block, 0, 1, at)) as never;
        handle.close = async () => {
          await close();
          throw failure('EIO');
        };
        return handle;
      },
    });
    expect(await get()).toBe('text');
  });
});
