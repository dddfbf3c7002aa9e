/** The kind of an entry. A `link` is another name of an earlier file. */
export type PathKind = 'file' | 'link' | 'symlink' | 'folder';

/**
 * One entry. Names are bytes (one letter each, latin1), relative to the stored folder: `big/one`, and `` for that
 * folder itself. `mtime`: seconds, as text, because no number holds nanoseconds. `owner`: `1000:1000`. `extras`:
 * extended attributes and ACLs, as the tar has them.
 */
export type StoredEntry = {
  kind: PathKind;
  path: string;
  target: string;
  size: number;
  mode: number;
  owner: string;
  mtime: string;
  extras: readonly string[];
  sparse: boolean;
};

/** The fields of a header that the preceding extended header does not replace. */
export type Header = { type: string; name: string; link: string; size: number; fields: Omit<HeaderFields, 'size'> };
type HeaderFields = { size: number; mode: number; uid: number; gid: number; mtime: number };

export const blockBytes = 512;
const blank = 0x20;
const zero = 0x30;
const kinds: Readonly<Record<string, PathKind>> = { '0': 'file', '1': 'link', '2': 'symlink', '5': 'folder' };
const extraKey = /^SCHILY\.(xattr\.user\..+|acl\.(access|default))$/s;
const sparseKeys = ['GNU.sparse.major', 'GNU.sparse.minor', 'GNU.sparse.name', 'GNU.sparse.realsize'];
const knownKeys: ReadonlySet<string> = new Set(
  ['path', 'linkpath', 'size', 'uid', 'gid', 'mtime', 'uname', 'gname'].concat(sparseKeys),
);

/** Reads a header block. Throws unless GNU tar could have written it in the format `posix`. */
export function readHeader(block: Buffer): Header {
  if (block.toString('latin1', 257, 265) !== 'ustar\x0000') throw new Error('a header is not in the format posix');
  if (octal(block, 148, 8) !== checksumOf(block)) throw new Error('the checksum of a header is wrong');
  const prefix = textIn(block, 345, 155);
  const name = textIn(block, 0, 100);
  const fields = {
    mode: octal(block, 100, 8),
    uid: octal(block, 108, 8),
    gid: octal(block, 116, 8),
    mtime: octal(block, 136, 12),
  };
  return {
    type: String.fromCharCode(block[156]!),
    name: prefix === '' ? name : `${prefix}/${name}`,
    link: textIn(block, 157, 100),
    size: octal(block, 124, 12),
    fields,
  };
}

/** The records of an extended header. Throws at a record that we don't understand, because tar may obey it. */
export function readRecords(body: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  const text = body.toString('latin1');
  for (let at = 0; at < text.length; ) {
    const [head = '', digits = ''] = /^(\d{1,9}) /.exec(text.slice(at, at + 11)) ?? [];
    const end = at + Number(digits);
    const record = text.slice(at + head.length, end - 1);
    const sign = record.indexOf('=');
    const key = record.slice(0, sign);
    if (head === '' || end > text.length || text[end - 1] !== '\n' || sign < 1 || end <= at + head.length)
      throw new Error('an extended header is not whole');
    if (records.has(key)) throw new Error(`an extended header says ${key} twice`);
    records.set(key, record.slice(sign + 1));
    at = end;
  }
  return records;
}

