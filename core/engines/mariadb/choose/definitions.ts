import type { ByteStream } from '../../../ports.ts';
import { bytesOf, linesOf } from '../lines.ts';
import { quoteName, unquoteName } from '../quoting.ts';

/**
 * The object of a section of definitions; `head`: its quoted name, of a name with a newline only the first line
 * (`headOf`).
 */
export type SectionName = { kind: 'table' | 'sequence' | 'other'; head: string };

const sections: [start: string, kind: SectionName['kind']][] = [
  ['-- Table structure for table ', 'table'],
  ['-- Sequence structure for ', 'sequence'],
  ['-- Temporary table structure for view ', 'other'],
  ['-- Temporary view structure for view ', 'other'],
  ['-- Final view structure for view ', 'other'],
  ['-- Dumping routines for database ', 'other'],
];
const end = '/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;';

/**
 * Follows definitions, as mariadb-dump prints them, line by line, and returns the section of each; undefined for the
 * head and the end of the dump, which every section needs. No line of a body begins a section.
 */
export function newSections(): (line: string) => SectionName | undefined {
  let section: SectionName | undefined;
  let delimiter = ';';
  return (line) => {
    const isOutside = delimiter === ';';
    delimiter = /^DELIMITER (\S+)\n/.exec(line)?.[1] ?? delimiter;
    if (!isOutside) return section;
    const [start, kind] = sections.find(([text]) => line.startsWith(text)) ?? [];
    if (start !== undefined) section = { kind: kind!, head: textOf(line.slice(start.length).trimEnd()) };
    else if (line.startsWith(end)) section = undefined;
    return section;
  };
}

/** Definitions with only the chosen sections. */
export async function* chosenSections(content: ByteStream, isChosen: (section: SectionName) => boolean): ByteStream {
  const sectionOf = newSections();
  for await (const lines of linesOf(content)) {
    const kept = lines.filter((line) => {
      const section = sectionOf(line);
      return section === undefined || isChosen(section);
    });
    if (kept.length > 0) yield bytesOf(kept);
  }
}

/** The head of an object's section. */
export function headOf(name: string): string {
  return quoteName(name).split('\n')[0]!.trimEnd();
}

/** The name inside quotes in a line of bytes. */
export function nameIn(quoted: string): string {
  return unquoteName(textOf(quoted));
}

function textOf(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
