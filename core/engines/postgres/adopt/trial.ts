import { BackupError } from '../../../domain/errors.ts';
import { firstOf } from '../../../domain/lines.ts';
import { ofDrills } from '../database/leftovers.ts';
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
};

const shown = 5;

/**
 * Throws `privilege-missing` if the user may do anything other than make databases and work in them, because anybody's
 * statements will run as this user. A session of PostgreSQL stays in its database, so they can't reach what the user
 * may not do on the server or does not own.
 */
export async function requireHarmless(session: PostgresSession, login: Login): Promise<void> {
  const [found] = await session.rows<Powers>(
    `select rolsuper as superuser, rolcreaterole as createrole, rolreplication as replication, rolbypassrls as bypassrls,
      rolcreatedb as createdb,
      array(select r.rolname::text from pg_roles r where r.oid <> me.oid and r.rolname <> 'pg_database_owner'
        and pg_has_role(me.oid, r.oid, 'member') order by 1) as roles
     from pg_roles me where rolname = current_user`,
  );
  const powers = powersOf(found!);
  const owned = await ownedBeside(session, login);
  const owns = owned.length > 0 ? [`owns the database ${firstOf(owned, shown)}`] : [];
  if (powers.length > 0) throw refused(login, [...powers, ...owns].join(', '), howToMake(login));
  if (owned.length > 0)
    throw refused(login, owns.join(), `a dump that was pushed may have made it: look into it, then ${drops(owned)}`);
  if (!found!.createdb)
    throw refused(login, 'may not make a database', `alter role ${quoteIdentifier(login.user)} createdb;`);
}

/**
 * Throws `input-invalid` if the user of `login` owns another database beside those of adoptions: only what was loaded
 * can have made it. It is not dropped, because only what is known to be ours ever is.
 */
export async function requireAlone(session: PostgresSession, login: Login): Promise<void> {
  const owned = await ownedBeside(session, login);
  if (owned.length === 0) return;
  const what = `the dump has made the database ${firstOf(owned, shown)}: look into it, then ${drops(owned)}`;
  throw new BackupError('input-invalid', what, { hint: 'no dump by pg_dump does that: who has made this one?' });
}

async function ownedBeside(session: PostgresSession, login: Login): Promise<string[]> {
  const known = [...(await ofDrills(session)), login.database];
  const found = await session.rows<{ name: string }>(
    `select datname::text as name from pg_database join pg_roles on pg_roles.oid = datdba
      where rolname = current_user and datname <> all($1::text[]) order by 1`,
    [known],
  );
  return found.map(({ name }) => name);
}

function powersOf({ superuser, createrole, replication, bypassrls, roles }: Powers): string[] {
  if (superuser) return ['is a superuser'];
  return [
    ...(createrole ? ['may make roles'] : []),
    ...(replication ? ['may replicate'] : []),
    ...(bypassrls ? ['is bound by no row security'] : []),
    ...(roles.length > 0 ? [`is a member of ${firstOf(roles, shown)}`] : []),
  ];
}

function drops(names: readonly string[]): string {
  return names.map((name) => `DROP DATABASE ${quoteIdentifier(name)};`).join(' ');
}

function howToMake({ host }: Login): string {
  const sql = "create role nightjar_adopt login createdb password '…';";
  return `${sql} and name that user in nightjar.yaml: adopt: { host: ${host}, user: nightjar_adopt, password: … } (docs/adopting.md)`;
}

function refused(login: Login, what: string, hint: string): BackupError {
  const why = 'a dump is a program, and is loaded only by a user that may do nothing but make databases of its own';
  return new BackupError('privilege-missing', `${placeOf('postgres', login)}: ${login.user} ${what}; ${why}`, { hint });
}
