import { BackupError, isBackupError } from '../../../domain/errors.ts';
import { placeOf } from '../../login.ts';
import type { Login } from '../../login.ts';
import { quoteName } from '../quoting.ts';
import type { MariadbSession } from '../session.ts';
import { isRoleOfAurora } from './amazon.ts';
import { errorNumber } from '../failures/number.ts';
import { digestOfText, factKey } from './facts.ts';
import type { AccountFact } from './facts.ts';
import { withLiterals } from './mysql-only.ts';

/** One row of mysql.user. `account`: as in a statement. `isMade`: false for PUBLIC, which exists by itself. */
type Account = { name: string; account: string; isRole: boolean; isMade: boolean };

/** Accounts of the server itself and of Amazon RDS, which every such server has (manuals of MariaDB, MySQL and RDS). */
const ofServers = /^(?:mariadb\.sys|mysql\.(?:sys|session|infoschema)|rdsadmin|rdsrepladmin|rds_superuser_role)$/;
const string = String.raw`'(?:[^'\\]|\\.|'')*'`;
const name = '`(?:[^`]|``)*`';
const role = `${name}(?:@${name})?`;
const pieces = new RegExp(`${name}|${string}`, 'gs');
/** MariaDB's name for everybody. */
export const everybody = 'PUBLIC';
/** `IDENTIFIED VIA a USING 'x' OR b USING 'y'`, `IDENTIFIED WITH 'a' AS 0x1234`, `IDENTIFIED BY PASSWORD '*12'`. */
const identified = new RegExp(
  String.raw` IDENTIFIED (?:BY PASSWORD ${string}|(?:VIA|WITH) \S+(?: (?:USING|AS) (?:${string}|0x[0-9A-Fa-f]*))?(?: OR \S+(?: (?:USING|AS) (?:${string}|0x[0-9A-Fa-f]*))?)*)`,
);
const hidden = /'<secret>'/;
/** ER_PASSWORD_NO_MATCH of MariaDB. */
const noSuchAccount = 1133;
const defaultRole = new RegExp(` DEFAULT ROLE (${role}(?:, ?${role})*)`);
const membership = new RegExp(`^GRANT (${role}(?:, ?${role})*) TO (${role})( WITH ADMIN OPTION)?$`, 's');
const right = new RegExp(
  String.raw`^(GRANT|REVOKE) (.+?) ON ((?:PROCEDURE |FUNCTION |PACKAGE (?:BODY )?)?\S.*?) (?:TO|FROM) (${role}|PUBLIC)(.*)$`,
  's',
);

/**
 * Every account and role of a server with its rights: first everything that is made, then what depends on it.
 * `ignored`: receives accounts that the server itself ignores, such as those with host names under skip_name_resolve.
 * Throws `privilege-missing` if the user may not see the accounts.
 */
export async function readAccounts(
  session: MariadbSession,
  login: Login,
  ignored: (account: string) => void = () => {},
): Promise<AccountFact[]> {
  const accounts = await listAccounts(session, login);
  // MySQL prints hashes of its default plugin as bytes that are no text, unless asked for hexadecimal
  if (session.server.product === 'MySQL')
    await session.rows('SET SESSION print_identified_with_as_hex = ON').catch(() => []);
  const made: AccountFact[] = [];
  const leaning = new Map<string, AccountFact>();
  for (const one of accounts) {
    const created = await creationOf(one, session).catch((error: unknown) => {
      if (errorNumber(error) !== noSuchAccount) throw error;
      ignored(one.name);
      return undefined;
    });
    if (created === undefined) continue;
    made.push(...created.filter(({ kind }) => kind !== 'default role'));
    const given = await session.rows(`SHOW GRANTS FOR ${one.account}`);
    const facts = given.flatMap((row) => factOf(Object.values(row)[0] ?? '', one));
    for (const fact of [...facts, ...created.filter(({ kind }) => kind === 'default role')]) add(fact, leaning);
  }
  const rank = ({ kind }: AccountFact) => ['membership', 'grant', 'default role'].indexOf(kind);
  return [...made, ...[...leaning.values()].toSorted((a, b) => rank(a) - rank(b))];
}

