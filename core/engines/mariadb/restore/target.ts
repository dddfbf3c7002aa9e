import type { Manifest, ManifestPart } from '../../../contract/manifest/manifest.ts';
import { BackupError, isBackupError } from '../../../domain/errors.ts';
import { plural } from '../../../domain/units.ts';
import { piecesOf, streamOf } from '../../../pipeline/guard.ts';
import type { ByteStream, Catalog, LoadFailure, LoadStep, Target, TargetOptions } from '../../../ports.ts';
import type { Tools } from '../../../tools.ts';
import { placeOf } from '../../login.ts';
import type { Login } from '../../login.ts';
import { excerptOf } from '../choose/excerpt.ts';
import { dealRows } from './rows/dealing.ts';
import type { RowLoaders } from './rows/dealing.ts';
import { openRowSession } from './rows/row-session.ts';
import { dealingOf } from './rows/sharing.ts';
import { dataGrammar } from './text/data-grammar.ts';
import { withTriggersAnywhere } from '../plan/text/trigger-text.ts';
import { withCommit, withoutDefiners } from './text/load-text.ts';
import { looseSettings } from './loose-settings.ts';
import { openLoader, withRemedy } from './loader.ts';
import { longestStatement } from '../preflight/longest-statement.ts';
import { foresee } from '../preflight/foresee.ts';
import { inspectTarget } from './occupancy.ts';
import { noteOnNames } from '../catalog/names-note.ts';
import { needsOf } from '../preflight/needs.ts';
import { requireLoadable } from '../preflight/preflight.ts';
import { plainWord, quoteName, quoteText } from '../quoting.ts';
import { rehearse } from '../preflight/rehearsal.ts';
import type { Rehearsal } from '../preflight/rehearsal.ts';
import { disabledEvents, restoredEvents } from './restored-events.ts';
import { withSession } from '../session.ts';
import type { MariadbSession } from '../session.ts';
import { standingOf } from './standing.ts';
import type { RestoreStanding } from './standing.ts';
import { askTrue } from './assertion.ts';
import { dropDrills, requireOwnKeys } from './drill.ts';
import { atWork, clearMark, freedWithinSeconds, holdClaim, newSlots, setMark, untilClientsEnd } from './unfinished.ts';
import { requireUsualSession } from '../preflight/usual.ts';
import { keptDatabases } from '../swap/kept.ts';
import { freeName, halfMade, newName } from '../swap/names.ts';
import { isAsItWas, putInPlace } from '../swap/put-in-place.ts';
import { mendedNote, recoverSwap } from '../swap/swap.ts';

const labels: Partial<Record<ManifestPart['role'], string>> = {
  schema: 'tables, routines and views',
  after: 'triggers and events',
};

/**
 * A database to restore into, on the server of `login`. What replaces another is made in a database beside it, and
 * takes its place only when everything is loaded and proven: a failure before that costs nothing. `rehearse` finds most
 * failures before any row is loaded.
 */
