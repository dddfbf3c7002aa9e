import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { lookingBelow } from '../../../core/engines/files/looking.ts';
import { matching } from '../../../core/engines/files/patterns.ts';
import { walk } from '../../../core/engines/files/plan/walk.ts';
import { limit } from '../../support/vaults/vault.ts';

const files = ['a/c', 'a/c-d/x', 'a/c/y', 'a-b/z', 'a-b.txt', 'a.txt', 'a0', 'b/b/b/b', 'ü/ö', 'A/a', '%'];
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-walk-'));
  for (const file of files.filter((one) => one !== 'a/c')) {
    await mkdir(join(folder, dirname(file)), { recursive: true });
    await writeFile(join(folder, file), '');
  }
});
afterAll(() => rm(folder, { recursive: true }));

test('a folder is walked in the order of bytes, as sort says', async () => {
  const { found } = await walk(folder, { excludes: () => false, oneFileSystem: false }, limit());

  const sorted = execFileSync('bash', ['-c', 'find . | sed "s,^\\./\\?,," | LC_ALL=C sort'], { cwd: folder });
  const paths = [...found].map(({ path }) => path);
  expect(paths).toEqual(sorted.toString('latin1').split('\n').slice(0, -1));
  expect(paths.map((path) => found.indexOf(path))).toEqual([...paths.keys()]);
  expect(found.indexOf('none')).toBeUndefined();
});

test('what is near and what is far is seen alike', async () => {
  for (const path of ['', 'a0', 'none/x']) {
    const [near, far] = await Promise.all(
      [true, false].map((isNear) =>
        lookingBelow(folder, isNear)
          .stats(path)
          .catch((error: unknown) => `${error}`),
      ),
    );
    expect(near).toEqual(far);
  }
});

test('patterns mean the same, however many paths they were asked about', () => {
  const isMeant = matching(['*.key', '!a.key']);
  const asked = Array.from({ length: 25_000 }, (_, at) => isMeant(at % 2 === 0 ? `${at}.key` : 'a.key'));

  expect(asked.every((answer, at) => answer === (at % 2 === 0))).toBe(true);
});