async function listAccounts(session: MariadbSession, login: Login): Promise<Account[]> {
  const isMariadb = session.server.product === 'MariaDB';
  const rows = await session
    .rows(
      `SELECT User AS user, Host AS host, ${isMariadb ? 'is_role' : "'N'"} AS role FROM mysql.user ORDER BY 3 DESC, 1, 2`,
    )
    .catch((error: unknown) => {
      if (!isBackupError(error, 'privilege-missing')) throw error;
      throw new BackupError('privilege-missing', `${placeOf('mariadb', login)}: the user may not see the accounts`, {
        hint: `GRANT SELECT ON mysql.* TO its account`,
        cause: error,
      });
    });
  return rows
    .map((row) => ({ user: row['user'] ?? '', host: row['host'] ?? '', isRole: row['role'] === 'Y' }))
    .filter(({ user }) => !ofServers.test(user) && (isMariadb || !isRoleOfAurora(user)))
    .map(({ user, host, isRole }) =>
      isRole && user === everybody
        ? { name: everybody, account: everybody, isRole, isMade: false }
        : {
            name: isRole ? user : `${user}@${host}`,
            account: isRole ? quoteName(user) : `${quoteName(user)}@${quoteName(host)}`,
            isRole,
            isMade: true,
          },
    );
}

/** How an account is made, apart from its password; and its default roles, which must exist before they are granted. */
async function creationOf(
  { name: of, account, isRole, isMade }: Account,
  session: MariadbSession,
): Promise<AccountFact[]> {
  if (!isMade) return [];
  if (isRole) {
    const create = `CREATE ROLE ${account}`;
    return [{ kind: 'role', name: of, of, definition: create, statements: [create] }];
  }
  const [row] = await session.rows(`SHOW CREATE USER ${account}`);
  const printed = await withLiterals(session, of, Object.values(row ?? {})[0] ?? '');
  const { rest: create, found: [, roles] = [] } = without(defaultRole, printed);
  const { rest: open, found: [hash] = [] } = without(identified, create);
  // without its hash, an account is made locked rather than open to everybody
  const isHidden = hash !== undefined && hidden.test(hash);
  const statement = isHidden ? `${without(/ ACCOUNT (?:UN)?LOCK/, open).rest} ACCOUNT LOCK` : create;
  return [
    { kind: 'account', name: of, of, definition: open, statements: [statement] },
    ...(hash === undefined || isHidden
      ? []
      : [{ kind: 'password' as const, name: of, of, definition: digestOfText(`${of}\n${hash}`), statements: [] }]),
    ...(roles === undefined ? [] : [asDefault(of, `ALTER USER ${account} DEFAULT ROLE ${roles}`)]),
  ];
}

/** Removes the first match from a statement, ignoring matches in its strings, such as comments and attributes. */
function without(pattern: RegExp, statement: string): { rest: string; found: string[] | undefined } {
  const blank = statement.replace(pieces, (piece) =>
    piece.startsWith("'") ? `'${'x'.repeat(piece.length - 2)}'` : piece,
  );
  const match = pattern.exec(blank);
  if (match === null) return { rest: statement, found: undefined };
  const end = match.index + match[0].length;
  return {
    rest: statement.slice(0, match.index) + statement.slice(end),
    found: [statement.slice(match.index, end), ...match.slice(1)],
  };
}

function factOf(line: string, { name: of, account }: Account): AccountFact[] {
  if (line.startsWith('SET DEFAULT ROLE ')) return [asDefault(of, line)];
  const [, given, whom, admin = ''] = membership.exec(line) ?? [];
  // the output for a role also includes the rights of roles granted to it
  if (given !== undefined && whom !== account) return [];
  if (given !== undefined)
    return (given.match(new RegExp(role, 'g')) ?? []).map((one) => member(one, whom!, admin, of));
  const [, verb, rights, on, who, rest = ''] = right.exec(line) ?? [];
  if (rights === undefined)
    throw new BackupError('source-unsupported', `${of} has a right that Nightjar does not know`);
  if (who !== account) return [];
  // an account without any right; CREATE USER has everything else in such a line
  const mayGrant = /\bGRANT OPTION\b/.test(rest.replace(new RegExp(string, 'g'), ''));
  if (rights === 'USAGE' && !mayGrant) return [];
  const statement = `${verb} ${rights} ON ${on} ${verb === 'GRANT' ? 'TO' : 'FROM'} ${who}${mayGrant ? ' WITH GRANT OPTION' : ''}`;
  return [{ kind: 'grant', name: `${of} on ${on}`, of, definition: statement, statements: [statement] }];
}

function member(given: string, whom: string, admin: string, of: string): AccountFact {
  const statement = `GRANT ${given} TO ${whom}${admin}`;
  const plain = given.replaceAll('`', '');
  return { kind: 'membership', name: `${plain} to ${of}`, of, definition: statement, statements: [statement] };
}

function asDefault(of: string, statement: string): AccountFact {
  return { kind: 'default role', name: of, of, definition: statement, statements: [statement] };
}

function add(one: AccountFact, found: Map<string, AccountFact>): void {
  const before = found.get(factKey(one));
  if (before === undefined) found.set(factKey(one), one);
  else {
    before.definition += `; ${one.definition}`;
    before.statements.push(...one.statements);
  }
}
