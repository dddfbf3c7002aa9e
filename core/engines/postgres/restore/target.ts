import type { ManifestPart } from '../../../contract/manifest/manifest.ts';
import { BackupError, isBackupError, mayBeDone, messageOf } from '../../../domain/errors.ts';
import { isLost } from '../database/outcome.ts';
import type { ByteStream, LoadStep, Target, TargetOptions } from '../../../ports.ts';
import { piecesOf, streamOf } from '../../../pipeline/guard.ts';
import { redact } from '../../../pipeline/program.ts';
import type { ProgramRun } from '../../../pipeline/program.ts';
import type { Tools } from '../../../tools.ts';
import { placeOf } from '../../login.ts';
import type { Login } from '../../login.ts';
import { loadSection } from './archive.ts';
import { excerptOf } from '../choose/excerpt.ts';
import type { PostgresExcerpt } from '../choose/excerpt.ts';
import { onlyPlaceOfCron, withoutCron } from '../choose/without-cron.ts';
import { holdings, isEmpty } from '../catalog/catalog.ts';
import { membersKind } from '../catalog/members.ts';
import { claim } from '../database/claim.ts';
import type { Claim } from '../database/claim.ts';
import { createDatabase, inspect, settledStatements } from '../database/database.ts';
import type { FoundDatabase } from '../database/database.ts';
import { closingOptions } from '../database/statements.ts';
import { dataGrammar, ownerlessGrammar } from './text/data-grammar.ts';
import { discardDatabase } from '../database/discard.ts';
import { quoteIdentifier } from '../identifier.ts';
import { sweepHalfMade } from '../database/leftovers.ts';
import type { Loading } from './loading.ts';
import { loaderName } from '../client.ts';
import { inTransaction, maintain } from '../database/maintenance.ts';
import { setFunctionProperties } from '../database/function-properties.ts';
import { notesOf, notesOfOld } from './notes.ts';
import { foresee } from '../preflight/foresee.ts';
import { postgresRun, sessionOptions } from '../programs.ts';
import { committedWith, lanesOf } from './rows/lanes.ts';
import type { Lane } from './rows/lanes.ts';
import { loadRows } from './rows/load-rows.ts';
import type { RowLoading } from './rows/load-rows.ts';
import { openCopySession } from '../copying/copy-session.ts';
import { earlyIndexes } from './indexes/early-indexes.ts';
import { keptRows } from './rows-kept.ts';
import { isScratch } from '../database/scratch.ts';
import { loadScript } from './script.ts';
import { endTimescale, holdsTimescale, settleTimescale, tellTimescale } from './timescale.ts';
import { askTrue } from './assertion.ts';
import { withSession } from '../session.ts';
import { beginFilling, endFilling, isLeftAlone, leftHere, undoFilling } from '../unfinished/filling.ts';
import { placedBefore } from '../unfinished/placed-before.ts';
import { freeName, requireReplaceable, swapByHand, swapDatabases } from '../database/swap.ts';

/**
 * Building an index on a large table takes hours, during which psql neither prints nor reads; a dead server is noticed
 * by TCP keepalive.
 */
const restoreIdleLimitMs = 24 * 3600 * 1000;

/**
 * What this restore has made: nothing yet, or a database that is being filled, is kept for a person, or is in its
 * place.
 */
type MadeDatabase =
  | { state: 'none' | 'filling' | 'filled' | 'emptied' | 'dropped' | 'forestalled' }
  | { state: 'loading' | 'kept' | 'finished' | 'unknown'; name: string };

/**
 * A database to restore into, on the server of `login`. One that replaces another is made beside it, and takes its
 * place only when everything is loaded and proven: a failure before that costs nothing.
 */
