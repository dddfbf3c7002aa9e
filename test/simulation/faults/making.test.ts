import { beforeAll, expect, test } from '@jest/globals';
import type { Verification } from '../../../core/commands/proof/verify.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { BackupError } from '../../../core/domain/errors.ts';
import { partKey } from '../../../core/domain/layout/places.ts';
import type { BackupId } from '../../../core/domain/keys.ts';
import { everyFault } from '../../support/faults/every-fault.ts';
import { leasedUntil, proofsIn } from '../../support/vaults/oracle.ts';
import { shop } from '../../support/vaults/seen.ts';
import { acting, again, hoursMs, idsIn, untruthsIn, worldAfter } from '../../support/worlds/world.ts';
import type { World } from '../../support/worlds/world.ts';

const rows = { orders: ['1', '2', '3'], items: ['hat', 'coat'] };
const later = { ...rows, orders: ['1', '2', '3', '4'] };
let world: World;
let manifest: Manifest;

beforeAll(async () => {
  world = await worldAfter([rows]);
  manifest = (await acting(world).latest()).manifest;
});

test('whatever fails in the vault, a backup that is told is there, one before it stays, and the next run works', async () => {
  const { tried, problems } = await everyFault(
    world,
    (verbs, { server }) => {
      server.set('shop', later);
      return verbs.backup();
    },
    async (after, { result }, { call, how, isLast }) => {
      const listed = idsIn(after);
      const told = result === undefined || listed.includes(result.id as BackupId);
      const stolen = how === 'stolen';
      // the manifest is put last, and then the lease is given back
      const wrote = isLast && (call === 'putIfAbsent' || call === 'putIfUnchanged');
      const held = !stolen && leasedUntil(after.state.objects, new Date(after.now.getTime() + 6 * 60_000));
      after.now = new Date(after.now.getTime() + hoursMs);
      const next = await acting(after, { run: 'next', seed: 5 }).backup();
      return [
        ...(told ? [] : ['told, and not there']),
        ...(listed.includes(manifest.id as BackupId) ? [] : ['lost the one before']),
        ...(held ? [`holds the lease until ${held}`] : []),
        ...(stolen && !wrote && listed.length > 1 ? ['wrote a manifest without the lease'] : []),
        ...(idsIn(after).includes(next.id as BackupId) ? [] : ['the next one is not there']),
      ];
    },
  );

  expect(problems).toEqual([]);
  expect(tried).toBeGreaterThan(90);
});

function damaged(): World {
  const spoiled = again(world);
  const key = partKey(shop, manifest.id as BackupId, 'data/0002.sql.zst');
  spoiled.state.objects.set(key, { ...spoiled.state.objects.get(key)!, body: Buffer.from('damaged') });
  return spoiled;
}

test('whatever fails in the vault, a whole backup is verified as whole, or not at all', async () => {
  const { tried, problems } = await everyFault<Verification>(
    world,
    (verbs) => verbs.verify(manifest),
    (after, { result }, { call, how, code }) => {
      const proofs = proofsIn(after.state.objects);
      const vaultSaidSo = call === 'get' && (code === 'object-missing' || how === 'cut' || how === 'flip');
      return [
        ...(result?.problems.length && !vaultSaidSo ? ['called a good part damaged'] : []),
        ...(proofs.includes('verify-failed') && !vaultSaidSo ? ['on record as failed'] : []),
        ...(proofs.includes('verify-passed') && result?.problems.length !== 0 ? ['on record as passed'] : []),
      ];
    },
  );

  expect(problems).toEqual([]);
  expect(tried).toBeGreaterThan(40);
});

test('whatever fails in the vault, a damaged backup is never verified as whole', async () => {
  const spoiled = damaged();
  const known = untruthsIn(spoiled);
  const { problems } = await everyFault<Verification>(
    spoiled,
    (verbs) => verbs.verify(manifest),
    (after, { result }) => [
      ...(result !== undefined && !result.problems.some(({ file }) => file === 'data/0002.sql.zst')
        ? ['missed the damage']
        : []),
      ...(proofsIn(after.state.objects).includes('verify-passed') ? ['on record as passed'] : []),
    ],
  );

  expect(problems.filter((problem) => !known.some((one) => problem.endsWith(one)))).toEqual([]);
});

test.each([
  ['replaced by the whole backup, or as it was, or gone', 'shop', later],
  ['made of the whole backup, or gone', 'copy', undefined],
])('whatever fails in the vault, a database is %s, and is told so', async (_, into, there) => {
  const occupied = again(world);
  occupied.server.set('shop', later);
  const { tried, problems } = await everyFault(
    occupied,
    (verbs) => verbs.restore(manifest, into, there !== undefined),
    (after, { result, error }) => {
      const content = JSON.stringify(after.server.get(into));
      const untouched = content === undefined || content === JSON.stringify(there);
      const saysGone = error instanceof BackupError && error.message.includes(`${into} is gone`);
      return [
        ...(result !== undefined && content !== JSON.stringify(rows) ? ['told as restored, and is not'] : []),
        ...(result === undefined && !untouched ? ['told as failed, and something else is there'] : []),
        ...(there !== undefined && error !== undefined && content === undefined && !saysGone
          ? ['hides that it is gone']
          : []),
        ...(result === undefined && proofsIn(after.state.objects).includes('restore-passed')
          ? ['on record as passed']
          : []),
        ...(result !== undefined && result.proof?.differences.length !== 0 ? ['told without a proof'] : []),
      ];
    },
  );

  expect(problems).toEqual([]);
  expect(tried).toBeGreaterThan(40);
});

test('whatever fails in the vault, a drill leaves nothing behind, and is on record as what it was', async () => {
  const { tried, problems } = await everyFault(
    world,
    (verbs) => verbs.drill(manifest),
    (after, { result }, { call, how, code }) => {
      const proofs = proofsIn(after.state.objects);
      const vaultSaidSo = call === 'get' && (code === 'object-missing' || how === 'cut' || how === 'flip');
      return [
        ...(after.server.has('scratch') ? ['the scratch database is there'] : []),
        ...(JSON.stringify(after.server.get('shop')) === JSON.stringify(rows) ? [] : ['the source is another']),
        ...(result !== undefined && result.proof.differences.length > 0 ? ['told as proven, and differs'] : []),
        ...(result === undefined && proofs.includes('drill-passed') ? ['on record as passed'] : []),
        ...(proofs.includes('drill-failed') && !vaultSaidSo ? ['on record as failed'] : []),
      ];
    },
  );

  expect(problems).toEqual([]);
  expect(tried).toBeGreaterThan(40);
});

test('whatever fails in the vault, a listing is complete or none, and the latest backup is the latest', async () => {
  const two = await worldAfter([rows, later]);
  const honest = await acting(two).list();
  const missing = (call: string, code: string) => call === 'read' && code === 'object-missing';

  const listed = await everyFault(
    two,
    (verbs) => verbs.list(),
    // a manifest that the vault says is not there has been rotated away; sizes that it says wrongly are damage
    (_, { result }, { call, how, code }) =>
      result === undefined || missing(call, code) || how === 'size' || code === 'object-too-large'
        ? []
        : JSON.stringify(result) === JSON.stringify(honest)
          ? []
          : [`listed ${result.length} of ${honest.length}`],
  );
  const latest = await everyFault(
    two,
    (verbs) => verbs.latest(),
    (_, { result }, { how }) =>
      result === undefined || result.manifest.id === honest.at(-1)!.id || how === 'size' ? [] : ['found an older one'],
  );

  expect([...listed.problems, ...latest.problems]).toEqual([]);
});
