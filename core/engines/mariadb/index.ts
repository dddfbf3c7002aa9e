import type { TableRows } from '../../contract/manifest.ts';
import { BackupError } from '../../domain/errors.ts';
import { hearing } from '../../pipeline/hearing.ts';
import type { Engine, Plan } from '../../ports.ts';
import type { Tools } from '../../tools.ts';
import { placeOf } from '../login.ts';
import type { Login } from '../login.ts';
import { changedObjects, ownerKinds, readCatalog, readTriggerOrder } from './catalog.ts';
import { plannedParts, takesHistory } from './parts.ts';
import { requirePrivileges } from './privileges.ts';
import { requireReadable } from './readable.ts';
import { quoteName } from './quoting.ts';
import { restoreCommands } from './restore-commands.ts';
import { withSession } from './session.ts';
import type { Server } from './session.ts';
import { libraryWarnings, readTables, tableWarnings } from './tables.ts';
import type { Table } from './tables.ts';
import { openTarget } from './target.ts';

/**
 * MariaDB 10.4 and newer, MySQL 5.7 and newer, by MariaDB's own programs. All rows come from one mariadb-dump and its one transaction; the
 * definitions, which no transaction protects, are compared with the catalogue before and after.
 */
export function mariadbEngine(login: Login, tools: Tools): Engine {
  const place = placeOf('mariadb', login);
  return {
    name: 'mariadb',
    place,
    // `database` is never another one here: a restore goes where it stays
    plan: ({ restored }, signal) => withSession(login, signal, async (session): Promise<Plan> => {
      const { server } = session;
      await requirePrivileges(session, login);
      await requireReadable(session, login);
      const tables = await readTables(session);
      const catalog = await readCatalog(session, restored);
      const triggerOrder = await readTriggerOrder(session);
      const said = hearing(tools);
      return {
        database: login.database,
        server: { product: server.product, version: server.version },
        client: { program: 'mariadb-dump', version: tools.program('mariadb-dump').version },
        parts: plannedParts({ login, tools: said.tools, server, catalog, tables, triggerOrder }),
        catalog,
        warnings: [...tableWarnings(tables, takesHistory(server)), ...await libraryWarnings(session)],
        async confirm(seen, stop) {
          const changed = changedObjects(catalog, await withSession(login, stop, (later) => readCatalog(later, restored)));
          if (changed.length > 0) throw changedError(place, changed);
          return { tables: complete(seen, tables, server), warnings: said.warnings(), exceptions: [] };
        },
        close: () => Promise.resolve(),
      };
    }),
    ownerKinds,
    async target(backup, signal) {
      const said = hearing(tools);
      return Object.assign(await openTarget(login, said.tools, backup, signal), { heard: said.warnings });
    },
    restoreCommands,
  };
}

function changedError(place: string, changed: string[]): BackupError {
  const shown = changed.length > 5 ? `${changed.slice(0, 5).join(', ')} and ${changed.length - 5} more` : changed.join(', ');
  return new BackupError('source-changed', `${place}: definitions changed while the backup ran: ${shown}`, {
    hint: 'run the backup again when no migration is running',
  });
}

/** Tables without rows leave no INSERT in a dump; that they were read is known from the comments above their rows. */
function complete(seen: TableRows[], tables: Table[], server: Server): TableRows[] {
  const names = new Set(seen.map(({ table }) => table));
  const empty = tables.filter(({ name }) => !names.has(quoteName(name))).map(({ name, columns }): TableRows => ({
    table: quoteName(name),
    columns: columns.filter(({ generated }) => !generated || server.product === 'MariaDB').map((column) => quoteName(column.name)).join(', '),
    rows: 0,
    fingerprint: '0'.repeat(16),
  }));
  return [...seen, ...empty];
}
