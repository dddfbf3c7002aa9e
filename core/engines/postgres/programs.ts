import { connectLimitMs } from '../connecting.ts';
import { BackupError } from '../../domain/errors.ts';
import type { ProgramRun } from '../../pipeline/program.ts';
import type { ProgramName, Tools } from '../../tools.ts';
import { passwordOf, placeOf, refusedHint } from '../login.ts';
import type { Login } from '../login.ts';
import { loginRemedy, readEverything, rightsRemedy } from './failures/rights.ts';
import { goneMeanwhile, standbyHint, timeoutsSince, usualRefusal } from './session.ts';

/**
 * A start of one of PostgreSQL's programs, of the client `major`, against `login`: the login is passed in the
 * environment, and no file of the user's is read.
 */
export function postgresRun(
  tools: Tools,
  name: ProgramName,
  major: number,
  login: Login,
  args: string[],
  serverMajor = major,
): ProgramRun {
  return {
    program: tools.program(name, major),
    args: ['--no-password', ...args],
    env: environmentOf(login, serverMajor),
    idleLimitMs: login.idleLimitMs,
    async secretEnv(signal) {
      const password = await passwordOf(login, signal);
      return password === undefined ? {} : { PGPASSWORD: password };
    },
    explain: (words) => explainWords(words, login),
  };
}

/**
 * Settings that pg_dump leaves to the server, the database or the role: what would make equal rows print or read
 * differently (above all money, by its locale), and what would end or refuse our work. A restored database has the
 * settings of the old one before its rows.
 */
export function sessionOptions(serverMajor: number): string {
  const settings = {
    TimeZone: 'UTC',
    bytea_output: 'hex',
    lc_monetary: 'C',
    xmloption: 'content',
    array_nulls: 'on',
    quote_all_identifiers: 'off',
    jit: 'off',
    synchronous_commit: 'off',
    standard_conforming_strings: 'on',
    default_transaction_read_only: 'off',
    statement_timeout: '0',
    idle_in_transaction_session_timeout: '0',
    ...timeoutsSince(serverMajor),
  };
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ');
}

function environmentOf(login: Login, serverMajor: number): Record<string, string> {
  return {
    PGHOST: login.host,
    ...(login.address !== undefined && { PGHOSTADDR: login.address }),
    PGPORT: String(login.port),
    PGUSER: login.user,
    PGDATABASE: login.database,
    ...(login.tls.mode === 'off'
      ? { PGSSLMODE: 'disable' }
      : { PGSSLMODE: 'verify-full', PGSSLROOTCERT: login.tls.ca }),
    PGOPTIONS: sessionOptions(serverMajor),
    PGGSSENCMODE: 'disable',
    PGCONNECT_TIMEOUT: String(connectLimitMs(login) / 1000),
    PGAPPNAME: 'nightjar',
    PGPASSFILE: '/dev/null/none', // which is not there: of one that is no plain file, libpq warns each time
    PGSERVICEFILE: '/dev/null',
    PSQLRC: '/dev/null',
    HOME: '/nonexistent',
  };
}

/** The same for a program that reads a source: an object that it does not find existed when the backup began. */
export function postgresRead(tools: Tools, name: ProgramName, major: number, login: Login, args: string[]): ProgramRun {
  const run = postgresRun(tools, name, major, login, args);
  return { ...run, explain: (words) => explainRead(words, login) };
}

/** What the words of the server, or of a program, mean to whoever reads a source. */
export function explainRead(words: string, login: Login): BackupError | undefined {
  return notThere.test(words) ? told(moved, words, login) : explainWords(words, login);
}

type KnownFailure = { pattern: RegExp; code: BackupError['code']; hint: string };

const moved = {
  code: 'source-changed',
  hint: 'something was dropped or renamed during the run; run again when no migration is running',
} as const;
const notThere =
  /(?:relation|schema|column|sequence) "[^\n]*" does not exist|failed to get data for sequence|definition of view "[^\n]*" appears to be empty/;

const noUtf8 =
  'names of tables or columns beyond ASCII make rows be printed in UTF-8, which has no place for some characters of this database: give them names in ASCII, or move all into a database in UTF8';

const known: KnownFailure[] = [
  {
    pattern: /invalid command \\restrict/,
    code: 'tools-missing',
    hint: 'this psql is older than August 2025, and runs commands that stand in a backup; bring the database clients up to date: nightjar layer update',
  },
  {
    pattern: /lock timeout|could not obtain lock/,
    code: 'lock-timeout',
    hint: 'another session holds a lock; see pg_stat_activity, or try at a quieter time',
  },
  // pg_dump uses the statement timeout to limit its waits for locks
  {
    pattern: /statement timeout.*LOCK TABLE/s,
    code: 'lock-timeout',
    hint: 'another session holds a lock, or waits for one: a migration, most likely; see pg_stat_activity, or try at a quieter time',
  },
  {
    pattern: /deadlock detected/,
    code: 'lock-timeout',
    hint: 'the backup and another session waited for each other: a migration, most likely; try at a quieter time',
  },
  { pattern: goneMeanwhile, ...moved },
  {
    pattern: /invalid memory alloc request size|cannot enlarge string buffer/i,
    code: 'source-unsupported',
    hint: 'a value or a row is larger than the server can print: 1 GB as text, and bytea takes two letters for each byte; keep it in pieces, or as a large object',
  },
  {
    pattern: /has no equivalent in encoding "UTF8"|invalid byte sequence for encoding "UTF8"/,
    code: 'source-unsupported',
    hint: noUtf8,
  },
  { pattern: /conflict with recovery/, code: 'source-changed', hint: standbyHint },
  {
    pattern: /server version.*(mismatch|pg_dump version)/s,
    code: 'tools-missing',
    hint: 'bring the database clients up to date: nightjar layer update',
  },
  {
    pattern: /could not connect|connection to server .* failed/,
    code: 'source-unreachable',
    hint: 'the server went away, or takes no more connections: is it up?',
  },
  {
    pattern: /role ".*" does not exist/,
    code: 'restore-failed',
    hint: 'make the roles first (CREATE ROLE …), or restore without owners and grants: --no-owner',
  },
];

const refused = /authentication failed|no pg_hba\.conf entry/;

function explainWords(words: string, login: Login): BackupError | undefined {
  if (refused.test(words))
    return told(
      { code: 'source-unreachable', hint: loginRemedy(words, login.user, refusedHint(login, usualRefusal)) },
      words,
      login,
    );
  const right =
    rightsRemedy(words, login.user) ??
    (/permission denied/.test(words)
      ? `the role must be able to read everything: ${readEverything(login.user)}`
      : undefined);
  if (right !== undefined) return told({ code: 'privilege-missing', hint: right }, words, login);
  const found = known.find(({ pattern }) => pattern.test(words));
  if (found === undefined) return undefined;
  return told(found, words, login);
}

function told({ code, hint }: Omit<KnownFailure, 'pattern'>, words: string, login: Login): BackupError {
  return new BackupError(code, `${placeOf('postgres', login)}: ${lastLines(words)}`, { hint });
}

function lastLines(words: string): string {
  return words
    .split('\n')
    .slice(-4)
    .join(' | ')
    .replace(/psql:<stdin>:\d+: /g, '');
}
