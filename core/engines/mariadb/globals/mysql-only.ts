import { BackupError } from '../../../domain/errors.ts';
import type { Catalog, RestoreFinding } from '../../../ports.ts';
import { placeOf } from '../../login.ts';
import type { Login } from '../../login.ts';
import { quoteText } from '../quoting.ts';
import type { MariadbSession } from '../session.ts';
import { errorNumber } from '../failures/number.ts';

/** ER_BAD_FIELD_ERROR, ER_UNKNOWN_SYSTEM_VARIABLE: the server does not have this feature. */
const unknown = [1054, 1193];

/**
 * Accounts that can also log in with a second password (RETAIN CURRENT PASSWORD): no MySQL statement shows it, nor
 * accepts it as a hash.
 */
export async function withSecondPassword({ rows, server }: MariadbSession): Promise<string[]> {
  if (server.product !== 'MySQL') return [];
  const found = await rows(
    "SELECT CONCAT(User, '@', Host) AS name FROM mysql.user WHERE User_attributes->'$.additional_password' IS NOT NULL",
  ).catch(ofOlder);
  return found.map(({ name }) => name ?? '');
}

/** What prevents a restore from revoking rights on some databases, after it has granted them on all. */
export async function partialRevokes(
  { rows, server }: MariadbSession,
  { grant: grants = {} }: Catalog,
  login: Login,
): Promise<RestoreFinding | undefined> {
  const isAsked = Object.values(grants).some((definition) => /(?:^|; )REVOKE /.test(definition));
  if (server.product !== 'MySQL' || !isAsked) return undefined;
  const [row] = await rows('SELECT @@GLOBAL.partial_revokes AS there').catch(ofOlder);
  if (row?.['there'] === '1') return undefined;
  return {
    weight: 'fails',
    code: 'source-unsupported',
    what: `accounts of the backup may do on all databases what they may not on some, and ${placeOf('mariadb', login)} has partial_revokes off: they could do it on all`,
    remedy: row === undefined ? 'restore on a server of MySQL 8.0.16 or newer' : 'SET PERSIST partial_revokes = ON;',
  };
}

/** The same as the error of a restore. */
export function failureOf({ code = 'restore-failed', what, remedy }: RestoreFinding): BackupError {
  return new BackupError(code, what, { hint: remedy });
}

function ofOlder(error: unknown): Record<string, string | null>[] {
  if (unknown.includes(errorNumber(error))) return [];
  throw error;
}

/**
 * The statement of SHOW CREATE USER with what it requires of certificates as literals: MySQL prints it without escaping
 * its quotes (REQUIRE ISSUER '/O=it's'). `name`: as in `app@%`.
 */
export async function withLiterals(session: MariadbSession, name: string, printed: string): Promise<string> {
  if (session.server.product !== 'MySQL' || !/ REQUIRE (?:SUBJECT|ISSUER|CIPHER) /.test(printed)) return printed;
  const [row] = await session.rows(
    `SELECT CONVERT(x509_subject USING utf8mb4) AS SUBJECT, CONVERT(x509_issuer USING utf8mb4) AS ISSUER,
        CONVERT(ssl_cipher USING utf8mb4) AS CIPHER FROM mysql.user
      WHERE CONCAT(User, '@', Host) = ?`,
    [name],
  );
  let statement = printed;
  for (const [what, value] of Object.entries(row ?? {}))
    statement = statement.replace(`${what} '${value}'`, () => `${what} ${quoteText(value ?? '')}`);
  return statement;
}
