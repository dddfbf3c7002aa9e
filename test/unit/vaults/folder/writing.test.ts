import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { FileHandle } from 'node:fs/promises';
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { folderPlace } from '../../../../core/vaults/folder/place.ts';
import { linkNew, sweepIncoming, writeIncoming } from '../../../../core/vaults/folder/write.ts';
import { chunks } from '../../../contract/vault/vault-data.ts';
import { answering, answeringAgain, failure, systemCalls } from './system-calls.ts';

// how a file is written, and what dead runs have left of theirs
const signal = new AbortController().signal;
const mib = 1024 * 1024;
let root: string;
beforeEach(async () => void (root = await mkdtemp(join(tmpdir(), 'nightjar-writing-'))));
afterEach(async () => {
  answeringAgain();
  await rm(root, { recursive: true });
});

/** A disk that holds no file: `written` has what it was asked to write, `done` the order of all that it was asked. */
function disk({ takes = Number.POSITIVE_INFINITY, flush = async () => {} } = {}) {
  const [written, done]: [Buffer[], string[]] = [[], []];
  const sizeOf = () => written.reduce((sum, { length }) => sum + length, 0);
  const handle = {
    async write(block: Buffer, at: number, length: number) {
      const bytesWritten = Math.min(length, takes);
      written.push(Buffer.from(block.subarray(at, at + bytesWritten)));
      return { bytesWritten };
    },
    datasync: () => (done.push(`flush at ${sizeOf() / mib} MiB`), flush()),
    sync: async () => void done.push('sync'),
    stat: async () => ({ size: sizeOf() }),
    close: async () => void done.push('close'),
  };
  answering({ open: async () => handle as unknown as FileHandle });
  return { written, done, handle };
}
const write = (body: AsyncIterable<Uint8Array>) => writeIncoming(folderPlace(root), 'write it', body, signal);
async function* zeros(count: number): AsyncGenerator<Uint8Array> {
  const chunk = Buffer.alloc(mib);
  for (let at = 0; at < count; at += 1) yield chunk;
}

describe('a stream', () => {
  test('is written in blocks of one MiB, however it comes', async () => {
    const text = Buffer.alloc(2 * mib + 5, 'what is in it, ');
    const { written, done } = disk();

    const { bytes } = await write(
      chunks(text.subarray(0, 7), text.subarray(7, 2 * mib + 1), text.subarray(2 * mib + 1)),
    );

    expect(bytes).toBe(text.length);
    expect(written.map(({ length }) => length)).toEqual([mib, mib, 5]);
    expect(Buffer.concat(written).equals(text)).toBe(true);
    expect(done).toEqual(['sync', 'close']);
  });

  test('is written whole to a disk that takes a few bytes at a time', async () => {
    const { written } = disk({ takes: 4 });

    await write(chunks(Buffer.from('what is in it')));

    expect(written.map(String)).toEqual(['what', ' is ', 'in i', 't']);
  });

  test('is nothing where the disk takes no more', async () => {
    const { done } = disk({ takes: 0 });

    await expect(write(chunks(Buffer.from('text')))).rejects.toMatchObject({
      code: 'vault-full',
      message: 'write it: the disk takes no more',
    });
    expect(done).toEqual(['close']);
  });

  test('is made durable each 64 MiB', async () => {
    const { done } = disk();

    await write(zeros(130));

    expect(done).toEqual(['flush at 64 MiB', 'flush at 128 MiB', 'sync', 'close']);
  });

  test('waits for that before it is made durable again', async () => {
    const first = Promise.withResolvers<void>();
    const { written, done } = disk({ flush: () => first.promise });

    const writing = write(zeros(130));
    for (let turns = 0; turns < 10; turns += 1) await new Promise(setImmediate);
    expect([done, written.length]).toEqual([['flush at 64 MiB'], 128]);
    first.resolve();
    await writing;

    expect(done).toEqual(['flush at 64 MiB', 'flush at 128 MiB', 'sync', 'close']);
  });

  test.each([70, 130])('of %d MiB is nothing where that fails', async (size) => {
    const { done } = disk({ flush: () => Promise.reject(failure('EIO')) });

    await expect(write(zeros(size))).rejects.toMatchObject({
      code: 'vault-failed',
      message: 'write it: EIO: it did not work',
    });
    expect(done).toEqual(['flush at 64 MiB', 'close']);
  });

  test('is nothing where the file can’t be closed, and that is said', async () => {
    const { handle } = disk();
    handle.close = () => Promise.reject(failure('EDQUOT'));

    await expect(write(chunks(Buffer.from('text')))).rejects.toMatchObject({ code: 'vault-full' });
  });
});

