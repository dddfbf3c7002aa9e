import { unqualifiedTrigger } from '../../catalog/definition.ts';
import { bytesOf, linesOf } from '../../lines.ts';
import type { ByteStream } from '../../../../ports.ts';
import { byteText } from '../../quoting.ts';

/**
 * Takes the lines of a dump one by one: the name of the database goes from before a trigger's name and its table's, where
 * whoever made it wrote one, in whatever letters. Under another name of the database, such a trigger would be made in
 * the old one.
 */
export function triggersAnywhere(database: string): (line: string) => string {
  const name = byteText(database);
  let inHead = false;
  return (line) => {
    // of all that is dumped, triggers alone begin so
    if (!inHead && !line.startsWith('/*!50003 CREATE*/ ')) return line;
    const before = inHead ? 'TRIGGER ' : '';
    inHead = !/\bFOR\s+EACH\s+ROW\b/i.test(line) && !line.startsWith('*/;;');
    return unqualifiedTrigger(`${before}${line}`, name).slice(before.length);
  };
}

/** The same of a part of a backup: those of before had such names in them. */
export async function* withTriggersAnywhere(content: ByteStream, database: string): ByteStream {
  const anywhere = triggersAnywhere(database);
  for await (const lines of linesOf(content)) yield bytesOf(lines.map(anywhere));
}
