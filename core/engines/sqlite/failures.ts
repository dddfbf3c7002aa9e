import { BackupError } from '../../domain/errors.ts';
import type { FailureCode } from '../../domain/errors.ts';
import type { Refusal } from './program/questions.ts';

type Meaning = { code: FailureCode; what: string; hint: string };

/** SQLite's primary result codes (https://sqlite.org/rescode.html). */
export const resultCodes = { busy: 5, readOnly: 8, corrupt: 11, cantOpen: 14, notDatabase: 26 } as const;

const locked: Meaning = {
  code: 'lock-timeout',
  what: 'is locked by another process for longer than lockTimeout allows',
  hint: 'does an application keep a transaction open, or the file in locking_mode=exclusive? then run again',
};
const meanings: Record<number, Meaning> = {
  [resultCodes.busy]: locked,
  6: locked,
  [resultCodes.corrupt]: {
    code: 'dump-failed',
    what: 'is damaged',
    hint: damagedHint(),
  },
  [resultCodes.cantOpen]: {
    code: 'source-unreachable',
    what: "can't be opened",
    hint: 'may this user read the file, and the files -wal and -shm beside it?',
  },
  [resultCodes.notDatabase]: notDatabase(),
};

/** What SQLite's refusal means for the user. */
export function refusedBy({ code, message }: Refusal, place: string): BackupError {
  const known = meanings[code & 0xff];
  if (known === undefined) return new BackupError('dump-failed', `${place}: SQLite refused: ${message} (${code})`);
  return new BackupError(known.code, `${place} ${known.what}: ${message}`, { hint: known.hint });
}

/** The file holds something else. */
export function notDatabase(): Meaning {
  return {
    code: 'source-unsupported',
    what: 'is no database of SQLite, or is encrypted by an extension (SQLCipher, SEE)',
    hint: 'correct the path; an encrypted database is a matter of its own tools',
  };
}

/** A damaged database is not stored: its backup would count as good until somebody needs it. */
export function damagedHint(): string {
  return (
    'nothing was stored, and the backups of before are kept. Stop the application, copy the file with its -wal as it ' +
    'is, and save what can be read: sqlite3 app.db .recover; or restore a backup'
  );
}