describe('a new name', () => {
  test('is ours where the file has two already, and is nobody’s where it has one', async () => {
    const [file, other, name] = ['file', 'other', 'name'].map((one) => join(root, one)) as [string, string, string];
    for (const path of [file, other]) await writeFile(path, 'text');

    expect(await linkNew(file, name)).toBe(true);
    // the same call, sent twice
    expect(await linkNew(file, name)).toBe(true);
    expect(await linkNew(other, name)).toBe(false);
    expect((await stat(name)).ino).toBe((await stat(file)).ino);
  });

  test('that the disk fails to give is an error', async () => {
    await writeFile(join(root, 'file'), 'text');
    answering({ link: () => Promise.reject(failure('EIO')) });

    await expect(linkNew(join(root, 'file'), join(root, 'name'))).rejects.toMatchObject({ code: 'EIO' });
  });
});

describe('what runs have left half written', () => {
  const dayMs = 24 * 3_600_000;
  const now = new Date('2026-11-20T02:00:00Z');
  const at = (name: string) => join(folderPlace(root).incoming, name);
  const aged = (name: string, ageMs: number) => {
    const then = new Date(now.getTime() - ageMs);
    return utimes(at(name), then, then);
  };
  const sweep = () => sweepIncoming(folderPlace(root), at('ours'));
  const left = async () => (await readdir(folderPlace(root).incoming)).toSorted();
  beforeEach(async () => {
    await mkdir(folderPlace(root).incoming, { recursive: true });
    await writeFile(at('ours'), 'text');
    await aged('ours', 0);
  });

  test('is removed once it is older than a day, by the clock of the disk', async () => {
    for (const [name, ageMs] of [
      ['a day', dayMs],
      ['more', dayMs + 1000],
      ['ahead', -dayMs],
    ] as const) {
      await writeFile(at(name), 'half');
      await aged(name, ageMs);
    }

    await sweep();

    expect(await left()).toEqual(['a day', 'ahead', 'ours']);
  });

  test('goes with the claims of the dead, and not with those of the living', async () => {
    for (const name of ['dead.claim', 'alive.claim']) {
      await mkdir(at(name));
      for (const file of ['1', '2']) await writeFile(join(at(name), file), 'half');
    }
    await aged('dead.claim', dayMs + 1000);

    await sweep();

    expect(await left()).toEqual(['alive.claim', 'ours']);
    expect(await readdir(at('alive.claim'))).toHaveLength(2);
  });

  test('and is gone, or can’t be removed, stops nobody', async () => {
    for (const name of ['gone', 'kept', 'old']) {
      await writeFile(at(name), 'half');
      await aged(name, dayMs + 1000);
    }
    await mkdir(join(at('odd.claim'), 'folder'), { recursive: true });
    await mkdir(at('taken.claim'));
    for (const name of ['odd.claim', 'taken.claim']) await aged(name, dayMs + 1000);
    answering({
      lstat: ((path: string) =>
        path === at('gone') ? Promise.reject(failure('ENOENT')) : systemCalls.lstat(path)) as typeof systemCalls.lstat,
      unlink: (path) => (path === at('kept') ? Promise.reject(failure('EACCES')) : systemCalls.unlink(path)),
      readdir: ((path: string) =>
        path === at('taken.claim')
          ? Promise.reject(failure('ENOENT'))
          : systemCalls.readdir(path)) as typeof systemCalls.readdir,
    });

    await sweep();

    answeringAgain();
    expect(await left()).toEqual(['gone', 'kept', 'odd.claim', 'ours']);
  });
});
