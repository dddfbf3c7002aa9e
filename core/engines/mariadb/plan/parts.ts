import type { Catalog, PlannedPart } from '../../../ports.ts';
import type { BrokenTrigger } from '../repairs/broken-triggers.ts';
import type { Repairs } from '../repairs/repairs.ts';
import type { Server } from '../session.ts';
import { holdsRows, isTransactional } from '../tables.ts';
import type { MariadbTable } from '../tables.ts';
import type { Risk } from '../values/risks.ts';
import type { MariadbRecipe, RowsRecipe } from './making.ts';

/** `watch`: the tables are watched while their rows are read. `risks`: what is to be counted beside them. */
type DumpContext = {
  server: Server;
  catalog: Catalog;
  tables: MariadbTable[];
  triggerOrder: ReadonlyMap<string, number>;
  watch: boolean;
  rowForm: string | undefined;
  risks: Risk[];
  repairs: Repairs;
  broken: readonly BrokenTrigger[];
  tellsPosition: boolean;
};

const routineKinds = ['function', 'procedure', 'package', 'package body'];

/**
 * The parts of a database. Routines are among the definitions, because views call them; sequences are with the rows, so
 * that no row is ahead of them; triggers and events come last.
 */
export function plannedParts(context: DumpContext): PlannedPart[] {
  return [schemaPart(context), ...dataParts(context), afterPart(context)];
}

function schemaPart({ server, catalog, tables, repairs }: DumpContext): PlannedPart {
  return definitionPart('schema', {
    print: 'definitions',
    server,
    database: catalog['database'] ?? {},
    tables: tables.map(({ name }) => name),
    sequences: namesOf(catalog, 'sequence'),
    views: namesOf(catalog, 'view'),
    code: routineKinds.flatMap((kind) => namesOf(catalog, kind)).length,
    repairs,
  });
}

/**
 * Rows that one transaction protects, and the others, which a server with GTIDs refuses in one transaction with them.
 * mariadb-dump gets the names of tables only if there are both.
 */
function dataParts({ server, catalog, tables, watch, rowForm, risks, tellsPosition }: DumpContext): PlannedPart[] {
  const [safe = [], unsafe = []] = [true, false].map((wanted) =>
    tables.filter((table) => holdsRows(table) && isTransactional(table) === wanted),
  );
  const sequences = namesOf(catalog, 'sequence');
  const elsewhere = tables.filter((table) => !holdsRows(table)).map(({ name }) => name);
  const common = {
    ...({ print: 'rows', server, watch } as const),
    ...(rowForm !== undefined && { rowForm }),
    ...(elsewhere.length > 0 && { without: elsewhere }),
  };
  const first = { ...common, isNamed: unsafe.length > 0, sequences, risks, tellsPosition };
  if (unsafe.length === 0) return [dataPart('0001', { ...first, tables: safe })];
  if (safe.length === 0) return [dataPart('0001', { ...first, tables: unsafe, tellsPosition: false })];
  const second = { ...common, isNamed: true, sequences: [], risks: [], tellsPosition: false };
  return [dataPart('0001', { ...first, tables: safe }), dataPart('0002', { ...second, tables: unsafe })];
}

function dataPart(number: string, recipe: RowsRecipe): PlannedPart {
  const estimatedBytes = recipe.tables.reduce((sum, { bytes }) => sum + bytes, 0);
  return { role: 'data', file: `data/${number}.sql`, compress: true, estimatedBytes, hasRows: true, recipe };
}

function afterPart({ server, catalog, triggerOrder, broken }: DumpContext): PlannedPart {
  return definitionPart('after', {
    print: 'code',
    server,
    code: ['trigger', 'event'].flatMap((kind) => namesOf(catalog, kind)).length,
    order: [...triggerOrder],
    leftOut: broken.map(({ name }) => name),
  });
}

function definitionPart(role: 'schema' | 'after', recipe: MariadbRecipe): PlannedPart {
  return { role, file: `${role}.sql`, compress: true, estimatedBytes: 0, hasRows: false, recipe };
}

function namesOf(catalog: Catalog, kind: string): string[] {
  return Object.keys(catalog[kind] ?? {});
}
