import type { Catalog } from '../../../ports.ts';
import { plainNames } from '../identifier.ts';

/** Kinds of entries that are distinguished here, each before its own prefixes. */
const kinds = [
  'TABLE ATTACH',
  'TABLE',
  'FOREIGN TABLE',
  'VIEW',
  'MATERIALIZED VIEW DATA',
  'MATERIALIZED VIEW',
  'SEQUENCE OWNED BY',
  'SEQUENCE',
  'INDEX ATTACH',
  'INDEX',
  'CONSTRAINT',
  'CHECK CONSTRAINT',
  'FK CONSTRAINT',
  'DEFAULT ACL',
  'DEFAULT',
  'TRIGGER',
  'RULE',
  'POLICY',
  'ROW SECURITY',
  'STATISTICS DATA',
  'STATISTICS',
  'COMMENT',
  'ACL',
  'SECURITY LABEL',
  'SCHEMA',
  'EXTENSION',
  'TYPE',
  'DOMAIN',
] as const;
export type EntryKind = (typeof kinds)[number];

/** The catalog's names of kinds that differ from the archive's. */
const catalogKinds: Partial<Record<EntryKind, string>> = {
  TABLE: 'table',
  'FOREIGN TABLE': 'foreign table',
  VIEW: 'view',
  'MATERIALIZED VIEW': 'materialized view',
  SEQUENCE: 'sequence',
  INDEX: 'index',
  STATISTICS: 'statistics object',
  SCHEMA: 'schema',
  EXTENSION: 'extension',
  TYPE: 'type',
  DOMAIN: 'type',
};

/** The kind of an entry, if it is one of those. */
export function kindOf(words: string): EntryKind | undefined {
  return kinds.find((kind) => words.startsWith(`${kind} `));
}

/** An object by the kind and name in a catalog, and its owner. */
export type NamedObject = { kind: string; name: string; owner: string };

/** Finds the object of the catalog for an entry. */
export function namesIn(catalog: Catalog): (words: string) => NamedObject | undefined {
  const known = new Map(
    Object.entries(catalogKinds).map(([entry, kind]) => [
      entry,
      new Map(Object.keys(catalog[kind] ?? {}).map((name) => [bodyOf(plainNames(name)), name])),
    ]),
  );
  return (words) => {
    const kind = kindOf(words);
    const names = kind === undefined ? undefined : known.get(kind);
    const body = words.slice((kind?.length ?? 0) + 1);
    const end = names === undefined ? undefined : longest(body, (start) => names.has(start));
    if (end === undefined) return undefined;
    return { kind: catalogKinds[kind!]!, name: names!.get(body.slice(0, end))!, owner: body.slice(end + 1) };
  };
}

/** A name as in an entry's line, after its kind: without quotes, with a newline as a space. */
export function bodyOf(parts: readonly string[]): string {
  return [...(parts.length === 1 ? ['-'] : []), ...parts].join(' ').replaceAll('\n', ' ');
}

/** The end of the longest prefix of a text, up to a space, for which a condition holds: names may contain spaces. */
function longest(text: string, holds: (start: string) => boolean): number | undefined {
  for (let at = text.lastIndexOf(' '); at > 0; at = text.lastIndexOf(' ', at - 1))
    if (holds(text.slice(0, at))) return at;
  return undefined;
}
