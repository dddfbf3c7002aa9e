import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { programText } from '../../../pipeline/program.ts';
import type { ProgramRun } from '../../../pipeline/program.ts';
import type { ByteStream } from '../../../ports.ts';

/** An entry of an archive. `words`: its kind, schema, name and owner, as in its line. */
export type ArchiveEntry = { id: string; words: string; needs: readonly string[] };

/**
 * What pg_dump recorded of each object in an archive, including which other objects it needs, as the source's server
 * knew them (`pg_depend`). Contacts no server.
 */
export async function archiveEntries(
  content: ByteStream,
  run: (args: string[]) => ProgramRun,
  signal: AbortSignal,
): Promise<ArchiveEntry[]> {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-'));
  try {
    const file = join(folder, 'schema.pgdump');
    await pipeline(content, createWriteStream(file, { mode: 0o600 }));
    return readEntries(await programText(run(['--list', '--verbose', file]), signal));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const entry = /^(\d+); \d+ \d+ (.*)$/;
const needs = /^;\tdepends on:((?: \d+)+)$/;

/** Parses the output of `pg_restore --list --verbose`. */
export function readEntries(list: string): ArchiveEntry[] {
  const found: ArchiveEntry[] = [];
  for (const line of list.split('\n')) {
    const [, id, words] = entry.exec(line) ?? [];
    const ids = needs.exec(line)?.[1];
    if (id !== undefined) found.push({ id, words: words!, needs: [] });
    else if (ids !== undefined) found[found.length - 1] = { ...found.at(-1)!, needs: ids.trim().split(' ') };
  }
  return found;
}
