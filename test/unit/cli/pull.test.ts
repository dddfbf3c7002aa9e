import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { folderVault } from '../../../core/vaults/folder/folder.ts';
import { nightjar } from '../../support/cli/command.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';
import { dailyIds, putBackup } from '../../support/vaults/history.ts';

const ids = dailyIds(2, '2026-11-20');
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-pull-'));
  const source = 'sources:\n  shop:\n    postgres: { host: db, database: shop, user: app }\n';
  await writeFile(join(folder, 'nightjar.yaml'), `vault: ./backups\n${source}`);
  await writeFile(join(folder, 'pulled.yaml'), `vault: ./pulled\n${source}`);
  const vault = folderVault(join(folder, 'backups'));
  for (const id of ids) await putBackup(vault, 'shop', id);
});
afterAll(() => rm(folder, { recursive: true }));

const run = (...args: string[]) => nightjarInProcess(args, { cwd: folder });
async function files(place: string): Promise<Record<string, string>> {
  const root = join(folder, place, 'shop', ids[1]!);
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const read = async (path: string) => [path.slice(root.length), (await readFile(path)).toString('hex')];
  return Object.fromEntries((await Promise.all(paths.sort().map(read))) as [string, string][]);
}

test('a backup comes to disk as it is stored, and the folder is a vault', async () => {
  const pulled = await nightjar(['pull', 'shop', '--to', 'pulled'], { cwd: folder });

  const where = join(folder, 'pulled', 'shop', ids[1]!);
  expect(pulled).toMatchObject({ code: 0, stdout: expect.stringContaining(`brought to ${where}`), stderr: '' });
  expect(await files('pulled')).toEqual(await files('backups'));
  const { stdout } = await run('-c', 'pulled.yaml', 'list', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ backups: [{ id: ids[1], status: 'complete' }] });
});

test('run again it goes on: what is there is not brought again, and never written over', async () => {
  await rm(join(folder, 'pulled', 'shop', ids[1]!, 'catalog.json.zst'), { force: true });
  const again = await run('pull', 'shop', ids[1]!, '--to', 'pulled', '--json');
  expect(JSON.parse(again.stdout)).toMatchObject({ result: { state: 'copied', parts: 1 } });
  expect(await files('pulled')).toEqual(await files('backups'));

  await rm(join(folder, 'other'), { recursive: true, force: true });
  await cp(join(folder, 'pulled'), join(folder, 'other'), { recursive: true });
  await writeFile(join(folder, 'other', 'shop', ids[1]!, 'catalog.json.zst'), 'mine');
  expect(await run('pull', 'shop', '--to', 'other')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is there already, with other bytes than in'),
  });
  expect(await readFile(join(folder, 'other', 'shop', ids[1]!, 'catalog.json.zst'), 'utf8')).toBe('mine');
});

test('a folder whose parent is not there is told', async () => {
  const { code, stderr } = await run('pull', 'shop', '--to', 'no/such/place');
  expect(code).toBe(1);
  expect(stderr).toMatch(/^error: .*no\/such/);
});

test('some parts come alone, without a manifest, and a later pull brings the rest', async () => {
  const only = await run('pull', 'shop', ids[1]!, '--to', 'parts', '--parts', 'catalog*', '--json');
  expect(JSON.parse(only.stdout)).toMatchObject({ result: { state: 'copied', parts: 1 } });
  const all = await files('backups');
  const there = Object.keys(await files('parts'));
  expect(there).toEqual(['/catalog.json.zst']);
  expect(await files('parts')).toEqual(
    Object.fromEntries(Object.entries(all).filter(([path]) => there.includes(path))),
  );
  await writeFile(
    join(folder, 'parts.yaml'),
    (await readFile(join(folder, 'pulled.yaml'), 'utf8')).replace('pulled', 'parts'),
  );
  expect(await run('-c', 'parts.yaml', 'list')).toMatchObject({ stdout: expect.stringContaining('no backup') });

  expect(await run('pull', 'shop', ids[1]!, '--to', 'parts')).toMatchObject({ code: 0 });
  expect(await files('parts')).toEqual(all);
});

test('a pattern that no part has is told with names that there are', async () => {
  expect(await run('pull', 'shop', '--to', 'none', '--parts', 'rows/*')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/no part of this backup has a name like rows\/\*\n {2}hint: there are: .*catalog/),
  });
});

test.each([[[]], [['--sql', '--to', 'x']], [['--sql', '--parts', 'data/*']], [['--parts', 'data/*']]])(
  'a pull goes into a folder or out as SQL: %j is neither',
  async (flags) => {
    const refused = {
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('a backup is pulled into a folder, or as SQL'),
    };
    expect(await run('pull', 'shop', ...flags)).toMatchObject(refused);
  },
);

test.each(['--no-owner', '--no-tablespaces', '--events'])('%s is for SQL, and no folder has it', async (flag) => {
  expect(await run('pull', 'shop', '--to', 'asked', flag)).toMatchObject({
    code: 2,
    stdout: '',
    stderr: `error: ${flag} goes with --sql: into a folder a backup comes as it is stored\n  hint: leave it out, or: nightjar pull shop --sql ${flag} > shop.sql\n`,
  });
  await expect(readdir(join(folder, 'asked'))).rejects.toMatchObject({ code: 'ENOENT' });
});
