import { createHash } from 'node:crypto';
import { BackupError, isBackupError } from '../../../domain/errors.ts';
import { programOutput } from '../../../pipeline/program.ts';
import type { ProgramRun } from '../../../pipeline/program.ts';
import type { ByteStream } from '../../../ports.ts';
import type { Tools } from '../../../tools.ts';
import { placeOf } from '../../login.ts';
import type { Login } from '../../login.ts';
import { settingValue } from '../database/statements.ts';
import { quoteIdentifier } from '../identifier.ts';
import { postgresRun } from '../programs.ts';
import { serverIdentity } from '../server-identity.ts';
import { openSession, withSession } from '../session.ts';
import type { PostgresSession } from '../session.ts';
import { initialDatabases, ofInitialDatabases } from './initial-databases.ts';

/** How the globals of a server are read; a plain value that another process can use. */
export type GlobalsRecipe = { major: number; passwords: boolean };

/** Longer than any server's roles: a million of them fit. */
const mostBytes = 256 * 1024 * 1024;
const end = /\n--\n-- PostgreSQL database cluster dump complete\n--\n\s*$/;
/** Its key differs each time. */
const restricting = /^\\(?:un)?restrict .*$/gm;

/**
 * What is known of a server for its globals: how they are read, and whether its user is a superuser. `owned`: the
 * initial databases that its user owns.
 */
export type ServerLookedAt = {
  recipe: GlobalsRecipe;
  version: string;
  isSuperuser: boolean;
  owned: string[];
  identity: { identity: string } | undefined;
};

/** Looks at a server. */
export async function lookAtServer(login: Login, signal: AbortSignal): Promise<ServerLookedAt> {
  const session = await openSession(login, signal);
  try {
    const passwords = await readsPasswords(session);
    await session.rows('begin read only');
    const [found] = await session.rows<{ isSuperuser: boolean; owned: string[] }>(
      `select current_setting('is_superuser') = 'on' as "isSuperuser",
         array(select datname::text from pg_database where datname = any($1) and pg_has_role(datdba, 'usage')) as owned`,
      [initialDatabases],
    );
    const { serverMajor: major, serverVersion: version } = session;
    return { recipe: { major, passwords }, version, ...found!, identity: await serverIdentity(session) };
  } finally {
    await session.close();
  }
}

/** Superusers and members of pg_read_all_data can read passwords, unless a managed server prevents it. */
async function readsPasswords(session: PostgresSession): Promise<boolean> {
  try {
    await session.rows('select from pg_catalog.pg_authid where rolpassword is not null limit 1');
    return true;
  } catch (error) {
    if (isBackupError(error, 'privilege-missing')) return false;
    throw error;
  }
}

/** A run of pg_dumpall for what belongs to no database. */
export function globalsRun(login: Login, tools: Tools, { major, passwords }: GlobalsRecipe): ProgramRun {
  return postgresRun(tools, 'pg_dumpall', major, login, [
    '--globals-only',
    '--encoding=UTF8',
    `--database=${login.database}`,
    ...(passwords ? [] : ['--no-role-passwords']),
  ]);
}

/** The complete output of pg_dumpall, and what it leaves out. Throws `dump-cut` if its end is missing. */
export async function readGlobals(run: ProgramRun, login: Login, signal: AbortSignal): Promise<string> {
  const text = await wholeText(programOutput(run, signal), placeOf('postgres', login));
  const besides = (await settingsOfAll(login, signal)) + (await ofInitialDatabases(login, signal));
  return besides === '' ? text : text.replace(end, (words) => `\n${besides}\n${words}`);
}

/**
 * Settings of all roles (ALTER ROLE ALL), in every database: pg_dumpall prints those of single roles, and pg_dump those
 * of a database.
 */
async function settingsOfAll(login: Login, signal: AbortSignal): Promise<string> {
  const settings = await withSession(login, signal, (session) =>
    session.rows<{ name: string; value: string }>(
      `select split_part(setting, '=', 1) as name, substr(setting, strpos(setting, '=') + 1) as value
         from pg_catalog.pg_db_role_setting, unnest(setconfig) as setting
        where setdatabase = 0 and setrole = 0 order by 1`,
    ),
  );
  return settings
    .map(({ name, value }) => `ALTER ROLE ALL SET ${quoteIdentifier(name)} TO ${settingValue(name, value)};\n`)
    .join('');
}

/** The same from what was stored. */
export async function wholeText(content: ByteStream, what: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of content) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw new BackupError('source-unsupported', `${what} has more roles than Nightjar can hold`);
    chunks.push(chunk);
  }
  const text = textOf(Buffer.concat(chunks), what);
  if (!end.test(text)) throw new BackupError('dump-cut', `${what}: the text of the roles has no end marker`);
  return text;
}

/** Equal for two of these texts that say the same. */
export function digestOfGlobals(text: string): string {
  return createHash('sha256').update(text.replace(restricting, '')).digest('hex');
}

function textOf(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new BackupError('source-unsupported', `${what} has names of roles that are no text in UTF-8`, {
      hint: 'rename the roles, from a session with the client_encoding that they were made in',
      cause,
    });
  }
}
