import { beforeEach, expect, test } from '@jest/globals';
import { backup } from '../../../core/commands/backup.ts';
import { planSharing } from '../../../core/commands/plan-sharing.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { BackupError } from '../../../core/domain/errors.ts';
import { objectKey } from '../../../core/domain/keys.ts';
import type { BackupId, SourceName } from '../../../core/domain/keys.ts';
import { proofKey } from '../../../core/domain/layout/records.ts';
import type { Engine, Plan, Source } from '../../../core/ports.ts';
import { openStore } from '../../../core/store/store.ts';
import type { Store } from '../../../core/store/store.ts';
import type { Vault } from '../../../core/vault.ts';
import { limit, memoryScene, overwrite } from '../../support/vaults/vault.ts';
import type { VaultScene } from '../../support/vaults/vault.ts';
import { toyEngine, toySource } from '../../support/worlds/toy-engine.ts';
import type { ToyServer } from '../../support/worlds/toy-engine.ts';

type Asked = Parameters<Engine['plan']>[0];
const shop = 'shop' as SourceName;
const id = '20991120T020000Z-00000a' as BackupId;
let scene: VaultScene;
let server: ToyServer;
let asked: Asked[];
let warnings: string[];
let closed: number;

beforeEach(() => {
  scene = memoryScene();
  server = new Map([['shop', { orders: ['hat', 'coat'], items: ['1'] }]]);
  [asked, warnings, closed] = [[], [], 0];
});

/** The toy engine as one of files would be: it takes over each tar of the backup before that it may. */
function sharing(more: Partial<Engine> = {}): Source {
  const toy = toyEngine(server, 'shop');
  const engine: Engine = {
    ...toy,
    shares: true,
    async plan(options, signal) {
      asked.push(options);
      const plan = await toy.plan(options, signal);
      const { before } = options.sharing ?? {};
      await before?.readCatalog(() => () => undefined, signal);
      const data = (before?.manifest.parts ?? []).filter((part) => part.role === 'data' && before!.isSharable(part));
      const shared = data.map((part) => ({ part, file: part.file, live: part.bytes }));
      const made = plan.parts.map((part) => ({ ...part, file: part.file.replace(/^(data.*)sql$/, '$1tar') }));
      const parts = made.filter(({ file }) => !shared.some((one) => one.file === `${file}.zst`));
      return { ...plan, parts, ...(before && { shared }), close: async () => void (closed += 1) };
    },
    ...more,
  };
  return toySource(engine);
}

/** The same, which takes nothing over. */
function unshared(): Source {
  const source = sharing();
  const { shares: _, ...engine } = source.engine;
  return { ...source, engine };
}

/** One backup, of that second of the evening. */
async function stored(second: number, source = sharing(), store = openStore(scene.vault)): Promise<Manifest> {
  const deps = { ...scene.deps(), store, clock: { now: () => new Date(Date.UTC(2026, 10, 20, 2, 0, second)) } };
  const made = await backup(source, deps, limit());
  [asked, closed] = [[], 0];
  return made;
}

async function planned(source = sharing(), store: Store = openStore(scene.vault), signal = limit()): Promise<Plan> {
  const { backups } = await openStore(scene.vault).listSource(shop, signal);
  const report: Parameters<typeof planSharing>[2]['report'] = (event) => {
    if (event.type === 'warning') warnings.push(event.message);
  };
  return (await planSharing({ source, id, tiers: [] }, backups, { store, report }, signal)).plan;
}
const newParts = async () => (await scene.files()).filter((key) => key.startsWith(`shop/${id}/`));
const storedAgain = (because: string) => [`everything is stored again, for the backup before: ${because}`];

test.each<[string, () => Promise<Plan>]>([
  ['an engine that shares nothing', () => planned(unshared())],
  [
    'what is encrypted by a host that keeps no keys to its lists',
    () => planned({ ...sharing(), recipients: ['age1x'] }),
  ],
  ['a vault that lists late', () => planned(sharing(), openStore({ ...scene.vault, weaker: 'it lists late' }))],
])('%s is planned alone', async (_, planning) => {
  await stored(1);
  await planning();

  expect([asked, warnings]).toEqual([[{}], []]);
});

