import { beforeEach, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { push } from '../../../core/commands/push.ts';
import { BackupError } from '../../../core/domain/errors.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import type { Adoption, ByteStream, Engine, RunEvent } from '../../../core/ports.ts';
import { toyEngine, toySource } from '../../support/worlds/toy-engine.ts';
import type { ToyServer } from '../../support/worlds/toy-engine.ts';
import { limit, memoryScene } from '../../support/vaults/vault.ts';
import type { VaultScene } from '../../support/vaults/vault.ts';

const night = new Date('2019-06-01T08:00:00Z');
let scene: VaultScene;
let server: ToyServer;
let told: RunEvent[];

beforeEach(() => {
  scene = memoryScene();
  server = new Map();
  told = [];
});

async function* streamOf(...chunks: string[]): ByteStream {
  for (const chunk of chunks) yield Buffer.from(chunk);
}
const wholly = async (dump: ByteStream) => Buffer.concat(await Array.fromAsync(dump)).toString();
const refused = () => Promise.reject(new BackupError('lease-held', 'somebody is connected to scratch'));

/** Pushes a file of one table's lines, which reads as `readings` say, one after the other. */
function pushing(more: Partial<Adoption> = {}, readings = [['hat\n', 'coat\n']]) {
  const toy = toyEngine(server, 'scratch');
  const adopt = async (): Promise<Adoption> => ({
    async load(dump) {
      server.set('scratch', { orders: (await wholly(dump)).split('\n').slice(0, -1) });
      return [];
    },
    requireAlone: async () => {},
    discard: async () => void server.delete('scratch'),
    ...more,
  });
  const scratch: Engine = { ...toy, adopt };
  const source = toySource(toyEngine(server, 'shop'));
  const open = () => streamOf(...(readings.length > 1 ? readings.shift()! : readings[0]!));
  const { identity, ...rest } = scene.deps();
  const alive = { ...identity, isGone: () => false };
  const deps = { ...rest, identity: alive, report: (event: RunEvent) => void told.push(event) };
  const place = { source, database: 'shop', scratch, proof: toyEngine(server, 'proof') };
  return push({ name: 'shop.sql', open, at: night, by: 'eva@desk' }, place, deps, limit());
}
const warnings = () => told.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
const manifests = async () => (await scene.files()).filter((key) => key.endsWith('/manifest.json'));

test('what is adopted has the checksum of the file, and nothing stays', async () => {
  const { manifest } = await pushing();

  const sha256 = createHash('sha256').update('hat\ncoat\n').digest('hex');
  expect(manifest.adopted).toMatchObject({ file: 'shop.sql', sha256, bytes: 9 });
  expect([[...server.keys()], warnings(), await manifests()]).toEqual([[], [], [expect.stringContaining(manifest.id)]]);
});

test('what was left out of the dump is told once, and stands in the manifest', async () => {
  const load = async (dump: ByteStream) => {
    server.set('scratch', { orders: (await wholly(dump)).split('\n').slice(0, -1) });
    return ['left out: 2 grants'];
  };

  const { manifest } = await pushing({ load });

  expect(warnings()).toEqual(['left out: 2 grants']);
  expect(manifest.warnings).toEqual(['left out: 2 grants']);
});

test('a scratch that can’t be dropped is a warning where the backup was made', async () => {
  const { manifest } = await pushing({ discard: refused });

  expect(await manifests()).toEqual([expect.stringContaining(manifest.id)]);
  expect(warnings()).toEqual([expect.stringMatching(/toy:\/\/scratch is still there: somebody is connected/)]);
});

test('a scratch that can’t be dropped hides no failure', async () => {
  const load = () => Promise.reject(new BackupError('dump-cut', 'the dump was cut', { hint: 'look for another' }));

  await expect(pushing({ load, discard: refused })).rejects.toMatchObject({
    code: 'dump-cut',
    message: 'the dump was cut; somebody is connected to scratch',
    hint: 'look for another',
  });
});

test('a defect is not taken for the failure of the drop', async () => {
  const load = () => Promise.reject(new TypeError('x is not a function'));

  await expect(pushing({ load, discard: refused })).rejects.toMatchObject({ code: 'internal' });
});

test('a file that changes between its two readings makes no backup', async () => {
  await expect(pushing({}, [['hat\n'], ['hat\n', 'fur\n']])).rejects.toMatchObject({ code: 'source-changed' });

  expect([await manifests(), [...server.keys()]]).toEqual([[], []]);
});

test('a dump that was loaded waits for another run on its source, and is not loaded again', async () => {
  const { store, ...deps } = scene.deps();
  const nightlyDeps = { ...deps, identity: { ...deps.identity, run: 'nightly' } };
  let loads = 0;
  const load: Adoption['load'] = async (dump) => {
    loads += 1;
    server.set('scratch', { orders: (await wholly(dump)).split('\n').slice(0, -1) });
    return [];
  };
  let end = (): void => {};
  const nightly = new Promise<void>((resolve) => (end = resolve));
  let isHeld = (): void => {};
  const held = new Promise<void>((resolve) => (isHeld = resolve));
  const working = store.withLease('shop' as SourceName, nightlyDeps, () => (isHeld(), nightly), limit());
  await held;

  const pushed = pushing({ load });
  for (let looks = 0; looks < 1000 && warnings().length === 0; looks += 1) await sleep(5);
  end();

  await expect(pushed).resolves.toMatchObject({ manifest: { adopted: { bytes: 9 } } });
  await working;
  expect(warnings()).toEqual([expect.stringMatching(/^the dump is loaded, and waits .*nightly/)]);
  expect(loads).toBe(1);
});

test('a loader that leaves the last bytes unread does not make another file of it', async () => {
  const load: Adoption['load'] = async (dump) => {
    for await (const _ of dump) break;
    server.set('scratch', { orders: ['hat'] });
    return [];
  };

  await expect(pushing({ load })).resolves.toMatchObject({ manifest: { adopted: { bytes: 9 } } });
});
