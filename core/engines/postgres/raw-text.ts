/**
 * Text that UTF-8 can't hold: bytes of a database in SQL_ASCII, which accepts any, and characters without Unicode. The
 * server can't send them to a session in UTF-8, but it can send the bytes escaped (PostgreSQL manual, 8.4.2).
 */
export const unsendable = ['22021', '22P05'];

/** Stands for a byte that is no text: this mark, and the byte in hexadecimal. */
const mark = '\ufffd';

/** The same query, with answers as JSON in ASCII. */
export function escapedQuery(sql: string): string {
  return `select encode(convert_to(row_to_json(q)::text, getdatabaseencoding()), 'escape') as row from (${sql}) q`;
}

/**
 * An answer to it. If the database's encoding guarantees nothing, valid UTF-8 is read as such; all other characters
 * beyond ASCII are marked.
 */
export function unescapedRow<T>(row: string, encoding: string): T {
  const bytes = row.replace(/\\(\\|[0-7]{3})/g, (_, code: string) =>
    code === '\\' ? code : String.fromCharCode(Number.parseInt(code, 8)),
  );
  return JSON.parse(bytes, (_, value: unknown) => (typeof value === 'string' ? read(value, encoding) : value)) as T;
}

/** Whether a text was read completely: a marked name can't be written into a statement. */
export function isWhole(text: string): boolean {
  return !text.includes(mark);
}

/**
 * JSON has characters beyond one byte only where it wrote them as `\u…`, which the server does only for control
 * characters.
 */
function read(letters: string, encoding: string): string {
  if (/^[\x00-\x7f]*$/.test(letters)) return letters;
  const text = encoding === 'SQL_ASCII' ? utf8(Buffer.from(letters, 'latin1')) : undefined;
  return text ?? letters.replace(/[\x80-\xff]/g, (letter) => mark + letter.charCodeAt(0).toString(16));
}

function utf8(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
