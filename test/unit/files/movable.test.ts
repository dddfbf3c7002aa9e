import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { filesEngine } from '../../../core/engines/files/index.ts';
import { immovable } from '../../../core/engines/files/restore/movable.ts';
import { fateOfOld } from '../../../core/engines/files/restore/kept.ts';
import { excludedIn, leftOut } from '../../../core/engines/files/restore/left-out.ts';
import { plainFolder } from '../../support/files/plain-folder.ts';

let above = '';
let folder = '';
beforeEach(async () => {
  above = await mkdtemp(join(tmpdir(), 'nightjar-movable-'));
  folder = join(above, 'proj');
  await mkdir(join(folder, 'deep/backups'), { recursive: true });
  await writeFile(join(folder, 'deep/file'), 'x');
});
afterEach(() => rm(above, { recursive: true }));

test('a folder that holds a vault is not exchanged: the vault would go away with it', async () => {
  expect(await immovable(folder)).toEqual([]);
  await writeFile(join(folder, 'deep/backups/.nightjar'), '');

  expect(await immovable(folder)).toMatchObject([
    {
      weight: 'fails',
      what: `${folder}/deep/backups is a vault: it would go away with ${folder}, and its backups with that`,
    },
  ]);
});

test('what a replacement has kept is not dropped while a vault lies in it', async () => {
  const kept = `${folder}.before_20261120T020000Z-7f3a9c`;
  await mkdir(join(kept, 'backups'), { recursive: true });
  await writeFile(join(kept, 'backups/.nightjar'), '');
  const { engine } = filesEngine(plainFolder(folder));
  const signal = AbortSignal.timeout(10_000);
  const [one] = await engine.replaced!.list(signal);

  await expect(engine.replaced!.drop(one!, signal)).rejects.toThrow('is a vault');

  await rm(join(kept, 'backups/.nightjar'));
  await engine.replaced!.drop(one!, signal);
  expect(await engine.replaced!.list(signal)).toEqual([]);
});

test('what an earlier replacement has kept is not dropped by itself while it holds what no backup has', async () => {
  const [first, second, old] = ['a', 'b', 'c'].map((digit) => `proj.before_20261120T020000Z-7f3a9${digit}`);
  const signal = AbortSignal.timeout(10_000);
  await mkdir(join(above, first!, 'uploads'), { recursive: true });
  for (const name of [second!, old!]) await mkdir(join(above, name));
  const isUploads = (path: string) => path === 'uploads/';
  const excluded = (kept: string) => excludedIn(kept, isUploads, signal);
  // every other one counts as older than a night
  const fate = { dropOld: false, proven: true, nightMs: -Infinity, excludedIn: excluded };

  expect(await fateOfOld(folder, old!, fate)).toEqual([
    `the old folder is kept as ${old}: --undo puts it back, --drop-old drops it`,
    `dropped, as earlier replacements had kept it: ${second}`,
    `${first} holds what exclude leaves out of backups: uploads/`,
    `kept from before: ${first}: --drop-old drops what is kept`,
  ]);
  expect((await readdir(above)).toSorted()).toEqual(['proj', first, old]);
});

test('nor one that nobody can look through, and to drop that at once is refused', async () => {
  const [kept, old] = ['a', 'b'].map((digit) => `proj.before_20261120T020000Z-7f3a9${digit}`);
  for (const name of [kept!, old!]) await mkdir(join(above, name));
  const excludedIn = () => Promise.reject(new Error('input/output error'));
  const failing = () => {
    throw new Error('input/output error');
  };
  const fate = { dropOld: false, proven: true, nightMs: -Infinity, excludedIn };

  expect(await fateOfOld(folder, old!, fate)).toContain(
    `${kept} holds what exclude leaves out of backups: what nobody can look for: input/output error`,
  );
  expect((await readdir(above)).toSorted()).toEqual(['proj', kept, old]);
  const replacing = { old: old!, dropOld: true, excludes: failing };
  expect(await leftOut(folder, replacing, AbortSignal.timeout(10_000))).toMatchObject([{ weight: 'fails' }]);
});
