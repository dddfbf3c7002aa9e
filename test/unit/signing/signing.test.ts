import { beforeEach, expect, test } from '@jest/globals';
import { backup } from '../../../core/commands/backup.ts';
import { listBackups } from '../../../core/commands/list.ts';
import { rotate } from '../../../core/commands/rotate.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { parseConfig } from '../../../core/config-file.ts';
import { BackupError } from '../../../core/domain/errors.ts';
import { backupId, objectKey } from '../../../core/domain/keys.ts';
import { ledgerKey, signatureKey } from '../../../core/domain/layout/places.ts';
import type { Engine } from '../../../core/ports.ts';
import { configuredSigning, newSigningKey } from '../../../core/signing.ts';
import { openStore } from '../../../core/store/store.ts';
import type { Store } from '../../../core/store/store.ts';
import { surveyVault } from '../../../core/survey/survey-vault.ts';
import { memoryOf } from '../../../core/survey/watched.ts';
import { toyEngine, toySource } from '../../support/worlds/toy-engine.ts';
import { none, policyOf } from '../../support/vaults/history.ts';
import { emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';
import type { MemoryState, Turn } from '../../support/vaults/memory-vault.ts';
import { shop, watching } from '../../support/vaults/seen.ts';
import { signedStore } from '../../support/keys/signed.ts';
import type { SigningWords } from '../../support/keys/signed.ts';
import { depsOf, limit } from '../../support/vaults/vault.ts';

const ours = newSigningKey();
const theirs = newSigningKey();
const signed = { publicKeys: [ours.publicKey], privateKey: ours.privateKey };
const engine = toyEngine(new Map([['shop', { orders: ['1', '2'] }]]), 'shop');
const days = ['2026-11-18T02:00:00Z', '2026-11-19T02:00:00Z', '2026-11-20T02:00:00Z'];
const noon = new Date('2026-11-20T12:00:00Z');

let state: MemoryState;
/** What was read of the vault, and what was written, in order. */
let calls: string[];

beforeEach(() => {
  state = emptyState();
  calls = [];
});

const counting: Turn = async (call, key) => void calls.push(`${call} ${key}`);
const storeOf = (words?: SigningWords, turn: Turn = counting): Store =>
  signedStore(memoryVault(state, { now: () => noon, turn }), words);
const take = () => calls.splice(0);
const backingUp = (store: Store, at = days[2]!, of: Engine = engine): Promise<Manifest> =>
  backup(toySource(of), { ...depsOf(memoryVault(state)), store, clock: { now: () => new Date(at) } }, limit());
const listing = async (store: Store) =>
  (await listBackups(shop, memoryOf(undefined), { store, clock: { now: () => noon } }, limit())).backups;
async function checking(store: Store): Promise<{ state: string; told: string[] }> {
  const { judgements } = await surveyVault([watching()], true, { store, at: noon, remember: true }, limit());
  const [{ state: is, findings }] = judgements as [(typeof judgements)[number]];
  return { state: is, told: findings.flatMap((one) => ('why' in one ? [one.why] : [])) };
}
const rememberedNow = () =>
  JSON.parse(Buffer.from(state.objects.get(ledgerKey(shop))!.body).toString()) as Record<string, unknown>;
const manifestsRead = () => take().filter((call) => /^read .*manifest\./.test(call));

test('the signature is written before the manifest, and tagged as it is', async () => {
  const { id } = await backingUp(storeOf(signed));

  const written = calls.filter((call) => /^put/.test(call) && call.includes(id));
  expect(written.slice(-2)).toEqual([`putIfAbsent shop/${id}/manifest.sig`, `putIfAbsent shop/${id}/manifest.json`]);
  const tagsOf = (file: string) => state.objects.get(objectKey(`shop/${id}/${file}`))!.tags;
  expect(tagsOf('manifest.sig')).toEqual(tagsOf('manifest.json'));
});

test('a run that is killed at any moment leaves a backup that is signed, or none', async () => {
  let died = 0;
  for (let last = 0; ; last += 1) {
    state = emptyState();
    let seen = 0;
    const dying: Turn = async () => {
      seen += 1;
      if (seen > last) throw new BackupError('vault-unreachable', 'killed');
    };
    const ended = await backingUp(storeOf(signed, dying)).catch(() => undefined);
    const backups = await listing(storeOf(signed));

    expect(backups.filter(({ status }) => status !== 'complete')).toEqual([]);
    if (ended !== undefined) break;
    died += 1;
  }
  expect(died).toBeGreaterThan(10);
});

test.each([
  ['no private key', { publicKeys: [ours.publicKey] }, 'secret-missing'],
  ['that of others', { publicKeys: [ours.publicKey], privateKey: theirs.privateKey }, 'key-missing'],
  ['no key at all', { publicKeys: [ours.publicKey], privateKey: 'hunter2' }, 'key-missing'],
])('with %s a backup fails before anything is dumped, and shows no secret', async (_, words, code) => {
  const never: Engine = { ...engine, plan: () => Promise.reject(new Error('was dumped')) };

  const failed = await backingUp(storeOf(words), days[2]!, never).catch((error: unknown) => error as BackupError);

  expect(failed).toMatchObject({ code, message: expect.stringContaining('shop') });
  expect(`${(failed as BackupError).message} ${(failed as BackupError).hint}`).not.toMatch(/hunter2|PRIVATE/);
  expect([...state.objects.keys()].filter((key) => /\/(data|manifest)/.test(key))).toEqual([]);
});

test('keys change: while both public keys are configured, backups of both count', async () => {
  await backingUp(storeOf(signed), days[1]);
  const both = { publicKeys: [theirs.publicKey, ours.publicKey], privateKey: theirs.privateKey };
  await backingUp(storeOf(both), days[2]);

  const statesWith = async (words: SigningWords) => (await listing(storeOf(words))).map(({ status }) => status);
  expect(await statesWith(both)).toEqual(['complete', 'complete']);
  expect(await statesWith({ publicKeys: [theirs.publicKey] })).toEqual(['unreadable', 'complete']);
});

test('older backups are taken unsigned up to the day that the configuration names, and newer ones never', async () => {
  for (const day of days) await backingUp(storeOf(), day);

  const kindsWith = async (since?: string) => {
    const backups = await listing(storeOf({ ...signed, ...(since && { since }) }));
    return backups.map(({ verdict: { damage } }) => damage?.kind ?? 'good');
  };
  expect(await kindsWith()).toEqual(['unsigned', 'unsigned', 'unsigned']);
  expect(await kindsWith('2026-11-19')).toEqual(['good', 'unsigned', 'unsigned']);
  expect(await kindsWith('2026-11-21')).toEqual(['good', 'good', 'good']);
});

test('an unsigned backup is not fresh, a check says so, and it is fresh again with a signed one', async () => {
  await backingUp(storeOf());

  const before = await checking(storeOf(signed));
  await backingUp(storeOf(signed), '2026-11-20T11:00:00Z');
  const after = await checking(storeOf(signed));

  expect(before).toEqual({
    state: 'unknown',
    told: [expect.stringMatching(/is not to be trusted: .* is not signed$/)],
  });
  expect(after.told).toHaveLength(1);
  expect((await listing(storeOf(signed))).map(({ verdict }) => verdict.good).sort()).toEqual([false, true]);
});

test('what is remembered is judged anew when signing is switched on or off', async () => {
  await backingUp(storeOf());

  const states = [];
  for (const words of [undefined, signed, { ...signed, since: '2026-11-21' }, signed, undefined])
    states.push((await checking(storeOf(words))).state);

  expect(states).toEqual(['fresh', 'unknown', 'fresh', 'unknown', 'fresh']);
});

test('a check reads the newest manifest and its signature again, and no other', async () => {
  for (const day of days) await backingUp(storeOf(signed), day);
  await checking(storeOf(signed));
  take();

  expect((await checking(storeOf(signed))).state).toBe('fresh');

  const { id } = (await listing(storeOf(signed, async () => {}))).at(-1)!;
  expect(manifestsRead()).toEqual([`read shop/${id}/manifest.json`, `read shop/${id}/manifest.sig`]);
});

test('without signing a check asks for no signature', async () => {
  await backingUp(storeOf());
  take();

  await checking(storeOf());

  expect(manifestsRead().filter((call) => call.endsWith('.sig'))).toEqual([]);
});

test('a forged backup does not become fresh by being written into what the vault remembers', async () => {
  const old = await backingUp(storeOf(signed), '2026-11-10T02:00:00Z');
  const forged = await backingUp(storeOf(), days[2]);
  await checking(storeOf());
  const believed = rememberedNow();
  await checking(storeOf(signed));
  const { signing, revision } = rememberedNow();
  const key = ledgerKey(shop);
  const body = Buffer.from(JSON.stringify({ ...believed, signing, revision }));
  state.objects.set(key, { ...state.objects.get(key)!, body });

  const { state: is, told } = await checking(storeOf(signed));

  expect(is).toBe('stale');
  expect(told).toEqual([expect.stringContaining(`${forged.id} is not to be trusted`)]);
  expect((await listing(storeOf(signed))).filter(({ verdict }) => verdict.good)).toMatchObject([{ id: old.id }]);
});

test('rotation removes a signature with its manifest, and leaves alone what is not signed', async () => {
  const first = await backingUp(storeOf(signed), days[0]);
  const forged = await backingUp(storeOf(), days[1]);
  const last = await backingUp(storeOf(signed), days[2]);
  const store = storeOf(signed);

  const { plan, failures } = await rotate(
    shop,
    policyOf({ ...none, daily: 1 }),
    { dryRun: false, anyShare: false },
    { ...depsOf(memoryVault(state)), store, clock: { now: () => noon } },
    limit(),
  );

  expect(failures).toEqual([]);
  expect(plan.backups.map(({ action }) => action)).toEqual(['remove', 'keep', 'keep']);
  const left = [...state.objects.keys()];
  expect(left.filter((key) => key.includes(first.id) && !key.includes('starts/'))).toEqual([]);
  expect(left).toContain(signatureKey(shop, backupId(last.id)));
  expect(left.filter((key) => key.includes(`/${forged.id}/`))).not.toEqual([]);
});

test('a source that is not configured any more is held to the keys of all that are', async () => {
  const sources = (signing: object) => ({ blog: { postgres: { host: 'db', user: 'u', database: 'b' }, signing } });
  const gone = (signing: object) => {
    const config = parseConfig(JSON.stringify({ vault: './b', sources: sources(signing) }), 'nightjar.yaml');
    return openStore(memoryVault(state), undefined, configuredSigning(config, { get: async () => '' }));
  };
  const { id } = await backingUp(storeOf(signed));
  const { id: plain } = await backingUp(storeOf());

  const store = gone({ publicKeys: [ours.publicKey] });
  expect((await store.readManifest(shop, backupId(id), limit())).manifest.id).toBe(id);
  await expect(store.readManifest(shop, backupId(plain), limit())).rejects.toMatchObject({ code: 'manifest-unsigned' });
  const others = gone({ publicKeys: [theirs.publicKey] });
  await expect(others.readManifest(shop, backupId(id), limit())).rejects.toMatchObject({ code: 'manifest-unsigned' });
});

test.each([
  [{ privateKey: { file: 'k.pem' } }, /signing: publicKeys is missing/],
  [{ since: '2026-11-20' }, /signing: publicKeys is missing/],
  [{ publicKeys: [] }, /expected one public key at least/],
  [{ publicKeys: ['hunter2'] }, /expected a public key of Ed25519/],
  [{ publicKeys: [ours.publicKey], privateKey: 'hunter2' }, /a secret never stands in this file/],
])('a configuration that would sign nothing is refused: %j', (signing, problem) => {
  const sources = { shop: { postgres: { host: 'db', user: 'u', database: 'shop' }, signing } };
  const read = () => parseConfig(JSON.stringify({ vault: './b', sources }), 'nightjar.yaml');

  expect(read).toThrow(problem);
  expect(read).not.toThrow(/hunter2/);
});

test('an unsigned backup of this minute does not make the signed one behind it a late one', async () => {
  await backingUp(storeOf(), '2026-11-20T11:59:30Z');
  await checking(storeOf(signed));
  await backingUp(storeOf(signed), '2026-11-20T11:59:00Z');

  await checking(storeOf(signed));

  expect((await listing(storeOf(signed))).map(({ verdict }) => verdict.good)).toEqual([true, false]);
});

test('a copy takes the signature along, and nothing that is not signed', async () => {
  const { id } = await backingUp(storeOf(signed));
  const { id: plain } = await backingUp(storeOf());
  const elsewhere = memoryVault(emptyState());
  const there = signedStore(elsewhere, { publicKeys: [ours.publicKey] });
  const copying = async (which: string) =>
    there.receiveBackup(
      await storeOf(signed).storedBackup(shop, backupId(which), limit()),
      { report: () => {}, confirm: async () => {} },
      limit(),
    );

  expect((await copying(id)).state).toBe('copied');
  expect((await there.readManifest(shop, backupId(id), limit())).manifest.id).toBe(id);
  await expect(copying(plain)).rejects.toMatchObject({ code: 'manifest-unsigned' });
});
