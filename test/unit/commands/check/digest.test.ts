import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { digest, untoldOf } from '../../../../core/commands/check/digest.ts';
import type { Manifest } from '../../../../core/contract/manifest/manifest.ts';
import type { Message } from '../../../../core/contract/events/message.ts';
import { BackupError } from '../../../../core/domain/errors.ts';
import { plainText } from '../../../../core/domain/messages/plain.ts';
import type { SourceName } from '../../../../core/domain/keys.ts';
import type { WatchedSource } from '../../../../core/domain/watch/freshness.ts';
import type { CopyLook } from '../../../../core/survey/survey-copies.ts';
import type { Vault } from '../../../../core/vault.ts';
import { openStore } from '../../../../core/store/store.ts';
import { watching } from '../../../support/vaults/seen.ts';
import { storeBackup } from '../../../support/vaults/stored.ts';
import { limit, memoryScene } from '../../../support/vaults/vault.ts';
import type { VaultScene } from '../../../support/vaults/vault.ts';

const now = new Date('2026-11-20T08:00:00Z');
let scene: VaultScene;
let heard: Message[];

beforeEach(() => {
  scene = memoryScene();
  heard = [];
});
afterEach(() => scene.remove());

const listener = { name: 'listener', notify: async (message: Message) => void heard.push(message) };

async function keysIn(): Promise<string[]> {
  return (await Array.fromAsync(scene.vault.list('', limit()))).map(({ key }) => String(key));
}

let manifests: ReadonlyMap<string, Manifest>;
const monthly = (newest: typeof manifests): number => {
  manifests = newest;
  return 20.888;
};

type Copying = Partial<CopyLook> & Pick<WatchedSource, 'copies'>;

function digesting(names: string[], notifiers = [listener], { copies, ...look }: Copying = {}) {
  const watched = { ...watching(), ...(copies && { copies }), place: scene.vault.place };
  const sources = names.map((source) => ({ ...watched, source: source as SourceName }));
  const deps = {
    store: openStore(scene.vault),
    clock: { now: () => now },
    notifiers,
    dollarsPerGb: 0.023,
    monthly,
    ...look,
  };
  return digest(sources, deps, limit());
}

test('a digest tells each source as the vault has it, and writes nothing into it', async () => {
  const id = await storeBackup(scene.vault, 'shop', new Date(now.getTime() - 5 * 3_600_000));
  await storeBackup(scene.vault, 'other', now);
  const before = await keysIn();
  const listed = await Array.fromAsync(scene.vault.list(`shop/${id}/`, limit()));
  const bytes = listed.reduce((sum, one) => sum + one.bytes, 0);

  const { outcomes } = await digesting(['shop', 'blog']);

  expect(outcomes).toEqual([{ name: 'listener', failed: false }]);
  expect(heard).toMatchObject([{ kind: 'digest', severity: 'info', subject: 'digest: 1 of 2 sources needs a look' }]);
  const facts = Object.fromEntries(heard[0]!.facts.map(({ label, value }) => [label, value]));
  expect(facts).toMatchObject({
    Sources: '2 (1 fresh, 1 never)',
    Cost: 'about $20.89 a month for all of it, by estimate (nightjar cost)',
    shop: expect.stringMatching(/^fresh, 5 h old, 1 backup, /),
    blog: 'never, 0 backups, 0 B',
    'Not in the configuration': 'other',
  });
  expect(facts['shop']).toContain(`${bytes} B`);
  expect([...manifests].map(([source, one]) => [source, one.id])).toEqual([['shop', id]]);
  expect(await keysIn()).toEqual(before);
});

test('of three hundred sources those that need a look are named first, and no line of the mail is over 80 columns', async () => {
  const names = Array.from({ length: 300 }, (_, number) => `tenant-${number}`);
  for (const name of names.slice(1)) await storeBackup(scene.vault, name, now);

  await digesting(names);

  const lines = plainText(heard[0]!).split('\n');
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
  expect(lines.findIndex((line) => line.startsWith('tenant-0: never'))).toBeLessThan(8);
  expect(lines).toContain('And: 260 more, all well');
});

test('who can’t be told is a failure, and keeps it from nobody else; a vault that can’t be read is what it tells', async () => {
  const deaf = { name: 'deaf', notify: () => Promise.reject(new BackupError('notify-failed', 'deaf is away')) };
  const pending = { ...listener, unheard: async () => [{ text: 'nothing reaches ops', hint: 'confirm' }] };
  const { outcomes, checked } = await digesting(['shop'], [deaf, pending]);

  expect(outcomes.map(({ name, failed }) => [name, failed])).toEqual([
    ['deaf', true],
    ['listener', false],
  ]);
  expect(checked.told).toEqual(heard);
  expect((await digesting(['shop'], [deaf])).checked.told).toEqual([]);
  expect(untoldOf(outcomes)).toEqual({ untold: 'deaf is away' });
  expect(untoldOf(outcomes.slice(1))).toEqual({});
  expect(() => untoldOf(outcomes.slice(0, 1))).toThrow('deaf is away');
  expect(heard[0]!.facts).toContainEqual({ label: 'Notice', value: 'nothing reaches ops' });
  scene.vault.list = () => {
    throw new BackupError('vault-unreachable', 'the vault is away');
  };
  await digesting(['shop']);
  expect(heard.at(-1)).toMatchObject({ subject: "digest: the vault can't be read" });
});

test('a further vault that hangs is told within the time of the host, and no subject says that all is well', async () => {
  await storeBackup(scene.vault, 'shop', now);
  const silent: Vault = {
    ...scene.vault,
    async *list() {
      await new Promise(() => undefined);
    },
  };

  await digesting(['shop'], [listener], {
    copies: [{ vault: 'nas' }],
    vault: async () => openStore(silent),
    copiesWithinMs: 200,
  });

  expect(heard).toMatchObject([{ subject: "digest: the one source is well, but 1 further vault can't be read" }]);
  expect(heard[0]).toMatchObject({ next: ['nightjar check'] });
});
