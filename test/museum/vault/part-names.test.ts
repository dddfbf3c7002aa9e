import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { backup } from '../../../core/commands/backup.ts';
import { rotate } from '../../../core/commands/rotate.ts';
import { verify } from '../../../core/commands/proof/verify.ts';
import type { ManifestPart } from '../../../core/contract/manifest/manifest.ts';
import { manifestKey } from '../../../core/domain/layout/places.ts';
import type { BackupId, SourceName } from '../../../core/domain/keys.ts';
import type { Engine, PlannedPart } from '../../../core/ports.ts';
import { opening } from '../../support/parts.ts';
import { toyEngine, toySource } from '../../support/worlds/toy-engine.ts';
import { findManifest } from '../../support/vaults/listed.ts';
import { policyOf, putBackup } from '../../support/vaults/history.ts';
import { memoryScene, limit } from '../../support/vaults/vault.ts';
import type { VaultScene } from '../../support/vaults/vault.ts';

const shop = 'shop' as SourceName;
let scene: VaultScene;
beforeEach(async () => {
  scene = memoryScene();
});
afterEach(() => scene.remove());

/** The toy's backup, whose parts are called otherwise; nothing is compressed, so that a name is all of it. */
function backingUp(name: (part: PlannedPart) => string, opened: string[] = []) {
  const toy = toyEngine(new Map([['shop', { orders: ['a', 'b'], customers: ['c'] }]]), 'shop');
  const plan: Engine['plan'] = async (...args) => {
    const made = await toy.plan(...args);
    return { ...made, parts: made.parts.map((part) => ({ ...part, file: name(part), compress: false })) };
  };
  const engine = opening({ ...toy, plan }, (_, { file }) => (opened.push(file), {}));
  return backup(toySource(engine), scene.deps(), limit());
}

const called = (file: string) => (part: PlannedPart) => (part.file === 'data/0002.sql' ? file : part.file);

test.each([
  ['database.sqlite'],
  ['data/2.sql'],
  ['data/0002'],
  ['data/0002.SQL'],
  ['data/0002.sql/more.sql'],
  ['data/../0002.sql'],
  ['pin.json'],
  ['manifest.json'],
  ['proofs/20261120T031500Z-verify-passed.json'],
  ['schema.rows'],
  ['data/0001.sql'],
])(
  'museum: a part called %s was stored, proven equal, and then damaged and left behind for ever: no engine may ' +
    'call one so',
  async (file) => {
    const opened: string[] = [];

    await expect(backingUp(called(file), opened)).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining(file),
    });

    expect(opened).toEqual([]);
    expect(await scene.files()).toEqual(['shop/lease.json']);
  },
);

test('a part of any name that is allowed is stored, verified, restorable, and gone after its time', async () => {
  const names = ['data/0002.sql', 'data/123456.sqlite', 'data/0002.tar.gz'];
  const made = [];
  for (const name of names) made.push(await backingUp(called(name)));

  for (const manifest of made) expect((await verify(manifest, scene.deps(), limit())).problems).toEqual([]);
  const clock = { now: () => new Date(Date.now() + 10 * 86_400_000) };
  const policy = policyOf({ last: 1, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0, keepWithinMs: 0 });
  const done = await rotate(shop, policy, { dryRun: false, anyShare: true }, { ...scene.deps(), clock }, limit());

  expect(done.failures).toEqual([]);
  const left = new Set((await scene.files()).map((path) => path.split('/')[1]));
  expect([...left].sort()).toEqual([done.plan.backups.at(-1)!.found.id, 'lease.json'].sort());
});

test.each<[string, Partial<ManifestPart>]>([
  ['pin.json', { file: 'pin.json' }],
  ['manifest.json', { file: 'manifest.json' }],
  ['proofs/x.json', { file: 'proofs/x.json' }],
  ['notes.txt', { file: 'notes.txt' }],
  ['data/0001.sql.zst as its schema', { role: 'schema' }],
])('a manifest that names %s is none: nothing is read, tagged or removed by it', async (_, change) => {
  const id = '20261120T020000Z-000001' as BackupId;
  const manifest = await putBackup(scene.vault, shop, id);
  const parts = manifest.parts.map((part) => (part.role === 'data' ? { ...part, ...change } : part));
  await scene.vault.delete(manifestKey(shop, id), limit());
  const forged = Buffer.from(JSON.stringify({ ...manifest, parts }));
  await scene.vault.putIfAbsent(manifestKey(shop, id), forged, {}, limit());

  await expect(findManifest(shop, id, scene.vault, limit())).rejects.toMatchObject({ code: 'manifest-invalid' });
});