/** The entry of a header, with the preceding extended header. */
export function entryOf({ type, name, link, size, fields }: Header, said: ReadonlyMap<string, string>): StoredEntry {
  const extras = extrasIn(said);
  const kind = kinds[type];
  if (kind === undefined) throw new Error(`an entry is of type ${JSON.stringify(type)}, as none of a backup is`);
  const sparse = sparseKeys.some((key) => said.has(key));
  if (sparse && !(kind === 'file' && sparseKeys.every((key) => said.has(key)) && isFirstForm(said)))
    throw new Error('a sparse file is not in the form 1.0');
  const stored = count(said.get('size')) ?? size;
  if (kind !== 'file' && stored !== 0) throw new Error('an entry that is no file has content');
  const full = said.get('GNU.sparse.name') ?? said.get('path') ?? name;
  return {
    kind,
    path: pathBelow(full, kind),
    target: kind === 'file' || kind === 'folder' ? '' : targetOf(said.get('linkpath') ?? link, kind),
    size: sparse ? count(said.get('GNU.sparse.realsize'))! : stored,
    mode: fields.mode & 0o7777,
    owner: `${count(said.get('uid')) ?? fields.uid}:${count(said.get('gid')) ?? fields.gid}`,
    mtime: mtimeOf(said.get('mtime')) ?? String(fields.mtime),
    extras,
    sparse,
  };
}

function extrasIn(said: ReadonlyMap<string, string>): string[] {
  const extras: string[] = [];
  for (const [key, value] of said) {
    if (knownKeys.has(key)) continue;
    if (!extraKey.test(key)) throw new Error(`an extended header says ${key}, which no backup does`);
    extras.push(`${key}=${value}`);
  }
  return extras;
}

/** How many bytes of content follow the header. */
export function storedBytes({ size }: Header, said: ReadonlyMap<string, string>): number {
  return count(said.get('size')) ?? size;
}

function isFirstForm(said: ReadonlyMap<string, string>): boolean {
  return said.get('GNU.sparse.major') === '1' && said.get('GNU.sparse.minor') === '0';
}

/** A path as tar writes it below `./`; any other could lead out of the folder. */
function pathBelow(name: string, kind: PathKind): string {
  const path = kind === 'folder' ? name.replace(/\/$/, '') : name;
  if (path === '.' && kind === 'folder') return '';
  const segments = path.split('/');
  const isGood = segments[0] === '.' && segments.length > 1 && !segments.slice(1).some(isNoName);
  if (!isGood) throw new Error(`an entry is called ${JSON.stringify(name)}, as none of a backup is`);
  return path.slice(2);
}

function isNoName(segment: string): boolean {
  return segment === '' || segment === '.' || segment === '..' || segment.includes('\0');
}

/** The other name of a file must lie in the folder; a symbolic link may lead anywhere. */
function targetOf(target: string, kind: PathKind): string {
  if (kind === 'link') return pathBelow(target, 'file');
  if (target === '' || target.includes('\0')) throw new Error('a symbolic link leads nowhere');
  return target;
}

function mtimeOf(text: string | undefined): string | undefined {
  if (text !== undefined && !/^-?\d{1,15}(\.\d{1,9})?$/.test(text)) throw new Error('a time is none');
  return text;
}

function count(text: string | undefined): number | undefined {
  if (text !== undefined && !/^\d{1,15}$/.test(text)) throw new Error('a number is none');
  return text === undefined ? undefined : Number(text);
}

/** Text up to the first NUL. */
function textIn(block: Buffer, at: number, length: number): string {
  if (block[at] === 0) return '';
  const end = block.indexOf(0, at);
  return block.toString('latin1', at, end < 0 ? at + length : Math.min(end, at + length));
}

/** Digits with blanks around them, up to the first NUL. */
function octal(block: Buffer, from: number, length: number): number {
  const end = from + length;
  let [at, value] = [from, 0];
  while (at < end && block[at] === blank) at += 1;
  for (; at < end && block[at]! >= zero && block[at]! < zero + 8; at += 1) value = value * 8 + block[at]! - zero;
  while (at < end && block[at] === blank) at += 1;
  if (at < end && block[at] !== 0) throw new Error('a number in a header is not octal');
  return value;
}

/** The sum of all bytes, with those of the checksum itself counted as blanks. */
function checksumOf(block: Buffer): number {
  let sum = 8 * 32;
  for (let at = 0; at < blockBytes; at += 1) if (at < 148 || at >= 156) sum += block[at]!;
  return sum;
}
