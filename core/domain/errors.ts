import { oneLine } from './lines.ts';

/**
 * Every way Nightjar can fail, by name: callers branch on these, never on text. The comment says who is asked to act.
 */
export type FailureCode =
  | 'config-invalid' // the person who wrote the configuration
  | 'input-invalid' // the person at the command line, or the event of an invoke
  | 'secret-missing' // the person who keeps the secret
  | 'key-missing' // no configured identity opens a backup, or no private key fits: the person who keeps the keys
  | 'source-unreachable' // the database can't be reached, or refuses the login
  | 'source-unsupported' // a server too old or too new, or an object no dump can hold
  | 'source-changed' // the catalogue changed under the run: run again
  | 'lock-timeout' // a table was locked for longer than allowed
  | 'privilege-missing' // the role can't read all it must
  | 'tools-missing' // no database client program that fits
  | 'dump-failed' // the dump program failed
  | 'dump-cut' // the dump program succeeded, but its output is incomplete
  | 'restore-failed' // the restore program or the target refused
  | 'restore-incomplete' // a restore with --keep-going has skipped failures
  | 'target-not-empty' // the target of a restore holds objects
  | 'proof-failed' // what was restored differs from what was backed up
  | 'vault-unreachable' // the vault can't be reached
  | 'vault-denied' // the vault refuses our credentials or our role
  | 'vault-full' // no space, or a quota
  | 'vault-failed' // the vault did something other than asked
  | 'object-missing' // an object that a manifest names is not there
  | 'object-too-large' // a small object, such as a manifest, is larger than any can be
  | 'object-exists' // put-if-absent found one
  | 'part-corrupt' // a part's bytes are not those of the manifest
  | 'manifest-invalid' // a manifest can't be read
  | 'manifest-unsigned' // a manifest that has to be signed is not, or not by a configured key: who wrote it?
  | 'backup-plain' // a backup that has to be encrypted is not: who wrote it?
  | 'backup-missing' // no backup with this id, or none at all
  | 'rotation-refused' // rotation would remove more than it should, or can't know: the person at the command line
  | 'lease-held' // another run works on this source
  | 'lease-stuck' // nobody can read this source's lease, or it is dated far ahead: nightjar unlock
  | 'lease-lost' // another run has taken over from us
  | 'not-fresh' // a check found a source that is not as it must be
  | 'notify-failed' // a message could not be delivered
  | 'hook-failed' // a command of the hooks, or an event, failed
  | 'aborted' // somebody asked us to stop
  | 'machine-failed' // this machine refused something: a folder, a right, space
  | 'deadline' // our time is over
  | 'internal'; // a defect of ours

const damaged =
  'restore another backup, from: nightjar list; what else is damaged or gone is named by: nightjar verify';
const usualHints: Partial<Record<FailureCode, string>> = { 'part-corrupt': damaged, 'object-missing': damaged };

/**
 * The one error of this project: what was tried, on what, what happened; `hint` says what to do about it. Holds no
 * secret. Message and hint may contain names and words of a server, so line breaks in them are escaped: a line ends
 * only where we end it.
 */
export class BackupError extends Error {
  readonly code: FailureCode;
  readonly hint: string | undefined;
  /** The message, line by line: one line, unless it lists something. */
  readonly lines: readonly string[];
  /** How long the other side asks us to wait, in milliseconds. */
  readonly afterMs: number | undefined;
  /** What was asked for may have been done all the same: nobody may assume the contrary and do it again. */
  readonly mayBeDone: boolean;

  constructor(
    code: FailureCode,
    message: string | readonly string[],
    options: { hint?: string | undefined; cause?: unknown; afterMs?: number | undefined; mayBeDone?: boolean } = {},
  ) {
    const lines = (typeof message === 'string' ? [message] : message).map((line) => oneLine(line.trimEnd()));
    super(lines.join('\n'), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'BackupError';
    this.code = code;
    this.lines = lines;
    const hint = options.hint ?? usualHints[code];
    this.hint = hint === undefined ? undefined : oneLine(hint);
    this.afterMs = options.afterMs;
    this.mayBeDone = options.mayBeDone ?? (isBackupError(options.cause) && options.cause.mayBeDone);
  }
}

/** Whether `error` is ours and has one of `codes` (any, if none is given). */
export function isBackupError(error: unknown, ...codes: FailureCode[]): error is BackupError {
  return error instanceof BackupError && (codes.length === 0 || codes.includes(error.code));
}

/** Whether what failed with this error may have been done all the same. */
export function mayBeDone(error: unknown): boolean {
  return isBackupError(error) && error.mayBeDone;
}

/** Advice of Node for people who start Node themselves. */
const adviceOfNode = /; if the root CA is installed locally, try running Node\.js with --use-system-ca$/;

/** What happened, in one line, whatever was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message.replace(adviceOfNode, '') || error.name : String(error);
}

const systemCalls: Record<string, string> = {
  EACCES: 'give the user that runs this the right to it, or name another place',
  EPERM: 'give the user that runs this the right to it, or name another place',
  EROFS: 'what is mounted there can only be read: name another place',
  ENOENT: 'make what is missing, or correct its name',
  ENOTDIR: 'a file stands where a folder is needed: correct the path',
  ENOSPC: 'free some space there, then run again',
  EDQUOT: 'free some space there, or enlarge the quota, then run again',
  EFBIG: 'the limit on the size of a file is reached (ulimit -f)',
  EMFILE: 'raise the number of open files (ulimit -n), then run again',
  ENOMEM: 'this machine has no memory left: end something else, then run again',
};

/** The BackupError for anything thrown: a refused system call says what it was about; anything else is a defect. */
export function ourError(error: unknown): BackupError {
  if (isBackupError(error)) return error;
  const { code, syscall } = (error ?? {}) as { code?: unknown; syscall?: unknown };
  const hint = systemCalls[String(code)];
  if (typeof syscall === 'string' && hint !== undefined)
    return new BackupError('machine-failed', `this machine refused it: ${messageOf(error)}`, { hint, cause: error });
  return new BackupError('internal', messageOf(error), {
    hint: 'this is a defect of Nightjar: please report it',
    cause: error,
  });
}

/** The error of an aborted signal: its own reason if that is a BackupError, else `aborted`. */
export function abortError(signal: AbortSignal): BackupError {
  if (isBackupError(signal.reason)) return signal.reason;
  return new BackupError('aborted', 'stopped on request', { cause: signal.reason });
}

/** One error for several independent failures; a single one is returned unchanged. */
export function collected(errors: unknown[]): Error {
  const known = errors.filter((error) => isBackupError(error));
  if (errors.length === 1 && known.length === 1) return known[0]!;
  const first = known[0];
  const linesOf = (error: unknown): readonly string[] => (isBackupError(error) ? error.lines : [messageOf(error)]);
  // a list stays a list
  const lines = errors.some((error) => linesOf(error).length > 1)
    ? errors.flatMap(linesOf)
    : [...new Set(errors.map(messageOf))].join('; ');
  return new BackupError(first?.code ?? 'internal', lines, {
    hint: first?.hint,
    cause: new AggregateError(errors),
  });
}
