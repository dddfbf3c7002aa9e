import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { backup } from '../../../../core/commands/backup.ts';
import type { BackupDeps } from '../../../../core/commands/backup.ts';
import { BackupError } from '../../../../core/domain/errors.ts';
import { historyOf } from '../../../../core/domain/verdict/history.ts';
import type { SourceHistory } from '../../../../core/domain/verdict/history.ts';
import { newBackupId } from '../../../../core/domain/keys.ts';
import { leaseKey } from '../../../../core/domain/layout/places.ts';
import type { SourceName } from '../../../../core/domain/keys.ts';
import { startKey } from '../../../../core/domain/layout/records.ts';
import type { RunEvent } from '../../../../core/ports.ts';
import type { Vault } from '../../../../core/vault.ts';
import { openStore } from '../../../../core/store/store.ts';
import { toyEngine, toySource } from '../../../support/worlds/toy-engine.ts';
import type { ToyServer } from '../../../support/worlds/toy-engine.ts';
import { memoryScene, limit } from '../../../support/vaults/vault.ts';
import type { VaultScene } from '../../../support/vaults/vault.ts';

const shop = 'shop' as SourceName;
const schedule = { cron: '0 2 * * *', timeZone: 'Europe/Amsterdam', windowMs: 0 };
const night = new Date('2026-11-20T01:00:07Z');
const moment = new Date('2026-11-20T01:00:00Z');
let scene: VaultScene;
let server: ToyServer;
let warnings: string[];

beforeEach(async () => {
  scene = memoryScene();
  server = new Map([['shop', { orders: ['1', '2'] }]]);
  warnings = [];
});
afterEach(() => scene.remove());

const report = (event: RunEvent) => void (event.type === 'warning' && warnings.push(event.message));
const deps = (now: Date, more: Partial<BackupDeps> = {}): BackupDeps => ({
  ...scene.deps(),
  identity: { run: 'test', holder: 'test', isGone: () => true },
  clock: { now: () => now },
  report,
  ...more,
});
const backingUp = (given: BackupDeps) => backup({ ...toySource(toyEngine(server, 'shop')), schedule }, given, limit());
const historyNow = async (): Promise<SourceHistory> =>
  historyOf(shop, await Array.fromAsync(scene.vault.list('shop/', limit())));

test('a run leaves word of its beginning: who, when, for which moment, and the backup that it makes', async () => {
  const { id } = await backingUp(deps(night));

  const { starts, leased } = await historyNow();
  expect(starts).toMatchObject([{ id, run: 'test', meant: moment }]);
  expect(JSON.parse(Buffer.from((await scene.vault.read(starts[0]!.key, limit())).body).toString())).toEqual({
    id,
    run: 'test',
    holder: 'test',
    start: night.toISOString(),
    meant: moment.toISOString(),
  });
  expect(leased?.getTime()).toBeGreaterThan(Date.now() - 60_000);
});

test.each([
  ['made by hand in the evening', '2026-11-20T19:00:00Z', undefined, undefined],
  ['that comes hours late and was meant for the night', '2026-11-20T06:00:00Z', '2026-11-20T01:00:00Z', moment],
  ['of a source that had to wait for others', '2026-11-20T05:00:00Z', '2026-11-20T01:00:03Z', moment],
])('a run %s is for the moment that was asked for', async (_, start, asked, meant) => {
  await backingUp(deps(new Date(start), { asked: asked === undefined ? undefined : new Date(asked) }));

  expect((await historyNow()).starts.map((one) => one.meant)).toEqual([meant]);
});

test('the record lies there before the source is asked, and stays when the run fails or is killed', async () => {
  let seen: SourceHistory | undefined;
  const engine = {
    ...toyEngine(server, 'shop'),
    plan: async () => {
      seen = await historyNow();
      throw new BackupError('source-unreachable', 'nobody is there');
    },
  };
  const given = deps(night);

  await expect(
    given.store.withFailureRecord(
      shop,
      given,
      (error) => error,
      () => backup({ ...toySource(engine), schedule }, given, limit()),
    ),
  ).rejects.toMatchObject({ code: 'source-unreachable' });

  expect(seen).toMatchObject({ starts: [{ meant: moment }], backups: [], failures: [] });
  expect(await historyNow()).toMatchObject({
    starts: [{ meant: moment, run: 'test' }],
    failures: [{ run: 'test', code: 'source-unreachable' }],
  });
});

test('a role that may not write the record makes its backup all the same, with a warning', async () => {
  const denied: Vault = {
    ...scene.vault,
    putIfAbsent: (key, ...rest) =>
      key.includes('/starts/')
        ? Promise.reject(new BackupError('vault-denied', 'not allowed'))
        : scene.vault.putIfAbsent(key, ...rest),
  };

  const { id } = await backingUp(deps(night, { store: openStore(denied) }));

  expect(warnings).toEqual(['that this backup has begun could not be recorded: not allowed']);
  expect((await historyNow()).backups.map((one) => one.id)).toEqual([id]);
});

test('a run that finds another at work, or whose request has made its backup already, has not begun', async () => {
  await backingUp(deps(night, { random: () => 0.5 }));
  await backingUp(deps(new Date(night.getTime() + 60_000), { random: () => 0.5 }));
  const busy = Buffer.from(
    JSON.stringify({ run: 'other', holder: 'elsewhere', until: new Date(night.getTime() + 300_000).toISOString() }),
  );
  const { version } = await scene.vault.read(leaseKey(shop), limit());
  await scene.vault.putIfUnchanged(leaseKey(shop), busy, version, limit());
  const meeting = deps(night, { identity: { run: 'third', holder: 'third', isGone: () => false } });

  await expect(backingUp(meeting)).rejects.toMatchObject({ code: 'lease-held' });

  expect((await historyNow()).starts).toHaveLength(1);
});

test('a lease that nobody can read fails the backup under a name that alarms, and is written down', async () => {
  await scene.vault.putIfAbsent(leaseKey(shop), Buffer.from('{'), {}, limit());
  const given = deps(night);

  await expect(
    given.store.withFailureRecord(
      shop,
      given,
      (error) => error,
      () => backingUp(given),
    ),
  ).rejects.toMatchObject({ code: 'lease-stuck' });

  expect((await historyNow()).failures).toMatchObject([{ code: 'lease-stuck' }]);
});

test('rotation sweeps records of starts that nobody asks for any more: old ones, but for the newest', async () => {
  const dayMs = 86_400_000;
  for (let day = 0; day < 40; day += 1) {
    const start = new Date(night.getTime() - day * dayMs);
    await scene.vault.putIfAbsent(
      startKey(shop, { id: newBackupId(start, 0), run: 'test', meant: start }),
      Buffer.from('{}'),
      {},
      limit(),
    );
  }

  const found = await deps(night).store.lookForLeftovers(await historyNow(), dayMs, deps(night), limit());
  await deps(night).store.sweepLeftovers(shop, dayMs, found, deps(night), limit());

  const { starts } = await historyNow();
  expect(starts).toHaveLength(32);
  expect(starts.at(-1)?.meant).toEqual(new Date(Math.floor(night.getTime() / 1000) * 1000));
});
