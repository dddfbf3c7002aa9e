import { abortError, BackupError, isBackupError, ourError } from '../../core/domain/errors.ts';
import type { FailureCode } from '../../core/domain/errors.ts';

/** Remedies in `core` speak of the command line; these say the same for events. */
const hints: Partial<Record<FailureCode, string>> = {
  'target-not-empty':
    'give a new name in "to"; or, to drop what that database holds: "replace": true and "confirm" with its name',
};

/** Options of the command line, and what an event says instead. */
const keys: Record<string, string> = {
  '--no-owner': '"owners": false',
  '--no-tablespaces': '"tablespaces": false',
  '--keep-going': '"keepGoing": true',
  '--no-proof': '"proof": false',
  '--drop-old': '"dropOld": true',
  '--table': '"tables"',
  '--schema-only': '"schemaOnly": true',
};

/** A remedy in terms of events instead of options. */
export function inTermsOfEvents(hint: string): string {
  return hint.replace(/--into (\w+)/g, '"into": "$1"').replace(/--[a-z-]+/g, (option) => keys[option] ?? option);
}

/** The error of a failed run: after the deadline, any other error counts as its consequence. */
export function failureOf(error: unknown, signal: AbortSignal): BackupError {
  if (signal.aborted && !isBackupError(error, abortError(signal).code)) return abortError(signal);
  if (isBackupError(error))
    return new BackupError(error.code, error.lines, {
      hint: hints[error.code] ?? (error.hint && inTermsOfEvents(error.hint)),
      cause: error.cause,
    });
  return ourError(error);
}

/**
 * The error that Lambda is shown: it takes an error's name for its type. Only code, message and hint leave the
 * function.
 */
export function thrownOf({ code, message, hint }: BackupError): Error {
  const thrown = new Error(hint === undefined ? message : `${message} (hint: ${hint})`);
  thrown.name = code;
  thrown.stack = `${code}: ${thrown.message}`;
  return thrown;
}
