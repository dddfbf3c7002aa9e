import type { LineOrder } from './text/definition-text.ts';
import { withoutLastSemicolons } from '../catalog/last-semicolon.ts';
import { byteText, unquoteName } from '../quoting.ts';

/** The text of one object: its lines in the dump. */
type ObjectText = { name: string; lines: string[] };

const viewMark = /^-- Final view structure for view (`(?:[^`]|``)*`)\n/;
const trailer = '/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;';
const tableReference = /(?:\bfrom|\bjoin|\(|,)\s*(`(?:[^`]|``)*`)(?!\.)/gi;

/**
 * Orders views so that each comes after those it reads. mariadb-dump writes them by name over placeholders, but a view
 * WITH CHECK OPTION can't be made on a placeholder, so its own order does not always restore. Views that seem to read
 * each other keep their order.
 */
export const viewsInOrderOfUse: LineOrder = {
  from: viewMark,
  arrange(lines) {
    const end = lines.findLastIndex((line) => line.startsWith(trailer));
    const blocks: ObjectText[] = [];
    for (const line of lines.slice(0, Math.max(end, 0))) {
      const [, quoted] = viewMark.exec(line) ?? [];
      if (quoted !== undefined) blocks.push({ name: unquoteName(quoted), lines: [] });
      blocks.at(-1)?.lines.push(line);
    }
    if (blocks.length < 2) return lines;
    // the line above a view's mark came with the block before it, and the last block lacks it
    blocks.at(-1)!.lines.push('--\n');
    return [
      ...inOrderOfUse(blocks)
        .flatMap((block) => block.lines)
        .slice(0, -1),
      ...lines.slice(end),
    ];
  },
};

const triggerHead = /^(?:ALTER DATABASE CHARACTER SET |\/\*!50003 SET @saved_cs_client )/;
/** MariaDB prints a trigger as it was typed, including comments. */
const between = String.raw`(?:\s|/\*(?!M?!).*?\*/|(?:--\s|#)[^\n]*\n)`;
const triggerName = new RegExp(
  String.raw`/\*!50003 TRIGGER${between}+(?:IF${between}+NOT${between}+EXISTS${between}+)?` +
    '(?:(`(?:[^`]|``)*`)|"((?:[^"]|"")*)"|([^\\s`"/#-][^\\s`"/]*)(?=[\\s/]))',
  'is',
);
const triggerEnd = '/*!50003 SET collation_connection  = @saved_col_connection */ ;';

/**
 * Triggers in the order in which they fire, which is the order in which they must be made: MySQL lists them to
 * mariadb-dump in any order. `order`: each one's position among those of its table, event and time; those `leftOut` are
 * not made.
 */
export function triggersInOrder(
  order: ReadonlyMap<string, number>,
  leftOut: ReadonlySet<string> = new Set(),
): LineOrder {
  const absent = new Set([...leftOut].map(byteText));
  const places = new Map([...order].map(([name, place]) => [byteText(name), place]));
  return {
    from: triggerHead,
    arrange(lines) {
      const blocks: ObjectText[] = [];
      let at = 0;
      while (at < lines.length && triggerHead.test(lines[at]!)) {
        const last =
          lines.findIndex((line, index) => index >= at && line.startsWith(triggerEnd)) +
          (lines[at]!.startsWith('ALTER') ? 2 : 1);
        const block = lines.slice(at, last);
        const [, quoted, doubled, typed] = triggerName.exec(block.join('')) ?? [];
        const name = quoted === undefined ? (doubled?.replaceAll('""', '"') ?? typed) : unquoteName(quoted);
        if (name === undefined) break;
        blocks.push({ name, lines: block });
        at = last;
      }
      const place = ({ name }: ObjectText) => places.get(name) ?? 0;
      return withoutLastSemicolons([
        ...blocks
          .filter((block) => !absent.has(block.name))
          .toSorted((a, b) => place(a) - place(b))
          .flatMap((block) => block.lines),
        ...lines.slice(at),
      ]);
    },
  };
}

function inOrderOfUse(views: ObjectText[]): ObjectText[] {
  const byName = new Map(views.map((view) => [view.name, view]));
  const [ordered, entered] = [new Set<ObjectText>(), new Set<ObjectText>()];
  const visit = (view: ObjectText) => {
    if (entered.has(view)) return;
    entered.add(view);
    for (const [, quoted] of view.lines.join('').matchAll(tableReference)) {
      const used = byName.get(unquoteName(quoted!));
      if (used !== undefined) visit(used);
    }
    ordered.add(view);
  };
  views.forEach(visit);
  return [...ordered];
}
