/**
 * Text for which UTF-8 has no place: bytes of a database in SQL_ASCII, which asks nothing of them, and characters that
 * have no Unicode. The server can't send them to a session in UTF-8, but it can send the bytes as they are, escaped
 * (PostgreSQL manual, 8.4.2).
 */
export const unsendable = ['22021', '22P05'];

/** What stands for a byte that is no text: this, and the byte in hexadecimal. */
const mark = '\ufffd';

/** The same question, whose answers come as JSON in ASCII letters. */
export function escapedQuery(sql: string): string {
  return `select encode(convert_to(row_to_json(q)::text, getdatabaseencoding()), 'escape') as row from (${sql}) q`;
}

/**
 * An answer to it. Where the database's encoding promises nothing, what is valid UTF-8 is read as that; all other
 * letters beyond ASCII are marked.
 */
export function unescapedRow<T>(row: string, encoding: string): T {
  const bytes = row.replace(/\\(\\|[0-7]{3})/g, (_, code: string) =>
    code === '\\' ? code : String.fromCharCode(Number.parseInt(code, 8)),
  );
  return JSON.parse(bytes, (_, value: unknown) => (typeof value === 'string' ? read(value, encoding) : value)) as T;
}

/** Whether this was read whole: a name that was not can't be written into a statement. */
export function isWhole(text: string): boolean {
  return !text.includes(mark);
}

/**
 * JSON may hold letters beyond one byte only where it wrote them as `\u…`, which the server does for controls alone.
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
