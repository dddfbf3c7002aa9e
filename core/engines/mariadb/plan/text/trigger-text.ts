import { unqualifiedTrigger } from '../../catalog/definition.ts';
import { bytesOf, linesOf } from '../../lines.ts';
import type { ByteStream } from '../../../../ports.ts';
import { byteText } from '../../quoting.ts';

/**
 * Rewrites the lines of a dump one by one: removes the database's name before a trigger's name and its table's, if its
 * author wrote one, in whatever letters. In a database of another name, such a trigger would be made in the old one.
 */
export function triggersAnywhere(database: string): (line: string) => string {
  const name = byteText(database);
  let inHead = false;
  return (line) => {
    // only triggers begin like this
    if (!inHead && !line.startsWith('/*!50003 CREATE*/ ')) return line;
    const before = inHead ? 'TRIGGER ' : '';
    inHead = !/\bFOR\s+EACH\s+ROW\b/i.test(line) && !line.startsWith('*/;;');
    return unqualifiedTrigger(`${before}${line}`, name).slice(before.length);
  };
}

/** The same for a part of a backup: older backups have such names in them. */
export async function* withTriggersAnywhere(content: ByteStream, database: string): ByteStream {
  const anywhere = triggersAnywhere(database);
  for await (const lines of linesOf(content)) yield bytesOf(lines.map(anywhere));
}
