import type { TableRows } from '../../contract/manifest/manifest.ts';
import { BackupError } from '../../domain/errors.ts';
import { hearing } from '../../pipeline/hearing.ts';
import { postgresReader } from '../../pipeline/rows/postgres.ts';
import type { ByteStream, Engine, Plan, PlannedPart } from '../../ports.ts';
import type { Tools } from '../../tools.ts';
import type { Bytes } from '../../domain/units.ts';
import { placeOf } from '../login.ts';
import type { Login } from '../login.ts';
import { restoreCommands } from './restore/by-hand.ts';
import { ownerKinds, readCatalog } from './catalog/catalog.ts';
import { carried } from './catalog/left-out.ts';
import { touchedWarnings } from './catalog/members.ts';
import { examinations } from './examine/examinations.ts';
import { nameKey } from './identifier.ts';
import { changed, printsNames, readIdentities } from './plan/identity.ts';
import type { Scope } from './plan/identity.ts';
import { plannedParts, restFile, schemaFile } from './plan/parts.ts';
import { replicationWarnings } from './plan/replication.ts';
import { replacedDatabases } from './database/kept.ts';
import { settle } from './proof/settle.ts';
import { serverIdentity } from './server-identity.ts';
import { withSession } from './session.ts';
import type { PostgresSession } from './session.ts';
import { openSnapshot } from './plan/snapshot.ts';
import type { Snapshot } from './plan/snapshot.ts';
import type { PostgresTable } from './tables.ts';
import { openTarget } from './restore/target.ts';

/**
 * PostgreSQL 13 and newer, by its own programs: definitions as an archive, rows as COPY text, all under one exported
 * snapshot.
 */
export function postgresEngine(own: Login, tools: Tools, sliceBytes?: Bytes): Engine {
  return {
    name: 'postgres',
    place: placeOf('postgres', own),
    async plan({ like, restored, database = own.database }, signal) {
      const login = { ...own, database };
      const snapshot = await openSnapshot(login, signal);
      try {
        const { session, serverMajor, serverVersion, tables, withoutRows } = snapshot;
        const all = await readCatalog(session, restored);
        // a restored database is compared with all that is in it
        const { catalog, exceptions } = like === undefined ? carried(all) : { catalog: all, exceptions: [] };
        const replication = like === undefined ? await replicationWarnings(session) : [];
        const said = hearing(tools);
        return {
          database: login.database,
          server: {
            product: 'PostgreSQL',
            version: serverVersion,
            ...(like === undefined && (await serverIdentity(session))),
          },
          client: { program: 'pg_dump', version: tools.program('pg_dump', serverMajor).version },
          parts: plannedParts(
            { login, tools: said.tools, snapshot, encoding: catalog['database']?.['encoding'] ?? 'UTF8' },
            like,
            sliceBytes,
          ).map((part) => whileHeld(stillSame(part, session, login), snapshot)),
          catalog,
          warnings: [
            ...standbyWarnings(withoutRows),
            ...replication,
            ...(like === undefined ? touchedWarnings(catalog) : []),
          ],
          async confirm(seen, stop) {
            await requireSame('rows', session, login, stop); // and the snapshot was held to the end
            if (await printsNames(session)) await requireSame('definitions', session, login, stop);
            requireAllSeen(tables, seen);
            return { tables: [...seen, ...withoutRows.map(emptied)], warnings: said.warnings(), exceptions };
          },
          close: () => snapshot.close(),
        } satisfies Plan;
      } catch (error) {
        await snapshot.close();
        throw error;
      }
    },
    ownerKinds,
    reader: postgresReader,
    settle: (compared, signal) => settle(own, tools, compared, signal),
    async target(backup, signal) {
      const said = hearing(tools);
      return Object.assign(await openTarget(own, said.tools, backup, signal), { heard: said.warnings });
    },
    replaced: replacedDatabases(own),
    restoreCommands: (parts, plan) => restoreCommands(parts, plan.catalog),
    examinations: (clock) => examinations(own, tools, clock),
  };
}

/**
 * Nothing is read any more once the snapshot is over. Programs that find it gone say just that: why its session was
 * ended is told instead.
 */
function whileHeld(part: PlannedPart, { session, over }: Snapshot): PlannedPart {
  async function* open(signal: AbortSignal): ByteStream {
    try {
      yield* part.open(AbortSignal.any([signal, over]));
    } catch (error) {
      throw session.lost() ?? error;
    }
  }
  return { ...part, open };
}

/** What a part is printed from, beside rows, must be behind it what it was at the snapshot's moment. */
const scopeOf: Partial<Record<string, Scope>> = { [schemaFile]: 'definitions', [restFile]: 'numbers' };

function stillSame(part: PlannedPart, session: PostgresSession, login: Login): PlannedPart {
  const scope = scopeOf[part.file];
  if (scope === undefined) return part;
  async function* open(signal: AbortSignal): ByteStream {
    yield* part.open(signal);
    await requireSame(scope!, session, login, signal);
  }
  return { ...part, open };
}

/** Throws `source-changed` unless everything of this scope still is what it was when the snapshot was taken. */
async function requireSame(scope: Scope, session: PostgresSession, login: Login, signal: AbortSignal): Promise<void> {
  const before = await readIdentities(session, scope);
  const now = await withSession(login, signal, (fresh) => readIdentities(fresh, scope));
  const found = [...new Set(changed(before, now))];
  if (found.length === 0) return;
  const named = found.slice(0, 5).join(', ') + (found.length > 5 ? `, and ${found.length - 5} more` : '');
  throw new BackupError(
    'source-changed',
    `${placeOf('postgres', login)}: redefined, renamed or dropped during the backup: ${named}`,
    {
      hint: 'run the backup again when no migration is running',
    },
  );
}

function standbyWarnings(withoutRows: PostgresTable[]): string[] {
  if (withoutRows.length === 0) return [];
  return [
    `this server is a standby, which has no rows of unlogged tables; they are empty in this backup, as they would be after a failover: ${withoutRows.map(({ name }) => name).join(', ')}`,
  ];
}

/** What a table without rows looks like in a dump. */
function emptied({ name, columns }: PostgresTable): TableRows {
  return { table: name, columns: columns.join(', '), rows: 0, fingerprint: '0'.repeat(16) };
}

/** Every table is printed by a dump, empty ones too; hash partitions may be printed as their root. */
function requireAllSeen(tables: PostgresTable[], seen: TableRows[]): void {
  const names = new Set(seen.map(({ table }) => nameKey(table)));
  const missing = tables.filter((table) => table.byOwnName && !names.has(nameKey(table.name)));
  if (missing.length === 0) return;
  throw new BackupError(
    'dump-cut',
    `the dump holds no rows section for ${missing.map(({ name }) => name).join(', ')}`,
    {
      hint: 'the dump program left tables out without an error; run the backup again, and report this',
    },
  );
}
