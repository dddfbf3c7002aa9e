import { realpath, stat } from 'node:fs/promises';
import { BackupError, messageOf } from '../../../domain/errors.ts';
import { firstOf } from '../../../domain/lines.ts';
import { plural } from '../../../domain/units.ts';
import type { Manifest, TableRows } from '../../../contract/manifest/manifest.ts';
import { mergeTallies, tableRows } from '../../../pipeline/rows/tables.ts';
import type { Confirmed, PartNotes, Plan, PlannedPart, Sharing } from '../../../ports.ts';
import type { CatalogEntry } from '../../../domain/packed/catalog.ts';
import { packedMap } from '../../../domain/packed/map.ts';
import { catalogEntries } from '../facts.ts';
import type { FolderOwners } from '../facts.ts';
import { pathText, topTable } from '../names.ts';
import { unlessGone } from '../paths.ts';
import { listPart, partNumber } from '../sharing/places.ts';
import type { FilePlaced } from '../sharing/places.ts';
import { nothingKept, takeOver } from '../sharing/take-over.ts';
import type { KeptFiles } from '../sharing/take-over.ts';
import { noSecrets } from '../secrets.ts';
import type { PathKind } from '../tar/header.ts';
import { gnuTar } from '../tar/program.ts';
import type { Tools } from '../../../tools.ts';
import type { FoundPath } from './found.ts';
import { requireMounted } from './mounted.ts';
import { entriesIn, notedIn } from './noted.ts';
import { partsOf } from './parts.ts';
import { walk } from './walk.ts';
import type { WalkOptions } from './walk.ts';

/**
 * What is to be planned: a folder, called `database`; `like`: the backup that it should equal. Throws if a secret was
 * found.
 */
type FilesPlanned = {
  path: string;
  database: string;
  like?: Manifest | undefined;
  sharing?: Sharing | undefined;
  /** No file that is a secret may be stored. */
  options: WalkOptions;
  tools(signal: AbortSignal): Promise<Tools>;
};

/** With more tables, a manifest would be too large for quick reading. */
const mostTables = 1000;
const mostNamed = 20;

/**
 * Plans a backup of a folder as it is now. Files that change while they are read are read again; files that have not
 * changed since the previous backup are not read.
 */
export async function planFiles(planned: FilesPlanned, signal: AbortSignal): Promise<Plan> {
  const { path, database, like, sharing, options } = planned;
  const before = sharing?.before;
  const { program: tar, version } = await gnuTar(planned.tools, signal);
  const folder = await folderAt(path);
  const top = await numberOf(folder);
  const { found, skipped, secrets, isNear } = await walk(folder, options, signal);
  noSecrets(secrets);
  // the top alone
  if (found.length < 2 && like === undefined) await requireMounted(folder);
  const oneTable = like === undefined ? hasManyTables(found) : like.tables.every(({ table }) => table === topTable);
  // what may no longer be stored must not stay because its part also holds other files
  const isBanned = (one: string, kind?: PathKind): boolean =>
    options.excludes(one) || (kind !== 'symlink' && options.isSecret(one));
  const { kept, shared, anew } =
    before === undefined
      ? { kept: nothingKept, shared: [], anew: found }
      : await takeOver(found, before, { folder, oneTable, isBanned }, signal);
  const parts = partsOf({ folder, tar, oneTable, states: sharing !== undefined, isNear }, anew, shared.length);
  return {
    database,
    server: { product: 'files', version: '1' },
    client: { program: 'GNU tar', version },
    parts,
    ...(shared.length > 0 && { shared }),
    catalog: {},
    catalogLast: true,
    warnings: limited(skipped.toSorted(), 'more are not in the backup'),
    async confirm(seen, notes) {
      if ((await numberOf(folder)) !== top) throw exchanged(folder);
      return {
        tables: withKept(seen, kept),
        parts: sharing === undefined ? [] : [listPart(placesOf(parts, notes, kept))],
        ...confirmed(notes, kept),
      };
    },
    close: async () => undefined,
  };
}

/** The folder itself, if the path is a link to it. Throws `source-unreachable`. */
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

/** What a folder keeps as long as no other takes its name; undefined if nothing is there. */
async function numberOf(folder: string): Promise<string | undefined> {
  const found = await stat(folder).catch(unlessGone);
  return found && `${found.dev}:${found.ino}`;
}

/** Some files are of the one, and some of the other. */
function exchanged(folder: string): BackupError {
  return new BackupError('source-changed', `${folder} was exchanged for another folder while it was read`, {
    hint: 'run the backup again, when no restore or deployment is at work there',
  });
}

/** The top is a table, and so is each folder in it. */
function hasManyTables(found: Iterable<FoundPath>): boolean {
  let tables = 1;
  for (const one of found) if (one.kind === 'folder' && one.path !== '' && !one.path.includes('/')) tables += 1;
  return tables > mostTables;
}

/** The tables, including the rows that were not read again. */
function withKept(seen: readonly TableRows[], kept: KeptFiles): TableRows[] {
  const read = seen.map((table) => ({ ...table, bytes: 0 }));
  const tallies = [read, ...kept.tallies].map((tables) => ({ tables, ended: true }));
  return tableRows(mergeTallies(tallies));
}

/** Where each file and link lies. */
function* placesOf(
  parts: readonly PlannedPart[],
  notes: readonly PartNotes[],
  kept: KeptFiles,
): Iterable<FilePlaced & { path: string }> {
  yield* kept.places();
  for (const [at, { file }] of parts.entries()) {
    const part = partNumber(file);
    if (part === undefined) continue;
    for (const { path, state } of entriesIn(notedIn(notes[at]!))) yield { path, part, state };
  }
}

function confirmed(notes: readonly PartNotes[], kept: KeptFiles): Omit<Confirmed, 'tables' | 'parts'> {
  const noted = notes.map(notedIn);
  const vanished = noted.flatMap((one) => one.vanished).map(pathText);
  const unsteady = noted.flatMap((one) => one.unsteady).map(pathText);
  const heard = [...new Set(notes.flatMap((one) => one.heard))];
  return {
    catalog: { [Symbol.iterator]: () => catalogOf(notes, kept) },
    warnings: [
      ...limited(heard, 'more lines of tar are not shown'),
      ...(vanished.length === 0 ? [] : [`removed before it was read: ${firstOf(vanished, mostNamed)}`]),
    ],
    exceptions: unsteady.length === 0 ? [] : [unsteadySentence(unsteady)],
  };
}

/** The catalog of everything that is stored. */
function* catalogOf(notes: readonly PartNotes[], kept: KeptFiles): Generator<CatalogEntry> {
  const owners = ownersIn(notes);
  for (const facts of kept.facts()) yield* catalogEntries(facts, owners);
  for (const one of notes) for (const { facts } of entriesIn(notedIn(one))) yield* catalogEntries(facts, owners);
}

/** Folders are read each time. */
function ownersIn(notes: readonly PartNotes[]): FolderOwners {
  const owners = packedMap();
  for (const one of notes)
    for (const { facts } of entriesIn(notedIn(one))) if (facts.kind === 'folder') owners.add(facts.name, facts.owner);
  let last: { name: string; owner: string | undefined } | undefined;
  return {
    get(name) {
      // entries of one folder are usually adjacent
      if (last?.name !== name) last = { name, owner: owners.get(name) };
      return last.owner;
    },
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
