import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { backup } from '../../../../core/commands/backup.ts';
import { restoreRecorded } from '../../../../core/commands/restore/restore.ts';
import { readEvent, restoreEventSchema } from '../../../../core/contract/events/requests.ts';
import type { Manifest } from '../../../../core/contract/manifest/manifest.ts';
import type { BackupId, SourceName } from '../../../../core/domain/keys.ts';
import { chooseBackup } from '../../../../core/survey/choose.ts';
import type { Which } from '../../../../core/survey/choose.ts';
import { memoryOf } from '../../../../core/survey/watched.ts';
import { toyEngine, toySource } from '../../../support/worlds/toy-engine.ts';
import type { ToyServer } from '../../../support/worlds/toy-engine.ts';
import { dailyIds, putBackup } from '../../../support/vaults/history.ts';
import { memoryScene, limit } from '../../../support/vaults/vault.ts';
import type { VaultScene } from '../../../support/vaults/vault.ts';

const shop = 'shop' as SourceName;
const memory = { ...memoryOf(undefined), timeZone: 'Europe/Amsterdam' };
const clock = { now: () => new Date('2026-11-23T08:00:00Z') };
let scene: VaultScene;
let server: ToyServer;
let made: Manifest[];

beforeEach(async () => {
  scene = memoryScene();
  server = new Map([['shop', { orders: ['1'] }]]);
  made = [];
  for (const day of [20, 21, 22])
    made.push(
      await backup(
        toySource(toyEngine(server, 'shop')),
        { ...scene.deps(), clock: { now: () => new Date(`2026-11-${day}T02:00:07Z`) } },
        limit(),
      ),
    );
});
afterEach(() => scene.remove());

const choose = (which: Which) => chooseBackup(shop, which, memory, { ...scene.deps(), clock }, limit());
const idAt = async (at: string) => (await choose({ at })).manifest.id;

/** Restores one into a new database of its own; the proof passes, or fails. */
async function prove(manifest: Manifest, isGood = true): Promise<void> {
  const engine = toyEngine(server, `try-${manifest.id}`);
  const spoilt = {
    ...engine,
    plan: async (...args: Parameters<typeof engine.plan>) => {
      server.get(`try-${manifest.id}`)!['orders']!.pop();
      return engine.plan(...args);
    },
  };
  const options = { replace: false, owners: true, proof: true };
  const deps = { ...scene.deps(), parallel: 1 };
  const restored = restoreRecorded(manifest, isGood ? engine : spoilt, options, deps, limit());
  await (isGood ? restored : expect(restored).rejects.toMatchObject({ code: 'proof-failed' }));
}

test('the newest that began until a moment, on the clock of the source: a minute and a day are meant whole', async () => {
  const [first, second, third] = made.map(({ id }) => id);

  expect(await idAt('2026-11-21')).toBe(second);
  expect(await idAt('2026-11-21 03:00')).toBe(second);
  expect(await idAt('2026-11-21 02:59')).toBe(first);
  expect(await idAt('2026-11-21T02:00:06Z')).toBe(first);
  expect(await idAt('2026-11-21T02:00:07Z')).toBe(second);
  expect(await idAt('yesterday 14:00')).toBe(third);
  expect(await idAt('yesterday 02:00')).toBe(second);
});

test('what was understood is said, and newer backups are no reason to ask', async () => {
  await expect(choose({ at: '2026-11-21 14:00' })).resolves.toMatchObject({
    meant:
      '2026-11-21 14:00 is 2026-11-21 14:00 Europe/Amsterdam, 13:00 UTC; the newest good backup until then ' +
      'began 2026-11-21 03:00 Europe/Amsterdam, 02:00 UTC',
    passedOver: [],
    warnings: [],
  });
});

test('one that is not good is passed over, and that is told', async () => {
  await prove(made[1]!, false);

  const { manifest, passedOver, warnings } = await choose({ at: '2026-11-21' });

  expect(manifest.id).toBe(made[0]!.id);
  expect(passedOver).toEqual([{ id: made[1]!.id, why: expect.stringMatching(/^its restore of .* failed$/) }]);
  expect(warnings).toEqual([expect.stringContaining(`passed over ${made[1]!.id}: `)]);
});

test('an hour that comes twice is told', async () => {
  const dst = { now: () => new Date('2026-10-24T02:00:07Z') };
  const { id } = await backup(toySource(toyEngine(server, 'shop')), { ...scene.deps(), clock: dst }, limit());

  const { manifest, warnings } = await choose({ at: '2026-10-25 02:30' });

  expect(manifest.id).toBe(id);
  expect(warnings).toEqual([expect.stringContaining('there are two 02:30 on 2026-10-25 in Europe/Amsterdam')]);
});

test('an old one is found behind a hundred that nobody has read', async () => {
  const many = memoryScene();
  const ids = dailyIds(130);
  for (const id of ids) await putBackup(many.vault, shop, id);

  const { manifest } = await chooseBackup(shop, { at: '2026-07-20' }, memory, { ...many.deps(), clock }, limit());

  expect([manifest.id, ids.indexOf(manifest.id as BackupId)]).toEqual([expect.stringMatching(/^20260720T/), 6]);
  await many.remove();
});

test('where none is old enough, the earliest and the newest are named', async () => {
  const [first, , third] = made.map(({ id }) => id);

  await expect(choose({ at: '2026-11-19 12:00' })).rejects.toMatchObject({
    code: 'backup-missing',
    message: expect.stringMatching(
      new RegExp(
        `: none until 2026-11-19 12:00 Europe/Amsterdam, 11:00 UTC; the earliest is ${first} \\(2026-11-20 ` +
          `03:00 .*\\), the newest ${third} \\(.*\\)$`,
      ),
    ),
    hint: expect.stringContaining('nightjar list shop'),
  });
  await prove(made[0]!, false);
  await expect(choose({ at: '2026-11-20' })).rejects.toThrow(`that is good; ${first} is not: its restore of`);
});

test('latest-proven is the newest that was restored and compared; what is newer is counted', async () => {
  await expect(choose('latest-proven')).rejects.toMatchObject({
    code: 'backup-missing',
    message: expect.stringContaining(`none of 3 was restored and compared; the newest good one is ${made[2]!.id}`),
    hint: 'prove it: nightjar drill shop',
  });
  await prove(made[0]!);

  await expect(choose('latest-proven')).resolves.toMatchObject({
    manifest: { id: made[0]!.id },
    passedOver: [],
    warnings: [`2 newer backups are not proven, the newest ${made[2]!.id}`],
  });
  await prove(made[2]!);
  await expect(choose('latest-proven')).resolves.toMatchObject({ manifest: { id: made[2]!.id }, warnings: [] });
});

test('an event names a backup or a moment', () => {
  const read = (event: object) => readEvent(restoreEventSchema, { source: 'shop', ...event }, {});

  expect(read({ at: 'yesterday 14:00' })).toMatchObject({ at: 'yesterday 14:00', backup: 'latest' });
  expect(() => read({ at: 'yesterday', backup: made[0]!.id })).toThrow(
    'at: says which backup is meant, and so does backup',
  );
});
