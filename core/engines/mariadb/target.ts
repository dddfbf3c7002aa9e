import { BackupError, isBackupError } from '../../domain/errors.ts';
import type { Manifest, ManifestPart } from '../../contract/manifest.ts';
import { guarded } from '../../pipeline/guard.ts';
import { programInput } from '../../pipeline/program.ts';
import type { ByteStream, Catalog, LoadStep, Target, TargetOptions } from '../../ports.ts';
import type { Tools } from '../../tools.ts';
import { placeOf } from '../login.ts';
import type { Login } from '../login.ts';
import { holdings, readCatalog } from './catalog.ts';
import { dataGrammar } from './data-grammar.ts';
import { withCommit, withoutDefiners } from './load-text.ts';
import { loadRun } from './programs.ts';
import { plainWord, quoteName, quoteText } from './quoting.ts';
import { restoredEvents } from './restored-events.ts';
import { withSession } from './session.ts';
import type { Server } from './session.ts';

/** Building an index on a large table takes hours in which the client neither prints nor reads; a dead server shows through its connection. */
const restoreIdleLimitMs = 24 * 3600 * 1000;

type Found = { state: Target['state']; holds: string; server: Server };

/** A database to restore into, on the server of `login`. */
export async function openTarget(login: Login, tools: Tools, { manifest, catalog, owners, events = false }: TargetOptions, signal: AbortSignal): Promise<Target> {
  const found = await inspect(login, signal);
  const run = loadRun(tools, { ...login, idleLimitMs: restoreIdleLimitMs }, initCommand(login));
  let made = false;
  let touched = false;
  const feed = (text: ByteStream, stop: AbortSignal) =>
    programInput(run, text, stop).catch((cause: unknown) => {
      throw strange(cause, manifest.server, found.server);
    });
  const eventsHere = restoredEvents(login, feed);
  const step = (part: ManifestPart): LoadStep => ({
    part,
    label: labels[part.role] ?? part.file,
    load(content, stop) {
      const allowed = part.role === 'data' ? guarded(content, dataGrammar, part.file) : owners ? content : withoutDefiners(content);
      const text = withCommit(allowed, part.file);
      return part.role === 'after' ? eventsHere.load(text, stop) : feed(text, stop);
    },
  });
  const steps = (role: ManifestPart['role']) => manifest.parts.filter((part) => part.role === role).map(step);
  return {
    database: login.database,
    state: found.state,
    holds: found.holds,
    notes: [],
    failures: [],
    leftOut: [],
    async prepare(replace, stop) {
      const now = await inspect(login, stop);
      if (now.state === 'occupied' && !(replace && found.state === 'occupied')) throw occupied(login, now.holds);
      touched = true;
      if (now.state === 'empty' && found.state === 'empty') return;
      await create(login, catalog, now.state === 'occupied', stop);
      made = true;
    },
    stages: [steps('schema'), steps('data'), steps('after')],
    made: () => login.database,
    // a MariaDB database can't be renamed: the old one is gone since `prepare`
    finish(stop) {
      made = false; // proven: what fails from here on must not take it away
      return eventsHere.finish(events, stop);
    },
    keep: (stop) => eventsHere.finish(false, stop),
    async discard(stop) {
      if (made) await withSession(login, stop, (session) => session.rows(`DROP DATABASE ${quoteName(login.database)}`), null);
      made = false;
    },
    standing() {
      if (!touched) return `on the server nothing was changed`;
      if (made) return `database ${login.database} is there, and half restored`;
      return found.state === 'empty' ? `database ${login.database} may hold a part of the backup` : `database ${login.database} is gone`;
    },
    close: () => Promise.resolve(),
  };
}

const labels: Partial<Record<ManifestPart['role'], string>> = { schema: 'tables, routines and views', after: 'triggers and events' };

async function inspect(login: Login, signal: AbortSignal): Promise<Found> {
  const { server, exists } = await withSession(login, signal, async ({ server, rows }) =>
    ({ server, exists: await rows('SELECT 1 AS found FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?', [login.database]) }), null);
  if (exists.length === 0) return { state: 'absent', holds: '', server };
  const holds = await withSession(login, signal, async (session) => holdings(await readCatalog(session)));
  return { state: holds === '' ? 'empty' : 'occupied', holds, server };
}

/** What a server of another product, or an older one, refuses is no riddle. */
function strange(cause: unknown, from: Manifest['server'], to: Server): unknown {
  const isOther = from.product !== to.product || from.version.localeCompare(to.version, 'en', { numeric: true }) > 0;
  if (!isOther || !isBackupError(cause, 'restore-failed') || cause.hint !== undefined) return cause;
  return new BackupError('restore-failed', cause.message, {
    hint: `the backup is of ${from.product} ${from.version}, and this server, ${to.product} ${to.version}, does not know all that is in it: restore into ${from.product}, and not an older one`,
    cause,
  });
}

/** Plain CREATE: if somebody else has made the database meanwhile, it is theirs. */
async function create(login: Login, catalog: Catalog, replace: boolean, signal: AbortSignal): Promise<void> {
  const { 'character set': charset, collation, comment } = catalog['database'] ?? {};
  const made = charset === undefined ? '' : ` CHARACTER SET ${plainWord(charset)} COLLATE ${plainWord(collation)}`;
  const name = quoteName(login.database);
  await withSession(login, signal, async (session) => {
    if (replace) await session.rows(`DROP DATABASE ${name}`);
    await session.rows(`CREATE DATABASE ${name}${made}${comment === undefined ? '' : ` COMMENT ${quoteText(comment)}`}`);
  }, null).catch((error: unknown) => {
    const { cause } = error as { cause?: { errno?: unknown } };
    throw cause?.errno === 1007 ? occupied(login, 'what somebody else has just made') : error;
  });
}

function occupied(login: Login, holds: string): BackupError {
  return new BackupError('target-not-empty', `${placeOf('mariadb', login)} is not empty: it holds ${holds}`, {
    hint: 'restore into a new database, or replace what is there: --replace',
  });
}

/** One transaction for a part; the checks that would read every row again were kept by the source. The server's own mode may change what a `\` means. */
function initCommand(login: Login): string {
  const lockSeconds = Math.max(1, Math.ceil(login.lockTimeoutMs / 1000));
  return `SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO', autocommit = 0, foreign_key_checks = 0, unique_checks = 0, lock_wait_timeout = ${lockSeconds}, net_read_timeout = 86400, wait_timeout = 86400`;
}
