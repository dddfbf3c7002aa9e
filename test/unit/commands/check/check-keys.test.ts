import { beforeEach, expect, test } from '@jest/globals';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { backup } from '../../../../core/commands/backup.ts';
import { checkKeys } from '../../../../core/commands/check/check-keys.ts';
import { BackupError } from '../../../../core/domain/errors.ts';
import { partKey } from '../../../../core/domain/layout/places.ts';
import type { BackupId } from '../../../../core/domain/keys.ts';
import { newSigningKey } from '../../../../core/signing.ts';
import type { Store } from '../../../../core/store/store.ts';
import { memoryOf } from '../../../../core/survey/watched.ts';
import { signedStore } from '../../../support/keys/signed.ts';
import { memoryVault, emptyState } from '../../../support/vaults/memory-vault.ts';
import type { MemoryState } from '../../../support/vaults/memory-vault.ts';
import { shop } from '../../../support/vaults/seen.ts';
import { depsOf, limit, overwrite } from '../../../support/vaults/vault.ts';
import { toyEngine, toySource } from '../../../support/worlds/toy-engine.ts';

const clock = { now: () => new Date('2026-11-20T12:00:00Z') };
const ours = newSigningKey();
const signed = { publicKeys: [ours.publicKey], privateKey: ours.privateKey };
let state: MemoryState;

beforeEach(() => {
  state = emptyState();
});

const vault = () => memoryVault(state);
const engine = toyEngine(new Map([['shop', { orders: ['1'] }]]), 'shop');
const backingUp = (store: Store, recipients: string[] = [], day = 20) =>
  backup(
    { ...toySource(engine), recipients },
    { ...depsOf(vault()), store, clock: { now: () => new Date(Date.UTC(2026, 10, day, 2)) } },
    limit(),
  );
const checking = (store: Store) => checkKeys(shop, memoryOf(undefined), { store, clock }, limit());

test('without any key, there is none to try, and the newest backup is opened all the same', async () => {
  const store = signedStore(vault(), undefined);
  await backingUp(store, [], 19);
  const { id } = await backingUp(store);

  expect(await checking(store)).toEqual({ source: shop, id, signature: 'unasked', content: 'plain', signs: false });
  await overwrite(vault(), partKey(shop, id as BackupId, 'catalog.json.zst'), 'damaged');
  await expect(checking(store)).rejects.toMatchObject({ code: 'part-corrupt' });
});

test('a signed and encrypted backup is genuine, opened, and new ones can be signed', async () => {
  const identity = await generateX25519Identity();
  const store = signedStore(vault(), signed, identity);
  const { id } = await backingUp(store, [await identityToRecipient(identity)]);

  expect(await checking(store)).toEqual({ source: shop, id, signature: 'genuine', content: 'opened', signs: true });
  const another = signedStore(vault(), signed, await generateX25519Identity());
  await expect(checking(another)).rejects.toMatchObject({ code: 'key-missing' });
});

test('a backup from before signing is told as older, and who only reads signs none', async () => {
  const { id } = await backingUp(signedStore(vault(), undefined));
  const reader = signedStore(vault(), { publicKeys: [ours.publicKey], since: '2026-11-21' });

  expect(await checking(reader)).toMatchObject({ id, signature: 'older', content: 'plain', signs: false });
});

test('a private key that is not to be had here is no fault, and any other trouble with it is', async () => {
  const store = signedStore(vault(), signed);
  await backingUp(store);
  const failing = (error: Error) => checking({ ...store, signer: () => Promise.reject(error) });

  expect(await failing(new BackupError('secret-missing', 'no such variable'))).toMatchObject({ signs: false });
  expect(await checking({ ...store, signer: async () => undefined })).toMatchObject({ signs: false });
  await expect(failing(new BackupError('key-missing', 'another key'))).rejects.toMatchObject({ code: 'key-missing' });
});
