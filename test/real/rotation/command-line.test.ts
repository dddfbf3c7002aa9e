import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { rotationLines } from '../../../bin/cli/text/backups/rotation-text.ts';
import { objectKey } from '../../../core/domain/keys.ts';
import { partKey } from '../../../core/domain/layout/places.ts';
import type { BackupId, SourceName } from '../../../core/domain/keys.ts';
import { proofKey } from '../../../core/domain/layout/records.ts';
import { folderVault } from '../../../core/vaults/folder/folder.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';
import { expectGolden } from '../../support/golden.ts';
import { dailyIds, none, policyOf, putBackup, rotationScene, signal } from '../../support/vaults/history.ts';

const shop = 'shop' as SourceName;
let folder = '';
let ids: BackupId[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-rotate-cli-'));
  const server = 'postgres: { host: db, database: shop, user: app }';
  await writeFile(
    join(folder, 'nightjar.yaml'),
    `vault: ./backups\ndefaults: { retention: { count: 3 } }\nsources:\n  shop: { ${server} }\n  blog: { ${server} }\n`,
  );
  const vault = folderVault(join(folder, 'backups'));
  ids = dailyIds(10, '2026-11-10');
  for (const id of ids) await putBackup(vault, 'shop', id);
  for (const id of ids.slice(0, 2)) await putBackup(vault, 'blog', id);
});
afterAll(() => rm(folder, { recursive: true }));

const run = (...args: string[]) => nightjarInProcess(args, { cwd: folder });
async function json(...args: string[]) {
  const { code, stdout, stderr } = await run(...args, '--json');
  expect(stderr).toBe('');
  return {
    code,
    document: JSON.parse(stdout) as { results: { source: string; backups: { id: string; action: string }[] }[] },
  };
}

test('the tables fit 80 columns and show every backup with every reason', async () => {
  const scene = await rotationScene();
  const all = dailyIds(70);
  for (const id of all) await putBackup(scene.vault, 'shop', id);
  await scene.deps().store.pin(shop, all[20]!, { reason: 'before the migration', by: 'ann@web' }, scene.deps(), signal);
  await scene.vault.putIfAbsent(
    proofKey(shop, all[30]!, { kind: 'drill', outcome: 'passed', at: new Date('2026-10-12T03:00:00Z') }),
    Buffer.from('{}'),
    {},
    signal,
  );
  await scene.vault.putIfAbsent(
    proofKey(shop, all[68]!, { kind: 'verify', outcome: 'failed', at: new Date('2026-11-19T03:00:00Z') }),
    Buffer.from('{}'),
    {},
    signal,
  );
  await scene.vault.putIfAbsent(objectKey(`shop/${all[0]}/notes.txt`), Buffer.from('mine'), {}, signal);
  const policy = policyOf(
    { ...none, daily: 7, weekly: 4, monthly: 12, yearly: 5, keepWithinMs: 2 * 86_400_000 },
    { maxShare: 50 },
  );
  const text = async (options: { dryRun: boolean; anyShare: boolean }) =>
    rotationLines(await scene.rotating('shop', policy, options), options);

  const looked = await text({ dryRun: true, anyShare: false });
  const done = await text({ dryRun: false, anyShare: true });
  await scene.remove();

  expect([...looked, ...done].filter((line) => line.length > 80 && !line.includes('would be refused'))).toEqual([]);
  await expectGolden('rotation/dry-run.txt', `${looked.join('\n')}\n`);
  await expectGolden('rotation/done.txt', `${done.join('\n')}\n`);
});

test('a dry run of all sources changes nothing, and tells what would be refused', async () => {
  const { code, stdout, stderr } = await run('rotate', '--dry-run');

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(
    /^shop: 10 backups, 7 to remove, [\d.]+ kB would be free\n {2}remove {2}20261101T020000Z-000000 /,
  );
  expect(stdout).toContain(
    'this would be refused: shop: 7 of 10 backups would be removed and 7 of 10 days left without one, more than ' +
      '60 % at once',
  );
  expect(stdout).toMatch(/blog: 2 backups, 0 to remove, 0 B would be free\n/);
  expect((await json('list', 'shop')).document).toMatchObject({ backups: { length: 10 } });
});

