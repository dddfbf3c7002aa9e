import { open } from 'node:fs/promises';

/**
 * What the loader reads of a program or library. Only a program has an interpreter, and only a library a name of its
 * own.
 */
export type Elf = {
  machine: 'x86_64' | 'arm64' | 'other';
  interpreter: string | undefined;
  soname: string | undefined;
  needed: string[];
  runPath: string[];
};

type Segment = { type: number; offset: number; address: number; bytes: number };

const segmentTypes = { load: 1, dynamic: 2, interpreter: 3 };
const tags = { needed: 1, stringTable: 5, soname: 14, rpath: 15, runpath: 29 };
const machines: Record<number, Elf['machine']> = { 62: 'x86_64', 183: 'arm64' };
const magic = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]);

/** Reads a 64-bit little-endian ELF file (System V ABI, chapters 4 and 5); anything else is undefined. */
export async function readElf(file: string): Promise<Elf | undefined> {
  const handle = await open(file, 'r');
  try {
    const read = async (offset: number, bytes: number): Promise<Buffer> => {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytes), 0, bytes, offset);
      return buffer.subarray(0, bytesRead);
    };
    const header = await read(0, 64);
    if (header.length < 64 || !header.subarray(0, 6).equals(magic)) return undefined;
    const count = header.readUInt16LE(56);
    const table = await read(Number(header.readBigUInt64LE(32)), count * 56);
    const segments = Array.from({ length: count }, (_, index) => segment(table.subarray(index * 56)));
    const found = (type: number): Segment | undefined => segments.find((one) => one.type === type);
    const interpreter = found(segmentTypes.interpreter);
    const dynamic = found(segmentTypes.dynamic);
    const entries = dynamic ? dynamicEntries(await read(dynamic.offset, dynamic.bytes)) : [];
    const strings = await stringTable(entries, segments, read);
    const values = (tag: number): string[] =>
      entries.filter((entry) => entry.tag === tag).map(({ value }) => textAt(strings, value));
    return {
      machine: machines[header.readUInt16LE(18)] ?? 'other',
      interpreter: interpreter && textAt(await read(interpreter.offset, interpreter.bytes), 0),
      soname: values(tags.soname)[0],
      needed: values(tags.needed),
      runPath: [...values(tags.rpath), ...values(tags.runpath)].flatMap((path) => path.split(':')),
    };
  } finally {
    await handle.close();
  }
}

function segment(entry: Buffer): Segment {
  const wide = (at: number): number => Number(entry.readBigUInt64LE(at));
  return { type: entry.readUInt32LE(0), offset: wide(8), address: wide(16), bytes: wide(32) };
}

function dynamicEntries(table: Buffer): { tag: number; value: number }[] {
  const entries = Array.from({ length: Math.floor(table.length / 16) }, (_, index) => ({
    tag: Number(table.readBigInt64LE(index * 16)),
    value: Number(table.readBigUInt64LE(index * 16 + 8)),
  }));
  const end = entries.findIndex(({ tag }) => tag === 0);
  return end < 0 ? entries : entries.slice(0, end);
}

/** The table is named by its address in memory: the segment that is loaded there tells its place in the file. */
async function stringTable(
  entries: { tag: number; value: number }[],
  segments: Segment[],
  read: (offset: number, bytes: number) => Promise<Buffer>,
): Promise<Buffer> {
  const address = entries.find(({ tag }) => tag === tags.stringTable)?.value;
  if (address === undefined) return Buffer.alloc(0);
  const home = segments.find(
    (one) => one.type === segmentTypes.load && address >= one.address && address < one.address + one.bytes,
  );
  return home ? read(home.offset + address - home.address, home.address + home.bytes - address) : Buffer.alloc(0);
}

function textAt(strings: Buffer, start: number): string {
  const end = strings.indexOf(0, start);
  return strings.toString('latin1', start, end < 0 ? strings.length : end);
}
