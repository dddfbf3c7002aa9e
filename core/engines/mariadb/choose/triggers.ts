import { BackupError } from '../../../domain/errors.ts';
import type { ByteStream } from '../../../ports.ts';
import { linesOf } from '../lines.ts';
import { nameIn } from './definitions.ts';

/** A trigger and its table, as written in its text. */
export type TriggerName = { name: string; table: string };

const eventStart = '/*!50106 DROP EVENT IF EXISTS ';
const eventsEnd = '/*!50106 SET TIME_ZONE= @save_time_zone */';
const word = '(?:`(?:[^`]|``)*`|[^\\s`.]+)';
const own = `(?:${word}\\s*\\.\\s*)?(${word})`;
const head = new RegExp(
  `\\bTRIGGER\\s+(?:IF\\s+NOT\\s+EXISTS\\s+)?${own}\\s+(?:BEFORE|AFTER)\\s+[A-Z,\\s]+?\\s+ON\\s+${own}\\s+FOR\\s+EACH\\s+ROW\\b`,
  'i',
);
/** Comments that a person wrote into it; not those of the dump, which some servers execute. */
const remarks = /\/\*(?!M?!).*?\*\/|(?:--\s|#)[^\n]*\n/gs;

/** The triggers in the part after the rows, in order. */
export async function triggersIn(content: ByteStream): Promise<TriggerName[]> {
  const found: TriggerName[] = [];
  for await (const { body } of blocksOf(content)) if (body !== undefined) found.push(readTrigger(body));
  return found;
}

/** The part after the rows without events, and with only some of its triggers. */
export async function* chosenTriggers(content: ByteStream, isChosen: (trigger: TriggerName) => boolean): ByteStream {
  for await (const { text, body } of blocksOf(content))
    if (body === undefined || isChosen(readTrigger(body))) yield Buffer.from(text, 'latin1');
}

/** A line between triggers, or the lines of one: `body`. Events are left out. */
async function* blocksOf(content: ByteStream): AsyncGenerator<{ text: string; body?: string }> {
  let [delimiter, inEvents] = [';', false];
  let body = '';
  for await (const lines of linesOf(content)) {
    for (const line of lines) {
      const isOutside = delimiter === ';';
      delimiter = /^DELIMITER (\S+)\n/.exec(line)?.[1] ?? delimiter;
      if (isOutside && line.startsWith(eventStart)) inEvents = true;
      else if (isOutside && line.startsWith(eventsEnd)) inEvents = false;
      if (inEvents) continue;
      if (isOutside && delimiter === ';') yield { text: line };
      else body += line;
      if (!isOutside && delimiter === ';') {
        yield { text: body, body };
        body = '';
      }
    }
  }
}

/** Throws `source-unsupported` for a trigger whose text does not show its table. */
function readTrigger(body: string): TriggerName {
  const [, name, table] = head.exec(body.replace(remarks, ' ')) ?? [];
  if (name !== undefined && table !== undefined) return { name: written(name), table: written(table) };
  throw new BackupError(
    'source-unsupported',
    `a trigger of the backup is written in an unknown way, so that nobody can tell which table it is on: ` +
      Buffer.from(body, 'latin1').toString('utf8').replace(/\s+/g, ' ').slice(0, 160),
    { hint: 'restore all of the backup, without --table; and report this' },
  );
}

function written(word: string): string {
  return word.startsWith('`') ? nameIn(word) : Buffer.from(word, 'latin1').toString('utf8');
}
