import { abortError, BackupError } from '../../../domain/errors.ts';
import type { ByteStream } from '../../../ports.ts';
import { placeOf } from '../../login.ts';
import type { Login } from '../../login.ts';
import { openCopySession } from '../copying/copy-session.ts';
import { explainRead, sessionOptions } from '../programs.ts';
import { explained } from '../session.ts';
import { copySteps } from './copy-script.ts';
import type { CopyContext, RowRange } from './copy-script.ts';

/**
 * What psql would print of these rows (copy-script.ts), by a session of our own: a psql for each part costs its start,
 * and two more copies of each byte. A chunk is good until the next is asked for.
 */
export async function* copiedOut(pieces: RowRange[], context: CopyContext, signal: AbortSignal): ByteStream {
  const { login, under } = context;
  const wishes = {
    name: 'nightjar',
    options: sessionOptions(under.serverMajor),
    idleLimitMs: login.idleLimitMs,
    failure: 'dump-failed' as const,
    explain: (cause: unknown) => readError(cause, login),
    hear: () => {},
  };
  const session = await openCopySession(login, wishes, signal);
  try {
    for (const { does, text } of copySteps(pieces, context)) {
      if (does === 'print') yield Buffer.from(`${text}\n`);
      else if (does === 'copy') yield* session.read(Buffer.from(text));
      else await session.run(Buffer.from(text));
    }
    if (signal.aborted) throw abortError(signal);
  } finally {
    await session.close();
  }
}

/** What the server has said means what it means to psql; all else is about the connection. */
function readError(cause: unknown, login: Login): BackupError {
  if (cause instanceof BackupError) return cause;
  const { severity, message } = cause as { severity?: string; message?: string };
  const known = severity === undefined ? undefined : explainRead(`${severity}:  ${message}`, login);
  return known ?? explained(cause, placeOf('postgres', login), login);
}
