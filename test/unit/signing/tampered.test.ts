import { randomBytes } from 'node:crypto';
import { beforeAll, expect, test } from '@jest/globals';
import { backup } from '../../../core/commands/backup.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { messageOf } from '../../../core/domain/errors.ts';
import { backupId, objectKey } from '../../../core/domain/keys.ts';
import { newIdentity } from '../../../core/pipeline/age/keys.ts';
import { newSigningKey } from '../../../core/signing.ts';
import type { Store } from '../../../core/store/store.ts';
import { memoryOf } from '../../../core/survey/watched.ts';
import { signedStore } from '../../support/keys/signed.ts';
import { tamperings, vandal } from '../../support/keys/tampering.ts';
import type { Tampering } from '../../support/keys/tampering.ts';
import { choosing, shop, waysOn } from '../../support/keys/ways.ts';
import { ofAll } from '../../support/random/draws.ts';
import { toyEngine, toySource } from '../../support/worlds/toy-engine.ts';
import type { ToyServer } from '../../support/worlds/toy-engine.ts';
import { copyOf, emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';
import type { MemoryState } from '../../support/vaults/memory-vault.ts';
import { depsOf, limit } from '../../support/vaults/vault.ts';

const ours = newSigningKey();
const { identity, recipient } = await newIdentity();
const rows = Array.from({ length: 3000 }, () => randomBytes(32).toString('hex'));
const server: ToyServer = new Map([['shop', { orders: rows, items: ['hat', 'coat'] }]]);
const ways = waysOn(server);
const signed = { publicKeys: [ours.publicKey], privateKey: ours.privateKey };
type Words = typeof signed | 'none';

/** What lies in the vault: two backups, both encrypted and signed, and their manifests. */
let state: MemoryState;
let older: Manifest;
let newer: Manifest;

beforeAll(async () => {
  state = emptyState();
  older = await backingUp('2026-11-20T02:00:00Z');
  newer = await backingUp('2026-11-21T02:00:00Z');
});

function backingUp(at: string): Promise<Manifest> {
  const vault = memoryVault(state);
  const deps = { ...depsOf(vault), store: signedStore(vault, signed), clock: { now: () => new Date(at) } };
  return backup({ ...toySource(toyEngine(server, 'shop')), recipients: [recipient] }, deps, limit());
}

async function tampered(how: Tampering, words: Words = signed): Promise<Store> {
  const vault = memoryVault(copyOf(state));
  await how(vandal(vault, { older, newer, recipient }));
  return signedStore(vault, words === 'none' ? undefined : words, identity);
}

test.each(Object.entries(ways))('%s takes what nobody has touched', async (_, way) => {
  await way(await tampered(async () => {}), newer.id);
  server.delete('again');
});

test.each(Object.entries(tamperings))('tampering is detected by verify, restore and drill: %s', async (_, how) => {
  for (const [name, way] of Object.entries(ways)) {
    const outcome = await way(await tampered(how), newer.id).then(
      () => 'taken',
      (error: unknown) => messageOf(error),
    );

    expect({ [name]: outcome }).not.toEqual({ [name]: 'taken' });
    expect([server.has('again'), server.has('scratch')]).toEqual([false, false]);
  }
});

test.each(Object.entries(tamperings).filter(([name]) => /manifest|signature|number|name|less|plain|stock/.test(name)))(
  'whoever asks for the newest good one gets the older one: %s',
  async (_, how) => {
    const { manifest, passedOver } = await choosing(await tampered(how), 'latest');

    expect(manifest.id).toBe(older.id);
    expect(passedOver).toMatchObject([{ id: newer.id, why: expect.stringMatching(/sign|manifest/) }]);
  },
);

/** What is read with the public key alone: one who only verifies has no other. */
async function refusals(of: Manifest, file: string): Promise<Set<string>> {
  const codes = new Set<string>();
  const now = copyOf(state);
  const key = objectKey(`shop/${of.id}/${file}`);
  const object = now.objects.get(key)!;
  const store = signedStore(memoryVault(now), { publicKeys: [ours.publicKey] });
  for (const at of ofAll([...object.body.keys()])) {
    const body = Buffer.from(object.body);
    body[at]! ^= 1 << (at % 8);
    now.objects.set(key, { ...object, body });
    const refused = await store.readManifest(shop, backupId(of.id), limit()).then(
      () => 'taken',
      (error: { code: string }) => error.code,
    );
    codes.add(refused);
  }
  return codes;
}

test.each(['manifest.json', 'manifest.sig'])('every changed byte of %s is refused', async (file) => {
  expect(await refusals(newer, file)).toEqual(new Set(['manifest-unsigned']));
});

/** What nothing but a signature tells from the real thing (docs/vault-trust.md). */
const signatureAlone = [
  'a byte of the signature',
  'the older backup under the new id, and the manifest renamed',
  'the stock commands',
  'the signature of another backup',
  'from signed to plain: the signature removed',
  'a signature of nothing',
  'a signature that goes on',
  // the same parts under each other's names: nothing is another
  'two parts swapped, and the manifest with them',
];
/** What a verify finds where it counts rows, which it does of no toy (test/real/cli/verify.test.ts). */
const counted = ['the number of rows', 'the name of a table', 'a table less', 'a part less'];
/** Where the configuration says that backups are encrypted, it is refused; see below. */
const plainOnes = ['from encrypted to plain', 'from encrypted and signed to plain'];

test.each(Object.entries(tamperings).filter(([name]) => !plainOnes.includes(name)))(
  'with encryption alone, verify, restore and drill agree on: %s',
  async (name, how) => {
    const expected = signatureAlone.includes(name) ? 'taken' : 'refused';
    const outcomes: Record<string, string> = {};
    for (const [way, take] of Object.entries(ways)) {
      outcomes[way] = await take(await tampered(how, 'none'), newer.id).then(
        () => 'taken',
        () => 'refused',
      );
      server.delete('again');
    }

    const verified = counted.includes(name) ? 'taken' : expected;
    expect(outcomes).toEqual({ verify: verified, restore: expected, drill: expected });
  },
);

test('a manifest that names no catalog is one that no restore takes, and verify says so', async () => {
  const how: Tampering = (by) =>
    by.rewrite({ ...by.newer, parts: by.newer.parts.filter(({ role }) => role !== 'catalog') });

  for (const take of Object.values(ways))
    await expect(take(await tampered(how, 'none'), newer.id)).rejects.toThrow(/catalog/);
});

test.each(['from encrypted to plain', 'from encrypted and signed to plain'])(
  'where backups are to be encrypted, no signature is needed to refuse: %s',
  async (name) => {
    for (const way of Object.values(waysOn(server, { ...memoryOf(undefined), encrypted: true })))
      await expect(way(await tampered(tamperings[name]!, 'none'), newer.id)).rejects.toMatchObject({
        code: 'backup-plain',
      });
    await ways['restore']!(await tampered(tamperings[name]!, 'none'), newer.id);
    server.delete('again');
  },
);

test.each(['the stock commands', 'the older backup under the new id, and the manifest renamed'])(
  'without a key in the configuration it is taken: %s',
  async (name) => {
    for (const way of Object.values(ways)) await way(await tampered(tamperings[name]!, 'none'), newer.id);
    server.delete('again');
  },
);
