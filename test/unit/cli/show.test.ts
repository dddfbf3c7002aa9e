import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { showBackup } from '../../../core/commands/show.ts';
import { showLines } from '../../../bin/cli/text/backups/show-text.ts';
import { proofKey } from '../../../core/domain/layout/records.ts';
import { openStore } from '../../../core/store/store.ts';
import { folderVault } from '../../../core/vaults/folder/folder.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';
import { expectGolden } from '../../support/golden.ts';
import { dailyIds, putBackup, signal } from '../../support/vaults/history.ts';
import { shop, watching } from '../../support/vaults/seen.ts';

const ids = dailyIds(3, '2026-11-20');
const clock = { now: () => new Date('2026-11-20T12:00:00Z') };
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-show-'));
  const text = `vault: ./backups\nsources:\n  shop:\n    postgres: { host: db, database: shop, user: app }\n`;
  await writeFile(join(folder, 'nightjar.yaml'), text);
  const vault = folderVault(join(folder, 'backups'));
  const table = (name: string, rows: number) => ({ table: name, columns: '(id)', rows, fingerprint: 'f'.repeat(16) });
  const tables = [table('public.orders', 1_234_567), table(`public.${'a_long_name_'.repeat(5)}`, 0)];
  const lsn = { name: 'lsn', value: '0/16B3748', relation: 'at-or-after' } as const;
  const position = [{ name: 'snapshot', value: '790:795:791,793', relation: 'at' } as const, lsn];
  for (const id of ids) await putBackup(vault, 'shop', id, { tables, ...(id === ids[0] ? {} : { position }) });
  const at = new Date('2026-11-20T03:00:00Z');
  const drill = proofKey(shop, ids[2]!, { kind: 'drill', outcome: 'passed', at });
  await vault.putIfAbsent(drill, Buffer.from('{}'), {}, signal);
  const verify = proofKey(shop, ids[0]!, { kind: 'verify', outcome: 'failed', at });
  await vault.putIfAbsent(verify, Buffer.from('{}'), {}, signal);
  await openStore(vault).pin(shop, ids[2]!, { reason: 'the audit', by: 'ann@web' }, { clock }, signal);
});
afterAll(() => rm(folder, { recursive: true }));

const run = (...args: string[]) => nightjarInProcess(args, { cwd: folder });
const shown = async (which: string) => {
  const memory = { shrink: watching().watch.shrink, timeZone: 'UTC', retention: { count: 2 } };
  const store = openStore(folderVault(join(folder, 'backups')));
  return showLines(await showBackup(shop, which, memory, { store, clock }, signal), '/srv/backups');
};

test('everything of a backup stands within 80 columns', async () => {
  const lines = [...(await shown('latest')), '', ...(await shown(ids[0]!))];

  expect(lines.filter((line) => line.length > 80)).toEqual([]);
  await expectGolden('show/backups.txt', `${lines.join('\n')}\n`);
});

test('programs get the manifest, and what it is worth', async () => {
  const { code, stdout } = await run('show', 'shop', '--json');

  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    ok: true,
    result: {
      id: ids[2],
      verdict: { good: true, proven: true },
      pinned: true,
      pin: { reason: 'the audit' },
      rows: 1_234_567,
      manifest: { id: ids[2], parts: [{ file: 'data/0001.sql.zst' }, { file: 'catalog.json.zst' }] },
    },
  });
});

test('a removal asks for a reason, and for a word where nobody can be asked', async () => {
  expect(await run('remove', 'shop', ids[0]!)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('a removal needs a reason'),
  });
  expect(await run('remove', 'shop', ids[0]!, '--reason', 'x')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('nobody can be asked here: nothing was changed'),
  });
  expect(await run('remove', 'shop', ids[1]!, '--reason', 'holds what had to go', '--yes')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(new RegExp(`^shop  ${ids[1]}  removed: [\\d.]+ k?B; holds what had to go\n$`)),
  });
  expect((await run('show', 'shop', ids[1]!)).code).toBe(1);
});
