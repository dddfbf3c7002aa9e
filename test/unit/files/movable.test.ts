import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { filesEngine } from '../../../core/engines/files/index.ts';
import { immovable } from '../../../core/engines/files/restore/movable.ts';
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
