import { databaseWords } from '../../domain/content-words.ts';
import type { ContentWords } from '../../domain/content-words.ts';
import type { Manifest, ManifestPart, TableRows } from '../../contract/manifest/manifest.ts';
import { contentDifferences, decidedByText, describeUnequal, unequalDefinitions } from '../../domain/compare.ts';
import type { Unequal } from '../../domain/compare.ts';
import { BackupError } from '../../domain/errors.ts';
import { firstOf, oneLine } from '../../domain/lines.ts';
import { packCatalog, unequalEntries } from '../../domain/packed/catalog.ts';
import type { CatalogEntry, PackedCatalog } from '../../domain/packed/catalog.ts';
import { formatCount, plural } from '../../domain/units.ts';
import { mergeTallies, tableRows } from '../../pipeline/rows/tables.ts';
import type { Catalog, Compared, Engine, Plan, PlannedPart, Report, Settled, Target } from '../../ports.ts';
import { mapConcurrently } from '../../pipeline/concurrency.ts';
import { whileHeld } from '../../pipeline/held.ts';
import { wholeTally } from '../../pipeline/meter.ts';
import { giveBack } from '../../pipeline/memory/spent.ts';
import type { Store } from '../../store/store.ts';

/**
 * What a proof compared, and every difference, one line each. `definitions`: compared in full, not only by name;
 * `ways`: how many of them in another way than by their text.
 */
export type Proof = {
  tables: number;
  rows: number;
  objects: number;
  /** The words for tables and rows, for sources that have neither. */
  words?: ContentWords;
  definitions: boolean;
  ways: Record<string, number>;
  exceptions: string[];
  differences: string[];
  /** Everything that was backed up is there and equal, and there is more. */
  onlyMore?: boolean;
  hint?: string;
};

/**
 * `catalogFor`: the expected catalog, if it depends on what was found. `database`: the one to read, if it is not the
 * engine's own. `wasThere`: what existed before the restore.
 */
type ProofSubject = {
  manifest: Manifest;
  catalog: Catalog;
  catalogFor?: (found: Catalog) => Catalog;
  /** For an engine with large catalogs, instead of the two above. */
  packed?: PackedCatalog | undefined;
  owners: boolean;
  database?: string;
  wasThere?: Target['wasThere'];
};
type ProveDeps = { store: Store; report: Report; parallel: number };

/**
 * Reads a database as a backup would and compares it with a backup: rows and fingerprint of every table, large objects,
 * sequences, and the definition of every object. Stores nothing.
 */
export async function prove(
  engine: Engine,
  expected: ProofSubject,
  deps: ProveDeps,
  signal: AbortSignal,
): Promise<Proof> {
  const { manifest, owners, database } = expected;
  const without = owners ? [] : engine.ownerKinds;
  const plan = await engine.plan(
    { like: manifest, restored: expected.catalog, ...(database !== undefined && { database }) },
    signal,
  );
  try {
    const parts = plan.parts.filter(({ hasRows }) => hasRows);
    const read = await whileHeld(
      plan,
      (stop) => mapConcurrently(deps.parallel, parts, (part, end) => readPart(engine, part, deps.report, end), stop),
      signal,
    );
    const seen = mergeTallies(read.flatMap(({ tally }) => tally ?? []));
    const notes = read.map((part) => part.notes);
    const confirmed = await plan.confirm(tableRows(seen), notes, signal);
    const { tables, exceptions: unsaid } = confirmed;
    const catalog = expected.catalogFor?.(plan.catalog) ?? expected.catalog;
    const packed = confirmed.catalog && (expected.packed ?? packCatalog(catalog));
    const {
      ways,
      exceptions,
      different,
      hint: ofEngine,
    } = packed === undefined
      ? await compareDefinitions(engine, { ...expected, catalog }, plan, deps, signal)
      : comparePacked(packed, confirmed.catalog!, without);
    const { largeObjects, sequences } = seen;
    const differencesIn = (found: TableRows[]) =>
      contentDifferences(manifest, { tables: found, largeObjects, sequences });
    const content = differencesIn(tables);
    const backedUp = new Set(manifest.tables.map(({ table }) => table));
    const onlyMore =
      content.length + different.length > 0 &&
      different.every(({ how }) => how === 'added') &&
      differencesIn(tables.filter(({ table }) => backedUp.has(table))).length === 0;
    const hint = ofEngine ?? (content.length === 0 && different.length > 0 ? definitionsHint : undefined);
    return {
      ...(engine.words && { words: engine.words }),
      tables: tables.length,
      rows: tables.reduce((sum, table) => sum + table.rows, 0),
      objects: packed === undefined ? objectsIn(catalog, without) : objectsInPacked(packed, without),
      definitions: ways[byName] === undefined,
      ways,
      exceptions: [...(manifest.exceptions ?? []), ...unsaid, ...exceptions].map(oneLine),
      differences: [...new Set([...content, ...different.map(describeUnequal)])].map(oneLine),
      ...(onlyMore && { onlyMore }),
      ...(hint !== undefined && { hint }),
    };
  } finally {
    await plan.close();
  }
}

