import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { check } from '../../../core/commands/check/check.ts';
import { findManifest } from '../../support/vaults/listed.ts';
import { newBackupId, objectKey } from '../../../core/domain/keys.ts';
import { sourceSegment } from '../../../core/domain/layout/places.ts';
import type { BackupId, SourceName } from '../../../core/domain/keys.ts';
import { openStore } from '../../../core/store/store.ts';
import { hourMs, watching } from '../../support/vaults/seen.ts';
import { storeBackup } from '../../support/vaults/stored.ts';
import { memoryScene, limit } from '../../support/vaults/vault.ts';
import type { VaultScene } from '../../support/vaults/vault.ts';

const now = new Date('2026-11-20T12:00:00Z');
const hoursAgo = (hours: number) => new Date(now.getTime() - hours * hourMs);
/**
 * Names of which one is the beginning of the others, or looks like it; each one's newest backup is as many hours old as
 * it says.
 */
const ages: Record<string, number> = {
  app: 30,
  app_archive: 1,
  'app-2': 2,
  'app/archive': 3,
  'app%2Farchive': 4,
  'app.': 5,
  App: 6,
  ap: 7,
};
const names = Object.keys(ages) as SourceName[];
let scene: VaultScene;
const newest = new Map<string, BackupId>();

beforeAll(async () => {
  scene = memoryScene();
  for (const name of names) {
    await storeBackup(scene.vault, name, hoursAgo(50));
    newest.set(name, await storeBackup(scene.vault, name, hoursAgo(ages[name]!)));
  }
  // what looks like a backup of app, and is none: no id, a folder too deep, a run without a manifest
  const id = newBackupId(hoursAgo(0.5), 0.1);
  for (const key of [
    'app/manifest.json',
    'app/latest/manifest.json',
    `app/${id}/old/manifest.json`,
    `app/${id}/data/0001.sql.zst`,
    `app/${id}x/manifest.json`,
  ]) {
    await scene.vault.putIfAbsent(objectKey(key), Buffer.from('{}'), {}, limit());
  }
});
afterAll(() => scene.remove());

test('museum 6: the latest backup of `app` is never that of `app_archive`', async () => {
  for (const name of names)
    expect(await findManifest(name, 'latest', scene.vault, limit())).toMatchObject({
      source: name,
      id: newest.get(name),
    });
});

test.each([true, false])(
  'museum 6: a fresh `app_archive` does not make a stale `app` fresh (the whole vault listed: %p)',
  async (whole) => {
    const sources = names.map((source) => ({ ...watching(), source }));

    const { judgements, unconfigured } = await check(
      sources,
      { whole },
      { store: openStore(scene.vault), clock: { now: () => now }, notifiers: [], meter: () => {} },
      limit(),
    );

    expect(judgements.map(({ standing, state }) => [standing.source, standing.newest, standing.count, state])).toEqual(
      names.map((name) => [name, newest.get(name), 2, name === 'app' ? 'stale' : 'fresh']),
    );
    expect(unconfigured).toEqual([]);
    expect(new Set(names.map(sourceSegment)).size).toBe(names.length);
  },
);
