import { tmpdir } from 'node:os';
import type { Engine } from '../../ports.ts';
import { restoreCommands } from './by-hand.ts';
import { examination } from './examination.ts';
import { databaseAt, pathOf, placeOf } from './place.ts';
import type { SqliteFiles } from './place.ts';
import { planBackup } from './plan.ts';
import { replacedFiles } from './restore/kept.ts';
import { openTarget } from './restore/target.ts';
import { imageOf, imageReader } from './snapshot/image.ts';
import type { ImageRecipe } from './snapshot/image.ts';

/** The database of a source, or another one by its name or path. */
export function openSqlite(
  { path, scratch, ...how }: Omit<SqliteFiles, 'scratch'> & { scratch: string | undefined },
  { database, drill = false }: { database?: string | undefined; drill?: boolean | undefined } = {},
): { engine: Engine; database: string } {
  const own: SqliteFiles = { path, scratch: scratch ?? tmpdir(), ...how };
  const files = drill ? { ...own, path: `${own.scratch}/${database}` } : own;
  const at = database === undefined ? path : pathOf(database, files);
  return { engine: sqliteEngine(files, at), database: databaseAt(at, own) };
}

/**
 * An SQLite 3 file, read by the SQLite built into Node. A backup is the file itself, in one committed state, with the
 * rows of each table counted in that state.
 */
export function sqliteEngine(own: SqliteFiles, path: string): Engine {
  return {
    name: 'sqlite',
    place: placeOf(path),
    plan: ({ like, database }, signal) =>
      planBackup(database === undefined ? path : pathOf(database, own), own, like, signal),
    open(part, signal) {
      const recipe = part.recipe as ImageRecipe;
      return {
        content: imageOf(recipe, signal),
        reader: imageReader(recipe),
        notes: async () => ({ heard: [] }),
      };
    },
    target: (options) => openTarget(path, own, options),
    ownerKinds: [],
    // definitions are kept as written, in any version
    settle: async ({ unequal }) => ({ ways: {}, exceptions: [], different: unequal }),
    replaced: replacedFiles(path, own),
    restoreCommands,
    examinations: () => [examination(path, own)],
  };
}
