import { createHash, hash } from 'node:crypto';
import { BackupError } from '../../domain/errors.ts';
import type { CatalogEntry, PackedCatalog } from '../../domain/packed/catalog.ts';
import type { TableTally } from '../../pipeline/rows/reader.ts';
import { formatFingerprint } from '../../pipeline/rows/tables.ts';
import { nameOf, parentOf, pathText, tableOf, top, topTable } from './names.ts';
import type { PathKind, StoredEntry } from './tar/header.ts';

/** What a backup says about one name. `value`: everything that a proof compares, except the owner. */
export type PathFacts = { kind: PathKind; name: string; value: string; owner: string; size: number };

/** What a catalog says about one name. */
export type CatalogFacts = Omit<PathFacts, 'owner'>;

/** The catalog's kinds, and how a value is written: docs/files.md. */
export const kindNames: Readonly<Record<PathKind, string>> = {
  file: 'file',
  link: 'hard link',
  symlink: 'symbolic link',
  folder: 'folder',
};
export const ownerKind = 'owner';
const allKinds = Object.keys(kindNames) as PathKind[];

export const rowColumns = 'kind, path, content, size, mode, time, target, attributes';

/** The facts of an entry; `sha256`: of a file's content. */
export function factsOf(entry: StoredEntry, sha256: string): PathFacts {
  const { kind, path, owner, size } = entry;
  return { kind, name: nameOf(path), owner, size, value: valueOf(entry, sha256) };
}

function valueOf({ kind, size, mode, mtime, target, extras }: StoredEntry, sha256: string): string {
  if (kind === 'link') return pathText(target);
  if (kind === 'symlink') return `${mtime} ${pathText(target)}`;
  const attributes = extras.length === 0 ? [] : [`attributes:${digest(extras.toSorted().join('\n')).slice(0, 16)}`];
  const words = [kind === 'file' ? [sha256, String(size)] : [], modeText(mode), mtime, attributes];
  return words.flat().join(' ');
}

/** A mode as a value has it: `0644`. */
export function modeText(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}

/** A time in nanoseconds since 1970, as GNU tar writes it: seconds with decimals, without trailing zeros. */
export function timeText(ns: bigint): string {
  const text = String(ns).padStart(10, '0');
  const [seconds, rest] = [text.slice(0, -9), text.slice(-9)];
  if (!rest.endsWith('0')) return `${seconds}.${rest}`;
  return rest === '000000000' ? seconds : `${seconds}.${rest.replace(/0+$/, '')}`;
}

/** Counts rows by their tables. */
export type FilesTally = { add(facts: CatalogFacts): void; tables(): TableTally[] };

/** An empty tally. A row is a file or a link; a folder is no row, but a top-level folder is a table. */
export function filesTally(oneTable: boolean): FilesTally {
  const tables = new Map<string, { rows: number; bytes: number; sum: bigint }>();
  return {
    add({ kind, name, value, size }) {
      const isFolder = kind === 'folder';
      if (isFolder && (name === top || name.includes('/'))) return;
      const table = oneTable ? topTable : tableOf(isFolder ? `${name}/` : name);
      const known = tables.get(table) ?? { rows: 0, bytes: 0, sum: 0n };
      if (known.rows === 0) tables.set(table, known);
      if (isFolder) return;
      known.rows += 1;
      known.bytes += size;
      known.sum += hash('sha256', `${kindNames[kind]}\0${name}\0${value}`, 'buffer').readBigUInt64BE();
    },
    tables: () =>
      [...tables].map(([table, { rows, bytes, sum }]) => ({
        table,
        columns: rowColumns,
        rows,
        bytes,
        fingerprint: formatFingerprint(sum),
      })),
  };
}

/** The tally of all of these. */
export function tallyOf(facts: Iterable<CatalogFacts>, oneTable: boolean): TableTally[] {
  const tally = filesTally(oneTable);
  for (const one of facts) tally.add(one);
  return tally.tables();
}

/** The owner of each folder, by its name. */
export type FolderOwners = { get(name: string): string | undefined };

/** The catalog's entries for a name: its facts, and the owner if it differs from that of its folder. */
export function catalogEntries({ kind, name, value, owner }: PathFacts, owners: FolderOwners): CatalogEntry[] {
  const entry = { kind: kindNames[kind], name, text: value };
  const isTold = name === top || owners.get(parentOf(name)) !== owner;
  return kind !== 'link' && isTold ? [entry, { kind: ownerKind, name, text: owner }] : [entry];
}

/** All facts in a catalog, in its order. */
export function* factsIn(catalog: PackedCatalog): Iterable<CatalogFacts> {
  for (const kind of allKinds) {
    const names = catalog.kinds.get(kindNames[kind]);
    for (let at = 0; names !== undefined && at < names.size; at += 1) {
      const [name, value] = [names.keyAt(at), names.valueAt(at)];
      yield { kind, name, value, size: sizeIn(kind, value) };
    }
  }
}

/** The kind of a name in a catalog; undefined if it has none. Throws `part-corrupt` if it has two. */
export function kindIn(catalog: PackedCatalog, name: string): PathKind | undefined {
  const kinds = allKinds.filter((kind) => catalog.kinds.get(kindNames[kind])?.indexOf(name) !== undefined);
  if (kinds.length > 1) throw new BackupError('part-corrupt', `the catalog says of ${name} that it is two things`);
  return kinds[0];
}

/** The facts of a name in a catalog; undefined if there are none. */
export function factAt(catalog: PackedCatalog, name: string): CatalogFacts | undefined {
  for (const kind of allKinds) {
    const value = catalog.text(kindNames[kind], name);
    if (value !== undefined) return { kind, name, value, size: sizeIn(kind, value) };
  }
  return undefined;
}

function sizeIn(kind: PathKind, value: string): number {
  if (kind !== 'file') return 0;
  const from = value.indexOf(' ') + 1;
  return Number(value.slice(from, value.indexOf(' ', from)));
}

function digest(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('hex');
}