export async function openTarget(
  login: Login,
  tools: Tools,
  given: TargetOptions,
  signal: AbortSignal,
): Promise<Target> {
  requireNoTemplate(login.database, given.manifest.database);
  const found = await inspect(login, signal);
  const excerpt = await chosenOf(login, tools, given, found, signal);
  const options = excerpt === undefined ? given : { ...given, catalog: excerpt.catalog };
  const { manifest, catalog, proof: proven = false, drill = false, dropOld = false, events = false } = options;
  const state = stateOf(found);
  let there = found.catalog;
  const before =
    state === 'occupied'
      ? await maintain(login, signal, (session) => freeName(session, login.database, manifest))
      : undefined;
  let made: MadeDatabase = { state: 'none' };
  let mine: Claim | undefined;
  const swept: string[] = [];
  const into = (): Login => ('name' in made ? { ...login, database: made.name } : login);
  const loading = { ...loadingOf(login, tools, options, found, into), ...(excerpt && { entries: excerpt.ids }) };
  const rows = keptRows(loading);
  const isWhole = excerpt === undefined && !loading.keepGoing;
  const lanes = found.skipsWal && isWhole ? lanesOf(manifest.parts, login.parallel) : new Map<string, Lane>();
  const early = isWhole ? earlyIndexes(manifest.parts, catalog, loading) : undefined;

  const steps = (
    role: ManifestPart['role'],
    label: string,
    load: (content: ByteStream, stop: AbortSignal, part: ManifestPart) => Promise<void>,
  ) =>
    manifest.parts
      .filter((part) => part.role === role && (role !== 'data' || excerpt === undefined || excerpt.isRead(part)))
      .map(
        (part): LoadStep => ({ part, label: label || part.file, load: (content, stop) => load(content, stop, part) }),
      );

  const closing = (name: string) => closingOptions(quoteIdentifier(name), catalog).map(({ sql }) => sql);

  async function swap(whole: string, stop: AbortSignal): Promise<string[]> {
    const settled = [...settledStatements(login.database, catalog), ...closing(login.database)];
    const keptAs = await swapDatabases(login, { whole, id: manifest.id, settled }, stop);
    made = { state: 'finished', name: login.database };
    return maintain(login, stop, (session) => notesOfOld(session, login, { before: keptAs, dropOld, proven })).catch(
      (error: unknown) => [`the old database is kept as ${keptAs} (${messageOf(error)})`],
    );
  }

  async function discard(stop: AbortSignal): Promise<void> {
    if (made.state === 'filling') {
      await undoFilling(login, stop);
      made = { state: 'emptied' };
    }
    if (made.state !== 'loading') return;
    await discardDatabase(into(), stop);
    made = { state: 'dropped' };
  }

  async function leave(stop: AbortSignal): Promise<void> {
    await endFilling(login, stop);
    made = { state: 'filled' };
  }

  async function keep(stop: AbortSignal): Promise<string[]> {
    if (made.state === 'filling') await leave(stop);
    if (made.state !== 'loading') return [];
    if (drill) return discard(stop).then(() => []);
    const { name } = made;
    await settle(name, stop);
    made = { state: 'kept', name };
    return jobsOf(name, false, stop);
  }

  function settle(name: string, stop: AbortSignal): Promise<void> {
    return maintain(login, stop, (session) =>
      inTransaction(session, [...settledStatements(name, catalog), ...closing(name)]),
    );
  }

  /** Closing options may keep everybody out of it: then its jobs can't run either. */
  async function jobsOf(database: string, start: boolean, stop: AbortSignal): Promise<string[]> {
    if (!holdsTimescale(catalog)) return [];
    return withSession({ ...login, database }, stop, (session) => settleTimescale(session, database, start)).catch(
      (error: unknown) => [`TimescaleDB's jobs were not started (${messageOf(error)})`],
    );
  }

  const grammar = options.owners ? dataGrammar : ownerlessGrammar;
  const judged = (content: ByteStream, part: ManifestPart) => piecesOf(content, grammar, part.file);
  const apart = (content: ByteStream, part: ManifestPart) =>
    excerpt === undefined ? judged(content, part) : excerpt.rowsOf(judged(content, part));
  return {
    database: login.database,
    state,
    holds: holdsOf(found),
    ...(before !== undefined && !dropOld && { keptAs: before }),
    notes: notesOf(options, found, login.database),
    failures: loading.failures,
    leftOut: loading.leftOut,
    ...(excerpt && { excerpt }),
    swept,
    ...(state === 'empty' && {
      wasThere: (kind, name, now) =>
        there?.[kind]?.[name] === now && (now !== undefined || kind.startsWith('database')),
    }),
    // nothing is set on a database that existed before
    afterProof: state === 'empty' ? [] : closingOptions('', catalog).map(({ kind, name }) => ({ kind, name })),
    foresee(replace, contents, stop) {
      const elsewhere = (at: Login, end: AbortSignal) => openTarget(at, tools, { ...given, keepGoing: true }, end);
      return foresee(login, { options, state, found, loading, replace, before, contents, elsewhere }, stop);
    },
    async prepare(replace, stop) {
      if (state === 'occupied' && !replace) return;
      if (state === 'empty') {
        made = { state: 'forestalled' };
        mine = await claim(login, stop, true);
        there = await beginFilling(login, given, stop);
        made = { state: 'filling' };
        return;
      }
      mine = await claim(login, stop);
      if (state === 'occupied') await requireReplaceable(login, found, stop);
      if (!isScratch(login)) await sweepHalfMade(login, swept, stop);
      const name = await createDatabase(
        login,
        { id: manifest.id, beside: state === 'occupied', catalog, state: drill ? 'drilling' : 'restoring' },
        loading,
        stop,
      ).catch((error: unknown) => {
        if (isBackupError(error, 'target-not-empty')) made = { state: 'forestalled' };
        throw error;
      });
      made = { state: 'loading', name };
    },
    stages: [
      steps('schema', 'definitions', async (content, stop) => {
        await loadSection('pre-data', content, loading, stop, early?.keep);
        if (holdsTimescale(catalog)) await withSession(into(), stop, (session) => session.rows(tellTimescale('pre')));
      }),
      steps('data', '', async (content, stop, part) => {
        if (loading.keepGoing) return rows.load(part.file, apart(content, part), stop);
        const lane = lanes.get(part.file);
        await loadRows(apart(content, part), lane, loading, stop);
        await early?.behind(committedWith(part.file, lane), stop);
      }).map((step) => ({
        ...step,
        line: lanes.get(step.part.file)?.line ?? step.part.file,
        inspect: (content: ByteStream) => streamOf(judged(content, step.part)),
      })),
      ...(loading.keepGoing
        ? [steps('data', 'rows, again', (content, stop, part) => rows.again(part.file, apart(content, part), stop))]
        : []),
      steps('schema', 'indexes and constraints', async (content, stop) => {
        if (excerpt !== undefined) await setPositions(excerpt.positions, loading, stop);
        await loadSection('post-data', content, loading, stop);
        if (holdsTimescale(catalog)) await withSession(into(), stop, endTimescale);
      }),
    ],
    made: () => into().database,
    assert: (statement, stop) => askTrue(into(), statement, stop),
    async finish(stop) {
      if (made.state === 'filling' && !drill) {
        await leave(stop);
        return jobsOf(login.database, events, stop);
      }
      if (made.state !== 'loading' || drill) return keep(stop);
      const { name } = made;
      if (name === login.database) {
        await settle(name, stop);
        made = { state: 'finished', name };
        return jobsOf(name, events, stop);
      }
      const notes = await swap(name, stop).catch(async (cause: unknown) => {
        if (made.state === 'finished') throw cause;
        if (mayBeDone(cause)) made = { state: 'unknown', name };
        if (made.state === 'unknown') throw cause;
        // the server went away: what was made is dropped now, or swept by the next run, which makes it anew
        if (isLost(cause)) throw lostAtSwap(login.database, cause);
        await keep(stop);
        throw notSwapped(login.database, name, manifest.id, cause);
      });
      return [...notes, ...(await jobsOf(login.database, events, stop))];
    },
    keep,
    discard,
    standing: () => standing(login.database, state, made, drill),
    close: async () => void (await Promise.all([early?.close(), mine?.release()])),
  };
}

