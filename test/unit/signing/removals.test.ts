import { beforeEach, expect, test } from '@jest/globals';
import { backup } from '../../../core/commands/backup.ts';
import { check } from '../../../core/commands/check/check.ts';
import { removableBackup } from '../../../core/commands/remove.ts';
import type { BackupId } from '../../../core/domain/keys.ts';
import { removalKey } from '../../../core/domain/layout/records.ts';
import { newSigningKey } from '../../../core/signing.ts';
import type { Vault } from '../../../core/vault.ts';
import { signedStore } from '../../support/keys/signed.ts';
import type { SigningWords } from '../../support/keys/signed.ts';
import { emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';
import { shop, watching } from '../../support/vaults/seen.ts';
import { depsOf, limit } from '../../support/vaults/vault.ts';
import { toyEngine, toySource } from '../../support/worlds/toy-engine.ts';

const ours = newSigningKey();
const publicKeys = [ours.publicKey];
const signing = { publicKeys, privateKey: ours.privateKey };
const retention = { count: 10 };
const memory = { shrink: watching().watch.shrink, timeZone: 'UTC', retention };
const now = new Date('2026-11-22T12:00:00Z');
let vault: Vault;
let ids: [BackupId, BackupId, BackupId];

beforeEach(async () => {
  vault = memoryVault(emptyState(), { now: () => now });
  const server = new Map([['shop', { orders: ['one', 'two'] }]]);
  const made: string[] = [];
  for (const day of ['20', '21', '22']) {
    const clock = { now: () => new Date(`2026-11-${day}T02:00:00Z`) };
    const deps = { ...depsOf(vault), store: signedStore(vault, signing), clock };
    made.push((await backup(toySource(toyEngine(server, 'shop')), deps, limit())).id);
  }
  ids = made as typeof ids;
  expect(await found()).toEqual([]);
});

async function found(words: SigningWords | 'none' = { publicKeys }): Promise<string[]> {
  const deps = {
    store: signedStore(vault, words === 'none' ? undefined : words),
    clock: { now: () => now },
    notifiers: [],
    meter: () => undefined,
  };
  const { judgements } = await check([{ ...watching(), retention }], { whole: true }, deps, limit());
  return judgements.flatMap(({ findings }) => findings.map(({ kind }) => kind));
}

async function removing(id: BackupId, words: SigningWords) {
  const store = signedStore(vault, words);
  const deps = { store, clock: { now: () => now }, identity: { run: 'r', holder: 'h', isGone: () => false } };
  const { remove } = await removableBackup(shop, id, memory, deps, limit());
  return remove({ reason: 'holds what had to go', by: 'ann@web' }, limit());
}

/** As a thief, who has no private key: all of a backup, and a word that somebody has meant it. */
async function stolen(id: BackupId, word: object | undefined): Promise<void> {
  if (word !== undefined) await vault.putIfAbsent(removalKey(shop, id), Buffer.from(JSON.stringify(word)), {}, limit());
  for await (const { key } of vault.list(`shop/${id}/`, limit())) await vault.delete(key, limit());
}
const wordOf = async (id: BackupId) => JSON.parse((await vault.read(removalKey(shop, id), limit())).body.toString());

test('a removal by whoever has the private key hides no loss, and is none', async () => {
  expect(await removing(ids[1], signing)).toMatchObject({ state: 'gone', unsigned: false });

  expect(await found()).toEqual([]);
  expect(await found()).toEqual([]);
});

test('the word of a removal that nobody of ours has signed hides no loss', async () => {
  const plain = { id: ids[0], reason: 'meant', by: 'ann@web', at: now.toISOString(), run: 'r' };
  const forged = { source: 'shop', ...plain, signature: Buffer.alloc(64, 1).toString('base64') };
  for (const [index, word] of [plain, { ...forged, id: ids[1] }].entries()) {
    await stolen(ids[index]!, word);
    expect(await found()).toEqual(['gone']);
    expect(await found()).toEqual(['gone']);
  }
  expect(await found('none')).toEqual([]); // who asks for no signatures takes it for meant
});

test('the signed word of one removal is none of another, nor is the signature of a manifest', async () => {
  await removing(ids[0], signing);
  expect(await found()).toEqual([]);

  await stolen(ids[1], { ...(await wordOf(ids[0])), id: ids[1] });

  expect(await found()).toEqual(['gone']);
});

test('a removal without the private key says that a check will miss the backup; the word of a thief is written over', async () => {
  await vault.putIfAbsent(removalKey(shop, ids[0]), Buffer.from('{"reason":"meant"}'), {}, limit());
  expect(await removing(ids[0], signing)).toMatchObject({ unsigned: false });
  expect(await found()).toEqual([]);

  expect(await removing(ids[1], { publicKeys })).toMatchObject({ state: 'gone', unsigned: true });
  expect(await found()).toEqual(['gone']);
});
