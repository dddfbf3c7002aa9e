import { BackupError } from '../../../../domain/errors.ts';
import { unquoteName } from '../../quoting.ts';

/** One event of a dump: its lines, from its DROP to the next event's. `runs`: it is enabled. */
export type EventBlock = { name: string; runs: boolean; text: string };

/** The part after the rows, split where its events begin and end. Latin1 text: bytes as characters. */
export type AfterText = { before: string; events: EventBlock[]; behind: string };

const eventStart = '/*!50106 DROP EVENT IF EXISTS ';
const eventsEnd = '/*!50106 SET TIME_ZONE= @save_time_zone */';
const quoted = '(?:`(?:[^`]|``)*`|"(?:[^"]|"")*")';
const literal = `'(?:[^'\\\\]|\\\\.|'')*'`;
/** Its name in UTF-8: in the statement that makes it, the name is in the character set of the client that made it. */
const dropped = new RegExp(`^/\\*!50106 DROP EVENT IF EXISTS (${quoted}) `);
const head = new RegExp(
  `^(/\\*!50106 CREATE\\*/ /\\*!50117 (?:DEFINER=${quoted}@${quoted})?\\*/ /\\*!50106 EVENT (${quoted}) ON ` +
    `SCHEDULE (?:${literal}|[^'"\`])*? ON COMPLETION )` +
    `(NOT PRESERVE|PRESERVE) (ENABLE|DISABLE(?: ON SLAVE| ON REPLICA)?) `,
  'ms',
);

/** Splits the part after the rows. A line within a body is never taken for the beginning of an event. */
export function readAfterText(lines: readonly string[]): AfterText {
  const pieces: string[][] = [[]];
  let [delimiter, ended] = [';', false];
  for (const line of lines) {
    const outside = delimiter === ';';
    if (outside && !ended && (line.startsWith(eventStart) || (line.startsWith(eventsEnd) && pieces.length > 1))) {
      ended = line.startsWith(eventsEnd);
      pieces.push([]);
    }
    pieces.at(-1)!.push(line);
    delimiter = /^DELIMITER (\S+)\n/.exec(line)?.[1] ?? delimiter;
  }
  const texts = pieces.map((piece) => piece.join(''));
  return {
    before: texts[0]!,
    events: texts.slice(1, ended ? -1 : undefined).map(readBlock),
    behind: ended ? texts.at(-1)! : '',
  };
}

/** The event, disabled. A server accepts none whose time is past, unless it is `preserved`. */
export function disabledEvent({ text }: EventBlock, preserved = false): string {
  return text.replace(
    head,
    (_, start: string, _name: string, completion: string, status: string) =>
      `${start}${preserved ? 'PRESERVE' : completion} ${status === 'ENABLE' ? 'DISABLE' : status} `,
  );
}

/** The settings that a dump's events rely on, for those that are loaded alone. */
export const eventsHead =
  "/*!40101 SET NAMES utf8mb4 */;\n/*!40103 SET TIME_ZONE='+00:00' */;\n/*!40101 SET " +
  "SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;\n";

function readBlock(text: string): EventBlock {
  const found = head.exec(text);
  if (found === null) {
    throw new BackupError(
      'restore-failed',
      `this event of the backup is written in an unknown way, so it can't be loaded without letting it run: ` +
        `${text.slice(eventStart.length, 120)}`,
      {
        hint: 'restore by hand, with the event scheduler off: docs/restore-by-hand.md; and report this',
      },
    );
  }
  const name = unquoteName(dropped.exec(text)?.[1] ?? found[2]!);
  return { name: Buffer.from(name, 'latin1').toString('utf8'), runs: found[4] === 'ENABLE', text };
}
