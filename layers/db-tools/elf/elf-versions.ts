import { open } from 'node:fs/promises';

/**
 * The symbol versions that a program or library asks of others, by their file name, and those that it offers itself.
 */
export type ElfVersions = { required: { from: string; version: string }[]; offered: string[] };

type ElfSection = { type: number; link: number; offset: number; bytes: number; entries: number };

const offeredSection = 0x6ffffffd;
const requiredSection = 0x6ffffffe;
const weak = 2;

/**
 * Reads the version sections of a 64-bit little-endian ELF file (Linux Standard Base, "Symbol versioning"); a file
 * without has none.
 */
export async function readElfVersions(file: string): Promise<ElfVersions> {
  const handle = await open(file, 'r');
  try {
    const read = async (offset: number, bytes: number): Promise<Buffer> =>
      (await handle.read(Buffer.alloc(bytes), 0, bytes, offset)).buffer;
    const header = await read(0, 64);
    const table = await read(Number(header.readBigUInt64LE(40)), header.readUInt16LE(60) * 64);
    const sections = Array.from({ length: table.length / 64 }, (_, index) => sectionAt(table, index * 64));
    const content = async (
      type: number,
    ): Promise<{ data: Buffer; text: (at: number) => string; entries: number } | undefined> => {
      const section = sections.find((one) => one.type === type);
      const names = section && sections[section.link];
      if (!section || !names) return undefined;
      const strings = await read(names.offset, names.bytes);
      const text = (at: number): string => strings.toString('latin1', at, strings.indexOf(0, at));
      return { data: await read(section.offset, section.bytes), text, entries: section.entries };
    };
    return { required: required(await content(requiredSection)), offered: offered(await content(offeredSection)) };
  } finally {
    await handle.close();
  }
}

type SectionContent = { data: Buffer; text: (at: number) => string; entries: number } | undefined;

function required(content: SectionContent): ElfVersions['required'] {
  const found: ElfVersions['required'] = [];
  if (!content) return found;
  const { data, text } = content;
  for (let at = 0, left = content.entries; left > 0; left -= 1, at += data.readUInt32LE(at + 12)) {
    const from = text(data.readUInt32LE(at + 4));
    let entry = at + data.readUInt32LE(at + 8);
    for (let count = data.readUInt16LE(at + 2); count > 0; count -= 1, entry += data.readUInt32LE(entry + 12)) {
      if ((data.readUInt16LE(entry + 4) & weak) === 0)
        found.push({ from, version: text(data.readUInt32LE(entry + 8)) });
    }
  }
  return found;
}

function offered(content: SectionContent): string[] {
  const found: string[] = [];
  if (!content) return found;
  const { data, text } = content;
  for (let at = 0, left = content.entries; left > 0; left -= 1, at += data.readUInt32LE(at + 16)) {
    found.push(text(data.readUInt32LE(at + data.readUInt32LE(at + 12))));
  }
  return found;
}

function sectionAt(table: Buffer, at: number): ElfSection {
  const wide = (place: number): number => Number(table.readBigUInt64LE(at + place));
  return {
    type: table.readUInt32LE(at + 4),
    link: table.readUInt32LE(at + 40),
    offset: wide(24),
    bytes: wide(32),
    entries: table.readUInt32LE(at + 44),
  };
}
