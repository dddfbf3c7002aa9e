import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib';

const local = 0x04034b50;
const central = 0x02014b50;
const end = 0x06054b50;
const deflated = 8;

/**
 * Everything in a folder as a zip archive, as it is uploaded for a function (APPNOTE.TXT, the .ZIP file format
 * specification).
 */
export async function zipOf(folder: string): Promise<Buffer> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const bodies: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const file of files) {
    const content = await readFile(file);
    const name = Buffer.from(relative(folder, file));
    const packed = deflateRawSync(content, { level: 1 });
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(deflated, 4);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(name.length, 22);
    const placed = Buffer.alloc(14);
    placed.writeUInt32LE(offset, 10);
    directory.push(mark(central), Buffer.from([20, 3]), common, placed, name);
    const body = [mark(local), common, name, packed];
    bodies.push(...body);
    offset += body.reduce((sum, { length }) => sum + length, 0);
  }
  const listed = Buffer.concat(directory);
  const tail = Buffer.alloc(18);
  tail.writeUInt16LE(files.length, 4);
  tail.writeUInt16LE(files.length, 6);
  tail.writeUInt32LE(listed.length, 8);
  tail.writeUInt32LE(offset, 12);
  return Buffer.concat([...bodies, listed, mark(end), tail]);
}

/** Unpacks such an archive, by its directory. */
export async function unzip(archive: Buffer, folder: string): Promise<void> {
  const tail = archive.lastIndexOf(mark(end));
  let at = archive.readUInt32LE(tail + 16);
  for (let left = archive.readUInt16LE(tail + 10); left > 0; left -= 1) {
    const [packed, nameLength, extra, comment, start] = [
      archive.readUInt32LE(at + 20),
      archive.readUInt16LE(at + 28),
      archive.readUInt16LE(at + 30),
      archive.readUInt16LE(at + 32),
      archive.readUInt32LE(at + 42),
    ];
    const name = archive.toString('utf8', at + 46, at + 46 + nameLength);
    const body = start + 30 + archive.readUInt16LE(start + 26) + archive.readUInt16LE(start + 28);
    const bytes = archive.subarray(body, body + packed);
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), archive.readUInt16LE(at + 10) === deflated ? inflateRawSync(bytes) : bytes);
    at += 46 + nameLength + extra + comment;
  }
}

function mark(signature: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(signature);
  return bytes;
}