export async function openTarget(
  login: Login,
  tools: Tools,
  given: TargetOptions,
  signal: AbortSignal,
): Promise<Target> {
  const { tables } = given;
  const excerpt = tables === undefined ? undefined : await excerptOf({ ...given, tables }, signal);
  const options = excerpt === undefined ? given : { ...given, catalog: excerpt.catalog };
  const { manifest, catalog, owners, proof = true, events = false, keepGoing = false, drill = false } = options;
  const { dropOld = false } = options;
  const settings = await withSession(
    login,
    signal,
    async (session) => {
      await requireUsualSession(session, login);
      return looseSettings(session);
    },
    null,
  );
  const found = await inspectTarget(login, catalog, signal);
  const restorer = {
    server: found.server,
    user: found.user,
    database: login.database,
    definers: owners ? (catalog['definer'] ?? {}) : {},
  };
  const aside = await besideOf(login, found.state, manifest, signal);
  const into: Login = aside === undefined ? login : { ...login, database: aside.whole };
  const nextSlot = newSlots();
  const asInto = { ...restorer, database: into.database };
  const loader = (database: string) =>
    openLoader({ ...login, database }, tools, manifest.server, asInto, settings, nextSlot);
  const intoTarget = loader(into.database);
  const rows = new Map(
    manifest.parts.filter(({ role }) => role === 'data').map(({ file }) => [file, longestStatement()]),
  );
  const definitions = (['schema', 'after'] as const).flatMap((role) =>
    manifest.parts.filter((part) => part.role === role),
  );
  const failures: LoadFailure[] = [];
  const swept: string[] = [];
  const mended: string[] = [];
  const now: RestoreStanding = { phase: 'untouched', was: found.state, beside: aside?.whole };
  let made = false;
  let holder: MariadbSession | undefined;

  const feed = async (text: ByteStream, stop: AbortSignal) => {
    const errors = await intoTarget(text, stop, { goOn: keepGoing });
    failures.push(...errors.map(({ object, error, statement }) => ({ object, error, statement })));
    return errors;
  };
  const eventsHere = restoredEvents(into, feed);
  const namesOfOld = async (at: Login, stop: AbortSignal) =>
    at.database === manifest.database
      ? []
      : withSession(at, stop, (session) => noteOnNames(session, manifest.database));
  /**
   * A part on its way to the client: a data part limited to what may be in one, definitions with or without definers.
   * Beside a database to be replaced they have none yet, because definers have rights only on that one.
   */
  function textOf(part: ManifestPart, content: ByteStream, owned = owners && aside === undefined): ByteStream {
    if (part.role === 'data') return withCommit(streamOf(apart(part, content)), part.file);
    const here = withTriggersAnywhere(content, manifest.database);
    const chosen = excerpt === undefined ? here : excerpt.chosenText(part, here);
    return withCommit(owned ? chosen : withoutDefiners(chosen), part.file);
  }
  const apart = ({ file }: ManifestPart, content: ByteStream) => {
    const pieces = piecesOf(content, dataGrammar, file);
    return excerpt === undefined ? pieces : excerpt.chosenPieces(pieces);
  };
  async function loadRows(part: ManifestPart, content: ByteStream, stop: AbortSignal): Promise<void> {
    const dealing = keepGoing ? undefined : await dealingOf(part, into, stop);
    if (dealing === undefined) return void (await feed(textOf(part, content), stop));
    const from = { from: manifest.server, restorer: asInto };
    const loaders: RowLoaders = {
      load: (text, end) => intoTarget(withCommit(text, part.file), end, { checked: true }),
      open: (end) => openRowSession(into, nextSlot(), settings, from, end),
    };
    await dealRows(apart(part, content), dealing, loaders, stop);
  }
  const steps = (role: ManifestPart['role']) =>
    manifest.parts
      .filter((part) => part.role === role && (excerpt === undefined || excerpt.isRead(part)))
      .map(
        (part): LoadStep => ({
          part,
          label: labels[part.role] ?? part.file,
          async load(content, stop) {
            if (part.role === 'data') return loadRows(part, content, stop);
            if (part.role !== 'after') await feed(textOf(part, content), stop);
            if (part.role === 'schema' && drill) await requireOwnKeys(login, stop);
            if (part.role !== 'after') return;
            await eventsHere.load(textOf(part, content), stop);
            await withSession(into, stop, (session) => clearMark(session, 'restore'));
            now.phase = 'filled';
          },
          inspect: (content) => textOf(part, content),
        }),
      );

  type Contents = (part: ManifestPart, signal: AbortSignal) => ByteStream;
  let rehearsal: Promise<Rehearsal> | undefined;
  /** Only once: whoever has seen a plan has exactly that one carried out. */
  function tried(contents: Contents, stop: AbortSignal): Promise<Rehearsal> {
    rehearsal ??= rehearse(
      {
        login,
        manifest,
        catalog,
        restorer,
        into: loader,
        definitions: (until, owned) =>
          definitions.map((part) => {
            const text = textOf(part, contents(part, until), owners && owned);
            return part.role === 'after' ? disabledEvents(text) : text;
          }),
        comparable:
          manifest.server.product === found.server.product &&
          majorOf(manifest.server.version) === majorOf(found.server.version),
      },
      stop,
    );
    return rehearsal;
  }

  async function discard(stop: AbortSignal): Promise<void> {
    if (!made || !['filling', 'filled'].includes(now.phase)) return;
    await withSession(login, stop, (session) => session.rows(`DROP DATABASE ${quoteName(into.database)}`), null);
    [made, now.phase] = [false, 'discarded'];
  }

  /** Claims the target for the duration of the restore. */
  async function claimPlace(stop: AbortSignal): Promise<MariadbSession> {
    holder = await holdClaim(login, login.database, found.atWork ? 0 : freedWithinSeconds, stop);
    if (holder === undefined) {
      now.phase = 'forestalled';
      throw atWork(login);
    }
    await untilClientsEnd(holder, login.database, stop);
    await dropDrills(holder, login.database, swept, stop);
    return holder;
  }

  /** Before anything is made: completes or reverts a replacement that died. */
  async function mendSwap(stop: AbortSignal): Promise<void> {
    const done = await recoverSwap(login, stop).catch(async (error: unknown) => {
      if (!(await isAsItWas(login))) now.phase = 'exchanging';
      throw error;
    });
    if (done === undefined) return;
    mended.push(mendedNote(login, done.how), ...done.lost);
  }

  async function swapIn(whole: string, stop: AbortSignal): Promise<string[]> {
    const copy = { whole, id: manifest.id, catalog, owners, dropOld, proven: proof };
    const running = events ? eventsHere.running() : new Set<string>();
    const done = () => void (now.phase = 'finished');
    try {
      const notes = await putInPlace(login, { ...copy, running }, done, stop);
      return [...(await eventsHere.idleIn(login, stop)), ...notes, ...(await namesOfOld(login, stop))];
    } catch (error) {
      if (now.phase !== 'finished') now.phase = (await isAsItWas(login)) ? 'kept' : 'exchanging';
      // somebody may already be working with the new tables
      if (now.phase === 'kept' || !isBackupError(error)) throw error;
      throw new BackupError(error.code, error.lines, { hint: error.hint, cause: error, mayBeDone: true });
    }
  }

  return {
    database: login.database,
    state: found.state,
    holds: found.holds,
    ...(aside !== undefined && !dropOld && { keptAs: aside.before }),
    notes: [...found.notes, ...eventsNote(Object.keys(catalog['event'] ?? {}).length, events)],
    failures,
    leftOut: [],
    ...(excerpt && { excerpt }),
    swept,
    mended,
    foresee: (replace, contents, stop) =>
      foresee(
        login,
        {
          options,
          restorer,
          ...found,
          aside,
          replace,
          definitions: () => concatenated(definitions.map((part) => textOf(part, contents(part, stop)))),
          tried: async () => (options.tries === true ? tried(contents, stop) : undefined),
        },
        stop,
      ),
    watch: ({ file }, chunk) => rows.get(file)?.write(chunk),
    async rehearse(contents, stop) {
      if (keepGoing) return [];
      const rehearsed = await tried(contents, stop);
      const longest = Math.max(0, ...[...rows.values()].map((one) => one.bytes()));
      const needs = () => needsOf(concatenated(definitions.map((part) => textOf(part, contents(part, stop)))));
      await requireLoadable(
        { login, restorer, rehearsed, needs, known: { manifest, catalog, owners, proof, longest } },
        stop,
      );
      return 'notHeld' in rehearsed
        ? [`the definitions could not be tried before the rows are loaded: ${rehearsed.notHeld}`]
        : [];
    },
    async prepare(replace, stop) {
      const statement = createStatement(into, catalog);
      const session = await claimPlace(stop);
      // only now: whoever had the claim until then may have finished a restore here
      const at = await inspectTarget(login, catalog, stop, true);
      const isNew = found.state === 'absent' && at.state !== 'absent' && !at.unfinished;
      if (isNew || (aside === undefined && at.state === 'occupied')) now.phase = 'forestalled';
      if (isNew) throw occupied(login, 'what somebody else has just made');
      if (at.state === 'occupied' && !(replace && found.state === 'occupied')) throw occupied(login, at.holds);
      if (aside !== undefined && at.state !== 'occupied') throw goneMeanwhile(login);
      if (aside !== undefined) {
        const exchanged = (await keptNames(session, login)).find((name) => !aside.kept.includes(name));
        if (exchanged !== undefined) now.phase = 'forestalled';
        if (exchanged !== undefined) throw exchangedMeanwhile(login, exchanged);
        await mendSwap(stop);
        await dropHalfMade(session, login, stop);
      }
      if (at.unfinished) {
        now.phase = 'dropping';
        await session.rows(`DROP DATABASE ${quoteName(login.database)}`);
      }
      if (aside !== undefined || at.state !== 'empty' || at.unfinished) {
        await create(session, statement, into).catch((error: unknown) => {
          if (isBackupError(error, 'target-not-empty')) now.phase = 'forestalled';
          throw withRemedy(error, manifest.server, restorer);
        });
        made = true;
      }
      now.phase = 'filling';
      await withSession(into, stop, (inside) => setMark(inside, 'restore', `${manifest.source} ${manifest.id}`));
    },
    stages: [steps('schema'), steps('data'), steps('after')],
    made: () => (now.phase === 'finished' ? login.database : into.database),
    assert: (statement, stop) => askTrue(into, statement, manifest.database, stop),
    async finish(stop) {
      if (drill) return discard(stop).then(() => []);
      if (aside !== undefined) return swapIn(aside.whole, stop);
      now.phase = 'finished';
      return [...(await eventsHere.finish(events, stop)), ...(await namesOfOld(login, stop))];
    },
    async keep(stop) {
      if (now.phase === 'finished') return [];
      if (drill) return discard(stop).then(() => []);
      now.phase = 'kept';
      const lasting =
        aside === undefined || !keepGoing
          ? []
          : [
              `database ${aside.whole} lasts until the next --replace of ${login.database}, which drops it: what you ` +
                'mend in it, rename into another database first',
            ];
      return [...lasting, ...(await eventsHere.finish(false, stop)), ...(await namesOfOld(into, stop))];
    },
    discard,
    standing: () =>
      drill && made
        ? `database ${login.database}, the drill's, is still there: the next drill on this server drops it`
        : standingOf(now, login.database, manifest),
    async close() {
      await holder?.close();
    },
  };
}

