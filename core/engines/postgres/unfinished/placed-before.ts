import { isEmpty, userObjects } from '../catalog/catalog.ts';
import type { FoundDatabase } from '../database/database.ts';
import { plainNames } from '../identifier.ts';

/**
 * How the list of an archive begins what is there already in an empty database, and is left as it is: schemas that hold
 * extensions, and what is said of them and of extensions, which belong to somebody else mostly. Source of the words:
 * pg_restore --list.
 */
export function placedBefore({ catalog = {}, left }: FoundDatabase): readonly string[] {
  const isOurs = left === undefined ? isEmpty(catalog) : left.mark !== undefined;
  if (!isOurs) return [];
  const objects =
    left?.mark === undefined
      ? userObjects(catalog)
      : Object.entries(left.mark.before).flatMap(([kind, names]) => names.map((name) => ({ kind, name })));
  return objects.flatMap(({ kind, name }) => [
    ...(kind === 'schema' ? [`SCHEMA - ${plainNames(name)[0] ?? name} `] : []),
    ...['COMMENT', 'ACL', 'SECURITY LABEL'].map((what) => `${what} - ${kind.toUpperCase()} ${name} `),
  ]);
}
