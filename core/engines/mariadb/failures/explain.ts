import { BackupError } from '../../../domain/errors.ts';
import type { FailureCode } from '../../../domain/errors.ts';
import { connectionRemedy, connectionWords } from '../../connecting.ts';
import { refusedHint } from '../../login.ts';
import type { Login } from '../../login.ts';
import { quoteName } from '../quoting.ts';

type KnownError = { numbers: number[]; code: FailureCode; hint?: string };

export const usualRefusal =
  'check the name of the user, and the password in the place that the configuration names; SHOW CREATE USER ' +
  'tells from where it may come, and whether it needs TLS (tls: verify)';
const noPassword = 'the server asks for a password: say where it is kept, as password: { env: NAME } or { file: path }';
const refused: KnownError = { numbers: [1045, 1698], code: 'source-unreachable', hint: usualRefusal };

const denied = [1044, 1142, 1143, 1227, 1370, 1419];

/**
 * The meanings of the server's and the client's error numbers (MariaDB error codes; MySQL's are the same up to 1900 and
 * 2000–2061).
 */
const meanings: KnownError[] = [
  {
    numbers: [1205, 3572],
    code: 'lock-timeout',
    hint: 'another session holds a lock; see SHOW FULL PROCESSLIST, or try at a quieter time',
  },
  {
    numbers: [1412, 1054, 1146, 1051, 1305, 1360, 1539],
    code: 'source-changed',
    hint: 'something was altered, emptied or dropped during the run; run again when no migration or restore is at work',
  },
  {
    numbers: [1356],
    code: 'source-unsupported',
    hint: 'a view refers to something that is gone, and no dump can hold it: repair it or drop it (DROP VIEW …)',
  },
  {
    numbers: [1168],
    code: 'source-unsupported',
    hint:
      'a MERGE table and the tables that it joins differ, or one is gone: repair it or drop it (SHOW CREATE TABLE ' +
      'names them)',
  },
  {
    numbers: [1814],
    code: 'source-unsupported',
    hint:
      'the file of the table was taken away (DISCARD TABLESPACE), so that nobody can read its rows: put it back ' +
      '(ALTER TABLE … IMPORT TABLESPACE), or drop the table',
  },
  { numbers: denied, code: 'privilege-missing' },
  {
    numbers: [3159],
    code: 'source-unreachable',
    hint: 'this server takes logins over TLS alone: write tls: verify, or tls: { ca: ./authority.pem }',
  },
  refused,
  {
    numbers: [1820, 1862],
    code: 'source-unreachable',
    hint:
      'the password has expired: an administrator sets a new one (ALTER USER … IDENTIFIED BY …) that does not ' +
      'expire (ALTER USER … PASSWORD EXPIRE NEVER)',
  },
  {
    numbers: [3118, 4151],
    code: 'source-unreachable',
    hint: 'an administrator has to open the account: ALTER USER … ACCOUNT UNLOCK;',
  },
  {
    numbers: [1049],
    code: 'source-unreachable',
    hint: 'is the name of the database right (SHOW DATABASES lists them), or was it dropped just now?',
  },
  {
    numbers: [1040, 1203, 1226],
    code: 'source-unreachable',
    hint: 'the server has no free connection; try at a quieter time',
  },
  {
    numbers: [2002, 2003, 2005, 2026],
    code: 'source-unreachable',
    hint: 'the server went away, or takes no more connections: is it up?',
  },
  {
    numbers: [1153, 2020],
    code: 'restore-failed',
    hint: 'a row is larger than the server takes at once: SET GLOBAL max_allowed_packet = 1073741824',
  },
  {
    numbers: [1273, 1115, 1286],
    code: 'restore-failed',
    hint: 'this server does not know what the backup uses; restore to one of the same product, and not an older one',
  },
  {
    numbers: [1104],
    code: 'source-unsupported',
    hint:
      'the server refuses to read so many rows at once; run as an administrator: SET GLOBAL max_join_size = ' +
      'DEFAULT; SET GLOBAL sql_big_selects = ON; (or take them out of init_connect)',
  },
  {
    numbers: [1184, 1152],
    code: 'source-unreachable',
    hint:
      'if the message says so, what the server runs for each new connection (init_connect) fails: an ' +
      "administrator has to mend it; SHOW GLOBAL VARIABLES LIKE 'init_connect'",
  },
  {
    numbers: [1114],
    code: 'source-unsupported',
    hint:
      'the server has no room for a temporary table: see its disk, or run as an administrator: SET GLOBAL ' +
      'tmp_disk_table_size = DEFAULT; (MariaDB)',
  },
  {
    numbers: [1290],
    code: 'source-unsupported',
    hint: 'an administrator has to take back the option that the message names',
  },
  {
    numbers: [1969, 3024],
    code: 'source-unsupported',
    hint:
      'the server ends statements after a time; let this user have more: ALTER USER … WITH MAX_STATEMENT_TIME 0; ' +
      '(MariaDB) or SET GLOBAL max_execution_time = 0; (MySQL)',
  },
  {
    numbers: [1547, 1548, 1558, 1728, 1805],
    code: 'source-unsupported',
    hint: 'the tables of the server itself are damaged, or of another version: run mariadb-upgrade (MySQL upgrades them as it starts)',
  },
  {
    numbers: [1105],
    code: 'dump-failed',
    hint:
      'a server that says no more can often not read one of its views any more, after an update or a damage: CHECK ' +
      'TABLE of each view finds it; make it again, or drop it (DROP VIEW …)',
  },
  {
    numbers: [1449],
    code: 'restore-failed',
    hint: 'make the user first that the message names, or restore without owners: --no-owner',
  },
];

