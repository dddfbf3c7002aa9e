import { isUtf8 } from 'node:buffer';

/**
 * A path for people and JSON. Bytes (one letter each) that are UTF-8 are decoded. In any other path, or one with a
 * backslash, backslashes are doubled and bytes from 0x80 on are written `\xe9`, so that no two paths read alike.
 */
export function pathText(path: string): string {
  if (plain.test(path)) return path;
  const bytes = Buffer.from(path, 'latin1');
  if (!isUtf8(bytes))
    return escaped(path).replace(/[\x80-\xff]/g, (letter) => `\\x${letter.charCodeAt(0).toString(16)}`);
  return path.includes('\\') ? escaped(bytes.toString()) : bytes.toString();
}

const plain = /^[\x00-\x5b\x5d-\x7f]*$/;

/** The path for a text of `pathText`. */
export function pathOfText(text: string): string {
  if (plain.test(text)) return text;
  const escape = /\\(?:\\|x([0-9a-f]{2}))/g;
  return Buffer.from(text)
    .toString('latin1')
    .replace(escape, (_, code?: string) =>
      code === undefined ? '\\' : String.fromCharCode(Number.parseInt(code, 16)),
    );
}

/** The name of the folder itself. */
export const top = '.';

/** The name of a path in the catalog. */
export function nameOf(path: string): string {
  return path === '' ? top : pathText(path);
}

/** The table of what lies at the top, or of everything. */
export const topTable = './';

/** The table that a file is counted in: the top-level folder that it lies in, or the top itself. */
export function tableOf(name: string): string {
  const end = name.indexOf('/');
  return end < 0 ? topTable : name.slice(0, end + 1);
}

/** The folder that something lies in. */
export function parentOf(name: string): string {
  const end = name.lastIndexOf('/');
  return end < 0 ? top : name.slice(0, end);
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\');
}
