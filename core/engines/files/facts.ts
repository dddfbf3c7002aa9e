import { createHash, hash } from 'node:crypto';
import { ofKind } from '../../contract/manifest/catalog.ts';
import type { Catalog } from '../../contract/manifest/catalog.ts';
import { BackupError } from '../../domain/errors.ts';
import type { TableTally } from '../../pipeline/rows/reader.ts';
import { formatFingerprint } from '../../pipeline/rows/tables.ts';
import { nameOf, parentOf, pathText, tableOf, top, topTable } from './names.ts';
import type { PathKind, StoredEntry } from './tar/header.ts';

/** What a backup says of one name. `value`: everything that a proof compares, but for the owner. */
export type PathFacts = { kind: PathKind; name: string; value: string; owner: string; size: number };

/** The catalog's kinds, and how a value is written: docs/files.md. */
export const kindNames: Readonly<Record<PathKind, string>> = {
  file: 'file',
  link: 'hard link',
  symlink: 'symbolic link',
  folder: 'folder',
};
export const ownerKind = 'owner';

export const rowColumns = 'kind, path, content, size, mode, time, target, attributes';

/** What is said of an entry; `sha256`: of a file's content. */
export function factsOf(entry: StoredEntry, sha256: string): PathFacts {
  const { kind, path, owner, size } = entry;
  return { kind, name: nameOf(path), owner, size, value: valueOf(entry, sha256) };
}

function valueOf({ kind, size, mode, mtime, target, extras }: StoredEntry, sha256: string): string {
  if (kind === 'link') return pathText(target);
  if (kind === 'symlink') return `${mtime} ${pathText(target)}`;
  const attributes = extras.length === 0 ? [] : [`attributes:${digest(extras.toSorted().join('\n')).slice(0, 16)}`];
  const words = [kind === 'file' ? [sha256, String(size)] : [], mode.toString(8).padStart(4, '0'), mtime, attributes];
  return words.flat().join(' ');
}

/** A row is a file or a link; a folder is none, and names its table at the top. */
export function tallyOf(facts: Iterable<Omit<PathFacts, 'owner'>>, oneTable: boolean): TableTally[] {
  const tables = new Map<string, { rows: number; bytes: number; sum: bigint }>();
  for (const { kind, name, value, size } of facts) {
    const isFolder = kind === 'folder';
    if (isFolder && (name === top || name.includes('/'))) continue;
    const table = oneTable ? topTable : tableOf(isFolder ? `${name}/` : name);
    const known = tables.get(table) ?? { rows: 0, bytes: 0, sum: 0n };
    tables.set(table, isFolder ? known : added(known, `${kindNames[kind]}\0${name}\0${value}`, size));
  }
  return [...tables].map(([table, { rows, bytes, sum }]) => ({
    table,
    columns: rowColumns,
    rows,
    bytes,
    fingerprint: formatFingerprint(sum),
  }));
}

function added({ rows, bytes, sum }: { rows: number; bytes: number; sum: bigint }, row: string, size: number) {
  const digested = hash('sha256', row, 'buffer').readBigUInt64BE();
  return { rows: rows + 1, bytes: bytes + size, sum: BigInt.asUintN(64, sum + digested) };
}

/** The catalog of all that was stored: each with its facts, and the owner where that of its folder is another one. */
export function catalogOf(all: readonly PathFacts[]): Catalog {
  const catalog: Catalog = {};
  const owners = new Map(all.filter(({ kind }) => kind === 'folder').map(({ name, owner }) => [name, owner]));
  for (const { kind, name, value, owner } of all.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    ofKind(catalog, kindNames[kind])[name] = value;
    const isTold = name === top || owners.get(parentOf(name)) !== owner;
    if (kind !== 'link' && isTold) ofKind(catalog, ownerKind)[name] = owner;
  }
  return catalog;
}

/** What a catalog says of each name. Throws `part-corrupt` where one is two things. */
export function factsIn(catalog: Catalog): Map<string, Omit<PathFacts, 'owner'>> {
  const facts = new Map<string, Omit<PathFacts, 'owner'>>();
  for (const [kind, kindName] of Object.entries(kindNames) as [PathKind, string][])
    for (const [name, value] of Object.entries(catalog[kindName] ?? {})) {
      if (facts.has(name)) throw new BackupError('part-corrupt', `the catalog says of ${name} that it is two things`);
      facts.set(name, { kind, name, value, size: sizeIn(kind, value) });
    }
  return facts;
}

/** What a catalog says of a file or a link; undefined where it says nothing. */
export function factOf(catalog: Catalog, name: string): Omit<PathFacts, 'owner'> | undefined {
  for (const kind of ['file', 'link', 'symlink'] as const) {
    const names = catalog[kindNames[kind]];
    if (names === undefined || !Object.hasOwn(names, name)) continue;
    const value = names[name]!;
    return { kind, name, value, size: sizeIn(kind, value) };
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
