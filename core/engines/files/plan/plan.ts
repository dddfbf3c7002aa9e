import { realpath, stat } from 'node:fs/promises';
import { BackupError, messageOf } from '../../../domain/errors.ts';
import { firstOf } from '../../../domain/lines.ts';
import { plural } from '../../../domain/units.ts';
import type { Manifest } from '../../../contract/manifest/manifest.ts';
import type { Confirmed, PartNotes, Plan } from '../../../ports.ts';
import { catalogOf } from '../facts.ts';
import { nameOf, pathText, tableOf, topTable } from '../names.ts';
import { gnuTar } from '../tar/program.ts';
import type { Noted } from './making.ts';
import { partsOf } from './parts.ts';
import { walk } from './walk.ts';
import type { FoundPath, WalkOptions } from './walk.ts';

/**
 * What is to be planned: a folder, called `database`; `like`: the backup that it should equal. `mayStore` throws where
 * what was found may not be stored.
 */
type FilesPlanned = {
  path: string;
  database: string;
  like?: Manifest | undefined;
  options: WalkOptions;
  mayStore(found: readonly FoundPath[]): void;
};

/** More tables than that fit into no manifest that is read in passing. */
const mostTables = 1000;
const mostNamed = 20;

/** Plans a backup of a folder: what is in it now. What changes while it is read is read again. */
export async function planFiles(planned: FilesPlanned, signal: AbortSignal): Promise<Plan> {
  const { path, database, like, options } = planned;
  const program = await gnuTar(signal);
  const folder = await folderAt(path);
  const { found, skipped } = await walk(folder, options, signal);
  planned.mayStore(found);
  const oneTable = like === undefined ? hasManyTables(found) : like.tables.every(({ table }) => table === topTable);
  return {
    database,
    server: { product: 'files', version: '1' },
    client: { program: 'GNU tar', version: program.version },
    parts: partsOf({ folder, tar: program.command, oneTable }, found),
    catalog: {},
    catalogLast: true,
    warnings: limited(skipped.toSorted(), 'more are not in the backup'),
    confirm: async (seen, notes) => ({ tables: seen, ...confirmed(notes) }),
    close: async () => undefined,
  };
}

/** The folder itself, where the path is a link to it. Throws `source-unreachable`. */
async function folderAt(path: string): Promise<string> {
  try {
    if ((await stat(path)).isDirectory()) return await realpath(path);
  } catch (cause) {
    throw new BackupError('source-unreachable', `the folder can't be opened: ${messageOf(cause)}`, {
      hint: 'correct the path (it is relative to the configuration), or mount what lies there',
      cause,
    });
  }
  throw new BackupError('source-unreachable', `${path} is no folder`, { hint: 'name the folder that it lies in' });
}

function hasManyTables(found: readonly FoundPath[]): boolean {
  const tables = found.map(({ path, kind }) => tableOf(kind === 'folder' ? `${nameOf(path)}/` : nameOf(path)));
  return new Set(tables).size > mostTables;
}

function confirmed(notes: readonly PartNotes[]): Omit<Confirmed, 'tables'> {
  const noted = notes.map(({ counted }) => counted as unknown as Noted);
  const vanished = noted.flatMap((one) => one.vanished).map(pathText);
  const unsteady = noted.flatMap((one) => one.unsteady).map(pathText);
  const heard = [...new Set(notes.flatMap((one) => one.heard))];
  return {
    catalog: catalogOf(noted.flatMap(({ facts }) => facts)),
    warnings: [
      ...limited(heard, 'more lines of tar are not shown'),
      ...(vanished.length === 0 ? [] : [`removed before it was read: ${firstOf(vanished, mostNamed)}`]),
    ],
    exceptions: unsteady.length === 0 ? [] : [unsteadySentence(unsteady)],
  };
}

function unsteadySentence(paths: readonly string[]): string {
  const what = `${plural(paths.length, 'file')} changed each time it was read, and may hold parts of several versions`;
  return `${what}: ${firstOf(paths, mostNamed)}`;
}

function limited(lines: readonly string[], more: string): string[] {
  const rest = lines.length - mostNamed;
  return rest > 0 ? [...lines.slice(0, mostNamed), `${rest} ${more}`] : [...lines];
}
