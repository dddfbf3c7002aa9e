import type { Catalog, TargetOptions } from '../../../ports.ts';
import { oldNotes } from '../../kept-notes.ts';
import type { FateOfOld } from '../../kept-notes.ts';
import type { Login } from '../../login.ts';
import { dropKept, keptDatabases } from '../database/kept.ts';
import type { FoundDatabase } from '../database/database.ts';
import { arrangements, tablespaceOf } from '../database/statements.ts';
import { quoteIdentifier } from '../identifier.ts';
import type { PostgresSession } from '../session.ts';
import { isLeftAlone } from '../unfinished/filling.ts';

/** What a person should know before a restore: what it will leave out, and what it will drop. */
export function notesOf(
  { catalog, owners, tablespaces = true }: TargetOptions,
  { leftover, left }: FoundDatabase,
  database: string,
): string[] {
  const places = tablespacesOf(catalog);
  return [
    ...(leftover ? [`database ${database} is what a restore that died has left, half made: it will be dropped`] : []),
    ...(left !== undefined && isLeftAlone(left)
      ? [
          `database ${database} holds a part of a restore that was interrupted (${left.mark?.backup}): it is emptied first`,
        ]
      : []),
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

/** Notes about the replaced database; drops what need not be kept. */
export function notesOfOld(session: PostgresSession, login: Login, fate: FateOfOld): Promise<string[]> {
  return oldNotes(
    { ...fate, keepMs: login.keepReplacedMs },
    {
      list: () => keptDatabases(session, login),
      drop: (which) => dropKept(session, login, which),
      byHand: (name) => `DROP DATABASE ${quoteIdentifier(name)}`,
    },
  );
}
