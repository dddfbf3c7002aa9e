import { abortError, BackupError, isBackupError, ourError } from '../../core/domain/errors.ts';
import type { FailureCode } from '../../core/domain/errors.ts';

/** Remedies of the engine room speak of the command line; these are the same in an event's terms. */
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

/** A remedy without options of the command line. */
export function inTermsOfEvents(hint: string): string {
  return hint.replace(/--into (\w+)/g, '"into": "$1"').replace(/--[a-z-]+/g, (option) => keys[option] ?? option);
}

/** The error of ours that a failed run stands for: what the deadline has broken is the deadline's. */
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
 * What Lambda is thrown: it takes an error's name for the error's type. Nothing but code, message and hint leaves the
 * function.
 */
export function thrownOf({ code, message, hint }: BackupError): Error {
  const thrown = new Error(hint === undefined ? message : `${message} (hint: ${hint})`);
  thrown.name = code;
  thrown.stack = `${code}: ${thrown.message}`;
  return thrown;
}
