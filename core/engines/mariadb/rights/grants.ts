import { quoteAccount, unquoteName } from '../quoting.ts';
import type { MariadbSession } from '../session.ts';

/** One line of SHOW GRANTS: rights on everything, on the databases of a pattern, or on one table or function. */
type Grant = { rights: Set<string>; database?: string; table?: string };

/** What a user may do, as far as a dump needs to know. */
export type Rights = { has(right: string, database?: string, table?: string): boolean };

const grantLine = /^GRANT (.+?) ON (?:TABLE |FUNCTION )?(\*|`(?:[^`]|``)*`)\.(\*|`(?:[^`]|``)*`) TO /s;
const mayGrant = /\sWITH [^`']*GRANT OPTION[^`']*$/;
const revokeLine = /^REVOKE (.+?) ON (`(?:[^`]|``)*`)\.\* FROM /s;

/**
 * Parses the lines of SHOW GRANTS, including those of active roles. Ignores rights on single columns or procedures,
 * which are not enough for a dump.
 */
export function parseGrants(lines: string[]): Rights {
  const grants = lines.flatMap((line) => parseGrant(line));
  const revoked = lines.flatMap((line) => parseRevoke(line));
  return {
    has(right, database, table) {
      if (revoked.some((partial) => covers(partial, right) && partial.database === database)) return false;
      return grants.some(
        (grant) =>
          covers(grant, right) &&
          (grant.database === undefined || (database !== undefined && matches(grant.database, database))) &&
          (grant.table === undefined || grant.table === table),
      );
    },
  };
}

/** The rights of the session's user, or of another: `app@%`. */
export async function rightsOf(session: MariadbSession, account?: string): Promise<Rights> {
  const whose = account === undefined ? '' : ` FOR ${quoteAccount(account)}`;
  return parseGrants((await session.rows(`SHOW GRANTS${whose}`)).map((row) => Object.values(row)[0] ?? ''));
}

function parseGrant(line: string): Grant[] {
  const [, rights, database, table] = grantLine.exec(line) ?? [];
  if (rights === undefined || database === undefined || table === undefined) return [];
  return [
    {
      rights: listed(mayGrant.test(line) ? `${rights}, GRANT OPTION` : rights),
      ...(database === '*' ? {} : { database: unquoteName(database) }),
      ...(table === '*' ? {} : { table: unquoteName(table) }),
    },
  ];
}

/** MySQL's partial revokes: what a global right does not cover. */
function parseRevoke(line: string): Grant[] {
  const [, rights, database] = revokeLine.exec(line) ?? [];
  return rights === undefined || database === undefined
    ? []
    : [{ rights: listed(rights), database: unquoteName(database) }];
}

function listed(rights: string): Set<string> {
  return new Set(
    rights
      .replace(/\([^)]*\)/g, '(columns)')
      .split(',')
      .map((right) => right.trim().toUpperCase()),
  );
}

function covers({ rights }: Grant, right: string): boolean {
  if (rights.has(right)) return true;
  return right !== 'GRANT OPTION' && (rights.has('ALL PRIVILEGES') || rights.has('ALL'));
}

/** The database in a grant is a LIKE pattern. */
function matches(pattern: string, database: string): boolean {
  const regexp = pattern.replace(/\\([\s\S])|[%_]|[.*+?^${}()|[\]]/g, (char, escaped: string | undefined) =>
    escaped !== undefined
      ? escaped.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      : char === '%'
        ? '.*'
        : char === '_'
          ? '.'
          : `\\${char}`,
  );
  return new RegExp(`^${regexp}$`, 's').test(database);
}
