import type { Manifest, Position, TableRows } from '../../contract/manifest/manifest.ts';
import { BackupError } from '../../domain/errors.ts';
import { hearing, warningsOf } from '../../pipeline/hearing.ts';
import { mariadbReader } from '../../pipeline/rows/mariadb.ts';
import type { Catalog, Engine, Plan, PlannedPart } from '../../ports.ts';
import type { Tools } from '../../tools.ts';
import { placeOf } from '../login.ts';
import type { Login } from '../login.ts';
import { openAdoption } from './adopt/adoption.ts';
import { ownerKinds, readTriggerOrder } from './catalog/catalog.ts';
import { explainedByChange, readDefinitions, requireUnchanged, selfNamingWarnings } from './catalog/changes.ts';
import { brokenTriggerLosses, brokenTriggers, withoutTriggers } from './repairs/broken-triggers.ts';
import { examinations } from './examine/examinations.ts';
import { repairsOf } from './repairs/repairs.ts';
import { openPart, takesHistory } from './plan/making.ts';
import type { MariadbRecipe } from './plan/making.ts';
import { plannedParts } from './plan/parts.ts';
import { positionBefore } from './plan/position.ts';
import { explainDenied, requirePrivileges } from './rights/privileges.ts';
import { requireReadable } from './plan/readable.ts';
import { quoteName } from './quoting.ts';
import { restoreCommands } from './restore-commands.ts';
import { serverIdentity } from './server-identity.ts';
import { withSession } from './session.ts';
import type { Server } from './session.ts';
import { isTransactional, libraryWarnings, readTables, tableWarnings } from './tables.ts';
import type { MariadbTable } from './tables.ts';
import { openTarget } from './restore/target.ts';
import { readLayout } from './fixture/layout.ts';
import { replacedDatabases } from './swap/kept.ts';
import { withDefiners } from './swap/put-in-place.ts';
import { settle } from './proof/settle.ts';
import { requireFinished } from './restore/unfinished.ts';
import { requireStoredBytes, requireUsualSession } from './preflight/usual.ts';
import { defaultLosses } from './values/definitions.ts';
import { lostWords } from './values/lost-words.ts';
import { lossExceptions } from './values/losses.ts';
import type { CountedLosses } from './values/losses.ts';
import { oldTexts } from './values/old-text.ts';
import { oldLosses } from './values/old-warnings.ts';
import { risksOf } from './values/risks.ts';
import { storedBytes } from './values/row-form.ts';

/**
 * MariaDB 10.4 and newer, MySQL 5.7 and newer, read by MariaDB's own programs. All rows come from one mariadb-dump and
 * its one transaction; what no transaction protects is compared before and after: the definitions, and which tables the
 * names stand for.
 */
