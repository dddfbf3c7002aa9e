import { plural } from '../../../domain/units.ts';
import type { ByteStream } from '../../../ports.ts';
import type { Login } from '../../login.ts';
import { disabledEvent, eventsHead, readAfterText } from './text/event-text.ts';
import type { EventBlock } from './text/event-text.ts';
import { bytesOf, linesOf } from '../lines.ts';
import { quoteName } from '../quoting.ts';
import { withSession } from '../session.ts';
import type { TextRow } from '../session.ts';
import { isHere } from '../exact-names.ts';

/** Feeds a text to the client, and returns what the server refused of it, if the restore may skip that. */
type EventFeed = (text: ByteStream, signal: AbortSignal) => Promise<{ object: string }[]>;

/**
 * The events of a backup in the database that it is restored into. They are made disabled: a running one would change
 * what was just restored before anybody has looked at it, and whatever database its body names.
 */
export type RestoredEvents = {
  /** Loads the part after the rows, with its events disabled. */
  load(part: ByteStream, signal: AbortSignal): Promise<void>;
  /**
   * Enables the events that ran in the source, if wanted; returns for people what does not run, and how to change that.
   */
  finish(enable: boolean, signal: AbortSignal): Promise<string[]>;
  /** The events that ran in the source. */
  running(): ReadonlySet<string>;
  /** Which of them don't run in the database of another login, for people. */
  idleIn(login: Login, signal: AbortSignal): Promise<string[]>;
};

const shown = 20;

/** The part after the rows as it is loaded: with its events disabled. */
export async function* disabledEvents(part: ByteStream): ByteStream {
  const { before, events, behind } = readAfterText((await Array.fromAsync(linesOf(part))).flat());
  yield* textOf([before, ...events.map((event) => disabledEvent(event)), behind]);
}

export function restoredEvents(login: Login, feed: EventFeed): RestoredEvents {
  let events: EventBlock[] = [];
  let refused = new Set<string>();

  /** A server does not even make an event whose time is past, unless it is preserved. */
  async function keepPast(signal: AbortSignal): Promise<void> {
    if (events.length === 0) return;
    const there = new Set((await readEvents(login, signal)).map(({ name }) => name));
    const past = events.filter(({ name }) => !there.has(name) && !refused.has(`event ${quoteName(name)}`));
    if (past.length > 0) await feed(textOf([eventsHead, ...past.map((event) => disabledEvent(event, true))]), signal);
  }
  const running = () => events.filter(({ runs }) => runs);
  const runningNames = () => new Set(running().map(({ name }) => name));
  const idleIn = async (place: Login, signal: AbortSignal): Promise<string[]> => {
    const names = runningNames();
    if (names.size === 0) return [];
    const found = await readEvents(place, signal);
    return idleNotes(
      place.database,
      found.filter(({ name, status }) => names.has(name ?? '') && status !== 'ENABLED'),
    );
  };
  return {
    running: runningNames,
    idleIn,
    async load(part, signal) {
      const { before, events: found, behind } = readAfterText((await Array.fromAsync(linesOf(part))).flat());
      events = found;
      refused = new Set(
        (await feed(textOf([before, ...events.map((event) => disabledEvent(event)), behind]), signal)).map(
          ({ object }) => object,
        ),
      );
      await keepPast(signal);
    },
    async finish(enable, signal) {
      if (enable && running().length > 0) {
        // as the dump writes them: ALTER EVENT would give them our own character set and user
        await feed(textOf([eventsHead, ...running().map(({ text }) => text)]), signal);
        await keepPast(signal);
      }
      return idleIn(login, signal);
    },
  };
}

async function readEvents(login: Login, signal: AbortSignal): Promise<TextRow[]> {
  return withSession(login, signal, ({ rows }) =>
    rows(
      `SELECT EVENT_NAME AS name, STATUS AS status, DEFINER AS definer, CHARACTER_SET_CLIENT AS charset, COLLATION_CONNECTION AS collation,
        COALESCE(EXECUTE_AT, ENDS) < CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', TIME_ZONE) AS past FROM information_schema.EVENTS WHERE ${isHere('EVENT_SCHEMA')} ORDER BY EVENT_NAME`,
    ),
  );
}

function idleNotes(database: string, idle: TextRow[]): string[] {
  const [past, waiting] = [
    idle.filter((event) => event['past'] === '1'),
    idle.filter((event) => event['past'] !== '1'),
  ];
  const named = (events: TextRow[]) =>
    `${events
      .slice(0, shown)
      .map(({ name }) => quoteName(name ?? ''))
      .join(', ')}${events.length > shown ? `, and ${events.length - shown} more` : ''}`;
  const statements = waiting
    .slice(0, shown)
    .map((event) => enabling(database, event))
    .join(' ');
  return [
    ...(waiting.length === 0
      ? []
      : [
          `${plural(waiting.length, 'event')} of the backup ${waiting.length === 1 ? 'is' : 'are'} disabled ` +
            `here, so that nothing changes by itself: ${named(waiting)}. To let them run: ${statements}`,
        ]),
    ...(past.length === 0
      ? []
      : [
          `the time of ${plural(past.length, 'event')} is past, so that the server would drop what it is told ` +
            `to run: kept, and disabled: ${named(past)}`,
        ]),
  ];
}

/**
 * Whoever alters an event becomes its definer, and its body is read in that user's character set from then on, unless
 * the statement says otherwise.
 */
function enabling(database: string, { name, definer, charset, collation }: TextRow): string {
  const at = (definer ?? '').lastIndexOf('@');
  const user = `${quoteName(definer!.slice(0, at))}@${quoteName(definer!.slice(at + 1))}`;
  return `SET NAMES ${charset} COLLATE ${collation}; ALTER DEFINER=${user} EVENT ${quoteName(database)}.${quoteName(name ?? '')} ENABLE;`;
}

async function* textOf(pieces: string[]): ByteStream {
  for (const piece of pieces) yield bytesOf([piece]);
}
