import { messageOf } from '../../../domain/errors.ts';
import type { Login } from '../../login.ts';
import { quoteName } from '../quoting.ts';
import { withSession } from '../session.ts';
import type { MariadbSession, TextRow } from '../session.ts';

/**
 * A right on one function, procedure or package, which dropping that also removes, and the SQL that grants it again.
 */
export type RoutineRight = { kind: string; name: string; statement: string };

const denied = [1044, 1142, 1143];
/** An account that is gone has no rights any more. */
const nobody = [1133, 1410, 1959];

/** Those of the session's database; undefined if the user may not see them. */
export async function readRoutineRights(session: MariadbSession): Promise<RoutineRight[] | undefined> {
  const [here] = await session.rows('SELECT DATABASE() AS name');
  const place = here?.['name'] ?? '';
  const rows = await session
    .rows(
      `SELECT Host AS host, User AS user, Routine_name AS name, Routine_type AS kind, Proc_priv AS rights
        FROM mysql.procs_priv WHERE Db IN (?, ?) ORDER BY Routine_type, Routine_name, User, Host`,
      [place, new TextDecoder('windows-1252').decode(Buffer.from(place))],
    )
    .catch((error: unknown) => {
      if (denied.includes(numberOf(error))) return undefined;
      throw error;
    });
  return rows?.map((row) => ({
    kind: (row['kind'] ?? '').toLowerCase(),
    name: nameIn(row['name']),
    statement: grantStatement(row, place, session.server.product === 'MariaDB'),
  }));
}

const letters = [...new TextDecoder('windows-1252').decode(Uint8Array.from({ length: 256 }, (_, byte) => byte))];

/** Servers write names into this table as if their bytes were latin1: `Ã¼` for `ü`. */
function nameIn(stored: string | null | undefined): string {
  const bytes = [...(stored ?? '')].map((letter) => letters.indexOf(letter));
  if (bytes.includes(-1)) return stored ?? '';
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(bytes));
  } catch {
    return stored ?? '';
  }
}

function grantStatement({ host, user, name, kind, rights }: TextRow, place: string, hasRoles: boolean): string {
  const listed = (rights ?? '').toUpperCase().split(',');
  const given = listed.filter((right) => right !== 'GRANT').join(', ') || 'USAGE';
  const who = quoteName(nameIn(user));
  const account = hasRoles && host === '' ? who : `${who}@${quoteName(host ?? '')}`;
  return (
    `GRANT ${given} ON ${kind} ${quoteName(place)}.${quoteName(nameIn(name))} TO ${account}` +
    (listed.includes('GRANT') ? ' WITH GRANT OPTION' : '')
  );
}

/** Grants those that are missing in the database of `login`; returns what could not be granted, and why. */
export async function giveRoutineRights(
  login: Login,
  wanted: readonly RoutineRight[],
  signal: AbortSignal,
): Promise<{ what: string; why: string }[]> {
  if (wanted.length === 0) return [];
  return withSession(login, signal, async (session) => {
    const there = new Set((await readRoutineRights(session))?.map(({ statement }) => statement));
    const { product, number } = session.server;
    // otherwise it would make an account again that is gone, and without a password
    if (product === 'MariaDB' || number < 80_000) await session.rows("SET SESSION sql_mode = 'NO_AUTO_CREATE_USER'");
    const failed: { what: string; why: string }[] = [];
    for (const { statement } of wanted.filter((one) => !there.has(one.statement)))
      await session.rows(statement).catch((error: unknown) => {
        if (!nobody.includes(numberOf(error))) failed.push({ what: statement, why: messageOf(error) });
      });
    return failed;
  });
}

/**
 * The rights for the routines that will be in place: for existing routines their present rights, for others those that
 * they had.
 */
export function rightsInPlace(
  wanted: readonly { kind: string; name: string }[],
  had: readonly RoutineRight[],
  now: { objects: readonly { kind: string; name: string }[]; rights: readonly RoutineRight[] },
): RoutineRight[] {
  const [coming, there] = [new Set(wanted.map(keyOf)), new Set(now.objects.map(keyOf))];
  return [...now.rights, ...had.filter((one) => !there.has(keyOf(one)))].filter((one) => coming.has(keyOf(one)));
}

/** Names of routines ignore case. */
const keyOf = ({ kind, name }: { kind: string; name: string }) => `${kind} ${name.toLowerCase()}`;

function numberOf(error: unknown): number {
  return Number((error as { cause?: { errno?: unknown } }).cause?.errno);
}