test('the first backup of a source has none before it, and its parts may be taken over', async () => {
  await planned();

  expect([asked, warnings]).toEqual([[{ sharing: {} }], []]);
});

test('parts of the newest backup become parts of the new one', async () => {
  await stored(1);
  const newest = await stored(2);

  const { shared, parts } = await planned();

  const { before } = asked[0]!.sharing!;
  expect([asked.length, before!.manifest.id, warnings, closed]).toEqual([1, newest.id, [], 0]);
  const names: string[] = [];
  await before!.readCatalog(
    () =>
      ({ name }) =>
        void names.push(name),
    limit(),
  );
  expect(names).toEqual(['orders', 'items']);
  const [first] = newest.parts.filter(({ role }) => role === 'data');
  const text = Buffer.concat(await Array.fromAsync(before!.open(first!, limit()))).toString();
  expect(text).toContain('hat\ncoat\n');
  expect([shared!.length, parts.map(({ role }) => role)]).toEqual([2, ['schema']]);
  expect((await newParts()).map((key) => key.split('.in-')[0])).toEqual([
    `shop/${id}/data/0001.tar.zst`,
    `shop/${id}/data/0002.tar.zst`,
  ]);
});

test('nothing is taken over from a backup that a look has failed, nor what another one has in common with it', async () => {
  const good = await stored(1);
  server.set('shop', { orders: ['hat', 'coat'], items: ['2'] });
  const bad = await stored(2, unshared());
  const failed = proofKey(shop, bad.id as BackupId, { kind: 'verify', outcome: 'failed', at: new Date(bad.end) });
  await scene.vault.putIfAbsent(failed, Buffer.from('{}'), {}, limit());

  const { shared } = await planned();

  expect(asked[0]!.sharing!.before!.manifest.id).toBe(good.id);
  expect(shared!.map(({ file }) => file)).toEqual(['data/0002.tar.zst']);
});

test('what is of another engine, or encrypted, is not taken over', async () => {
  await stored(1);
  await planned(sharing({ name: 'other' }));
  const store = openStore(scene.vault);
  const readManifest: Store['readManifest'] = async (...given) => {
    const read = await store.readManifest(...given);
    return { ...read, manifest: { ...read.manifest, encryption: { method: 'age', recipients: ['age1x'] } } };
  };
  await planned(sharing(), { ...store, readManifest });

  expect([asked, warnings]).toEqual([[{ sharing: {} }, { sharing: {} }], []]);
});

test('where backups are signed, nothing is taken over from one of before', async () => {
  const { id: newest } = await stored(1);
  const since = (hasToBe: boolean): Store => ({
    ...openStore(scene.vault),
    signingRules: () => ({}) as ReturnType<Store['signingRules']>,
    hasToBeSigned: (_, of) => hasToBe && of === newest,
  });

  await planned(sharing(), since(false));
  await planned(sharing(), since(true));

  expect(asked).toMatchObject([{ sharing: {} }, { sharing: { before: { manifest: { id: newest } } } }]);
  expect(asked[0]).toEqual({ sharing: {} });
});

test('a backup before that can’t be read is a warning, and everything is stored', async () => {
  const { id: newest } = await stored(1);
  await overwrite(scene.vault, objectKey(`shop/${newest}/catalog.json.zst`), 'no catalog');

  const { parts } = await planned();

  expect([asked.length, asked.at(-1), parts.length]).toEqual([2, { sharing: {} }, 3]);
  expect(warnings).toEqual([expect.stringMatching(/^everything is stored again, for the backup before: .*catalog/)]);
});

test('who stops while it is read has stopped', async () => {
  await stored(1);
  const stop = new AbortController();
  const readManifest = () => {
    stop.abort();
    return Promise.reject(new BackupError('vault-unreachable', 'gone'));
  };

  await expect(planned(sharing(), { ...openStore(scene.vault), readManifest }, stop.signal)).rejects.toThrow('gone');
  expect(warnings).toEqual([]);
  await planned(sharing(), { ...openStore(scene.vault), readManifest });
  expect(warnings).toEqual(storedAgain('gone'));
});

