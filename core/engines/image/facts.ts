import { createHash } from 'node:crypto';
import { ofKind } from '../../contract/manifest/catalog.ts';
import type { Catalog } from '../../contract/manifest/catalog.ts';
import type { ManifestPart } from '../../contract/manifest/manifest.ts';
import { BackupError } from '../../domain/errors.ts';
import type { DumpReader, TableTally } from '../../pipeline/rows/reader.ts';
import { formatFingerprint } from '../../pipeline/rows/tables.ts';
import type { BlobName } from './shelf.ts';

/** A document of an image, as a backup records it. */
export type StoredDocument = BlobName & { mediaType: string };
/** All documents of an image; `top` is the one that identifies it. */
export type StoredDocuments = { top: StoredDocument; others: StoredDocument[] };

/** The catalog's kinds: the index, if there is one, and the manifest of each platform. */
const indexKind = 'index';
const manifestKind = 'manifest';
const indexName = 'all platforms';

const rowColumns = 'digest';

/** The catalog of an image. */
export function catalogOf(
  index: StoredDocument | undefined,
  manifests: readonly (StoredDocument & { table: string })[],
): Catalog {
  const catalog: Catalog = {};
  if (index !== undefined) ofKind(catalog, indexKind)[indexName] = valueOf(index);
  for (const one of manifests) ofKind(catalog, manifestKind)[one.table] = valueOf(one);
  return catalog;
}

function valueOf({ digest, size, mediaType }: StoredDocument): string {
  return `${digest} ${size} ${mediaType}`;
}

/** The documents in a catalog, checked because it comes from a vault. Throws `part-corrupt`. */
export function documentsIn(catalog: Catalog): StoredDocuments {
  const manifests = Object.values(catalog[manifestKind] ?? {}).map(documentOf);
  const [index] = Object.values(catalog[indexKind] ?? {}).map(documentOf);
  const [first] = manifests;
  if (first === undefined) throw new BackupError('part-corrupt', 'the catalog names no manifest of an image');
  return index === undefined ? { top: first, others: [] } : { top: index, others: manifests };
}

function documentOf(value: string): StoredDocument {
  const [, digest, size, mediaType] = /^(sha256:[0-9a-f]{64}) (\d{1,9}) (\S{1,255})$/.exec(value) ?? [];
  if (digest !== undefined) return { digest, size: Number(size), mediaType: mediaType! };
  throw new BackupError(
    'part-corrupt',
    `the catalog says of a manifest what nobody has written: ${value.slice(0, 80)}`,
  );
}

/** An index names each manifest by digest, so it differs whenever one of them does: then only that one is reported. */
export function isOfIndexAlone({ kind }: { kind: string }): boolean {
  return kind === indexKind;
}

/** The name of a part includes its digest: `data/0001.9f86….layer`. */
export function partNameOf(index: number, digest: string, ending: string): string {
  return `data/${String(index + 1).padStart(4, '0')}.${digest.replace('sha256:', '')}.${ending}`;
}

/** The digest of a part's content, from its name; undefined for other parts. */
export function blobNamed({ file }: Pick<ManifestPart, 'file'>): string | undefined {
  const [, hex] = /^data\/\d+\.([0-9a-f]{64})\./.exec(file) ?? [];
  return hex === undefined ? undefined : `sha256:${hex}`;
}

/** The same for a part that must have one. Throws `part-corrupt`. */
export function digestInName({ file }: Pick<ManifestPart, 'file'>): string {
  const digest = blobNamed({ file });
  if (digest !== undefined) return digest;
  throw new BackupError('part-corrupt', `${file} is no part of an image`);
}

/** Rows are the layers of a platform; a platform may have a layer twice. */
export function layerTally(digest: string, tables: Readonly<Record<string, number>>, bytes: number): TableTally[] {
  const sum = createHash('sha256').update(digest).digest().readBigUInt64BE();
  return Object.entries(tables).map(([table, rows]) => ({
    table,
    columns: rowColumns,
    rows,
    bytes: bytes * rows,
    fingerprint: formatFingerprint(sum * BigInt(rows)),
  }));
}

export function emptyTable(table: string): Omit<TableTally, 'bytes'> {
  return { table, columns: rowColumns, rows: 0, fingerprint: formatFingerprint(0n) };
}

/** Says at the end whether exactly this blob has passed. */
export function blobReader({ digest, size }: BlobName, tables: Readonly<Record<string, number>>): DumpReader {
  const hash = createHash('sha256');
  let bytes = 0;
  return {
    write(chunk) {
      hash.update(chunk);
      bytes += chunk.length;
    },
    end() {
      const ended = bytes === size && `sha256:${hash.digest('hex')}` === digest;
      return { tables: layerTally(digest, tables, bytes), ended };
    },
    progress: () => ({ rows: 0, bytes }),
  };
}
