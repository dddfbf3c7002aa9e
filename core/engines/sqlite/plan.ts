import type { Catalog } from '../../contract/manifest/catalog.ts';
import { ofKind } from '../../contract/manifest/catalog.ts';
import type { Manifest } from '../../contract/manifest/manifest.ts';
import { BackupError } from '../../domain/errors.ts';
import { firstOf } from '../../domain/lines.ts';
import type { Confirmed, Plan } from '../../ports.ts';
import { isUnfinished } from '../places/unfinished.ts';
import { damagedHint } from './failures.ts';
import { databaseAt, placeOf } from './place.ts';
import type { SqliteFiles } from './place.ts';
import type { RowsCounted, Health } from './program/questions.ts';
import { holdDatabase, holdOwn } from './snapshot/snapshot.ts';
import type { HeldDatabase } from './snapshot/snapshot.ts';

const shown = 5;
/** Of the SQLite built into Node. */
const version = process.versions['sqlite'] ?? 'unknown';

/**
 * Holds one state of the database and describes it. A proof also looks up every entry of every index, and reads no
 * bytes: SQLite counts.
 */
export async function planBackup(
  path: string,
  own: SqliteFiles,
  like: Manifest | undefined,
  signal: AbortSignal,
): Promise<Plan> {
  const isProof = like !== undefined;
  const place = placeOf(path);
  const held = isUnfinished(path)
    ? await holdOwn(path, place, signal)
    : await holdDatabase({ ...own, path, place }, signal);
  try {
    const health = await held.sqlite.ask('examine', { deep: isProof }, place, signal);
    if (!isProof) requireSound(health, place);
    const catalog = withHealth(await held.sqlite.ask('catalog', {}, place, signal), health);
    const counted = held.sqlite.ask('count', {}, place, signal);
    counted.catch(() => undefined); // confirm throws it
    return {
      database: databaseAt(path, own),
      server: { product: 'SQLite', version },
      client: { program: 'node:sqlite', version },
      parts: isProof ? [] : [partOf(held)],
      catalog,
      warnings: isProof ? [] : warningsOf(health),
      confirm: async () => confirmed(await counted, like?.exceptions),
      close: held.close,
    };
  } catch (error) {
    await held.close();
    throw error;
  }
}

function partOf({ image }: HeldDatabase): Plan['parts'][number] {
  const estimatedBytes = image.pages * image.pageSize;
  return { role: 'data', file: 'data/0001.sqlite', compress: true, estimatedBytes, hasRows: true, recipe: image };
}

/** Rows were counted in the state that was held while the file was read. */
function confirmed({ tables, unread }: RowsCounted, known: readonly string[] = []): Confirmed {
  const exceptions = unread.map(
    ({ table, why }) => `table ${table} can't be read without its application, and is in the file uncounted: ${why}`,
  );
  return { tables, warnings: [], exceptions: exceptions.filter((one) => !known.includes(one)) };
}

function requireSound({ damage }: Health, place: string): void {
  if (damage.length === 0) return;
  throw new BackupError('dump-failed', `${place} is damaged: SQLite says: ${firstOf(damage, shown)}`, {
    hint: damagedHint(),
  });
}

/** Adds what an intact file may still have wrong; a restored one must have the same. */
function withHealth(catalog: Catalog, { damage, broken, orphans }: Health): Catalog {
  for (const what of damage) ofKind(catalog, 'database damage')[what] = 'found';
  for (const rule of broken) ofKind(catalog, 'database rule')[rule] = 'broken';
  for (const [key, count] of Object.entries(orphans)) ofKind(catalog, 'database foreign key')[key] = count;
  return catalog;
}

function warningsOf({ broken, orphans }: Health): string[] {
  const keys = Object.entries(orphans).map(([key, count]) => `${key}: ${count}`);
  return [
    ...(keys.length === 0 ? [] : [`foreign keys that lead nowhere, as the source has them: ${firstOf(keys, shown)}`]),
    ...(broken.length === 0 ? [] : [`rows that break a rule of their table: ${firstOf(broken, shown)}`]),
  ];
}
