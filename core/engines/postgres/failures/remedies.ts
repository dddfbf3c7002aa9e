import { abortError, BackupError, isBackupError } from '../../../domain/errors.ts';
import type { FailureCode } from '../../../domain/errors.ts';
import { oneLine } from '../../../domain/lines.ts';
import type { LoadFailure } from '../../../ports.ts';
import type { Loading } from '../restore/loading.ts';
import { rightsOfOthers, rightsRemedy } from './rights.ts';
import { isLost, shortened } from '../restore/errors/restore-errors.ts';
import type { RefusedStatement } from '../restore/errors/restore-errors.ts';

/** What to do about a statement that failed; the last one is for unknown errors. */
const remedies: { pattern: RegExp; code: FailureCode; hint: string }[] = [
  {
    pattern: /role ".*" does not exist/s,
    code: 'restore-failed',
    hint: 'make the roles first (CREATE ROLE …), or leave out who owns what and whatever else names a role: --no-owner',
  },
  {
    pattern: /tablespace ".*" does not exist|default_tablespace/s,
    code: 'restore-failed',
    hint: 'make the tablespace first, or put everything into the default one: --no-tablespaces',
  },
  {
    pattern: /permission denied|must be (?:owner|member|superuser|able to)|only superusers?/i,
    code: 'privilege-missing',
    hint:
      'restore as a role that may do this (on a managed server its master user), or leave out who owns what and ' +
      'who may do what: --no-owner',
  },
  {
    pattern: /extension ".*" is not available|could not open extension control file/s,
    code: 'restore-failed',
    hint: 'install the extension on this server first, or restore what needs it not: --keep-going',
  },
  {
    pattern: /could not access file|could not load library|could not find function .* in file/,
    code: 'restore-failed',
    hint: 'install the library that the message names on this server, or restore what needs it not: --keep-going',
  },
  {
    pattern: /could not open [\w -]*file ".*\/tsearch_data\//,
    code: 'restore-failed',
    hint: 'copy that file to this server, or restore what needs it not: --keep-going',
  },
  {
    pattern: /security label provider/,
    code: 'restore-failed',
    hint: 'have this server load the provider (shared_preload_libraries), or restore without its labels: --keep-going',
  },
  {
    pattern: /could not create locale|could not open collator|invalid locale name/,
    code: 'restore-failed',
    hint: 'make that locale on the system of this server, and restart PostgreSQL; or restore what needs it not: --keep-going',
  },
  {
    pattern: /lock timeout|could not obtain lock/,
    code: 'lock-timeout',
    hint: 'another session holds a lock; see pg_stat_activity',
  },
  { pattern: /No space left on device|disk full/i, code: 'restore-failed', hint: 'the server has no space left' },
];
const anyOther = 'restore everything else, and get a list of what failed: --keep-going';

/** The error for the first refusal. `cause`: what the program ended with; it is thrown if nothing was refused. */
export function refusedError(
  refusals: readonly RefusedStatement[],
  cause: unknown,
  { place, user, database, from, serverMajor, shown }: Loading,
  signal: AbortSignal,
): unknown {
  if (signal.aborted) return abortError(signal);
  const lost = refusals.find(isLost);
  const refusal = lost ?? refusals[0];
  if (refusal === undefined) return cause;
  // an error of the content comes first: it ended the program
  if (
    isBackupError(cause, 'part-corrupt', 'object-missing') ||
    (isBackupError(cause) && cause.code.startsWith('vault-'))
  )
    return cause;
  const { object, error, statement } = failureOf(refusal, { shown });
  const said =
    `${place}: ` +
    `${[object, error, ...(statement === '' ? [] : [`statement: ${statement.replace(/;$/, '')}`])].filter((part) => part !== '').join(': ')}`;
  if (lost !== undefined)
    return new BackupError('restore-failed', said, {
      hint: 'the server, or the way to it, went away: is it up, and was there no limit to how long a session may last?',
      cause,
    });
  const { code, hint } = remedyFor(refusal.error, { user, into: database(), from, serverMajor }, refusal.statement);
  return new BackupError(code, said, { hint, cause });
}

/** What to do if a server refuses a statement of a backup `from` another server with these words. */
export function remedyFor(
  error: string,
  { user, into, from, serverMajor }: { user: string; into: string; from: string; serverMajor: number },
  statement = '',
): { code: FailureCode; hint: string } {
  const right = rightsOfOthers(error, statement, user) ?? rightsRemedy(error, user, into);
  if (right !== undefined) return { code: 'privilege-missing', hint: right };
  const known = remedies.find(({ pattern }) => pattern.test(error));
  const major = Number.parseInt(from, 10);
  const ofNewer =
    serverMajor < major
      ? `the backup is of PostgreSQL ${from}, and this server, of ${serverMajor}, does not know all that is in ` +
        `it: restore into ${major} or newer; or `
      : '';
  return { code: known?.code ?? 'restore-failed', hint: known?.hint ?? `${ofNewer}${anyOther}` };
}

/** A refusal as people read it. `shown` removes secrets; refusals are parsed before that. */
export function failureOf(
  { object, error, statement }: RefusedStatement,
  { shown }: Pick<Loading, 'shown'>,
): LoadFailure {
  return {
    object: oneLine(shown(object)),
    error: oneLine(shown(error)),
    statement: oneLine(shown(shortened(statement))),
  };
}
