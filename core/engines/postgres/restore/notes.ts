import { fewNames } from '../../../domain/lines.ts';
import { formatBytes } from '../../../domain/units.ts';
import type { Catalog, KeptDatabase, TargetOptions } from '../../../ports.ts';
import type { Login } from '../../login.ts';
import { dropKept, keptDatabases } from '../database/kept.ts';
import type { DroppedDatabase } from '../database/kept.ts';
import type { FoundDatabase } from '../database/database.ts';
import { arrangements, tablespaceOf } from '../database/statements.ts';
import { quoteIdentifier } from '../identifier.ts';
import type { PostgresSession } from '../session.ts';

/** What a person should know before a restore: what it will leave out, and what it will drop. */
export function notesOf(
  { catalog, owners, tablespaces = true }: TargetOptions,
  { leftover }: FoundDatabase,
  database: string,
): string[] {
  const places = tablespacesOf(catalog);
  return [
    ...(leftover ? [`database ${database} is what a restore that died has left, half made: it will be dropped`] : []),
    ...(owners
      ? []
      : [`left out: owners, grants${rolesWithSettings(catalog)}, and policies for roles that are not on this server`]),
    ...(tablespaces || places.length === 0
      ? []
      : [`left out: the tablespaces ${places.join(', ')}; everything goes into the default one`]),
  ];
}

function rolesWithSettings(catalog: Catalog): string {
  const settings = arrangements('', catalog).filter(
    ({ kind, role }) => kind === 'database setting' && role !== undefined,
  );
  return settings.length === 0 ? '' : `, settings of roles (${settings.map(({ name }) => name).join(', ')})`;
}

function tablespacesOf(catalog: Catalog): string[] {
  return [...new Set([tablespaceOf(catalog) ?? [], Object.values(catalog['tablespace'] ?? {})].flat())].sort();
}

/**
 * What became of the database that was replaced. Drops it where that is asked for, and what earlier replacements have
 * kept before today once this one is `proven`: one that runs every night keeps one database and not one for each night.
 */
export async function oldNotes(
  session: PostgresSession,
  login: Login,
  { before, dropOld, proven }: { before: string | undefined; dropOld: boolean; proven: boolean },
): Promise<string[]> {
  if (dropOld) return (await dropKept(session, login)).flatMap((dropped) => notDroppedNote(dropped) ?? []);
  const dropped = proven ? await dropKept(session, login, ({ name, recent }) => name !== before && !recent) : [];
  const kept = await keptDatabases(session, login);
  const old = kept.find(({ name }) => name === before);
  const others = kept.filter(({ name }) => name !== before && dropped.every((one) => one.name !== name));
  return [
    ...(old === undefined
      ? []
      : [`the old database is kept as ${sized(old)}: --undo puts it back, --drop-old drops it`]),
    ...dropped.map((one) => notDroppedNote(one) ?? `dropped, as an earlier replacement had kept it: ${sized(one)}`),
    ...keptNotes(others),
  ];
}

function notDroppedNote({ name, why }: DroppedDatabase): string | undefined {
  if (why === undefined) return undefined;
  const remedy = `when nothing of it is needed: DROP DATABASE ${quoteIdentifier(name)}`;
  return `the old database ${name} could not be dropped (${why}); ${remedy}`;
}

/** What is kept from before: it takes space until somebody says that it is not needed any more. */
export function keptNotes(kept: readonly KeptDatabase[]): string[] {
  if (kept.length === 0) return [];
  return [`kept from before: ${fewNames(kept.map(sized))}: --drop-old drops what is kept`];
}

export function sized({ name, bytes }: KeptDatabase): string {
  return bytes === undefined ? name : `${name} (${formatBytes(bytes)})`;
}
