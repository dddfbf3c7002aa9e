import { createHash } from 'node:crypto';
import { beforeEach, expect, test } from '@jest/globals';
import { BackupError } from '../../../core/domain/errors.ts';
import { backupId, objectKey } from '../../../core/domain/keys.ts';
import type { BackupId, ObjectKey, SourceName } from '../../../core/domain/keys.ts';
import { manifestKey } from '../../../core/domain/layout/places.ts';
import { listSource, sourcesListed } from '../../../core/store/backups/listing.ts';
import { madeBefore, newName } from '../../../core/store/backups/made-before.ts';
import { manifestDocument, parseManifest } from '../../../core/store/backups/manifest-document.ts';
import { backupIds, missingBackup, readManifest, writeManifest } from '../../../core/store/backups/manifests.ts';
import { hasToBeSigned, signer, signingRules } from '../../../core/store/backups/signature.ts';
import type { Signing, Trust } from '../../../core/store/backups/signature.ts';
import type { Vault } from '../../../core/vault.ts';
import { dailyIds, putBackup, signal } from '../../support/vaults/history.ts';
import { emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';
import type { MemoryState } from '../../support/vaults/memory-vault.ts';
import { shop } from '../../support/vaults/seen.ts';
import { overwrite } from '../../support/vaults/vault.ts';

let state: MemoryState;
let vault: Vault;
beforeEach(() => {
  state = emptyState();
  vault = memoryVault(state);
});
const [first, second] = dailyIds(2) as [BackupId, BackupId];
const trusting = (on: Vault = vault, signing?: Signing): Trust => ({ vault: on, signingOf: () => signing });

/** A vault that tells of each listing. */
function listening(asked: string[], on = vault): Vault {
  return { ...on, list: (prefix, stop) => (asked.push(prefix), on.list(prefix, stop)) };
}

/** A vault that lists these keys in this order, and those below a source when it is asked for them. */
function listingAs(keys: string[]): Vault {
  return {
    ...vault,
    async *list(prefix) {
      const own = prefix === '' ? keys : keys.filter((key) => key.startsWith(prefix));
      for (const key of own) yield { key: objectKey(key), bytes: 1, modified: new Date(0) };
    },
  };
}
const listed = async (on: Vault) =>
  (await Array.fromAsync(sourcesListed(on, signal))).map(({ source, backups }) => [source, backups.length]);
const manifestOf = (source: string, at: number) => `${source}/2026112${at}T020000Z-00000a/manifest.json`;

test('one source is listed below its own folder, with all that is in it', async () => {
  for (const source of ['shop', 'shop-2']) await putBackup(vault, source, first);
  const asked: string[] = [];

  const { source, backups } = await listSource(listening(asked), shop, signal);

  expect([source, backups.map(({ id }) => id)]).toEqual(['shop', [first]]);
  expect(asked).toEqual(['shop/']);
});

test('a whole listing gives source by source, and lists nothing twice', async () => {
  for (const source of ['crm', 'shop']) await putBackup(vault, source, first);
  await putBackup(vault, 'shop', second);
  const asked: string[] = [];

  const found = await listed(listening(asked));

  expect(found).toEqual([
    ['crm', 1],
    ['shop', 2],
  ]);
  expect(asked).toEqual(['']);
});

test('a source that a store tears apart comes once more, whole', async () => {
  const torn = listingAs([manifestOf('shop', 1), manifestOf('crm', 1), manifestOf('shop', 2), manifestOf('shop', 3)]);
  const asked: string[] = [];

  const found = await listed(listening(asked, torn));

  expect(found).toEqual([
    ['shop', 1],
    ['crm', 1],
    ['shop', 2],
    ['shop', 3],
  ]);
  expect(asked).toEqual(['', 'shop/']);
});

test('what is no source’s is passed over, torn or not', async () => {
  const asked: string[] = [];
  const odd = listingAs(['.outbox/a.json', 'README', manifestOf('crm', 1), '.outbox/b.json', 'ledger.json']);

  expect(await listed(listening(asked, odd))).toEqual([['crm', 1]]);

  expect(asked).toEqual(['']);
});

const idAt = (moment: string, tail = '00000a') => backupId(`${moment}-${tail}`);
const own = idAt('20261120T020000Z');
const making = (others: BackupId[], run = 'test') => madeBefore(trusting(), shop, own, others, { run }, signal);

test.each([
  ['the same tail and run, a day before to the second', '20261119T020000Z', '00000a', 'test', true],
  ['one second more than a day before', '20261119T015959Z', '00000a', 'test', false],
  ['another run', '20261120T015900Z', '00000a', 'other', false],
  ['another tail', '20261120T015900Z', '00000b', 'test', false],
])('a request has made its backup already, or not: %s', async (_, moment, tail, run, isIt) => {
  const other = idAt(moment, tail);
  await putBackup(vault, 'shop', other);

  const made = await making([other], run);

  expect(made?.id).toBe(isIt ? other : undefined);
});

test('of several that end alike, the one of the very run is meant, and no other manifest is read', async () => {
  const [alike, unlike] = [idAt('20261120T010000Z'), idAt('20261120T011500Z', '00000b')];
  for (const id of [alike, unlike]) await putBackup(vault, 'shop', id);
  const read: string[] = [];
  const reading: Vault = { ...vault, read: (key, stop) => (read.push(key), vault.read(key, stop)) };

  await madeBefore(trusting(reading), shop, own, [unlike, alike], { run: 'test' }, signal);

  expect(read).toEqual([manifestKey(shop, alike)]);
});

test('a request finds its backup behind another one of the same second, and one that nobody can read is not it', async () => {
  const [elder, ours] = [idAt('20261120T015900Z', '00000b'), idAt('20261120T015900Z', '00000c')];
  for (const id of [elder, ours]) await putBackup(vault, 'shop', id);

  expect((await making([elder, ours]))?.id).toBe(ours);
  expect(await making([elder, ours], 'other')).toBeUndefined();
  expect(await making([elder])).toBeUndefined();
  await overwrite(vault, manifestKey(shop, ours), '{');
  expect(await making([elder, ours])).toBeUndefined();
});

test('a second in which there is no name left is told, with what may have happened', () => {
  const last = idAt('20261120T020000Z', 'ffffff');
  expect(newName(shop, own, [own])).toBe(idAt('20261120T020000Z', '00000b'));
  expect(newName(shop, own, [first])).toBe(own);
  expect(() => newName(shop, own, [last])).toThrow(
    expect.objectContaining({
      code: 'object-exists',
      message: `shop: there is a backup ${last} already, of another run`,
      hint: 'was the clock of this machine put back? Run it again',
    }),
  );
});

test('ids are those of complete backups of this source, oldest first', async () => {
  for (const id of [second, first]) await putBackup(vault, 'shop', id);
  await putBackup(vault, 'shop-2', idAt('20261118T020000Z'));
  await vault.putIfAbsent(objectKey(`shop/${own}/data/0001.sql.zst`), Buffer.from('x'), {}, signal);
  const asked: string[] = [];

  expect(await backupIds(listening(asked), shop, signal)).toEqual([first, second]);

  expect(asked).toEqual(['shop/']);
});

test('ids come in the order of time, however a store lists them', async () => {
  const keys = [second, first].map((id) => manifestKey(shop, id));
  const odd = listingAs([...keys, manifestKey('crm' as SourceName, own)]);

  expect(await backupIds({ ...odd, list: (_, stop) => odd.list('', stop) }, shop, signal)).toEqual([first, second]);
});

const reading = (on: Vault = vault, signing?: Signing) => readManifest(trusting(on, signing), shop, first, signal);

/** A vault whose reads of the manifest give these, one after another. */
function readingAs(bodies: (Uint8Array | BackupError)[]): Vault {
  const left = [...bodies];
  return {
    ...vault,
    async read(key, stop) {
      if (key !== manifestKey(shop, first)) return vault.read(key, stop);
      const body = left.length > 1 ? left.shift()! : left[0]!;
      if (body instanceof BackupError) throw body;
      return { body, version: '1' };
    },
  };
}

test('a manifest is read with its lock, and whether a delete would only hide it', async () => {
  const manifest = await putBackup(vault, 'shop', first);
  const { body } = await vault.read(manifestKey(shop, first), signal);
  const read = { manifest, sha256: createHash('sha256').update(body).digest('hex') };
  expect(await reading()).toEqual({ ...read, lock: undefined, stays: false });

  const lock = { until: new Date('2027-01-01T00:00:00Z'), hold: false };
  const locked: Vault = {
    ...vault,
    read: async (key, stop) => ({ ...(await vault.read(key, stop)), lock, stays: true }),
  };
  expect(await reading(locked)).toEqual({ ...read, lock, stays: true });
});

test('what was spoilt on its way is read once more', async () => {
  const manifest = await putBackup(vault, 'shop', first);
  const good = state.objects.get(manifestKey(shop, first))!.body;

  expect((await reading(readingAs([Buffer.from('{'), good]))).manifest).toEqual(manifest);
  await expect(reading(readingAs([Buffer.from('{'), Buffer.from('{'), good]))).rejects.toMatchObject({
    code: 'manifest-invalid',
  });
});

const unread = (why: string) => ({
  code: 'manifest-invalid',
  message: `memory/shop/${first}/manifest.json can't be read: ${why}`,
  hint:
    'was it written by a newer Nightjar, or changed by hand? Other backups, and other copies of this one, are not ' +
    'affected',
});

test('whose manifest it is, is compared: of another backup or source it is none', async () => {
  await putBackup(vault, 'crm', first);
  await putBackup(vault, 'shop', second);
  const bodyOf = (key: ObjectKey) => state.objects.get(key)!.body;
  const crm = bodyOf(manifestKey('crm' as SourceName, first));

  const ofCrm = unread(`it is the manifest of crm ${first}`);
  await expect(reading(readingAs([crm]))).rejects.toMatchObject(ofCrm);
  const ofSecond = unread(`it is the manifest of shop ${second}`);
  await expect(reading(readingAs([bodyOf(manifestKey(shop, second))]))).rejects.toMatchObject(ofSecond);
});

test('one that names a part twice is none', async () => {
  const { parts, ...manifest } = await putBackup(vault, 'shop', first);
  const document = manifestDocument({ ...manifest, parts: [...parts, ...parts] });

  await expect(reading(readingAs([document]))).rejects.toThrow('two parts have one name');
});

test('a missing manifest, one that is far too large and a vault that refuses are told apart', async () => {
  const missing = { code: 'backup-missing', message: `no backup of shop in memory: none with the id ${first}` };
  await expect(reading()).rejects.toMatchObject(missing);
  const large = new BackupError('object-too-large', 'memory: 70 MB');
  await expect(reading(readingAs([large]))).rejects.toMatchObject(unread('memory: 70 MB'));
  const denied = new BackupError('vault-denied', 'memory: you may not');
  await expect(reading(readingAs([denied]))).rejects.toBe(denied);
});

test('who looks for a backup that is not there is told where to look, in a further vault, too', () => {
  const asked = (name?: string) =>
    missingBackup({ place: '/vault', ...(name !== undefined && { name }) }, shop, 'nothing').hint;

  expect(asked()).toBe('see what there is: nightjar list shop');
  expect(asked('off site')).toBe("see what there is: nightjar list shop --vault 'off site'");
  expect(missingBackup(vault, shop, 'nothing', 'ask').hint).toBe('ask');
});

/** Signs by writing the bytes out again, and is due from a moment on. */
const copying: Signing = {
  rules: 'copies',
  isDue: (id) => id >= first,
  isGenuine: (document, signature) => Buffer.compare(document, signature) === 0,
  signer: async () => async (document) => document,
};

test('a manifest that has to be signed counts where it is, and else says why not', async () => {
  const manifest = await putBackup(vault, 'shop', first);
  const signature = objectKey(`shop/${first}/manifest.sig`);
  const untrusted = (why: string) => ({
    code: 'manifest-unsigned',
    message: `memory/shop/${first}/manifest.json ${why}`,
    hint: expect.stringContaining('signing.since'),
  });
  await expect(reading(vault, copying)).rejects.toMatchObject(untrusted('is not signed'));
  await vault.putIfAbsent(signature, Buffer.from('no'), {}, signal);
  const changed = untrusted('was changed, or no key of the configuration has signed it');
  await expect(reading(vault, copying)).rejects.toMatchObject(changed);
  const large = new BackupError('object-too-large', 'memory: 70 MB');
  const swollen: Vault = {
    ...vault,
    read: (key, stop) => (key === signature ? Promise.reject(large) : vault.read(key, stop)),
  };
  const noSignature = untrusted('is not signed: what lies beside it is no signature');
  await expect(reading(swollen, copying)).rejects.toMatchObject(noSignature);
  const denied = new BackupError('vault-denied', 'memory: you may not');
  const closed: Vault = {
    ...vault,
    read: (key, stop) => (key === signature ? Promise.reject(denied) : vault.read(key, stop)),
  };
  await expect(reading(closed, copying)).rejects.toBe(denied);

  await overwrite(vault, signature, state.objects.get(manifestKey(shop, first))!.body.toString());
  expect((await reading(vault, copying)).manifest).toEqual(manifest);
});

test('one of before signing counts without a signature', async () => {
  const manifest = await putBackup(vault, 'shop', first);

  expect((await reading(vault, { ...copying, isDue: () => false })).manifest).toEqual(manifest);
});

test('a manifest is written after its signature, both tagged alike, and never over another', async () => {
  const manifest = await putBackup(memoryVault(emptyState()), 'shop', first);
  const written: string[] = [];
  const telling: Vault = {
    ...vault,
    putIfAbsent: (key, body, tags, stop) => (written.push(key), vault.putIfAbsent(key, body, tags, stop)),
  };

  await writeManifest(telling, manifest, async (document) => document, signal);

  const [signature, key] = [objectKey(`shop/${first}/manifest.sig`), manifestKey(shop, first)];
  expect(written).toEqual([signature, key]);
  const tags = { 'nightjar-tier': 'yearly', 'nightjar-tiers': 'daily-weekly-monthly-yearly' };
  expect([state.objects.get(signature)!.tags, state.objects.get(key)!.tags]).toEqual([tags, tags]);
  expect(state.objects.get(signature)!.body).toEqual(state.objects.get(key)!.body);
  await expect(writeManifest(vault, manifest, undefined, signal)).rejects.toMatchObject({ code: 'object-exists' });
});

test('by what a source’s manifests are trusted is said where they are signed, and nothing where not', async () => {
  const unsigned = () => undefined;

  expect([signingRules(unsigned, shop), hasToBeSigned(unsigned, shop, first)]).toEqual([undefined, false]);
  expect(await signer(unsigned, shop, signal)).toBeUndefined();
  expect([signingRules(() => copying, shop), hasToBeSigned(() => copying, shop, first)]).toEqual(['copies', true]);
  expect(hasToBeSigned(() => copying, shop, idAt('20261101T020000Z'))).toBe(false);
  expect(await signer(() => copying, shop, signal)).toBeInstanceOf(Function);
});

const parsing = (text: string) => parseManifest(Buffer.from(text));

test.each([
  ['null', /^Invalid input: expected object/],
  ['"text"', /^Invalid input: expected object/],
  ['no json', /^Invalid input: expected object/],
  ['{}', /^format: /],
])('what is no manifest says where it is none: %s', (text, why) => {
  expect(parsing(text)).toEqual({ why: expect.stringMatching(why) });
});

test('a fault deep in a manifest is named with its whole path', async () => {
  const manifest = await putBackup(vault, 'shop', first);
  const [data, catalog] = manifest.parts;
  const spoilt = { ...manifest, parts: [data, { ...catalog, bytes: -1 }] };

  expect(parsing(JSON.stringify(spoilt))).toEqual({ why: expect.stringMatching(/^parts\.1\.bytes: .+/) });
});

test('a text that looks like the end of a manifest, in the midst of one, is no end', async () => {
  const manifest = { ...(await putBackup(vault, 'shop', first)), warnings: ['\n}', '\n}\n'] };

  expect(parseManifest(manifestDocument(manifest))).toEqual({ manifest });
});

/** A document sealed by hand, as backup-format.md says. */
function sealed(before: string): Buffer {
  const digest = createHash('sha256').update(before).digest('hex');
  return Buffer.from(`${before} "sha256": "${digest}"\n}\n`);
}

test('a checksum of another kind is none that is known, and one that is not named is of a version before', async () => {
  const manifest = await putBackup(vault, 'shop', first);
  const text = manifestDocument(manifest).toString();
  const before = text.slice(0, text.lastIndexOf(' "sha256": "'));

  expect(parseManifest(sealed(before))).toEqual({ manifest });
  const other = sealed(before.replace('"checksum": "sha256"', '"checksum": "md5"'));
  expect(parseManifest(other)).toEqual({ why: expect.stringContaining('checksum') });
  expect(parseManifest(sealed(before.replace(' "checksum": "sha256",\n', '')))).toEqual({ manifest });
});
