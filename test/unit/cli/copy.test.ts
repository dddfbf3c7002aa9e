import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { folderVault } from '../../../core/vaults/folder/folder.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';
import { dailyIds, putBackup } from '../../support/vaults/history.ts';

const ids = dailyIds(4, '2026-11-20');
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-copy-'));
  await mkdir(join(folder, 'mnt'));
  const server = 'postgres: { host: db, database: shop, user: app }';
  await writeFile(
    join(folder, 'nightjar.yaml'),
    `vault: ./backups
vaults: { nas: ./mnt/nas, away: ./not/mounted }
sources:
  shop: { ${server}, copies: [away, { vault: nas, retention: { count: 2 } }] }
  blog: { ${server} }
`,
  );
  const vault = folderVault(join(folder, 'backups'));
  for (const id of ids) await putBackup(vault, 'shop', id);
});
afterAll(() => rm(folder, { recursive: true }));

const run = (...args: string[]) => nightjarInProcess(args, { cwd: folder });
const inNas = async () => (await readdir(join(folder, 'mnt', 'nas', 'shop'))).filter((name) => /^\d/.test(name)).sort();

test('a vault that is not there is told, and the other one has what it should all the same', async () => {
  const { code, stdout, stderr } = await run('copy');

  expect(code).toBe(1);
  expect(stdout).toMatch(/^shop {2}nas {2}2 backups copied, [\d.]+ k?B\n$/);
  expect(stderr).toMatch(/^error: .*not\/mounted/);
  expect(await inNas()).toEqual(ids.slice(2));
  const again = JSON.parse((await run('copy', '--json')).stdout) as { results: { copies: unknown[] }[] };
  expect(again.results[0]!.copies).toMatchObject([
    { vault: 'away', copied: [], failures: [{ code: 'vault-unreachable' }] },
    { vault: 'nas', copied: [], failures: [] },
  ]);
});

test('one backup says in which vaults it lies', async () => {
  expect((await run('show', 'shop')).stdout).toContain('copy        nas: there\n');
  expect((await run('show', 'shop', ids[0]!)).stdout).toContain('copy        nas: missing\n');

  await rm(join(folder, 'mnt', 'nas', 'shop', ids[3]!, 'data/0001.sql.zst'));
  const lost = 'copy        nas: damaged: its part data/0001.sql.zst is gone\n';
  expect((await run('show', 'shop')).stdout).toContain(lost);
  await run('copy');
  expect((await run('show', 'shop')).stdout).toContain('copy        nas: there\n');
});

test('a check tells a copy that is behind, and a further vault that it can’t read, and exits 4', async () => {
  const { code, stdout } = await run('check', 'shop', '--no-tell');
  expect(code).toBe(4);
  const words = stdout.replace(/\s+/g, ' ');
  expect(words).toMatch(/ the vault away can't be read, so nothing is known of its copies: .*not\/mounted/);
  expect(stdout).not.toContain('copy-behind');

  await rm(join(folder, 'mnt', 'nas', 'shop', ids[3]!), { recursive: true });
  const behind = await run('check', 'shop', '--no-tell');
  // where a line breaks hangs on how old it is by now
  expect(behind.stdout.replace(/\s+/g, ' ')).toMatch(
    / shop: copy-behind: the newest copy in nas is .* old, over the limit of /,
  );
  expect(behind.stdout).toContain('\n  run: nightjar copy shop\n  run: nightjar list shop --vault nas\n');
  const { sources, unread } = JSON.parse((await run('check', '--no-tell', '--json')).stdout) as Record<
    string,
    unknown[]
  >;
  expect(unread).toMatchObject([{ vault: 'away' }]);
  expect(sources).toMatchObject([
    {
      copies: [
        { vault: 'away', state: 'unknown' },
        { vault: 'nas', state: 'behind', newest: ids[2] },
      ],
    },
    { source: 'blog' },
  ]);
  await run('copy');
});

test('with --vault a command works in a further vault, by what is kept there', async () => {
  expect((await run('list', 'shop', '--vault', 'nas')).stdout).toMatch(/^shop: 2 backups, times in \S+\n/);
  await putBackup(folderVault(join(folder, 'mnt', 'nas')), 'shop', ids[0]!);
  const rotated = await run('rotate', 'shop', '--vault', 'nas', '--any-share');
  expect(rotated.stdout).toContain('1 of 3 backups removed');
  expect(await inNas()).toEqual(ids.slice(2));
  expect((await run('list', 'shop')).stdout).toMatch(/^shop: 4 backups, times in \S+\n/);
});

test('what is suggested of a copy names its vault', async () => {
  const missing = await run('verify', 'shop', '20200101T000000Z-000000', '--vault', 'nas');
  expect(missing.stderr).toContain('hint: see what there is: nightjar list --vault nas shop\n');

  const lease = join(folder, 'mnt', 'nas', 'shop', 'lease.json');
  const free = await readFile(lease);
  await writeFile(lease, 'no lease');
  const { results } = JSON.parse((await run('copy', '--json')).stdout) as {
    results: { copies: { failures: { hint: string }[] }[] }[];
  };
  await writeFile(lease, free);
  const hint = 'see who holds it, and free it: nightjar unlock shop --vault nas';
  expect(results[0]!.copies[1]!.failures).toMatchObject([{ hint }]);
});

test.each([
  [
    ['list', '--vault', 'nsa'],
    'error: there is no vault nsa in the configuration, did you mean "nas"?\n  hint: there are: nas, away\n',
  ],
  [
    ['backup', '--vault', 'nas'],
    'error: --vault is for what looks at backups, restores or removes them\n  hint: nightjar backup --help\n',
  ],
  [
    ['copy', 'blog'],
    'error: there are no copies of blog\n  hint: write where to: copies, in defaults or in a source (docs/copies.md)\n',
  ],
])('%p is a mistake, and exits 2', async (args, stderr) => {
  expect(await run(...args)).toEqual({ code: 2, stdout: '', stderr });
});