/** Which tables are restored, if not all are; programs of the layer read the archive, without a server. */
async function chosenOf(
  login: Login,
  tools: Tools,
  options: TargetOptions,
  found: FoundDatabase,
  signal: AbortSignal,
): Promise<PostgresExcerpt | undefined> {
  const { tables } = options;
  const { run } = loadingOf(login, tools, options, found, () => login);
  const reading = (args: string[]) => run('pg_restore', args);
  if (tables !== undefined) return excerptOf({ ...options, tables }, reading, signal);
  const onlyIn = await onlyPlaceOfCron(options.catalog, (ask) => maintain(login, signal, ask));
  if (onlyIn === undefined || onlyIn === login.database) return undefined;
  return withoutCron(options, onlyIn, reading, signal);
}

/** Sets positions as a data part would, without reading the part with the positions of all sequences. */
async function setPositions(positions: readonly string[], loading: Loading, signal: AbortSignal): Promise<void> {
  async function* script(): ByteStream {
    yield Buffer.from(`SET client_encoding = 'UTF8';\n${positions.join('')}`);
  }
  const judged = streamOf(piecesOf(script(), ownerlessGrammar, 'manifest.json'));
  if (positions.length > 0) await loadScript(judged, { whole: true }, loading, signal);
}

function loadingOf(
  login: Login,
  tools: Tools,
  { manifest, catalog, owners, tablespaces = true, keepGoing = false }: TargetOptions,
  found: FoundDatabase,
  into: () => Login,
): RowLoading {
  const { serverMajor } = found;
  const clientMajor = Math.max(serverMajor, Number.parseInt(manifest.client.version, 10));
  const secrets = new Set<string>();
  // with jobs, pg_restore logs in again when everything is done, and a token has expired by then
  const jobs = typeof login.password === 'object' ? 1 : login.parallel;
  return {
    run: (name, args) =>
      noting(
        secrets,
        postgresRun(tools, name, clientMajor, { ...into(), idleLimitMs: restoreIdleLimitMs }, args, serverMajor),
      ),
    openRows: (wishes, stop) =>
      openCopySession(
        into(),
        {
          ...wishes,
          name: loaderName,
          options: sessionOptions(serverMajor),
          idleLimitMs: restoreIdleLimitMs,
          failure: 'restore-failed',
        },
        stop,
      ),
    heard: tools.program('psql', clientMajor).heard,
    shown: (text) => redact(text, [...secrets]),
    place: placeOf('postgres', login),
    user: login.user,
    clientMajor,
    serverMajor,
    from: manifest.server.version,
    database: () => into().database,
    ...(catalog[membersKind] !== undefined && {
      onExtensions: (stop) => withSession(into(), stop, (session) => setFunctionProperties(session, catalog)),
    }),
    owners,
    tablespaces,
    keepGoing,
    there: placedBefore(found),
    jobs,
    made: new Set(),
    failures: [],
    leftOut: [],
  };
}

