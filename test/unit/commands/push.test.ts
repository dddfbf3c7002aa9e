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

type Others = { proof?: Engine; signal?: AbortSignal; open?: () => ByteStream; warnings?: string[]; adopts?: false };

/** Pushes a file of one table's lines, which reads as `readings` say, one after the other. */
function pushing(more: Partial<Adoption> = {}, readings = [['hat\n', 'coat\n']], others: Others = {}) {
  const { proof = toyEngine(server, 'proof'), signal = limit(), warnings: said = [], adopts = true } = others;
  const { plan, ...toy } = toyEngine(server, 'scratch');
  const adopt = async (): Promise<Adoption> => ({
    async load(dump) {
      server.set('scratch', { orders: (await wholly(dump)).split('\n').slice(0, -1) });
      return [];
    },
    requireAlone: async () => {},
    discard: async () => void server.delete('scratch'),
    ...more,
  });
  const planning: Engine['plan'] = async (...given) => ({ ...(await plan(...given)), warnings: said });
  const scratch: Engine = { ...toy, plan: planning, ...(adopts && { adopt }) };
  const source = toySource(toyEngine(server, 'shop'));
  const { open = () => streamOf(...(readings.length > 1 ? readings.shift()! : readings[0]!)) } = others;
  const { identity, ...rest } = scene.deps();
  const alive = { ...identity, isGone: () => false };
  const deps = { ...rest, identity: alive, report: (event: RunEvent) => void told.push(event) };
  const place = { source, database: 'shop', scratch, proof };
  return push({ name: 'shop.sql', open, at: night, by: 'eva@desk' }, place, deps, signal);
}
const warnings = () => told.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
const manifests = async () => (await scene.files()).filter((key) => key.endsWith('/manifest.json'));