/** The names beside a database that is to be replaced: of the copy, of what it replaces, and of what is kept already. */
async function besideOf(login: Login, state: Target['state'], { id }: Manifest, signal: AbortSignal) {
  if (state !== 'occupied') return undefined;
  return withSession(
    login,
    signal,
    async (session) => ({
      whole: await newName(session, login, id),
      before: await freeName(session, login, { id }),
      kept: await keptNames(session, login),
    }),
    null,
  );
}

/** Every exchange adds one: what was looked at is there as long as none is new. */
async function keptNames(session: MariadbSession, login: Login): Promise<string[]> {
  return (await keptDatabases(session, login)).map(({ name }) => name);
}

/** What dead restores of this database have left. */
async function dropHalfMade(session: MariadbSession, login: Login, signal: AbortSignal): Promise<void> {
  for (const name of await halfMade(session, login)) {
    await untilClientsEnd(session, name, signal);
    await session.rows(`DROP DATABASE IF EXISTS ${quoteName(name)}`);
  }
}

async function* concatenated(streams: ByteStream[]): ByteStream {
  for (const stream of streams) yield* stream;
}

function eventsNote(count: number, run: boolean): string[] {
  if (count === 0) return [];
  return [
    run
      ? `${plural(count, 'event')}: those that ran in the source run again once all is proven (--no-events: none)`
      : `${plural(count, 'event')}: made, and disabled (--events: those that ran in the source run here too)`,
  ];
}

