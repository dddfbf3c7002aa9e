import { BackupError } from '../../../domain/errors.ts';
import { firstOf } from '../../../domain/lines.ts';
import { placeOf } from '../../login.ts';
import type { Login } from '../../login.ts';
import { quoteIdentifier } from '../identifier.ts';
import type { PostgresSession } from '../session.ts';

type Powers = {
  superuser: boolean;
  createrole: boolean;
  replication: boolean;
  bypassrls: boolean;
  createdb: boolean;
  roles: string[];
  owned: string[];
};

const shown = 5;

/**
 * Throws `privilege-missing` unless all that the user may do is to make databases, and to work in those: statements of
 * anybody are carried out as that user. A session of PostgreSQL stays in its database, so what the user may not do on
 * the server, and what it does not own, is out of their reach. `allowed`: databases that it may own.
 */
export async function requireHarmless(
  session: PostgresSession,
  login: Login,
  allowed: readonly string[],
): Promise<void> {
  const [found] = await session.rows<Powers>(
    `select rolsuper as superuser, rolcreaterole as createrole, rolreplication as replication, rolbypassrls as bypassrls,
      rolcreatedb as createdb,
      array(select r.rolname::text from pg_roles r where r.oid <> me.oid and r.rolname <> 'pg_database_owner'
        and pg_has_role(me.oid, r.oid, 'member') order by 1) as roles,
      array(select datname::text from pg_database where datdba = me.oid and datname <> all($1::text[]) order by 1) as owned
     from pg_roles me where rolname = current_user`,
    [allowed],
  );
  const powers = powersOf(found!);
  if (powers.length > 0) throw tooMighty(login, powers);
  if (!found!.createdb)
    throw refused(login, 'may not make a database', `alter role ${quoteIdentifier(login.user)} createdb;`);
}

function powersOf({ superuser, createrole, replication, bypassrls, roles, owned }: Powers): string[] {
  if (superuser) return ['is a superuser'];
  return [
    ...(createrole ? ['may make roles'] : []),
    ...(replication ? ['may replicate'] : []),
    ...(bypassrls ? ['is bound by no row security'] : []),
    ...(roles.length > 0 ? [`is a member of ${firstOf(roles, shown)}`] : []),
    ...(owned.length > 0 ? [`owns the database ${firstOf(owned, shown)}`] : []),
  ];
}

function tooMighty(login: Login, powers: readonly string[]): BackupError {
  const sql = "create role nightjar_adopt login createdb password '…';";
  return refused(
    login,
    powers.join(', '),
    `${sql} and name that user in nightjar.yaml: adopt: { host: ${login.host}, user: nightjar_adopt, password: … } (docs/adopting.md)`,
  );
}

function refused(login: Login, what: string, hint: string): BackupError {
  const why = 'a dump is a program, and is loaded only by a user that may do nothing but make databases of its own';
  return new BackupError('privilege-missing', `${placeOf('postgres', login)}: ${login.user} ${what}; ${why}`, { hint });
}
