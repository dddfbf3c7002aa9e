import { BackupError, messageOf } from '../../../domain/errors.ts';
import { quoteName } from '../quoting.ts';
import type { MariadbSession } from '../session.ts';

/** A view that the server can't open. `why`: in the server's words. */
export type BrokenView = { name: string; why: string; number: number; error: BackupError };

const unknownError = 1105;
const executeDenied = 1370;
const noSuchTable = 1146;
/** Limits of the server, its end, and who ended the statement. */
const ofNoView = [1040, 1053, 1104, 1114, 1203, 1226, 1290, 1317, 1927, 1969, 3024];

/**
 * Which of these views of the session's database mean nothing any more: what they read or call is gone, or their
 * definer or a right of that, or the server does not understand them since an update. To list the columns of a view is
 * to open it, and runs nothing of it. Throws what is no view's fault, and names the view.
 */
export async function brokenViews(session: MariadbSession, names: readonly string[]): Promise<BrokenView[]> {
  const found: BrokenView[] = [];
  for (const name of names) {
    const asked = session
      .rows(`SHOW FIELDS FROM ${quoteName(name)}`)
      .then(() => session.rows(`SHOW CREATE VIEW ${quoteName(name)}`));
    const error = await asked.then(
      () => undefined,
      (caught: unknown) => caught,
    );
    if (error === undefined) continue;
    const number = numberOf(error);
    if (!(error instanceof BackupError) || !isItsFault(error, number, name)) throw namingTable(error, name);
    // MariaDB says no more of a view that it can't parse
    const words = number === unknownError ? await otherWords(session, name) : undefined;
    found.push({ name, why: words ?? messageOf(error.cause), number, error });
  }
  return found;
}

/** MySQL and MariaDB name no table in some of their errors. */
export function namingTable(error: unknown, name: string): unknown {
  const isNamed = (said: string) => ['`', "'"].some((quote) => said.includes(`${name}${quote}`));
  if (!(error instanceof BackupError) || isNamed(error.message)) return error;
  const { code, message, hint, cause } = error;
  return new BackupError(code, `${message} (table ${quoteName(name)})`, { hint, cause });
}

function isItsFault({ code, message }: BackupError, number: number, name: string): boolean {
  // of the server's own, and of none of the client's, as a lost connection is
  if (!(number > 1000 && number < 2000) && !(number > 3000 && number < 5000)) return false;
  if (number === executeDenied) return true;
  if (ofNoView.includes(number)) return false;
  if (number === noSuchTable) return !message.includes(`.${name}'`); // else it was dropped just now
  return code !== 'lock-timeout' && code !== 'privilege-missing';
}

async function otherWords(session: MariadbSession, name: string): Promise<string | undefined> {
  return session.rows(`SHOW CREATE VIEW ${quoteName(name)}`).then(
    () => undefined,
    (error: unknown) => messageOf((error as { cause?: unknown }).cause),
  );
}

function numberOf(error: unknown): number {
  return Number((error as { cause?: { errno?: unknown } } | undefined)?.cause?.errno);
}
