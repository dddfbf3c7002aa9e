import { accountOf, quoteAccount, quoteName } from '../quoting.ts';
import type { Server } from '../session.ts';

/**
 * Who restores where, for statements that grant something. `user`: in the form of CURRENT_USER(), `app@%`. `definers`:
 * of the objects that will be theirs (`view v`).
 */
export type Restorer = { server: Server; user: string; database: string; definers?: Readonly<Record<string, string>> };

/**
 * What to do if a server refuses a statement of a backup with this error number and message: in SQL, as far as SQL can
 * do it. Undefined if unknown.
 */
export function remedyFor(number: number, restorer: Restorer, said = ''): string | undefined {
  const { server, database } = restorer;
  switch (number) {
    case 1227:
      return `${grant(restorer, /\bSYSTEM_USER\b/.test(said) ? 'SYSTEM_USER' : definerRights(server), '*.*')} or restore without owners: --no-owner`;
    case 1356:
      return viewRemedy(restorer, said);
    case 1449:
      return 'make the user that the message names, or restore without owners: --no-owner';
    case 1418:
    case 1419:
      return 'SET GLOBAL log_bin_trust_function_creators = 1;';
    case 1044:
    case 1142:
    case 1143:
    case 1370:
      return (
        definerRemedy(restorer, said) ??
        tableElsewhere(restorer, said) ??
        functionElsewhere(restorer, said) ??
        grant(restorer, 'ALL PRIVILEGES', `${quoteName(database)}.*`)
      );
    case 1153:
    case 2020:
      return 'SET GLOBAL max_allowed_packet = 1073741824;';
    case 1114:
      return 'make room on the server; for a MEMORY table: SET GLOBAL max_heap_table_size = 4294966272;';
    case 1709:
      return 'SET GLOBAL innodb_default_row_format = dynamic;';
    case 1118:
      return 'SET GLOBAL innodb_strict_mode = OFF; (a row may then prove too long when it comes), or restore into a server with the page size of the source';
    case 1286:
    case 3161:
    case 1524:
      return 'install the plugin that the message names (INSTALL SONAME …), or restore into a server that has it';
    case 1115:
    case 1273:
      return 'restore into a server of the same product, and not an older one: this one does not know that character set or collation';
    case 1290:
    case 1836:
      return number === 1836 || /read.only/i.test(said)
        ? 'restore into a server that may be written to, or: SET GLOBAL read_only = OFF;'
        : undefined;
    case 1173:
      return 'SET GLOBAL innodb_force_primary_key = OFF;';
    case 6125:
      return 'SET GLOBAL restrict_fk_on_non_standard_key = OFF;';
    case 3750:
      return 'SET GLOBAL sql_require_primary_key = OFF;';
    default:
      return undefined;
  }
}

/** For a view whose definer may not call a function: rights of the restoring user don't help. */
function definerRemedy(restorer: Restorer, said: string): string | undefined {
  const account = deniedDefiner(said, restorer);
  if (account === undefined) return undefined;
  const other = { ...restorer, user: account };
  return `${tableElsewhere(other, said) ?? functionElsewhere(other, said) ?? definerGrant(restorer, account, quoteName(restorer.database))} or restore without owners: --no-owner`;
}

/** The same for a view that another one reads: the server names only the view. */
function viewRemedy(restorer: Restorer, said: string): string {
  const [, view] = /View '[^'.]*\.([^']*)' references/.exec(said) ?? [];
  const account = accountOf(restorer.definers?.[`view ${view}`] ?? '');
  if (account === '' || account === restorer.user)
    return 'restore first what the views read or call in other databases';
  return `${definerGrant(restorer, account, quoteName(restorer.database))} or restore without owners: --no-owner`;
}

/** If a view reads a table of another database, rights on the restored one don't help. */
function tableElsewhere(restorer: Restorer, said: string): string | undefined {
  const [, table, database] = /denied to user .* for table ((`[^`]+`)\.`[^`]+`)/.exec(said) ?? [];
  return table === undefined || database === quoteName(restorer.database)
    ? undefined
    : grant(restorer, 'SELECT, SHOW VIEW', table);
}

/** The same for a function that it calls: of all definitions, only a view needs the right to call one. */
function functionElsewhere(restorer: Restorer, said: string): string | undefined {
  const [, database, name] = /denied to user .* for routine '([^'.]+)\.([^']+)'/.exec(said) ?? [];
  if (database === undefined || database === restorer.database) return undefined;
  return grant(restorer, 'EXECUTE', `FUNCTION ${quoteName(database)}.${quoteName(name!)}`);
}

/** The rights for making objects in the name of others. */
export function definerRights({ product, number }: Server): string {
  if (product === 'MariaDB') return number >= 100_502 ? 'SET USER' : 'SUPER';
  if (number >= 80_200) return 'SET_ANY_DEFINER, ALLOW_NONEXISTENT_DEFINER';
  return number >= 80_000 ? 'SET_USER_ID' : 'SUPER';
}

/** The right that exempts a user from init_connect. */
export function connectionAdmin({ product, number }: Server): string {
  if (product === 'MariaDB') return number >= 100_502 ? 'CONNECTION ADMIN' : 'SUPER';
  return number >= 80_000 ? 'CONNECTION_ADMIN' : 'SUPER';
}

export function grant({ user }: Restorer, rights: string, on: string): string {
  return `GRANT ${rights} ON ${on} TO ${quoteAccount(user)};`;
}

/** What the definer of views needs on the views' database. */
export function definerGrant(restorer: Restorer, account: string, database: string): string {
  return grant({ ...restorer, user: account }, 'SELECT, EXECUTE', `${database}.*`);
}

/**
 * The account that a server denied something, unless it is the restoring user (for whom it names the host instead of
 * the account).
 */
export function deniedDefiner(said: string, { user }: Restorer): string | undefined {
  const [, name, host] = /denied to user '([^']*)'@'([^']*)'/.exec(said) ?? [];
  return name === undefined || name === user.slice(0, user.lastIndexOf('@')) ? undefined : `${name}@${host}`;
}