export function mariadbEngine(own: Login, tools: Tools): Engine {
  return {
    name: 'mariadb',
    place: placeOf('mariadb', own),
    plan: ({ like, restored, database = own.database }, signal) => {
      const login = { ...own, database };
      const place = placeOf('mariadb', login);
      return withSession(login, signal, async (session): Promise<Plan> => {
        const { server } = session;
        const rowForm = rowFormFor(like);
        await requireUsualSession(session, login);
        const blindness = await requirePrivileges(session, login);
        await requireFinished(session, place);
        await requireReadable(session, login);
        const tables = await readTables(session);
        if (rowForm !== undefined) await requireStoredBytes(session, login, tables, signal);
        const before = await readDefinitions(session, restored);
        const { catalog } = before;
        const broken = like === undefined ? await brokenTriggers(session) : [];
        const triggerOrder = await readTriggerOrder(session);
        const known = like === undefined ? tables : [];
        const lostDefinitions = [
          ...(await defaultLosses(session, known)),
          ...lostWords(before.tables, server),
          ...brokenTriggerLosses(broken),
        ];
        const position = like === undefined ? await positionBefore(session) : [];
        const risks = known.flatMap((table) => risksOf(table, server));
        const unprotected = known.filter((table) => !isTransactional(table)).map(({ name }) => name);
        return {
          database: login.database,
          server: {
            product: server.product,
            version: server.version,
            ...(like === undefined && (await serverIdentity(session))),
          },
          client: { program: 'mariadb-dump', version: tools.program('mariadb-dump').version },
          parts: plannedParts({
            server,
            catalog,
            tables,
            triggerOrder,
            broken,
            watch: like === undefined,
            rowForm,
            risks,
            repairs: repairsOf(before.tables, server, tables),
            tellsPosition: position === 'told-by-dump',
          }).map((part) => (database === own.database ? part : within(part, database))),
          ...(rowForm !== undefined && { rowForm }),
          catalog: proofCatalog(withoutTriggers(catalog, broken), database === own.database ? undefined : restored),
          warnings: [
            ...tableWarnings(tables, takesHistory(server)),
            ...blindness,
            ...selfNamingWarnings(before, login.database),
            ...(await libraryWarnings(session)),
          ],
          explain: (error, stop) => explainedByChange(error, before, login, stop),
          async confirm(seen, notes, stop) {
            await requireUnchanged(before, login, stop);
            const counted = notes.map((note) => note.counted as CountedBeside | undefined);
            const losses = counted.find((one) => one?.losses !== undefined)?.losses;
            const told = counted.flatMap((one) => one?.position ?? []);
            return {
              tables: complete(seen, tables, server),
              warnings: warningsOf(notes.flatMap(({ heard }) => heard)),
              exceptions:
                like === undefined
                  ? [...lostDefinitions, ...(await lossExceptions(risks, losses, unprotected, login))]
                  : [...oldLosses(like), ...oldTexts(like, tables, server)],
              position: position === 'told-by-dump' ? told : position,
            };
          },
          close: async () => {}, // nothing is held: each part sees its own moment, and what may differ is compared
        };
      }).catch((error: unknown) => explainDenied(error, login, signal));
    },
    open(part, signal) {
      const said = hearing(tools);
      const { inside: database = own.database, ...recipe } = part.recipe as OwnRecipe;
      const login = { ...own, database };
      const { losses, position, ...opened } = openPart(recipe, { login, tools: said.tools }, signal);
      const notes = async () => {
        const lost = await losses?.counted();
        const counted: CountedBeside = { ...(lost && { losses: lost }), position: position?.found() ?? [] };
        return { heard: said.messages(), counted };
      };
      return { ...opened, notes };
    },
    settle: (compared, signal) => settle({ ...own, database: compared.database ?? own.database }, compared, signal),
    ownerKinds,
    reader: mariadbReader,
    async target(backup, signal) {
      const said = hearing(tools);
      return Object.assign(await openTarget(own, said.tools, backup, signal), {
        heard: () => warningsOf(said.messages()),
      });
    },
    adopt: (signal) => openAdoption(own, tools, signal),
    restoreCommands,
    tables: (signal) => readLayout(own, signal),
    replaced: replacedDatabases(own),
    examinations: (clock) => examinations(own, tools, clock),
  };
}

/** What the maker of a part reports about it. */
type CountedBeside = { losses?: CountedLosses; position: Position[] };

/** `inside`: the database that is read, if it is not the engine's own. */
type OwnRecipe = MariadbRecipe & { inside?: string };

function within(part: PlannedPart, inside: string): PlannedPart {
  return { ...part, recipe: { ...(part.recipe as MariadbRecipe), inside } };
}

/** What a proof compares: beside the database to be replaced, objects don't have their definers yet. */
function proofCatalog(catalog: Catalog, restored: Catalog | undefined): Catalog {
  return restored === undefined ? catalog : withDefiners(catalog, { catalog: restored, owners: true });
}

/** The row form of a new backup, or of the backup to compare with. */
function rowFormFor(like: Manifest | undefined): string | undefined {
  if (like === undefined) return storedBytes;
  if (like.rowForm === undefined || like.rowForm === storedBytes) return like.rowForm;
  throw new BackupError(
    'source-unsupported',
    `the rows of ${like.source} ${like.id} were printed in the form ${like.rowForm}, which this Nightjar does not know`,
    {
      hint: 'prove it with the version that made it, or a newer one',
    },
  );
}

/**
 * Adds tables without rows, which leave no INSERT in a dump; the comments above their rows show that they were read.
 */
function complete(seen: TableRows[], tables: MariadbTable[], server: Server): TableRows[] {
  const names = new Set(seen.map(({ table }) => table));
  const empty = tables
    .filter(({ name }) => !names.has(quoteName(name)))
    .map(
      ({ name, columns }): TableRows => ({
        table: quoteName(name),
        columns: columns
          .filter(({ generated }) => !generated || server.product === 'MariaDB')
          .map((column) => quoteName(column.name))
          .join(', '),
        rows: 0,
        fingerprint: '0'.repeat(16),
      }),
    );
  return [...seen, ...empty];
}
