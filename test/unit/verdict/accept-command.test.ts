import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ledgerKey } from '../../../core/domain/layout/places.ts';
import { folderVault } from '../../../core/vaults/folder/folder.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';
import { shop } from '../../support/vaults/seen.ts';
import { storeBackup } from '../../support/vaults/stored.ts';
import { limit } from '../../support/vaults/vault.ts';

let folder = '';
const vault = () => folderVault(join(folder, 'backups'));
const run = (...args: string[]) => nightjarInProcess(args, { cwd: folder });
const hoursAgo = (hours: number): Date => new Date(Math.floor(Date.now() / 1000) * 1000 - hours * 3_600_000);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-accept-'));
  await writeFile(
    join(folder, 'nightjar.yaml'),
    'vault: ./backups\nsources:\n  shop: { postgres: { host: db, database: shop, user: app } }\n',
  );
  for (const hours of [75, 51, 27])
    await storeBackup(vault(), 'shop', hoursAgo(hours), { tables: { orders: 50_000, customers: 400 } });
  expect(await run('check')).toMatchObject({ code: 4 });
  await storeBackup(vault(), 'shop', hoursAgo(3), { tables: { orders: 1200, customers: 400 } });
});
afterAll(() => rm(folder, { recursive: true }));

test('what is lost is shown, asked about, accepted once, and then nothing is left to accept', async () => {
  const found = await run('check');
  expect(found).toMatchObject({
    code: 4,
    stdout: expect.stringMatching(
      /shop: shrunk: the newest backup holds 1,600 rows, where 50,400 rows are usual \(3\s+%\)\n[^]*run: nightjar accept shop/,
    ),
  });
  expect(found.stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);

  const asked = await run('accept', 'shop');
  expect(asked).toMatchObject({
    code: 2,
    stdout: expect.stringMatching(/^ {2}what +before +now\n {2}rows +50,400 +1,600\n$/),
    stderr: expect.stringContaining('nobody can be asked here'),
  });

  const done = JSON.parse((await run('accept', 'shop', '--yes', '--json')).stdout) as object;
  expect(done).toMatchObject({
    ok: true,
    result: {
      source: 'shop',
      accepted: true,
      by: expect.stringContaining('@'),
      what: [{ what: 'rows', before: '50,400', now: '1,600' }],
    },
  });
  expect(JSON.parse((await vault().read(ledgerKey(shop), limit())).body.toString())).toMatchObject({
    accepted: { at: expect.any(String), by: expect.stringContaining('@') },
    baseline: { rows: 1600 },
  });
  expect(await run('check')).toMatchObject({ code: 0 });
  expect(await run('accept', 'shop')).toEqual({ code: 0, stdout: 'shop: there is nothing to accept\n', stderr: '' });
});
