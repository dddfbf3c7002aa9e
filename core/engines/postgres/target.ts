import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ManifestPart } from '../../contract/manifest.ts';
import { BackupError, isBackupError } from '../../domain/errors.ts';
import { guarded } from '../../pipeline/guard.ts';
import { programInput, programOutput } from '../../pipeline/program.ts';
import type { ByteStream, LoadStep, Target, TargetOptions } from '../../ports.ts';
import type { ProgramName, Tools } from '../../tools.ts';
import type { Login } from '../login.ts';
import { holdings, isEmpty } from './catalog.ts';
import { connectionString, createDatabase, discardDatabase, inspect, replaceDatabase, requireUnused } from './database.ts';
import { dataGrammar } from './data-grammar.ts';
import { postgresRun } from './programs.ts';
import { newRestrictKey, restricted, restrictLines } from './restricted.ts';

/** Building an index on a large table takes hours in which psql neither prints nor reads; a dead server shows through TCP keepalive. */
const restoreIdleLimitMs = 24 * 3600 * 1000;

/** The line that clients from 17 write, and servers before 17 refuse. */
const tooNew = 'SET transaction_timeout = 0;';

/**
 * A database to restore into, on the server of `login`. One that replaces another is made beside it, and takes its place only when all is
 * loaded and proven: whatever fails before costs nothing.
 */
export async function openTarget(login: Login, tools: Tools, { manifest, catalog, owners }: TargetOptions, signal: AbortSignal): Promise<Target> {
  const found = await inspect(login, signal);
  const empty = found.catalog !== undefined && isEmpty(found.catalog);
  const major = Math.max(found.serverMajor, Number.parseInt(manifest.client.version, 10));
  const run = (name: ProgramName, args: string[]) => postgresRun(tools, name, major, { ...into, idleLimitMs: restoreIdleLimitMs }, args, found.serverMajor);
  // with jobs, pg_restore logs in once more when all is done: a token has expired by then
  const lasts = typeof login.password !== 'object';
  let into = login;
  let made = false;

  /** Terse: the details of an error hold values of rows. */
  function psql(content: ByteStream, stop: AbortSignal, how: string[], key?: string): Promise<void> {
    return programInput(run('psql', ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', '--set=VERBOSITY=terse', ...how, '--file=-']), restricted(content, key), stop);
  }

  /** The archive goes through a file: pg_restore must jump in it to work in parallel. It holds definitions, no rows. */
  function section(name: 'pre-data' | 'post-data', ...how: string[]) {
    const key = newRestrictKey();
    const args = [`--section=${name}`, ...(owners ? [] : ['--no-owner', '--no-privileges'])];
    return (content: ByteStream, stop: AbortSignal) =>
      withFile(content, (file) =>
        major >= 17 && found.serverMajor < 17
          ? psql(withoutLines(programOutput(run('pg_restore', [...args, `--restrict-key=${key}`, '--file=-', file]), stop), [tooNew, ...restrictLines(key)]), stop, [], key)
          : programInput(run('pg_restore', [...args, ...how, '--exit-on-error', `--dbname=${connectionString(into.database)}`, file]), nothing(), stop));
  }

  const steps = (role: ManifestPart['role'], label: string, load: (content: ByteStream, stop: AbortSignal, part: ManifestPart) => Promise<void>) =>
    manifest.parts.filter((part) => part.role === role).map((part): LoadStep => ({ part, label: label || part.file, load: (content, stop) => load(content, stop, part).catch(older) }));
  /** What an older server refuses is no riddle. */
  function older(cause: unknown): never {
    const [from, to] = [manifest.server.version, found.serverMajor];
    if (!isBackupError(cause, 'restore-failed') || cause.hint !== undefined || to >= Number.parseInt(from, 10)) throw cause;
    throw new BackupError('restore-failed', cause.message, { hint: `the backup is of PostgreSQL ${from}, and this server, of ${to}, does not know all that is in it: restore into ${Number.parseInt(from, 10)} or newer`, cause });
  }
  const allowed = (content: ByteStream, part: ManifestPart) => guarded(content, dataGrammar, part.file);
  return {
    database: login.database,
    state: found.catalog === undefined ? 'absent' : empty ? 'empty' : 'occupied',
    holds: holdings(found.catalog ?? {}),
    notes: [],
    failures: [],
    leftOut: [],
    async prepare(replace, stop) {
      if (empty || (found.catalog !== undefined && !replace)) return;
      if (found.catalog !== undefined) {
        await requireUnused(login, stop);
        into = { ...login, database: `nightjar_new_${manifest.id}` };
      }
      await createDatabase(into, found.serverMajor, { catalog, owners }, stop);
      made = true;
    },
    stages: [
      // one transaction would hold a lock for each table, sequence and type: more than a server has by default for 3,000 tables
      steps('schema', 'definitions', section('pre-data', ...(major >= 17 ? ['--transaction-size=500'] : []))),
      steps('data', '', (content, stop, part) => psql(allowed(content, part), stop, ['--single-transaction'])).map((step) => ({ ...step, inspect: (content: ByteStream) => allowed(content, step.part) })),
      steps('schema', 'indexes and constraints', section('post-data', ...(lasts ? [`--jobs=${login.parallel}`] : []))),
    ],
    made: () => into.database,
    async finish(stop) {
      if (into !== login) await replaceDatabase(login, into, stop);
      return [];
    },
    keep: () => Promise.resolve([]),
    async discard(stop) {
      if (made) await discardDatabase(into, stop);
      made = false;
    },
    standing: () => (made ? `database ${into.database} is there` : found.catalog === undefined ? `there is no database ${login.database}` : `database ${login.database} is as it was`),
    close: () => Promise.resolve(),
  };
}

async function withFile(content: ByteStream, use: (file: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-'));
  try {
    const file = join(folder, 'schema.pgdump');
    await pipeline(content, createWriteStream(file, { mode: 0o600 }));
    await use(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Definitions without the lines that equal one of `unwanted`. */
async function* withoutLines(script: ByteStream, unwanted: string[]): ByteStream {
  let rest = '';
  for await (const chunk of script) {
    const lines = (rest + Buffer.from(chunk).toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    yield Buffer.from(lines.filter((line) => !unwanted.includes(line)).map((line) => `${line}\n`).join(''), 'latin1');
  }
  yield Buffer.from(rest, 'latin1');
}

async function* nothing(): ByteStream {}