/** These explanations are about a source; a restore has other remedies (remedies.ts). */
const ofReading = [1104, 1114, 1168, 1290, 1356, 1814, 1969, 3024];
const lostConnection = [2006, 2013, 1158, 1159, 1160, 1161];
const networkCodes = [
  'ECONNREFUSED',
  'ENOTFOUND',
  'ETIMEDOUT',
  'ECONNRESET',
  'EHOSTUNREACH',
  'EAI_AGAIN',
  'EPIPE',
  'PROTOCOL_CONNECTION_LOST',
  'HANDSHAKE_SSL_ERROR',
  'HANDSHAKE_NO_SSL_SUPPORT',
];

/** Our error for what the driver threw. */
export function explained(cause: unknown, place: string, login: Login): BackupError {
  if (cause instanceof BackupError) return cause;
  const { errno, code } = (cause ?? {}) as { errno?: unknown; code?: unknown };
  const words = connectionWords(cause);
  const said = `${place}: ${words}`;
  const meaning = meanings.find(({ numbers }) => numbers.includes(Number(errno)));
  if (meaning !== undefined)
    return new BackupError(meaning.code, said, {
      hint:
        meaning === refused
          ? refusedHint(login, /using password: NO/.test(words) ? noPassword : usualRefusal)
          : (rightRemedy(Number(errno), words) ?? meaning.hint),
      cause,
    });
  const remedy = connectionRemedy(cause, login);
  return new BackupError(
    networkCodes.includes(String(code)) || remedy !== undefined ? 'source-unreachable' : 'dump-failed',
    said,
    { hint: remedy, cause },
  );
}

/**
 * Our error for a program's last words; undefined if they say nothing that we know. `restoring`: into a target, where
 * the same numbers need other remedies.
 */
export function explainWords(
  words: string,
  place: string,
  restoring: boolean,
  refusal = usualRefusal,
): BackupError | undefined {
  const number = numberIn(words);
  const said = `${place}: ${words
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-3)
    .join(' | ')}`;
  if (words.includes('transaction-precise history')) {
    return new BackupError('source-unsupported', said, {
      hint:
        'no dump holds history that is kept by transaction number; keep it by time, or drop the system versioning ' +
        'of the table',
    });
  }
  if (number !== undefined && lostConnection.includes(number)) {
    return new BackupError(restoring ? 'restore-failed' : 'dump-failed', said, {
      hint: restoring
        ? 'the server went away: did it stop, or is a row larger than its max_allowed_packet?'
        : 'the server went away: did it stop, or did the vault take nothing for longer than its net_write_timeout?',
    });
  }
  const meaning = meanings.find(({ numbers }) => number !== undefined && numbers.includes(number));
  if (meaning === undefined) return undefined;
  const isOther = meaning.code === 'source-changed' || ofReading.includes(number ?? 0);
  const code = restoring && isOther ? 'restore-failed' : meaning.code;
  const hint = meaning === refused ? refusal : (rightRemedy(number!, words) ?? meaning.hint);
  return new BackupError(code, said, { hint: code === meaning.code ? hint : undefined });
}

/**
 * The right that a refusal names, as SQL. 1044 names the account; 1142 and 1143 name where the user comes from, which
 * may differ: `'app'@'10.0.0.7'` for the account `'app'@'%'`.
 */
function rightRemedy(number: number, words: string): string | undefined {
  if (!denied.includes(number)) return undefined;
  const [, command, user, table] =
    /(\S[A-Z, ]*?) command denied to user ('[^']*'@'[^']*') for (?:table|column .* in table|routine) (\S+)/.exec(
      words,
    ) ?? [];
  if (command !== undefined)
    return `run as an administrator: GRANT ${command} ON ${quotedTable(table!)} TO ${user}; (its account, where that is another: SELECT CURRENT_USER() tells)`;
  const [, account, database] = /denied for user ('[^']*'@'[^']*') to database '([^']*)'/.exec(words) ?? [];
  if (account !== undefined)
    return `run as an administrator: GRANT ALL PRIVILEGES ON ${quoteName(database!)}.* TO ${account};`;
  const [, rights] = /you need \(at least one of\) the (.*?) privilege/.exec(words) ?? [];
  if (rights !== undefined)
    return `run as an administrator: GRANT ${rights.split(/,| or /)[0]!.trim()} ON *.* TO the user`;
  return number === 1419
    ? 'run as an administrator: SET GLOBAL log_bin_trust_function_creators = 1;'
    : 'log in as this user, and SHOW GRANTS; what the server asks for has to be granted by an administrator';
}

/** MariaDB quotes names; MySQL puts the table in its own quotes: `'v'` for one in the current database. */
function quotedTable(table: string): string {
  return table.startsWith('`') ? table : `the database's table ${table}`;
}

/** The number of the last error: `ERROR 1064 (42000)`, `Got error: 2002: "…"`, `… (1044)`, `Error 2013: …`. */
function numberIn(words: string): number | undefined {
  const found = [...words.matchAll(/\berror:? (\d{4})\b|\((\d{4})\)\s*$/gim)].at(-1);
  return found === undefined ? undefined : Number(found[1] ?? found[2]);
}
