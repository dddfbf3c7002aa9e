import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { crc32, deflateRaw } from 'node:zlib';

const compress = promisify(deflateRaw);
/** First moment of the format, 1980-01-01: the same content is the same file, whenever it is packed. */
const noDate = 0x0021_0000;
/** Made by version 2.0 on Unix (3 in the upper byte): then the upper half of the attributes is the file's mode. */
const madeBy = 0x0314;
const needed = 20;
const deflated = 8;
/** Names are UTF-8. */
const flags = 0x0800;
const regularFile = 0o100000;

type ZipEntry = { name: Buffer; mode: number; crc: number; packed: number; size: number; offset: number };

/**
 * Packs every file below `folder` into a zip file at `path`, with their modes, sorted by name. Takes at most 65,535
 * files and 4 GB (without ZIP64); a layer of Lambda may have 250 MB.
 */
export async function zipFolder(folder: string, path: string): Promise<void> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const file = await open(path, 'w', 0o644);
  try {
    const entries: ZipEntry[] = [];
    let offset = 0;
    for (const source of files.sort()) {
      const content = await readFile(source);
      const packed = await compress(content);
      const entry: ZipEntry = {
        name: Buffer.from(relative(folder, source)),
        mode: (await stat(source)).mode & 0o777,
        crc: crc32(content),
        packed: packed.length,
        size: content.length,
        offset,
      };
      const head = Buffer.concat([localHeader(entry), entry.name]);
      await file.writev([head, packed]);
      offset += head.length + packed.length;
      entries.push(entry);
    }
    const directory = Buffer.concat(entries.flatMap((entry) => [centralHeader(entry), entry.name]));
    await file.writev([directory, endRecord(entries.length, directory.length, offset)]);
  } finally {
    await file.close();
  }
}

function localHeader(entry: ZipEntry): Buffer {
  return record(0x04034b50, [[2, needed], ...common(entry), [2, 0]]);
}

function centralHeader(entry: ZipEntry): Buffer {
  const attributes = ((regularFile | entry.mode) << 16) >>> 0;
  return record(0x02014b50, [
    [2, madeBy],
    [2, needed],
    ...common(entry),
    [2, 0],
    [2, 0],
    [2, 0],
    [2, 0],
    [4, attributes],
    [4, entry.offset],
  ]);
}

function common({ name, crc, packed, size }: ZipEntry): [2 | 4, number][] {
  return [
    [2, flags],
    [2, deflated],
    [4, noDate],
    [4, crc],
    [4, packed],
    [4, size],
    [2, name.length],
  ];
}

function endRecord(entries: number, directoryBytes: number, directoryOffset: number): Buffer {
  return record(0x06054b50, [
    [2, 0],
    [2, 0],
    [2, entries],
    [2, entries],
    [4, directoryBytes],
    [4, directoryOffset],
    [2, 0],
  ]);
}

/** A signature and numbers of two or four bytes, as the format orders them (APPNOTE.TXT 4.3). */
function record(signature: number, fields: readonly (readonly [2 | 4, number])[]): Buffer {
  const all = [[4, signature] as const, ...fields];
  const bytes = Buffer.alloc(all.reduce((sum, [width]) => sum + width, 0));
  let at = 0;
  for (const [width, value] of all) at = bytes.writeUIntLE(value, at, width);
  return bytes;
}
