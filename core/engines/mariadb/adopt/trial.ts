import { isDrillDatabase } from '../../../domain/drill-name.ts';
import { BackupError } from '../../../domain/errors.ts';
import { firstOf } from '../../../domain/lines.ts';
import { placeOf } from '../../login.ts';
import type { Login } from '../../login.ts';
import { quoteName } from '../quoting.ts';
import type { MariadbSession } from '../session.ts';

const shown = 3;
/** No right at all; or every right on databases with names that only drills and adoptions use. */
const harmless = [
  /^GRANT USAGE ON \*\.\* TO /,
  /^GRANT .+ ON `(?:[^`]|``)*\\_drill\\_%`\.\* TO /,
  // needed to see the bodies of routines where no right on a database shows them
  /^GRANT SELECT ON `mysql`\.`proc` TO /,
  /^GRANT SHOW_ROUTINE ON \*\.\* TO /,
];
const mayGrant = /\sWITH [^`']*GRANT OPTION[^`']*$/;
/** Names that a user with only those rights may use, and no adoption does. */
const ofAdoptions = /_drill_/;
/** What every user sees, and nobody writes to. */
const everybodys = new Set(['information_schema', 'performance_schema', 'sys']);

/**
 * Throws `privilege-missing` if the user may do anything other than work in databases with names of drills, because
 * anybody's statements will run as this user, and on these servers a name before a dot reaches every database. Rights
 * are compared with a list of allowed lines; and whatever grants them, no other database may be visible.
 */
export async function requireHarmless(session: MariadbSession, login: Login): Promise<void> {
  const grants = (await session.rows('SHOW GRANTS')).map((row) => Object.values(row)[0] ?? '');
  const mighty = grants.filter((line) => mayGrant.test(line) || !harmless.some((pattern) => pattern.test(line)));
  if (mighty.length > 0) throw tooMighty(login, `may do more: ${firstOf(mighty.map(withoutPassword), shown)}`);
  const routines = grants.some((line) => line.includes('`mysql`.`proc`'));
  const reached = (await databasesBeside(session)).filter((name) => !(routines && name === 'mysql'));
  if (reached.length === 0) return;
  const what = `reaches the database ${firstOf(reached.map(quoteName), shown)}`;
  const left = reached.every((name) => ofAdoptions.test(name))
    ? `a dump that was pushed may have made it: look into it, then ${drops(reached)}`
    : undefined;
  throw tooMighty(login, what, left);
}

/**
 * Throws `input-invalid` if the user can now reach a database whose name is not one of ours: only what was loaded can
 * have made it. It is not dropped, because only what is known to be ours ever is.
 */
export async function requireAlone(session: MariadbSession): Promise<void> {
  const made = (await databasesBeside(session)).filter((name) => ofAdoptions.test(name));
  if (made.length === 0) return;
  const names = firstOf(made.map(quoteName), shown);
  throw new BackupError('input-invalid', `the dump has made the database ${names}: look into it, then ${drops(made)}`, {
    hint: 'no dump of one database does that: who has made this one?',
  });
}

async function databasesBeside({ rows }: MariadbSession): Promise<string[]> {
  const found = await rows('SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA');
  return found
    .map(({ name }) => name ?? '')
    .filter((name) => !everybodys.has(name.toLowerCase()) && !isDrillDatabase(name));
}

function drops(names: readonly string[]): string {
  return names.map((name) => `DROP DATABASE ${quoteName(name)};`).join(' ');
}

function withoutPassword(grant: string): string {
  return grant.replace(/ IDENTIFIED .*$/, '');
}

function tooMighty(login: Login, what: string, remedy?: string): BackupError {
  const sql =
    "CREATE USER nightjar_adopt@'%' IDENTIFIED BY '…'; GRANT ALL PRIVILEGES ON " +
    `${quoteName(`${login.database.replace(/_drill_[0-9a-f]*$/, '').replace(/[_%\\]/g, '\\$&')}\\_drill\\_%`)}.* TO nightjar_adopt@'%';`;
  return new BackupError(
    'privilege-missing',
    `${placeOf('mariadb', login)}: ${login.user} ${what}; a dump is a program, and is loaded only by a user that may ` +
      'do nothing but work in databases of its own',
    {
      hint:
        remedy ??
        `${sql} and name that user in nightjar.yaml: adopt: { host: ${login.host}, user: nightjar_adopt, password: … } (docs/adopting.md)`,
    },
  );
}
