import { BackupError, messageOf } from '../../../domain/errors.ts';
import { quoteName } from '../quoting.ts';
import type { MariadbSession } from '../session.ts';

/** A view that the server can't open. `why`: the server's message. */
export type BrokenView = { name: string; why: string; number: number; error: BackupError };

const unknownError = 1105;
const executeDenied = 1370;
const noSuchTable = 1146;
/** Errors that are not about the view: limits of the server, its shutdown, a killed statement. */
const ofNoView = [1040, 1053, 1104, 1114, 1203, 1226, 1290, 1317, 1927, 1969, 3024];

/**
 * Which of these views of the session's database are broken: what they read or call is gone, or their definer or one of
 * its rights, or the server no longer understands them after an update. Listing a view's columns opens it, and runs
 * nothing of it. Throws errors that are no view's fault, and names the view.
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
    // MariaDB says no more about a view that it can't parse
    const words = number === unknownError ? await otherWords(session, name) : undefined;
    found.push({ name, why: words ?? messageOf(error.cause), number, error });
  }
  return found;
}

/** Adds the name to errors in which MySQL and MariaDB name no table. */
export function namingTable(error: unknown, name: string): unknown {
  const isNamed = (said: string) => ['`', "'"].some((quote) => said.includes(`${name}${quote}`));
  if (!(error instanceof BackupError) || isNamed(error.message)) return error;
  const { code, message, hint, cause } = error;
  return new BackupError(code, `${message} (table ${quoteName(name)})`, { hint, cause });
}

function isItsFault({ code, message }: BackupError, number: number, name: string): boolean {
  // an error of the server, not of the client, such as a lost connection
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
