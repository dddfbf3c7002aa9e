import { partOfCatalog } from '../../../contract/manifest/catalog.ts';
import { BackupError } from '../../../domain/errors.ts';
import type { ProgramRun } from '../../../pipeline/program.ts';
import type { Catalog, RestoreFinding, TargetOptions } from '../../../ports.ts';
import type { Login } from '../../login.ts';
import type { PostgresSession } from '../session.ts';
import { archiveEntries } from './archive-list.ts';
import { leftOn } from './entries.ts';
import type { PostgresExcerpt } from './excerpt.ts';
import { archiveGraph } from './graph.ts';
import type { ArchiveGraph } from './graph.ts';
import { chosenPieces } from './rows.ts';

/** Entries of an archive that are the extension, or something in its schema or on it. */
const itsEntry = /^(?:(?:COMMENT - )?EXTENSION - pg_cron |ACL - SCHEMA cron |[A-Z][A-Z ]* cron )/;
/** The same by the names of a catalog: `cron.job`, `cron_job_policy on cron.job`, `schema cron`, `table cron.job`. */
const itsName = /^(?:schema cron$|(?:[a-z ]+ )?cron\.)| on cron\./;
const itsPosition = /^\s*SELECT pg_catalog\.setval\('cron\./;

/** The database in which a server makes pg_cron; undefined where the backup has none, or the role may not know. */
export async function onlyPlaceOfCron(
  catalog: Catalog,
  asking: <T>(ask: (session: PostgresSession) => Promise<T>) => Promise<T>,
): Promise<string | undefined> {
  if (catalog['extension']?.['pg_cron'] === undefined) return undefined;
  const [found] = await asking((session) =>
    session.rows<{ place: string | null }>(
      `select case when pg_has_role('pg_read_all_settings', 'usage') then current_setting('cron.database_name', true) end as place`,
    ),
  );
  return found?.place ?? undefined;
}

/** In place there is no beside: what would be made there, under another name, could not have the extension. */
export async function cronFindings(
  session: PostgresSession,
  { database }: Login,
  catalog: Catalog,
): Promise<RestoreFinding[]> {
  if ((await onlyPlaceOfCron(catalog, (ask) => ask(session))) !== database) return [];
  return [
    {
      weight: 'fails',
      what: `pg_cron can be made in database ${database} alone, and so in none beside it that would take its place`,
      remedy:
        'restore under another name, where pg_cron and its jobs are left out; or set cron.database_name to another ' +
        `database, restart the server, rename ${database}, set it back, restart again, and restore into the free name`,
    },
  ];
}

/**
 * All of a backup but pg_cron, which a server makes in one database alone (`onlyIn`), and what needs it. A drill, or a
 * copy under another name, could never succeed with it.
 */
export async function withoutCron(
  { manifest, catalog, open }: TargetOptions,
  onlyIn: string,
  run: (args: string[]) => ProgramRun,
  signal: AbortSignal,
): Promise<PostgresExcerpt> {
  const definitions = manifest.parts.find(({ role }) => role === 'schema');
  if (definitions === undefined || open === undefined)
    throw new BackupError('manifest-invalid', `${manifest.id} has no definitions`);
  const graph = archiveGraph(await archiveEntries(open(definitions, signal), run, signal), catalog);
  const { ids, needing } = entriesWithout(graph, catalog);
  const kept = partOfCatalog(catalog, isKeptWithout(needing));
  const isIts = (table: string) => table.startsWith('cron.');
  return {
    tables: [],
    bare: [],
    ids,
    catalog: kept,
    catalogFor: () => kept,
    manifest: {
      ...manifest,
      tables: manifest.tables.filter(({ table }) => !isIts(table)),
      sequences: Object.fromEntries(Object.entries(manifest.sequences).filter(([name]) => !name.startsWith("'cron."))),
    },
    lacking: [
      `extension pg_cron and all in schema cron, its jobs, which this server makes in database ${onlyIn} alone`,
      ...needing.map(({ kind, name }) => `${kind} ${name}, which needs pg_cron`),
    ],
    notes: [],
    isRead: () => true,
    rowsOf: (pieces) =>
      chosenPieces(
        pieces,
        (table) => !isIts(table),
        (statement) => !itsPosition.test(statement),
      ),
    positions: [],
    copying: () => [],
  };
}

type Needing = { kind: string; name: string };

/** `ids`: entries that do without the extension. `needing`: what others are, that are not of the extension itself. */
function entriesWithout(graph: ArchiveGraph, catalog: Catalog): { ids: Set<string>; needing: Needing[] } {
  const lost = new Set(graph.entries.filter(({ words }) => itsEntry.test(words)).map(({ id }) => id));
  for (let size = -1; size !== lost.size; ) {
    size = lost.size;
    for (const { id, needs } of graph.entries) if (needs.some((one) => lost.has(one))) lost.add(id);
  }
  const ids = new Set(graph.entries.flatMap(({ id }) => (lost.has(id) ? [] : [id])));
  const needing = graph.entries
    .filter(({ id, words }) => lost.has(id) && !itsEntry.test(words))
    .flatMap((entry): Needing[] => {
      const named = graph.named(entry.id);
      return named === undefined ? leftOn(entry, ids, graph, catalog) : [named];
    });
  return { ids, needing };
}

/** What a catalog has of the rest: not what needs the extension, nor what is said of that. */
function isKeptWithout(needing: readonly Needing[]): (kind: string, name: string) => boolean {
  const gone = new Set(needing.map(({ kind, name }) => `${kind} ${name}`));
  const columns = needing.map(({ name }) => ` column ${name}.`);
  const isOfGone = (name: string) => gone.has(name) || columns.some((its) => name.includes(its));
  return (kind, name) =>
    !(kind.startsWith('extension') && name === 'pg_cron') &&
    !itsName.test(name) &&
    !gone.has(`${kind} ${name}`) &&
    !(isSaidOf(kind) && isOfGone(name));
}

/** Kinds that say something of an object, under its kind and name: its owner, a comment. */
function isSaidOf(kind: string): boolean {
  return ['owner', 'grant', 'comment', 'tablespace', 'security label'].includes(kind);
}
