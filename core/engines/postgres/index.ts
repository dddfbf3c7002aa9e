import type { ManifestPart, TableRows } from '../../contract/manifest.ts';
import { BackupError } from '../../domain/errors.ts';
import type { ByteStream, Catalog, Engine, Plan, PlannedPart } from '../../ports.ts';
import type { Tools } from '../../tools.ts';
import type { Bytes } from '../../domain/units.ts';
import { placeOf } from '../login.ts';
import type { Login } from '../login.ts';
import { ownerKinds, readCatalog, redefined } from './catalog.ts';
import { plainNames } from './identifier.ts';
import { plannedParts } from './parts.ts';
import { withSession } from './session.ts';
import type { Session } from './session.ts';
import { openSnapshot } from './snapshot.ts';
import type { Table } from './snapshot.ts';
import { openTarget } from './target.ts';

/** PostgreSQL 13 and newer, by its own programs: definitions as an archive, rows as COPY text, all under one exported snapshot. */
export function postgresEngine(own: Login, tools: Tools, sliceBytes?: Bytes): Engine {
  return {
    name: 'postgres',
    place: placeOf('postgres', own),
    async plan({ like, database = own.database }, signal) {
      const login = { ...own, database };
      const snapshot = await openSnapshot(login, signal);
      try {
        const { session, serverMajor, serverVersion, tables, withoutRows } = snapshot;
        const catalog = await readCatalog(session);
        return {
          database: login.database,
          server: { product: 'PostgreSQL', version: serverVersion },
          client: { program: 'pg_dump', version: tools.program('pg_dump', serverMajor).version },
          parts: plannedParts({ login, tools, snapshot, encoding: catalog['database']?.['encoding'] ?? 'UTF8' }, like, sliceBytes).map((part) => whileHeld(part.role === 'schema' ? stillDefined(part, login, catalog) : part, session)),
          catalog,
          warnings: standbyWarnings(withoutRows),
          async confirm(seen) {
            await session.rows('select 1'); // the snapshot was held to the end
            requireAllSeen(tables, seen);
            return { tables: [...seen, ...withoutRows.map(emptied)], warnings: [], exceptions: [] };
          },
          close: () => snapshot.close(),
        } satisfies Plan;
      } catch (error) {
        await snapshot.close();
        throw error;
      }
    },
    ownerKinds,
    target: (backup, signal) => openTarget(own, tools, backup, signal),
    restoreCommands: (parts, plan) => restoreCommands(parts, plan.catalog),
  };
}

/** Programs that find the snapshot gone say just that: why its session was ended is told instead. */
function whileHeld(part: PlannedPart, session: Session): PlannedPart {
  async function* open(signal: AbortSignal): ByteStream {
    try {
      yield* part.open(signal);
    } catch (error) {
      throw session.lost() ?? error;
    }
  }
  return { ...part, open };
}

/** pg_dump asks the server for some definitions, and no snapshot holds for its answers: they must be, behind the part, what they were before. */
function stillDefined(part: PlannedPart, login: Login, before: Catalog): PlannedPart {
  async function* open(signal: AbortSignal): ByteStream {
    yield* part.open(signal);
    const changed = redefined(before, await withSession(login, signal, readCatalog));
    if (changed.length === 0) return;
    throw new BackupError('source-changed', `${placeOf('postgres', login)}: redefined while the backup began: ${changed.slice(0, 5).join(', ')}${changed.length > 5 ? `, and ${changed.length - 5} more` : ''}`, {
      hint: 'run the backup again when no migration is running',
    });
  }
  return { ...part, open };
}

function standbyWarnings(withoutRows: Table[]): string[] {
  if (withoutRows.length === 0) return [];
  return [`this server is a standby, which has no rows of unlogged tables; they are empty in this backup, as they would be after a failover: ${withoutRows.map(({ name }) => name).join(', ')}`];
}

/** What a table without rows looks like in a dump. */
function emptied({ name, columns }: Table): TableRows {
  return { table: name, columns: columns.join(', '), rows: 0, fingerprint: '0'.repeat(16) };
}

/** Every table is printed by a dump, empty ones too; hash partitions may be printed as their root. */
function requireAllSeen(tables: Table[], seen: TableRows[]): void {
  const names = new Set(seen.map(({ table }) => plainNames(table).join('\n')));
  const missing = tables.filter((table) => table.byOwnName && !names.has(plainNames(table.name).join('\n')));
  if (missing.length === 0) return;
  throw new BackupError('dump-cut', `the dump holds no rows section for ${missing.map(({ name }) => name).join(', ')}`, {
    hint: 'the dump program left tables out without an error; run the backup again, and report this',
  });
}

/** Stock commands that restore a backup from a folder with its objects; the database is made as the old one was. */
function restoreCommands(parts: ManifestPart[], catalog: Catalog): string[] {
  const { encoding, collate, ctype, provider, locale } = catalog['database'] ?? {};
  const data = parts.filter(({ role }) => role === 'data').map(({ file }) => file);
  const icu = provider === 'i' ? ` --locale-provider=icu --icu-locale=${shellWord(locale)}` : '';
  const builtin = provider === 'b' ? ` --locale-provider=builtin --builtin-locale=${shellWord(locale)}` : '';
  return [
    `export PGOPTIONS='-c lc_monetary=C'`,
    `createdb --template=template0 --encoding=${encoding} --lc-collate=${shellWord(collate)} --lc-ctype=${shellWord(ctype)}${icu}${builtin} "$DB"`,
    'pg_restore --exit-on-error --section=pre-data --dbname="$DB" schema.pgdump',
    // the COMMIT is sent only if the whole part was unpacked
    ...data.map((file) => `{ echo 'BEGIN;' && zstd -dc ${file} && echo 'COMMIT;'; } | psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --dbname="$DB"`),
    'pg_restore --exit-on-error --section=post-data --dbname="$DB" schema.pgdump',
  ];
}

function shellWord(text = ''): string {
  return /^[\w.@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
