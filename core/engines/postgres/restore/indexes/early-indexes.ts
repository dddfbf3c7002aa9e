import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ManifestPart } from '../../../../contract/manifest/manifest.ts';
import { programText } from '../../../../pipeline/program.ts';
import type { Catalog } from '../../../../ports.ts';
import { readEntries } from '../../choose/archive-list.ts';
import { archiveGraph } from '../../choose/graph.ts';
import { nameKey } from '../../identifier.ts';
import { loadEntries } from '../archive.ts';
import type { Loading } from '../loading.ts';
import { indexesOfTables } from './indexes-of-tables.ts';

/** Makes indexes and keys as soon as all rows of their table are committed, while others are still being loaded. */
export type EarlyIndexes = {
  /** Takes an archive whose definitions are already made, and finds the indexes of its tables. */
  keep(file: string, signal: AbortSignal): Promise<void>;
  /** Makes the indexes of tables that are complete now that these data parts are committed. */
  behind(files: readonly string[], signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
};

/** What is made is noted in `loading.made`. */
export function earlyIndexes(parts: readonly ManifestPart[], catalog: Catalog, loading: Loading): EarlyIndexes {
  const data = parts.filter(({ role }) => role === 'data');
  let folder: string | undefined;
  let indexes = new Map<string, string[]>();
  const left = partsOfTables(data);
  const archive = (): string => join(folder!, 'schema.pgdump');

  return {
    async keep(file, signal) {
      // a part that does not name its tables may have rows of any
      if (data.some(({ tables }) => tables === undefined)) return;
      const listing = await programText(loading.run('pg_restore', ['--list', '--verbose', file]), signal);
      indexes = indexesOfTables(archiveGraph(readEntries(listing), catalog));
      folder = await mkdtemp(join(tmpdir(), 'nightjar-'));
      await rename(file, archive());
    },
    async behind(files, signal) {
      const whole: string[] = [];
      for (const [table, coming] of left) {
        for (const file of files) coming.delete(file);
        if (coming.size > 0) continue;
        left.delete(table);
        whole.push(...(indexes.get(table) ?? []));
      }
      // when nothing is loaded any more, the rest is made in parallel with everything after the rows
      if (whole.length === 0 || left.size === 0) return;
      for (const id of whole) loading.made.add(id);
      await loadEntries(archive(), whole, loading, signal);
    },
    async close() {
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

/** By table, the files of the data parts with its rows. */
function partsOfTables(data: readonly ManifestPart[]): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const { file, tables = [] } of data)
    for (const table of tables) found.set(nameKey(table), (found.get(nameKey(table)) ?? new Set()).add(file));
  return found;
}
