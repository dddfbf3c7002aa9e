import { expect, test } from '@jest/globals';
import { listLines, listTitle } from '../../../bin/cli/text/backups/list-text.ts';
import { listBackups } from '../../../core/commands/list.ts';
import { proofKey } from '../../../core/domain/layout/records.ts';
import { openStore } from '../../../core/store/store.ts';
import { expectGolden } from '../../support/golden.ts';
import { dailyIds, putBackup, rotationScene, signal } from '../../support/vaults/history.ts';
import { shop, watching } from '../../support/vaults/seen.ts';

const now = new Date('2026-10-26T12:00:00Z');
const timeZone = 'Europe/Berlin';

/** Three nights around the end of summer time, at two in the morning UTC; the second was drilled, the third is damaged. */
async function threeNights() {
  const { vault, remove } = await rotationScene();
  const ids = dailyIds(3, '2026-10-26');
  const tables = [{ table: 'public.orders', columns: '(id)', rows: 1_000_000_000, fingerprint: 'f'.repeat(16) }];
  for (const id of ids) await putBackup(vault, 'shop', id, { tables });
  const at = new Date('2026-10-26T23:30:00Z');
  await vault.putIfAbsent(
    proofKey(shop, ids[1]!, { kind: 'drill', outcome: 'passed', at }),
    Buffer.from('{}'),
    {},
    signal,
  );
  await vault.putIfAbsent(
    proofKey(shop, ids[1]!, { kind: 'verify', outcome: 'passed', at: now }),
    Buffer.from('{}'),
    {},
    signal,
  );
  await vault.putIfAbsent(
    proofKey(shop, ids[2]!, { kind: 'verify', outcome: 'failed', at: now }),
    Buffer.from('{}'),
    {},
    signal,
  );
  const memory = { shrink: watching().watch.shrink, timeZone, retention: undefined };
  const { backups } = await listBackups(shop, memory, { store: openStore(vault), clock: { now: () => now } }, signal);
  await remove();
  return backups.map((backup) => ({ ...backup, tiers: ['daily'] as const }));
}

test('a listing is in the time of its source, which is said once, and tells what is proven and since when', async () => {
  const lines = await threeNights();
  const at = (room?: number) => [listTitle(lines, timeZone), ...listLines(lines, { now, timeZone, room })];
  const [page, narrow, wide] = [at(), at(40), at(200)];

  expect(wide).toEqual(page);
  expect(page.slice(1).filter((line) => line.length > 80)).toEqual([]);
  expect(narrow.slice(1).filter((line) => line.length > 40)).toEqual([]);
  await expectGolden('list/berlin.txt', `${[...page, '', 'in a terminal of 40 columns:', ...narrow].join('\n')}\n`);
});

test('a backup of another year tells the year, by the calendar of its source', async () => {
  const lines = await threeNights();
  const made = (moment: string) => listLines(lines, { now: new Date(moment), timeZone })[1]!.split(/ {2,}/)[1];

  expect(made('2026-12-31T22:59:00Z')).toBe('24 Oct 04:00');
  expect(made('2026-12-31T23:00:00Z')).toBe('24 Oct 2026');
});
