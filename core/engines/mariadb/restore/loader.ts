import type { Manifest } from '../../../contract/manifest/manifest.ts';
import { BackupError } from '../../../domain/errors.ts';
import { programInput } from '../../../pipeline/program.ts';
import type { ByteStream } from '../../../ports.ts';
import type { Tools } from '../../../tools.ts';
import { placeOf, refusedHint } from '../../login.ts';
import type { Login } from '../../login.ts';
import { usualRefusal } from '../failures/explain.ts';
import { explainLoad, loadErrors } from './load-errors.ts';
import type { LoadError } from './load-errors.ts';
import { loadRun } from '../programs.ts';
import { remedyFor } from '../failures/remedies.ts';
import type { Restorer } from '../failures/remedies.ts';
import { newStatements } from './text/statements.ts';
import { clientClaim, newSlots } from './unfinished.ts';

/**
 * Feeds a text to the client. With `goOn`, what the server refuses is skipped and returned; otherwise it throws at the
 * first refusal. `checked`: unique keys are checked.
 */
export type Feed = (
  text: ByteStream,
  signal: AbortSignal,
  how?: { goOn?: boolean; checked?: boolean },
) => Promise<LoadError[]>;

/**
 * Building an index on a large table takes hours, during which the client neither prints nor reads; a dead server is
 * noticed by its connection.
 */
const restoreIdleLimitMs = 24 * 3600 * 1000;
/** For the errors that the client goes on after: some thousands. */
const errorBytes = 1024 ** 2;
const largestMemoryTable = 1024 ** 3;

/**
 * Loads texts into the database of `login`. Errors name the object, the beginning of its statement, and what to run, if
 * known.
 */
export function openLoader(
  login: Login,
  tools: Tools,
  from: Manifest['server'],
  restorer: Restorer,
  settings: readonly string[] = [],
  nextSlot = newSlots(),
): Feed {
  const place = placeOf('mariadb', login);
  const refusal = refusedHint(login, usualRefusal);
  return async (text, signal, { goOn = false, checked = false } = {}) => {
    const statements = newStatements();
    let words = '';
    const run = loadRun(
      tools,
      { ...login, idleLimitMs: restoreIdleLimitMs },
      initCommand(login, nextSlot(), [...settings, `unique_checks = ${checked ? 1 : 0}`]),
      goOn ? ['--force'] : [],
    );
    const heard = (said: string) => (goOn ? (words = said) : run.program.heard?.(said));
    const explain = (said: string) => explainLoad(said, statements, place, refusal);
    await programInput(
      { ...run, program: { ...run.program, heard }, heardBytes: errorBytes, explain },
      statements.passing(text),
      signal,
    ).catch((cause: unknown) => {
      throw withRemedy(cause, from, restorer);
    });
    return loadErrors(words, statements);
  };
}

/** The error of a statement or of the client with what to run, if known. */
export function withRemedy(cause: unknown, from: Manifest['server'], restorer: Restorer): unknown {
  if (!(cause instanceof BackupError)) return cause;
  const number = Number(
    /\bERROR (\d{4}) \(/.exec(cause.message)?.[1] ?? (cause.cause as { errno?: unknown } | undefined)?.errno,
  );
  const remedy = remedyFor(number, restorer, cause.message) ?? cause.hint ?? otherServer(from, restorer);
  return remedy === cause.hint
    ? cause
    : new BackupError(cause.code, cause.message, { hint: remedy, cause: cause.cause ?? cause });
}

/** A hint for when a server of another product, or an older one, refuses something. */
export function otherServer(from: Manifest['server'], { server: to }: Pick<Restorer, 'server'>): string | undefined {
  const isOther = from.product !== to.product || from.version.localeCompare(to.version, 'en', { numeric: true }) > 0;
  if (!isOther) return undefined;
  return `the backup is of ${from.product} ${from.version}, and this server, ${to.product} ${to.version}, does not know all that is in it: restore into ${from.product}, and not an older one`;
}

/**
 * One transaction for a part. Checks that would read every row again are off: the source kept them or, like MariaDB's
 * CHECK constraints, could switch them off, and then they would refuse rows here that the source has. The server's own
 * mode could change the meaning of `\`. A MEMORY table holds as many rows as the session that makes it allows.
 */
export function initCommand(login: Login, slot: number, settings: readonly string[]): string {
  const lockSeconds = Math.max(1, Math.ceil(login.lockTimeoutMs / 1000));
  const more = settings.map((setting) => `${setting}, `).join('');
  return `SET SESSION ${more}sql_mode = 'NO_AUTO_VALUE_ON_ZERO', autocommit = 0, completion_type = 0, sql_quote_show_create = 1, sql_buffer_result = 0, max_heap_table_size = CAST(GREATEST(@@max_heap_table_size, ${largestMemoryTable}) AS UNSIGNED), foreign_key_checks = 0, lock_wait_timeout = ${lockSeconds}, net_read_timeout = 86400, wait_timeout = 86400, ${clientClaim(login.database, slot)} /*M!100201 , check_constraint_checks = 0, tx_read_only = 0, max_statement_time = 0, innodb_strict_mode = 0 */ /*M!100804 , explicit_defaults_for_timestamp = 1 */ /*!50720 , transaction_read_only = 0, max_execution_time = 0 */`;
}
