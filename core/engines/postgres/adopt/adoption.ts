import { BackupError, isBackupError, messageOf } from '../../../domain/errors.ts';
import { plural } from '../../../domain/units.ts';
import { headOfStream } from '../../../pipeline/unpack/head.ts';
import { programOutput } from '../../../pipeline/program.ts';
import type { Adoption, ByteStream } from '../../../ports.ts';
import type { Tools } from '../../../tools.ts';
import { placeOf } from '../../login.ts';
import type { Login } from '../../login.ts';
import { claim } from '../database/claim.ts';
import { createDatabase } from '../database/database.ts';
import { discardDatabase } from '../database/discard.ts';
import { sweepHalfMade } from '../database/leftovers.ts';
import { maintain } from '../database/maintenance.ts';
import { postgresRun } from '../programs.ts';
import type { Loading } from '../restore/loading.ts';
import { loadScript } from '../restore/script.ts';
import { newRestrictKey } from '../restore/text/restricted.ts';
import { dumpText } from './dump-text.ts';
import { requireAlone, requireHarmless } from './trial.ts';

/** Indexes of large tables take hours, during which psql neither prints nor reads. */
const idleLimitMs = 24 * 3600 * 1000;
/** The beginning of a custom archive, and of a tar archive, whose first file is its table of contents. */
const archiveMarks = ['PGDMP', 'toc.dat\0'];
const headBytes = 4096;
const tooNew = /unsupported version \(/;
const ofOthers = /^(?:-- (?:MySQL|MariaDB) dump|\/\*M?!)/m;
const ofServers = /^-- PostgreSQL database cluster dump$/m;

/**
 * Makes the database of `login`, which must not exist, and loads dumps into it as its user, whose rights are checked
 * first.
 */
export async function openAdoption(login: Login, tools: Tools, signal: AbortSignal): Promise<Adoption> {
  const mine = await claim(login, signal);
  try {
    const serverMajor = await maintain(login, signal, async (session) => {
      await requireHarmless(session, login);
      return session.serverMajor;
    });
    await sweepHalfMade(login, [], signal);
    const loading = loadingOf(login, tools, serverMajor);
    // `public` exists in every database that a dump is made for
    const catalog = { database: { encoding: 'UTF8' }, schema: { public: '' } };
    await createDatabase(login, { id: 'adopt', beside: false, catalog, state: 'drilling' }, loading, signal);
    return {
      load: (dump, stop) => load(dump, loading, tools, stop),
      requireAlone: (stop) => maintain(login, stop, (session) => requireAlone(session, login)),
      async discard(stop) {
        await discardDatabase(login, stop).finally(() => mine.release());
      },
    };
  } catch (error) {
    await mine.release();
    throw error;
  }
}

async function load(dump: ByteStream, loading: Loading, tools: Tools, signal: AbortSignal): Promise<string[]> {
  const { head, content } = await headOfStream(dump, headBytes);
  const isArchive = archiveMarks.some((mark) => head.toString('latin1').startsWith(mark));
  if (!isArchive) requireText(head.toString('latin1'));
  const text = dumpText(isArchive ? printed(content, tools, signal) : content, loading.serverMajor);
  await loadScript(text.content, { key: newRestrictKey(), whole: true }, loading, signal).catch((error: unknown) => {
    throw inTermsOfAdoptions(error, loading);
  });
  return [...text.leftOut].map(([what, count]) => `left out: ${plural(count, what)}`);
}

function requireText(head: string): void {
  if (ofOthers.test(head))
    throw new BackupError('input-invalid', 'this is a dump of MariaDB or MySQL, and the source is of PostgreSQL', {
      hint: 'name a source of that engine',
    });
  if (ofServers.test(head))
    throw new BackupError('input-invalid', 'this is a dump of a whole server, by pg_dumpall', {
      hint: 'take one of the database alone: pg_dump --format=custom <database>',
    });
}

/** The text of an archive, printed without a login; it goes to psql, which obeys none of its client commands. */
async function* printed(archive: ByteStream, tools: Tools, signal: AbortSignal): ByteStream {
  const args = ['--no-owner', '--no-privileges', '--no-tablespaces', '--file=-'];
  const program = tools.program('pg_restore');
  try {
    yield* programOutput({ program, args, input: archive, env: { HOME: '/nonexistent' }, idleLimitMs }, signal);
  } catch (cause) {
    if (!isBackupError(cause, 'dump-failed')) throw cause;
    const hint = tooNew.test(cause.message)
      ? 'take a plain dump of the same database, or let a pg_restore of that version print it: pg_restore --file=dump.sql <archive>'
      : 'it was cut off, or is damaged: look for another copy of it';
    throw new BackupError('dump-cut', `the archive can't be read: ${messageOf(cause)}`, { hint, cause });
  }
}

function loadingOf(login: Login, tools: Tools, serverMajor: number): Loading {
  return {
    run: (name, args) => postgresRun(tools, name, serverMajor, { ...login, idleLimitMs }, args, serverMajor),
    shown: (text) => text,
    place: placeOf('postgres', login),
    user: login.user,
    clientMajor: serverMajor,
    serverMajor,
    from: String(serverMajor),
    database: () => login.database,
    owners: false,
    tablespaces: false,
    keepGoing: false,
    jobs: 1,
    made: new Set(),
    there: [],
    failures: [],
    leftOut: [],
  };
}

/** Removes hints about restore options, which don't apply here. */
function inTermsOfAdoptions(error: unknown, { user }: Loading): unknown {
  if (!isBackupError(error, 'restore-failed', 'privilege-missing')) return error;
  const hint =
    error.code === 'privilege-missing'
      ? `${user} may do nothing but work in its own database, and has to: what the dump asks for beyond that can't be ` +
        'adopted; leave it out of the dump, or load it by hand and give that database a source of its own'
      : 'it must load into an empty database of this server without an error: try that by hand, with psql and ON_ERROR_STOP';
  return new BackupError(error.code, error.lines, { hint, cause: error });
}
