import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { backup } from '../../../core/commands/backup.ts';
import { notTheNewest } from '../../../core/commands/restore/passed-over.ts';
import { restore, restoreRecorded } from '../../../core/commands/restore/restore.ts';
import { memoryOf } from '../../../core/survey/watched.ts';
import { chooseBackup } from '../../../core/survey/choose.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import { toyEngine, toySource } from '../../support/worlds/toy-engine.ts';
import type { ToyServer } from '../../support/worlds/toy-engine.ts';
import { memoryScene, limit } from '../../support/vaults/vault.ts';
import type { VaultScene } from '../../support/vaults/vault.ts';

const shop = 'shop' as SourceName;
const live = { orders: ['1', '2', '3', '4', '5'] };
let scene: VaultScene;
let server: ToyServer;
let [older, newest] = [{} as Manifest, {} as Manifest];

const backingUp = (at: string) =>
  backup(toySource(toyEngine(server, 'shop')), { ...scene.deps(), clock: { now: () => new Date(at) } }, limit());

/** An empty backup, one of five orders that a restore has found wanting, and five orders in the live database. */
beforeEach(async () => {
  scene = memoryScene();
  server = new Map([['shop', { orders: [] as string[] }]]);
  older = await backingUp('2026-11-20T02:00:00Z');
  server.set('shop', structuredClone(live));
  newest = await backingUp('2026-11-21T02:00:00Z');
  const broken = toyEngine(server, 'try');
  const failing = {
    ...broken,
    plan: async (...args: Parameters<typeof broken.plan>) => {
      server.get('try')!['orders']!.pop();
      return broken.plan(...args);
    },
  };
  const options = { replace: false, owners: true, proof: true };
  const failed = restoreRecorded(newest, failing, options, { ...scene.deps(), parallel: 1 }, limit());
  await expect(failed).rejects.toMatchObject({ code: 'proof-failed' });
});
afterEach(() => scene.remove());

const clock = { now: () => new Date('2099-01-01T00:00:00Z') };
const choose = (which: string) => chooseBackup(shop, which, memoryOf(undefined), { ...scene.deps(), clock }, limit());
const restoring = async (which: string, database: string, replace: boolean) => {
  const { manifest, passedOver } = await choose(which);
  const options = { replace, owners: true, proof: true, passedOver };
  return restore(manifest, toyEngine(server, database), options, { ...scene.deps(), parallel: 1 }, limit());
};

test.each([
  ['with --replace', 'shop', true],
  ['into an empty one that is there', 'empty', false],
  ['with --replace, into one that is not there', 'absent', true],
])(
  'five orders were replaced by an older, empty backup, for the newest was damaged: refused %s',
  async (_, database, replace) => {
    server.set('empty', {});

    await expect(restoring('latest', database, replace)).rejects.toMatchObject({
      code: 'input-invalid',
      message: expect.stringMatching(
        `^database ${database} is not new, and no backup was named: not the newest: ${newest.id} was passed ` +
          `over: .*restore.* failed; the newest good one is ${older.id}$`,
      ),
      hint: expect.stringContaining(
        `name it: nightjar restore shop ${older.id} --to ${database}${replace ? ' --replace' : ''} (`,
      ),
    });

    expect(server.get('shop')).toEqual(live);
  },
);

test('by its id an older backup goes where it is sent', async () => {
  await expect(restoring(older.id, 'shop', true)).resolves.toMatchObject({ id: older.id });
  expect(server.get('shop')).toEqual({ orders: [] });
});

test('into a new database an older backup goes, and that it is not the newest can be said', async () => {
  await expect(restoring('latest', 'copy', false)).resolves.toMatchObject({ id: older.id });

  const { passedOver } = await choose('latest');
  expect(notTheNewest(passedOver)).toMatch(`not the newest: ${newest.id} was passed over: `);
  expect(notTheNewest([...passedOver, ...passedOver])).toContain('was passed over, and 1 other too: ');
});

test('the newest, where it is good, goes anywhere', async () => {
  const again = await backingUp('2026-11-22T02:00:00Z');

  await expect(restoring('latest', 'shop', true)).resolves.toMatchObject({ id: again.id });
});
