import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { makeFolder } from '../../../core/engines/places/folders.ts';
import { ownFolder } from '../../../core/engines/sqlite/scratch.ts';

let top: string;
beforeAll(async () => {
  top = await mkdtemp(join(tmpdir(), 'nightjar-folders-'));
});
afterAll(() => rm(top, { recursive: true }));

test('a folder is made with those that it lies in, by several at once, and one that is there is left', async () => {
  const path = join(top, 'a/b/c');

  await Promise.all([makeFolder(path), makeFolder(path), makeFolder(join(top, 'a/b/d'))]);
  await makeFolder(path);

  expect((await stat(path)).isDirectory()).toBe(true);
});

test('where nothing can be made, it ends with an error: below /proc, and in a file', async () => {
  await writeFile(join(top, 'file'), '');

  await expect(makeFolder('/proc/nightjar/below/it')).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(ownFolder('/proc/nightjar/scratch')).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(makeFolder(join(top, 'file/below'))).rejects.toMatchObject({
    code: expect.stringMatching(/EEXIST|ENOTDIR/),
  });
});
