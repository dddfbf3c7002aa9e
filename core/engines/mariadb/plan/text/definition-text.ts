import type { ByteStream } from '../../../../ports.ts';
import { unqualified, unqualifiedView } from '../../catalog/definition.ts';
import type { ExpectedDump } from '../../catalog/expected.ts';
import { bytesOf, linesOf } from '../../lines.ts';
import { byteText, quoteName } from '../../quoting.ts';
import { triggersAnywhere } from './trigger-text.ts';

/** The first line of a dump since mid-2024: older clients, and MySQL's own, stop at it, and nothing else needs it. */
export const sandboxLine = '/*M!999999\\- enable the sandbox mode */';

const ownMode = "/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;";

/**
 * The line in which mariadb-dump sets the SQL mode for tables, extended by every date that a default may have and, if a
 * table has them, by options that no engine knows (MySQL has no such mode). The modes of routines are set anew by each.
 */
export function takingEverything(line: string, hasUnknownOptions: boolean): string {
  if (line.trimEnd() !== ownMode) return line;
  const options = hasUnknownOptions ? ',IGNORE_BAD_TABLE_OPTIONS' : '';
  return line.replace('NO_AUTO_VALUE_ON_ZERO', `NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES${options}`);
}

/** Puts the objects at a dump's end into another order. Lines are latin1 text, each with its newline. */
export type LineOrder = { from: RegExp; arrange(lines: string[]): string[] };

type DefinitionTextOptions = {
  head: string;
  database: string;
  expected: ExpectedDump;
  arrangement: LineOrder;
  rewrite?: (line: string) => string;
};

/**
 * Definitions as mariadb-dump prints them, made to restore anywhere: after `head`, arranged, and without the name of
 * their own database, which the program prints in places (a restore under another name would alter the old database).
 * From the first line to be arranged on, the text is held until its end; what precedes it streams.
 */
export async function* definitionText(
  dump: ByteStream,
  { head, database, expected, arrangement, rewrite = (line) => line }: DefinitionTextOptions,
): ByteStream {
  const anywhere = withoutDatabase(byteText(database), triggersAnywhere(database));
  let held: string[] | undefined;
  if (head !== '') yield Buffer.from(head);
  for await (const batch of linesOf(dump)) {
    const lines = batch
      .filter((line) => !line.startsWith(sandboxLine))
      .map((line) => {
        expected.see(line);
        return rewrite(anywhere(line));
      });
    const first = held === undefined ? lines.findIndex((line) => arrangement.from.test(line)) : 0;
    if (first >= 0) (held ??= []).push(...lines.splice(first));
    if (lines.length > 0) yield bytesOf(lines);
  }
  expected.requireAll();
  if (held !== undefined) yield bytesOf(arrangement.arrange(held));
}

/**
 * mariadb-dump prints the database around a routine, trigger or event that was made under another collation than the
 * database's, in a column's default from a sequence, and in views whose definer is gone; and where the author of a
 * trigger wrote it before its name or its table's.
 */
function withoutDatabase(database: string, triggers: (line: string) => string): (line: string) => string {
  const alter = `ALTER DATABASE ${quoteName(database)} CHARACTER SET `;
  let inTable = false;
  return (line) => {
    const anywhere = triggers(line);
    if (anywhere !== line) return anywhere;
    if (line.startsWith('CREATE TABLE ')) inTable = true;
    else if (line.startsWith(')')) inTable = false;
    if (inTable) return unqualified(line, database);
    if (line.startsWith(alter)) return `ALTER DATABASE CHARACTER SET ${line.slice(alter.length)}`;
    return line.startsWith('/*!50001 VIEW ') ? unqualifiedView(line, database) : line;
  };
}