/** Throws `part-corrupt` for an invalid catalog, before anything is dropped. */
function createStatement(login: Login, catalog: Catalog): string {
  const { 'character set': charset, collation, comment } = catalog['database'] ?? {};
  const kind = charset === undefined ? '' : ` CHARACTER SET ${plainWord(charset)} COLLATE ${plainWord(collation)}`;
  return `CREATE DATABASE ${quoteName(login.database)}${kind}${comment === undefined ? '' : ` COMMENT ${quoteText(comment)}`}`;
}

/** Plain CREATE: if somebody else has made the database meanwhile, it is theirs. */
async function create(session: MariadbSession, statement: string, login: Login): Promise<void> {
  await session.rows(statement).catch((error: unknown) => {
    const { cause } = error as { cause?: { errno?: unknown } };
    throw cause?.errno === 1007 ? occupied(login, 'what somebody else has just made') : error;
  });
}

function occupied(login: Login, holds: string): BackupError {
  return new BackupError('target-not-empty', `${placeOf('mariadb', login)} is not empty: it holds ${holds}`, {
    hint: 'restore into a new database, or replace what is there: --replace',
  });
}

function goneMeanwhile(login: Login): BackupError {
  return new BackupError('source-changed', `what ${placeOf('mariadb', login)} held is gone meanwhile`, {
    hint: 'look who has done that; then run it again',
  });
}

function exchangedMeanwhile({ database }: Login, kept: string): BackupError {
  return new BackupError(
    'target-not-empty',
    `database ${database} is another one than was looked at: somebody has replaced it meanwhile, and ${kept} is kept`,
    { hint: 'look at it; then run the restore again' },
  );
}

/** `10.11` of 10.11.6: servers of one such version print definitions alike. */
function majorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}
