import * as z from 'zod';

/** Texts by object name. Not `z.record`, which drops an object named `__proto__`. */
const textsByName = z.custom<Record<string, string>>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((text) => typeof text === 'string'),
);

/**
 * Every object of a database by kind and name, with a digest of its definition (kinds that begin with `database` hold
 * plain values): `{ index: { 'public.orders_pkey': '9f86d081…' } }`. The content of a backup's part `catalog.json`.
 */
export const catalogSchema = z.record(z.string(), textsByName);

export type Catalog = z.infer<typeof catalogSchema>;

/**
 * The objects of a kind in a catalog, to be written into. It has no prototype, because an object may be named
 * `__proto__`.
 */
export function ofKind(catalog: Catalog, kind: string): Record<string, string> {
  return (catalog[kind] ??= Object.create(null) as Record<string, string>);
}

/** The objects of a catalog for which a condition holds, by kind. */
export function partOfCatalog(catalog: Catalog, holds: (kind: string, name: string) => boolean): Catalog {
  const kinds = Object.entries(catalog).map(([kind, names]) => [
    kind,
    Object.fromEntries(Object.entries(names).filter(([name]) => holds(kind, name))),
  ]);
  return Object.fromEntries(kinds.filter(([, names]) => Object.keys(names!).length > 0)) as Catalog;
}
