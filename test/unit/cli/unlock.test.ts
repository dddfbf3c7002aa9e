import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { leaseKey } from '../../../core/domain/layout/places.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import { folderVault } from '../../../core/vaults/folder/folder.ts';
import { dailyIds, putBackup, signal } from '../../support/vaults/history.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';

let folder = '';
const run = (...args: string[]) => nightjarInProcess(args, { cwd: folder });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-unlock-'));
  const server = 'postgres: { host: db, database: shop, user: app }';
  await writeFile(
    join(folder, 'nightjar.yaml'),
    `vault: ./backups\nsources:\n  shop: { ${server} }\n  blog: { ${server} }\n  busy: { ${server} }\n`,
  );
  const vault = folderVault(join(folder, 'backups'));
  const put = (source: string, body: string) =>
    vault.putIfAbsent(leaseKey(source as SourceName), Buffer.from(body), {}, signal);
  await putBackup(vault, 'blog', dailyIds(1)[0]!);
  await put('shop', 'garbage');
  await put(
    'busy',
    JSON.stringify({ run: '4f2a91c0', holder: 'web-1', until: new Date(Date.now() + 240_000).toISOString() }),
  );
});
afterAll(() => rm(folder, { recursive: true }));

test('a lease that nobody can read is shown, and not freed before somebody has said so', async () => {
  const { code, stdout, stderr } = await run('unlock', 'shop');

  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(
    /^shop: the lease shop\/lease\.json keeps every run out: what stands in it can't be read\nheld by: unknown\nlast written: \d{4}-\d\d-\d\dT\S+Z\nerror: .*--yes/s,
  );
});

test('where nothing keeps a run out there is nothing to free, and a run at work is left alone', async () => {
  expect(await run('unlock', 'blog')).toMatchObject({
    code: 0,
    stdout: 'blog: no lease keeps anybody out: nothing was changed\n',
  });
  expect(await run('unlock', 'busy', '--yes')).toMatchObject({
    code: 11,
    stderr: expect.stringContaining('run 4f2a91c0 on web-1 is at work'),
  });
});
