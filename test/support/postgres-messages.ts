/** A message of PostgreSQL's protocol: its kind, its length without the kind, its content (PostgreSQL manual, 54.7). */
export function message(kind: string, content: string | Uint8Array = ''): Buffer {
  const body = typeof content === 'string' ? Buffer.from(content) : content;
  const head = Buffer.alloc(5);
  head.write(kind, 'latin1');
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

export const rowsFollow = message('H', Uint8Array.of(0, 0, 1, 0, 0));
export const row = (text: string) => message('d', text);
export const said = (kind: 'E' | 'N', severity: string, code: string, words: string) =>
  message(kind, `S${severity}\0V${severity}\0C${code}\0M${words}\0\0`);
export const setting = (name: string, value: string) => message('S', `${name}\0${value}\0`);
export const notification = message('A', Buffer.from('\0\0\0\x07channel\0said\0', 'latin1'));
/** What follows the last row. */
export const afterRows = Buffer.concat([message('c'), message('C', 'COPY 3\0'), message('Z', 'I')]);
/** The answer to a statement that prints nothing. */
export const done = Buffer.concat([message('C', 'SET\0'), message('Z', 'I')]);