test('what is adopted has the checksum of the file, and nothing stays', async () => {
  const { manifest } = await pushing();

  const sha256 = createHash('sha256').update('hat\ncoat\n').digest('hex');
  expect(manifest.adopted).toMatchObject({ file: 'shop.sql', sha256, bytes: 9 });
  expect([[...server.keys()], warnings(), await manifests()]).toEqual([[], [], [expect.stringContaining(manifest.id)]]);
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
  await expect(pushing({ load })).rejects.toBeInstanceOf(TypeError);
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

test('the backup is of the source, its database and the moment that was named; what was left out is told once', async () => {
  const load: Adoption['load'] = async (dump) => {
    server.set('scratch', { orders: (await wholly(dump)).split('\n').slice(0, -1) });
    return ['left out: 2 grants'];
  };

  const { manifest, proof } = await pushing({ load }, undefined, { warnings: ['no transaction'] });

  expect(manifest).toMatchObject({ source: 'shop', database: 'shop', start: night.toISOString(), tiers: [] });
  expect(manifest.adopted).toMatchObject({ by: 'eva@desk', at: expect.stringMatching(/^20..-.*Z$/) });
  expect(manifest.warnings).toEqual(['left out: 2 grants', 'no transaction']);
  expect(warnings()).toEqual(['left out: 2 grants', 'no transaction']);
  expect(proof).toMatch(/1 table/);
});

test('an engine that takes nothing over says so before the file is opened', async () => {
  const open = () => {
    throw new Error('opened');
  };

  await expect(pushing({}, undefined, { adopts: false, open })).rejects.toMatchObject({
    code: 'input-invalid',
    message: "dumps of others can't be adopted for toy",
    hint: 'restore it by hand, and give what you restored a source of its own',
  });
});

test('a dump that makes more than its scratch is refused, also where it could not be loaded', async () => {
  const requireAlone = () => Promise.reject(new BackupError('input-invalid', 'it has made the role eva'));
  const cut = () => Promise.reject(new BackupError('dump-cut', 'the dump was cut'));

  await expect(pushing({ requireAlone })).rejects.toThrow('it has made the role eva');
  await expect(pushing({ requireAlone, load: cut })).rejects.toMatchObject({
    code: 'dump-cut',
    message: 'the dump was cut; it has made the role eva',
  });
  expect([await manifests(), [...server.keys()]]).toEqual([[], []]);
});

test('a look that failed adds nothing to why a dump could not be loaded', async () => {
  const requireAlone = () => Promise.reject(new BackupError('source-unreachable', 'the server went away'));
  const cut = () => Promise.reject(new BackupError('dump-cut', 'the dump was cut'));

  await expect(pushing({ requireAlone, load: cut })).rejects.toMatchObject({ message: 'the dump was cut' });
  await expect(pushing({ requireAlone })).rejects.toThrow('the server went away');
});

test('what can’t be restored and compared makes no backup', async () => {
  const target = () => Promise.reject(new BackupError('dump-cut', 'it is not equal'));

  await expect(pushing({}, undefined, { proof: { ...toyEngine(server, 'proof'), target } })).rejects.toThrow(
    'it is not equal',
  );
  expect([await manifests(), [...server.keys()]]).toEqual([[], []]);
});

test('it is proven without owners and tablespaces, which its scratch has not', async () => {
  const toy = toyEngine(server, 'proof');
  const asked: object[] = [];
  const target: Engine['target'] = (request, signal) => {
    asked.push(request);
    return toy.target(request, signal);
  };

  await pushing({}, undefined, { proof: { ...toy, target } });

  expect(asked).toMatchObject([{ owners: false, tablespaces: false, drill: true }]);
});

test('another run that is met once the backup has begun is not waited for', async () => {
  const target = () => Promise.reject(new BackupError('lease-held', 'the proof is held'));

  await expect(pushing({}, undefined, { proof: { ...toyEngine(server, 'proof'), target } })).rejects.toThrow(
    'the proof is held',
  );
  expect(warnings()).toEqual([]);
});

test('a stop while another run is waited for ends it, and nothing stays', async () => {
  const { store, ...deps } = scene.deps();
  const nightlyDeps = { ...deps, identity: { ...deps.identity, run: 'nightly' } };
  const stop = new AbortController();
  let pushed: Promise<unknown> = Promise.resolve();
  await store.withLease(
    'shop' as SourceName,
    nightlyDeps,
    async () => {
      pushed = pushing({}, undefined, { signal: stop.signal });
      pushed.catch(() => {});
      for (let looks = 0; looks < 1000 && warnings().length === 0; looks += 1) await sleep(5);
      stop.abort();
      await expect(pushed).rejects.toMatchObject({ code: 'aborted', message: 'stopped on request' });
    },
    limit(),
  );

  expect([await manifests(), [...server.keys()]]).toEqual([[], []]);
});

test('a file is closed whoever ends first: its reader, or a stop', async () => {
  const stop = new AbortController();
  let [opened, closed] = [0, 0];
  async function* open(): ByteStream {
    opened += 1;
    try {
      yield Buffer.from('hat\n');
      yield Buffer.from('coat\n');
    } finally {
      closed += 1;
    }
  }
  const cut: Adoption['load'] = async (dump) => {
    for await (const _ of dump) throw new BackupError('dump-cut', 'the dump was cut');
    return [];
  };
  const stopped: Adoption['load'] = async (dump, signal) => {
    for await (const _ of dump) stop.abort();
    signal.throwIfAborted();
    return [];
  };

  await expect(pushing({ load: cut }, undefined, { open })).rejects.toThrow('the dump was cut');
  expect([opened, closed]).toEqual([2, 2]);
  const discard = () => Promise.reject(new Error('no'));
  await expect(pushing({ load: stopped, discard }, undefined, { open, signal: stop.signal })).rejects.toMatchObject({
    code: 'aborted',
    message: 'stopped on request; no',
  });
  expect([opened, closed]).toEqual([4, 4]);
});

test('a file that changes says so, and what to do', async () => {
  await expect(pushing({}, [['hat\n'], ['fur\n']])).rejects.toMatchObject({
    message: 'shop.sql has changed while it was read',
    hint: 'wait until nobody writes it, then push it again',
  });
});
