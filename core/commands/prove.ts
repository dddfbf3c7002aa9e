import type { Manifest } from '../contract/manifest.ts';
import { differences } from '../domain/compare.ts';
import { BackupError } from '../domain/errors.ts';
import { plural } from '../domain/units.ts';
import { mergeTallies } from '../pipeline/rows/tables.ts';
import type { Catalog, Engine, PlannedPart, Report } from '../ports.ts';
import { atOnce } from './at-once.ts';
import { wholeTally } from './parts.ts';

/** What a proof has compared, and every difference it has found. */
export type Proof = { tables: number; rows: number; objects: number; definitions: boolean; exceptions: string[]; differences: string[] };

/** `database`: the one to read, where it is not the engine's own. */
type Expected = { manifest: Manifest; catalog: Catalog; owners: boolean; database?: string };

/**
 * Reads a database as a backup would and compares it with one: every table's rows and fingerprint, large objects, sequences, and the
 * definition of every object. Nothing is stored.
 */
export async function prove(engine: Engine, { manifest, catalog, owners, database }: Expected, deps: { report: Report; parallel: number }, signal: AbortSignal): Promise<Proof> {
  const plan = await engine.plan({ like: manifest, restored: catalog, ...(database !== undefined && { database }) }, signal);
  try {
    const read = plan.parts.filter((part) => part.reader !== undefined);
    const tallies = await atOnce(deps.parallel, read, (part, stop) => readPart(part, deps.report, stop), signal);
    const seen = mergeTallies(tallies.flatMap((tally) => tally ?? []));
    const { tables } = await plan.confirm(seen.tables.map(({ table, columns, rows, fingerprint }) => ({ table, columns, rows, fingerprint })), signal);
    const definitions = majorOf(plan.server.version) === majorOf(manifest.server.version) && plan.server.product === manifest.server.product;
    return {
      tables: tables.length,
      rows: tables.reduce((sum, table) => sum + table.rows, 0),
      objects: Object.entries(catalog).reduce((sum, [kind, names]) => (owners || !engine.ownerKinds.includes(kind) ? sum + Object.keys(names).length : sum), 0),
      definitions,
      exceptions: manifest.exceptions ?? [],
      differences: differences(
        { tables: manifest.tables, largeObjects: manifest.largeObjects, sequences: manifest.sequences, catalog },
        { tables, largeObjects: seen.largeObjects, sequences: seen.sequences, catalog: plan.catalog },
        { definitions, without: owners ? [] : engine.ownerKinds },
      ),
    };
  } finally {
    await plan.close();
  }
}

/** What a proof has shown, in one sentence: what the backup never held as the source did is excepted each time. */
export function proofSentence({ tables, rows, objects, definitions, exceptions }: Proof): string {
  const compared = `${plural(tables, 'table')}, ${plural(rows, 'row')}, ${plural(objects, 'definition')}`;
  const byName = definitions ? '' : ' (definitions by name alone: the servers’ versions differ)';
  return `proven equal${exceptions.length === 0 ? '' : `, except ${exceptions.join('; ')}`}: ${compared}${byName}`;
}

/** Throws `proof-failed` with the differences, the first ten in the message. */
export function requireEqual(proof: Proof, database: string): void {
  if (proof.differences.length === 0) return;
  const more = proof.differences.length > 10 ? `, and ${proof.differences.length - 10} more` : '';
  throw new BackupError('proof-failed', `${database} is not what was backed up: ${proof.differences.slice(0, 10).join('; ')}${more}`, {
    hint: 'was the database written to during the restore? If not, restore another backup, and keep this one to look into it',
  });
}

async function readPart(part: PlannedPart, report: Report, signal: AbortSignal) {
  const reader = part.reader?.();
  for await (const chunk of part.open(signal)) {
    reader?.write(chunk);
    report({ type: 'progress', rows: 0, bytes: chunk.length, storedBytes: 0 });
  }
  return wholeTally(reader, part.file);
}

/** `18.1` and `18.4` print definitions alike, `10.11` and `11.8` may not; MariaDB's and MySQL's versions have two numbers. */
function majorOf(version: string): string {
  const [major = '', minor = ''] = version.split('.');
  return version.split('.').length > 2 ? `${major}.${minor}` : major;
}