function objectsIn(catalog: Catalog, without: readonly string[]): number {
  const counted = Object.entries(catalog).filter(([kind]) => !without.includes(kind));
  return counted.reduce((sum, [, names]) => sum + Object.keys(names).length, 0);
}

function objectsInPacked({ kinds }: PackedCatalog, without: readonly string[]): number {
  return [...kinds].reduce((sum, [kind, names]) => (without.includes(kind) ? sum : sum + names.size), 0);
}

/** With so many objects, only their text decides. */
function comparePacked(expected: PackedCatalog, found: Iterable<CatalogEntry>, without: readonly string[]): Settled {
  return { ways: {}, exceptions: [], different: unequalEntries(expected, found, without) };
}

const definitionsHint =
  'all rows are equal, and definitions are not: was something altered during the restore? If they mean the ' +
  'same, report this; if not, restore another backup';

/** The reason shown when an engine can't compare definitions across server versions. */
const byName = 'by name alone: the servers’ versions differ';

async function compareDefinitions(
  engine: Engine,
  { manifest, catalog, owners, database, wasThere }: ProofSubject,
  { server, catalog: found }: Plan,
  { store }: ProveDeps,
  signal: AbortSignal,
): Promise<Settled> {
  const isOwn = ({ kind, name }: Unequal): boolean => wasThere?.(kind, name, found[kind]?.[name]) ?? false;
  const { own = [], unequal = [] } = Object.groupBy(
    unequalDefinitions(catalog, found, owners ? [] : engine.ownerKinds),
    (one) => (isOwn(one) ? 'own' : 'unequal'),
  );
  const sameVersion =
    majorOf(server.version) === majorOf(manifest.server.version) && server.product === manifest.server.product;
  const open = (part: ManifestPart, stop: AbortSignal) => store.openPart(manifest, part, stop);
  const settle = engine.settle ?? settleByText;
  const place = database === undefined ? {} : { database };
  const compared = { manifest, expected: catalog, found, unequal, owners, sameVersion, open, ...place };
  const settled = await settle(compared, signal);
  return { ...settled, exceptions: [...keptBySentence(own), ...settled.exceptions] };
}

function keptBySentence(own: Unequal[]): string[] {
  return own.length === 0
    ? []
    : [
        'what the database, which was there before the restore, keeps of its own: ' +
          `${own.map(({ kind, name }) => `${kind} ${name}`).join(', ')}`,
      ];
}

function settleByText({ unequal, sameVersion }: Compared): Promise<Settled> {
  const { different, byName: count } = decidedByText(unequal, sameVersion);
  return Promise.resolve({ ways: count === 0 ? {} : { [byName]: count }, exceptions: [], different });
}

/**
 * The result of a proof in one sentence, including what it excepts because the backup itself differs from the source.
 */
export function proofSentence({ tables, rows, objects, ways, exceptions, words = databaseWords }: Proof): string {
  const others = Object.entries(ways).map(([way, count]) => `${formatCount(count)} ${way}`);
  const compared =
    `${plural(tables, words.table)}, ${plural(rows, words.row)}, ` +
    `${plural(objects, 'definition')}${others.length === 0 ? '' : ` (${others.join(', ')})`}`;
  return `proven equal${exceptions.length === 0 ? '' : `, except ${exceptions.join('; ')}`}: ${compared}`;
}

/** Throws `proof-failed` with the differences, the first ten in the message. */
export function requireEqual(proof: Proof, database: string): void {
  if (proof.differences.length === 0) return;
  throw new BackupError('proof-failed', `${database} is not what was backed up: ${firstOf(proof.differences, 10)}`, {
    hint:
      proof.hint ??
      'was the database written to during the restore? If not, restore another backup, and keep this one to ' +
        'look into it',
  });
}

/** A restored database holds everything that was backed up, and more. */
export class MoreThanBackedUp extends BackupError {
  constructor({ differences }: Proof, database: string) {
    const more = `all that was backed up is there, and equal, and more: ${firstOf(differences, 10)}`;
    super('target-not-empty', `${database} is not what was backed up: ${more}`, {
      hint:
        'has an application made that during the restore? Stop it; then use the database without that, or restore ' +
        'into a new one, which proves it',
    });
  }
}

async function readPart(engine: Engine, part: PlannedPart, report: Report, signal: AbortSignal) {
  const { content, reader, notes } = engine.open(part, signal);
  for await (const chunk of content) {
    await reader?.write(chunk);
    report({ type: 'progress', rows: 0, bytes: chunk.length, storedBytes: 0 });
    if (chunk.length === chunk.buffer.byteLength) giveBack(chunk.buffer);
  }
  return { tally: wholeTally(reader, part.file), notes: await notes() };
}

/**
 * The major version: `18.1` and `18.4` print definitions alike, `10.11` and `11.8` may not. Those of MariaDB and MySQL
 * have two numbers.
 */
function majorOf(version: string): string {
  const [major = '', minor = ''] = version.split('.');
  return version.split('.').length > 2 ? `${major}.${minor}` : major;
}
