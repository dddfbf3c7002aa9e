import { BackupError, isBackupError } from '../../../domain/errors.ts';
import { plural } from '../../../domain/units.ts';
import { headOfStream } from '../../../pipeline/unpack/head.ts';
import type { Adoption, ByteStream } from '../../../ports.ts';
import type { Tools } from '../../../tools.ts';
import { placeOf } from '../../login.ts';
import type { Login } from '../../login.ts';
import { requireUsualSession } from '../preflight/usual.ts';
import { quoteName } from '../quoting.ts';
import { dropDrills } from '../restore/drill.ts';
import { openLoader } from '../restore/loader.ts';
import type { Feed } from '../restore/loader.ts';
import { looseSettings } from '../restore/loose-settings.ts';
import { atWork, holdClaim, untilClientsEnd } from '../restore/unfinished.ts';
import { withSession } from '../session.ts';
import type { MariadbSession } from '../session.ts';
import { dumpText, requireDump } from './dump-text.ts';
import { requireAlone, requireHarmless } from './trial.ts';
import { isHere } from '../exact-names.ts';

const headBytes = 4096;
const byBinaryLog = /\bERROR 1419\b/;
const withoutBinaryLog =
  'this server has its binary log on, and lets nobody make triggers and functions who could not do everything: name ' +
  'another one in adopt, or run on it, as an administrator: SET GLOBAL log_bin_trust_function_creators = 1;';

/**
 * Makes the database of `login`, which has no mark but its name, and loads dumps into it as its user, whose rights are
 * checked first. The claim on it lasts as long as its session.
 */
export async function openAdoption(login: Login, tools: Tools, signal: AbortSignal): Promise<Adoption> {
  const holder = await holdClaim(login, login.database, 0, signal);
  if (holder === undefined) throw atWork(login);
  try {
    await requireHarmless(holder, login);
    await requireUsualSession(holder, login);
    const settings = await looseSettings(holder);
    await dropDrills(holder, login.database, [], signal);
    await holder.rows(`CREATE DATABASE ${quoteName(login.database)} CHARACTER SET utf8mb4`);
    const feed = await loaderFor(holder, login, tools, settings);
    return {
      load: (dump, stop) => load(dump, login, feed, stop),
      requireAlone: (stop) => withSession(login, stop, requireAlone, null),
      async discard(stop) {
        const drop = async (session: MariadbSession) => {
          await untilClientsEnd(session, login.database, stop);
          await session.rows(`DROP DATABASE IF EXISTS ${quoteName(login.database)}`);
        };
        await withSession(login, stop, drop, null).finally(() => holder.close());
      },
    };
  } catch (error) {
    await holder.close();
    throw error;
  }
}

async function loaderFor(
  { rows, server }: MariadbSession,
  login: Login,
  tools: Tools,
  settings: string[],
): Promise<Feed> {
  const [row] = await rows('SELECT CURRENT_USER() AS user');
  const restorer = { server, user: row?.['user'] ?? '', database: login.database };
  return openLoader(login, tools, server, restorer, settings);
}

async function load(dump: ByteStream, login: Login, feed: Feed, signal: AbortSignal): Promise<string[]> {
  const { head, content } = await headOfStream(dump, headBytes);
  requireDump(head.toString('latin1'));
  const text = dumpText(content);
  await feed(text.content, signal).catch((error: unknown) => {
    throw inTermsOfAdoptions(error, login);
  });
  await requireNoEvents(login, signal);
  return [...text.leftOut].map(([what, count]) =>
    what === 'enabled event' ? `disabled: ${plural(count, 'event')}` : `left out: ${plural(count, what)}`,
  );
}

/** A running event would change what is being backed up. */
async function requireNoEvents(login: Login, signal: AbortSignal): Promise<void> {
  const found = await withSession(login, signal, ({ rows }) =>
    rows(
      `SELECT EVENT_NAME AS name FROM information_schema.EVENTS WHERE ${isHere('EVENT_SCHEMA')} AND STATUS = 'ENABLED'`,
    ),
  );
  if (found.length === 0) return;
  throw new BackupError('input-invalid', `the event ${quoteName(found[0]!['name'] ?? '')} of the dump runs by itself`, {
    hint: 'make the dump with mariadb-dump or mysqldump, whose events are known and disabled here',
  });
}

/** Removes hints about restore options, which don't apply here. */
function inTermsOfAdoptions(error: unknown, login: Login): unknown {
  if (!isBackupError(error, 'restore-failed', 'privilege-missing')) return error;
  return new BackupError(error.code, error.lines, { hint: hintFor(error, login), cause: error });
}

function hintFor({ code, message, hint }: BackupError, login: Login): string {
  if (byBinaryLog.test(message)) return withoutBinaryLog;
  if (code === 'privilege-missing')
    return (
      `${placeOf('mariadb', login)} may do nothing but work in its own database, and has to: what the dump asks for ` +
      'beyond that can’t be adopted; leave it out of the dump, or load it by hand and give that database a source of its own'
    );
  return hint ?? 'it must load into an empty database of this server without an error: try that by hand';
}