test.each(['part-corrupt', 'object-missing'] as const)(
  'an engine that finds the backup before %s makes everything',
  async (code) => {
    const { id: newest } = await stored(1);
    const source = sharing();
    const { plan } = source.engine;
    const failing: Engine['plan'] = async (options, signal) =>
      options.sharing?.before === undefined ? plan(options, signal) : Promise.reject(new BackupError(code, 'spoiled'));

    const { shared } = await planned({ ...source, engine: { ...source.engine, plan: failing } });

    expect([asked, shared]).toEqual([[{ sharing: {} }], undefined]);
    expect(warnings).toEqual([`of the backup before, ${newest}, nothing can be shared: everything is stored again`]);
  },
);

test('an engine that can’t plan at all has failed', async () => {
  await stored(1);
  const plan = () => Promise.reject(new BackupError('source-unreachable', 'nobody answers'));

  await expect(planned(sharing({ plan }))).rejects.toThrow('nobody answers');
  expect(warnings).toEqual([]);
});

test('parts that went meanwhile are stored again: the plan is closed, and nothing of it stays', async () => {
  const { id: newest } = await stored(1);
  const source = sharing();
  const { plan } = source.engine;
  const late: Engine['plan'] = async (options, signal) => {
    for await (const { key } of scene.vault.list('shop/packs/', signal))
      if (key.includes('0002')) await scene.vault.delete(key, signal);
    return plan(options, signal);
  };

  const { shared, parts } = await planned({ ...source, engine: { ...source.engine, plan: late } });

  expect([asked.length, closed, shared, parts.length]).toEqual([2, 1, undefined, 3]);
  expect(asked[1]).toEqual({ sharing: {} });
  expect(warnings).toEqual([`of the backup before, ${newest}, nothing can be shared: everything is stored again`]);
  expect(await newParts()).toEqual([]);
});

test('a night lists its source once, and its packs once more when they have their names', async () => {
  await stored(1);
  const lists: string[] = [];
  const list: Vault['list'] = (prefix, stop) => (lists.push(prefix), scene.vault.list(prefix, stop));

  const { parts } = await stored(2, sharing(), openStore({ ...scene.vault, list }));

  expect(parts.filter(({ live }) => live !== undefined)).toHaveLength(2);
  expect(lists).toEqual(['shop/', 'shop/packs/']);
});

test('what was listed counts no more where names were given that did not stay', async () => {
  await stored(1);
  const { store } = scene.deps();
  const listed = await store.listSource(shop, limit());
  const made = { source: sharing(), id, tiers: [], listed };
  const planning = (shareParts: Store['shareParts']) =>
    planSharing(made, listed.backups, { store: { ...store, shareParts }, report: () => undefined }, limit());

  expect((await planning(store.shareParts)).listed).toBe(listed);
  expect((await planning(async () => false)).listed).toBeUndefined();
});

test('a vault that fails meanwhile fails the run: the plan is closed, and nothing of it stays', async () => {
  await stored(1);
  const store = openStore(scene.vault);
  const shareParts: Store['shareParts'] = async (...given) => {
    await store.shareParts(...given);
    throw new BackupError('vault-unreachable', 'it went away');
  };

  await expect(planned(sharing(), { ...store, shareParts })).rejects.toThrow('it went away');
  expect([asked.length, closed, warnings, await newParts()]).toEqual([1, 1, [], []]);
});

test('a plan that takes nothing over is a plan', async () => {
  await stored(1);
  const source = sharing();
  const { plan } = source.engine;
  const alone: Engine['plan'] = async (options, signal) => {
    const { shared: _, ...rest } = await plan(options, signal);
    return rest;
  };

  await planned({ ...source, engine: { ...source.engine, plan: alone } });

  expect([asked.length, closed, warnings]).toEqual([1, 0, []]);
});