test('too large a share is refused with its remedy, and the other source is rotated all the same', async () => {
  const { code, stdout, stderr } = await run('rotate');

  expect({ code, stderr }).toEqual({
    code: 1,
    stderr:
      'error: shop: 7 of 10 backups would be removed and 7 of 10 days left without one, more than 60 % at once: ' +
      'nothing was removed\n  hint: see what and why: nightjar rotate shop --dry-run; if that is meant: ' +
      'nightjar rotate shop --any-share; for good: rotation.maxShare\n',
  });
  expect(stdout).toBe('blog: 0 of 2 backups removed, 0 B freed\n');
});

test('a pin needs a reason, is shown in the list, and keeps its backup', async () => {
  expect(await run('pin', 'shop', ids[0]!)).toMatchObject({
    code: 2,
    stderr: `error: a pin needs a reason\n  hint: nightjar pin shop ${ids[0]} --reason "before the migration"\n`,
  });
  expect(await run('pin', 'shop', '20200101T000000Z-000000', '--reason', 'x')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no backup of shop'),
  });
  expect(await run('pin', 'shop', ids[0]!, '--reason', 'before the migration')).toEqual({
    code: 0,
    stdout: `shop  ${ids[0]}  pinned: before the migration\n`,
    stderr: '',
  });
  expect((await run('list', 'shop')).stdout).toMatch(
    new RegExp(`${ids[0]} .* pinned\n${ids[1]} .* -\n[^]*${ids[9]} .* last\n`),
  );

  const { code, document } = await json('rotate', 'shop', '--any-share');

  expect(code).toBe(0);
  expect(document).toMatchObject({ ok: true, dryRun: false, results: [{ source: 'shop', failures: [] }] });
  expect(document.results[0]!.backups.filter(({ action }) => action === 'keep').map(({ id }) => id)).toEqual([
    ids[0],
    ...ids.slice(7),
  ]);
  expect(await run('unpin', 'shop', ids[0]!)).toMatchObject({ code: 0, stdout: `shop  ${ids[0]}  no longer pinned\n` });
  expect(await run('unpin', 'shop', ids[0]!)).toMatchObject({ code: 0, stdout: `shop  ${ids[0]}  was not pinned\n` });
  expect(await run('rotate', 'shop')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /^shop: 1 of 4 backups removed, [\d.]+ k?B freed\n {2}removed {2}20261101T020000Z-000000 .* nothing keeps it\n$/,
    ),
  });
});

test('verify leaves a record of how it ended, and the list tells a damaged backup', async () => {
  const vault = folderVault(join(folder, 'backups'));
  const proofs = async () =>
    (await Array.fromAsync(vault.list('shop/', signal))).flatMap(
      ({ key }) => /proofs\/.*-(verify-\w+)\.json$/.exec(key)?.[1] ?? [],
    );
  const id = dailyIds(1, '2026-11-01')[0]!;
  await putBackup(vault, 'shop', id, { rows: '-- rows of a dump\n', tables: [] });
  await run('verify', 'shop', id);
  expect(await proofs()).toEqual(['verify-passed']);

  await vault.delete(partKey(shop, id, 'data/0001.sql.zst'), signal);
  await vault.put(
    partKey(shop, id, 'data/0001.sql.zst'),
    (async function* () {
      yield Buffer.from('other bytes of it');
    })(),
    {},
    signal,
  );
  const { code } = await run('verify', 'shop', id);

  expect(code).toBe(3);
  expect((await proofs()).sort()).toEqual(['verify-failed', 'verify-passed']); // of one second, perhaps
  expect((await run('list', 'shop')).stdout).toMatch(new RegExp(`${id} .* damaged\n`));
});

test('a source that is not configured is not rotated, though it has backups', async () => {
  await writeFile(
    join(folder, 'later.yaml'),
    'vault: ./backups\nsources: { shop: { postgres: { host: db, database: shop, user: app } } }\n',
  );

  expect(await run('rotate', 'blog', '-c', 'later.yaml')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('there is no source blog in the configuration'),
  });
  expect((await json('rotate', '-c', 'later.yaml')).document.results.map(({ source }) => source)).toEqual(['shop']);
});

test('a vault that is not there fails the rotation, and is no vault without backups', async () => {
  await writeFile(
    join(folder, 'gone.yaml'),
    'vault: ./gone\nsources: { shop: { postgres: { host: db, database: shop, user: app } } }\n',
  );

  const { code, stderr } = await run('rotate', '-c', 'gone.yaml');

  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('is not there') });
});
