import type { TableRows } from '../../contract/manifest/manifest.ts';
import { BackupError } from '../../domain/errors.ts';
import { hearing, warningsOf } from '../../pipeline/hearing.ts';
import { postgresReader } from '../../pipeline/rows/postgres.ts';
import type { Engine, Plan } from '../../ports.ts';
import type { Tools } from '../../tools.ts';
import type { Bytes } from '../../domain/units.ts';
import { placeOf } from '../login.ts';
import type { Login } from '../login.ts';
import { openAdoption } from './adopt/adoption.ts';
import { restoreCommands } from './restore/by-hand.ts';
import { ownerKinds, readCatalog } from './catalog/catalog.ts';
import { carried } from './catalog/left-out.ts';
import { touchedWarnings } from './catalog/members.ts';
import { examinations } from './examine/examinations.ts';
import { nameKey } from './identifier.ts';
import { printsNames, readIdentities } from './plan/identity.ts';
import { openPart } from './plan/making.ts';
import type { PostgresRecipe } from './plan/making.ts';
import { plannedParts } from './plan/parts.ts';
import { replicationWarnings } from './plan/replication.ts';
import { replacedDatabases } from './database/kept.ts';
import { requireSame } from './plan/same.ts';
import { openSnapshot } from './plan/snapshot.ts';
import { readLayout } from './fixture/layout.ts';
import { settle } from './proof/settle.ts';
import { serverIdentity } from './server-identity.ts';
import { withSession } from './session.ts';
import type { PostgresTable } from './tables.ts';
import { requireFinished } from './unfinished/mark.ts';
import { openTarget } from './restore/target.ts';

/**
 * PostgreSQL 13 and newer, read by its own programs: definitions as an archive, rows as COPY text, all under one
 * exported snapshot.
 */
export function postgresEngine(own: Login, tools: Tools, sliceBytes?: Bytes): Engine {
  return {
    name: 'postgres',
    place: placeOf('postgres', own),
    async plan({ like, restored, database = own.database }, signal) {
      const snapshot = await openSnapshot({ ...own, database }, signal);
      try {
        const { session, under, serverVersion, tables, withoutRows } = snapshot;
        const login = { ...own, database, address: under.address ?? undefined };
        if (like === undefined) await requireFinished(session, login);
        const all = await readCatalog(session, restored);
        // a restored database is compared with everything in it
        const { catalog, exceptions } = like === undefined ? carried(all) : { catalog: all, exceptions: [] };
        const replication = like === undefined ? await replicationWarnings(session) : [];
        return {
          database: login.database,
          server: {
            product: 'PostgreSQL',
            version: serverVersion,
            ...(like === undefined && (await serverIdentity(session))),
          },
          client: { program: 'pg_dump', version: tools.program('pg_dump', under.serverMajor).version },
          parts: plannedParts(
            { snapshot, encoding: catalog['database']?.['encoding'] ?? 'UTF8', parallel: login.parallel },
            like,
            sliceBytes,
          ),
          catalog,
          warnings: [
            ...standbyWarnings(withoutRows),
            ...replication,
            ...(like === undefined ? touchedWarnings(catalog) : []),
          ],
          over: snapshot.over,
          // programs only say that the snapshot is gone; this says why its session ended
          explain: async (error) => session.lost() ?? error,
          async confirm(seen, notes, stop) {
            const before = await readIdentities(session, 'rows'); // this also shows that the snapshot was held to the end
            const alsoNames = await printsNames(session);
            await withSession(login, stop, async (fresh) => {
              requireSame(before, await readIdentities(fresh, 'rows'), login);
              if (!alsoNames) return;
              requireSame(
                await readIdentities(session, 'definitions'),
                await readIdentities(fresh, 'definitions'),
                login,
              );
            });
            requireAllSeen(tables, seen);
            const warnings = warningsOf(notes.flatMap(({ heard }) => heard));
            const { position } = snapshot;
            return { tables: [...seen, ...withoutRows.map(emptied)], warnings, exceptions, position };
          },
          close: () => snapshot.close(),
        } satisfies Plan;
      } catch (error) {
        await snapshot.close();
        throw error;
      }
    },
    open(part, signal) {
      const said = hearing(tools);
      const recipe = part.recipe as PostgresRecipe;
      const { database, address } = recipe.under;
      const login = { ...own, database, address: address ?? undefined };
      const opened = openPart(part.file, { login, tools: said.tools, recipe }, signal);
      return { ...opened, notes: async () => ({ heard: said.messages() }) };
    },
    ownerKinds,
    reader: postgresReader,
    settle: (compared, signal) => settle(own, tools, compared, signal),
    async target(backup, signal) {
      const said = hearing(tools);
      return Object.assign(await openTarget(own, said.tools, backup, signal), {
        heard: () => warningsOf(said.messages()),
      });
    },
    replaced: replacedDatabases(own),
    adopt: (signal) => openAdoption(own, tools, signal),
    restoreCommands: (parts, plan) => restoreCommands(parts, plan.catalog, plan.ownerless),
    tables: (signal) => readLayout(own, signal),
    examinations: (clock) => examinations(own, tools, clock),
  };
}

function standbyWarnings(withoutRows: PostgresTable[]): string[] {
  if (withoutRows.length === 0) return [];
  return [
    `this server is a standby, which has no rows of unlogged tables; they are empty in this backup, as they would be after a failover: ${withoutRows.map(({ name }) => name).join(', ')}`,
  ];
}

/** A table without rows, as a dump shows it. */
function emptied({ name, columns }: PostgresTable): TableRows {
  return { table: name, columns: columns.join(', '), rows: 0, fingerprint: '0'.repeat(16) };
}

/** A dump prints every table, including empty ones; hash partitions may be printed as their root. */
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
