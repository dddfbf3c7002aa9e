import type { ByteStream } from '../../ports.ts';
import { unqualified } from './definition.ts';
import type { Expected } from './expected.ts';
import { bytesOf, linesOf } from './lines.ts';
import { byteText, unquoteName } from './quoting.ts';
import { inOrderOfUse } from './view-order.ts';
import type { ViewBlock } from './view-order.ts';

/** The first line of a dump since mid-2024: clients older than that, and MySQL's own, stop at it, and nothing else needs it. */
export const sandboxLine = '/*M!999999\\- enable the sandbox mode */';

const viewMark = /^-- Final view structure for view (`(?:[^`]|``)*`)$/;
const trailer = '/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;';

/**
 * The definitions as mariadb-dump prints them, made to restore anywhere: `head` stands first, views come in the order they need each
 * other, and a default from a sequence does not name the database it came from. Views are held until the end, the rest flows.
 */
export async function* schemaText(dump: ByteStream, head: string, database: string, expected: Expected): ByteStream {
  const own = byteText(database);
  let [inTable, views] = [false, undefined as string[] | undefined];
  yield Buffer.from(head, 'utf8');
  for await (const batch of linesOf(dump)) {
    const lines = batch.filter((line) => !line.startsWith(sandboxLine)).map((line) => {
      expected.see(line);
      if (line.startsWith('CREATE TABLE ')) inTable = true;
      else if (line.startsWith(')')) inTable = false;
      return inTable ? unqualified(line, own) : line;
    });
    const first = views === undefined ? lines.findIndex((line) => viewMark.test(line.trimEnd())) : 0;
    if (first >= 0) (views ??= []).push(...lines.splice(first));
    if (lines.length > 0) yield bytesOf(lines);
  }
  expected.requireAll();
  if (views !== undefined) yield bytesOf(reordered(views));
}

/** From the first view's comment on: its `--` line stands before, and each block is taken to end with the `--` of the next. */
function reordered(lines: string[]): string[] {
  const end = lines.findLastIndex((line) => line.startsWith(trailer));
  if (end < 0) return lines;
  const blocks: ViewBlock[] = [];
  for (const line of lines.slice(0, end)) {
    const [, quoted] = viewMark.exec(line.trimEnd()) ?? [];
    if (quoted !== undefined) blocks.push({ name: unquoteName(quoted), lines: [] });
    blocks.at(-1)!.lines.push(line);
  }
  const last = blocks.at(-1)!;
  if (blocks.length > 1) last.lines.push('--\n');
  const sorted = inOrderOfUse(blocks).flatMap((block) => block.lines);
  return [...sorted.slice(0, blocks.length > 1 ? -1 : undefined), ...lines.slice(end)];
}
