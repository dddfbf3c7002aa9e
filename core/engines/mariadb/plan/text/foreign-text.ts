import { byteText, plainWord } from '../../quoting.ts';
import type { MariadbSession } from '../../session.ts';
import { isHere } from '../../exact-names.ts';

/** Replacements for lines of a dump. Latin1 text: bytes as characters. */
export type Rewritten = ReadonlyMap<string, string>;

/** Whether a text has letters that its client's character set writes differently from UTF-8. */
export function isForeign(comment: string | null | undefined, charset: string | null | undefined): boolean {
  return /[^\x00-\x7f]/.test(comment ?? '') && !/^(utf8|binary)/i.test(charset ?? '');
}

/**
 * The bytes of a text in a character set, as the server writes them; ASCII is unchanged, because a client parses
 * statements by it, and some character sets (sjis) have two backslashes.
 */
export async function encoded(session: MariadbSession, text: string, charset: string): Promise<string> {
  if (!isForeign(text, charset)) return byteText(text);
  const pieces = text.split(/([^\x00-\x7f]+)/);
  for (let at = 1; at < pieces.length; at += 2) {
    const [row] = await session.rows(`SELECT HEX(CONVERT(? USING ${plainWord(charset)})) AS bytes`, [pieces[at]]);
    pieces[at] = Buffer.from(row?.['bytes'] ?? '', 'hex').toString('latin1');
  }
  return pieces.join('');
}

/**
 * The correct comment line of a routine, by the line that mariadb-dump prints: that line is UTF-8 amid a body in the
 * character set of the client that made it, and a restore would read it in that one.
 */
export async function foreignComments(session: MariadbSession): Promise<Rewritten> {
  const lines = new Map<string, string>();
  const found = await session.rows(
    `SELECT ROUTINE_COMMENT AS comment, CHARACTER_SET_CLIENT AS charset FROM information_schema.ROUTINES
      WHERE ${isHere('ROUTINE_SCHEMA')}`,
  );
  for (const { comment, charset } of found.filter((row) => isForeign(row['comment'], row['charset']))) {
    const line = `    COMMENT '${escaped(comment ?? '')}'\n`;
    lines.set(`${charset} ${byteText(line)}`, await encoded(session, line, charset ?? ''));
  }
  return lines;
}

const clientCharset = /^\/\*!50003 SET character_set_client {2}= (\w+) \*\//;

/** Rewrites lines, each in the character set that the lines before it have set. */
export function rewriting(lines: Rewritten): (line: string) => string {
  let charset = '';
  return (line) => {
    charset = clientCharset.exec(line)?.[1] ?? charset;
    return lines.get(`${charset} ${line}`) ?? line;
  };
}

/** A routine from SHOW CREATE in bytes, with its comment corrected. */
export function rewritten(text: string, lines: Rewritten, charset: string): string {
  if (lines.size === 0) return text;
  return text.replace(/.*\n/g, (line) => lines.get(`${charset} ${line}`) ?? line);
}

/** A comment as the server prints it. */
export function escaped(text: string): string {
  return text.replace(
    /[\0\n\r\\']/g,
    (char) => ({ '\0': '\\0', '\n': '\\n', '\r': '\\r', '\\': '\\\\', "'": "''" })[char]!,
  );
}