/**
 * Runs a program that fills a database. Notes what is secret to it when it starts: its output is parsed unchanged, and
 * shown without secrets.
 */
function noting(secrets: Set<string>, run: ProgramRun): ProgramRun {
  return {
    ...run,
    env: { ...run.env, PGAPPNAME: loaderName },
    async secretEnv(signal) {
      const own = (await run.secretEnv?.(signal)) ?? {};
      for (const secret of Object.values(own)) secrets.add(secret);
      return own;
    },
  };
}

function notSwapped(database: string, whole: string, id: string, cause: unknown): BackupError {
  return new BackupError(
    'restore-failed',
    `all is restored, but could not take the place of database ${database}: ${messageOf(cause)}`,
    {
      hint: `when nobody is connected to ${database}, put it there by hand: ${swapByHand(database, whole, id)}`,
      cause,
    },
  );
}

function lostAtSwap(database: string, cause: unknown): BackupError {
  return new BackupError(
    'restore-failed',
    `all was restored, but could not take the place of database ${database}: ${messageOf(cause)}`,
    { hint: 'run it again once the server is there', cause },
  );
}

/** What is on the server now. */
function standing(database: string, before: Target['state'], made: MadeDatabase, drill: boolean): string {
  const old = before === 'occupied' ? `database ${database} is as it was` : `there is no database ${database}`;
  switch (made.state) {
    case 'none':
      return before === 'empty' ? `database ${database} is empty, as it was` : old;
    case 'filling':
      return `database ${database}, which was empty, may hold a part of the backup now: the next restore into it empties it`;
    case 'filled':
      return `what was restored is kept in database ${database}, which was empty`;
    case 'emptied':
      return `what was restored is dropped again, and database ${database} is empty, as it was`;
    case 'forestalled':
      return `database ${database} is as somebody else has made it`;
    case 'dropped':
      return `what was restored is dropped again, and ${old}`;
    case 'loading':
      if (drill) return `database ${made.name}, the drill's, is still there: the next drill on this server drops it`;
      return `database ${made.name}, half restored, is still there: the next restore into ${database} drops it${before === 'occupied' ? `; ${old}` : ''}`;
    case 'kept':
      return `what was restored is kept in database ${made.name}: drop it when it is not needed any more${before === 'occupied' ? `; ${old}` : ''}`;
    case 'unknown':
      return `the restored database is ${database} now, or still ${made.name}`;
    case 'finished':
      return `database ${database} is the restored one`;
  }
}

/** What an interrupted restore left here counts as empty, unless somebody else put something beside it. */
function stateOf({ catalog, left }: FoundDatabase): Target['state'] {
  if (catalog === undefined) return 'absent';
  if (left !== undefined) return isLeftAlone(left) ? 'empty' : 'occupied';
  return isEmpty(catalog) ? 'empty' : 'occupied';
}

function holdsOf({ catalog = {}, left }: FoundDatabase): string {
  return left === undefined || isLeftAlone(left) ? holdings(catalog) : leftHere(left);
}

/**
 * Every database made later would contain what is restored into a template. Only template1's own backup may go there,
 * because it did so before.
 */
function requireNoTemplate(database: string, of: string): void {
  if (!/^template[01]$/.test(database) || (database === 'template1' && of === database)) return;
  throw new BackupError(
    'input-invalid',
    `${database} is what every new database is made of: nothing is restored into it`,
    { hint: 'name another database' },
  );
}
