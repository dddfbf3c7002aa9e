import type { Manifest, ManifestPart } from '../../contract/manifest/manifest.ts';
import { BackupError } from '../../domain/errors.ts';
import { fewNames } from '../../domain/lines.ts';
import { formatBytes, plural } from '../../domain/units.ts';
import type { Engine, Excerpt, Foreseen, Target } from '../../ports.ts';

type PartAsked = { tables?: readonly string[] | undefined; schemaOnly?: boolean | undefined; replace: boolean };

/** Throws `input-invalid` if only a part of a backup would replace a whole database. */
export function requireBeside({ tables, schemaOnly, replace }: PartAsked): void {
  if (!replace || (tables === undefined && schemaOnly !== true)) return;
  const what = tables === undefined ? 'definitions alone' : 'some tables alone';
  throw new BackupError('input-invalid', `${what} replace no database: everything else in it would be gone`, {
    hint: 'restore them beside it, without --replace; of tables, the end of that says how to copy their rows over',
  });
}

/** Throws `source-unsupported` if the engine can't choose tables. */
export function requireExcerpt(tables: readonly string[] | undefined, { excerpt }: Target, { name }: Engine): void {
  if (tables === undefined || excerpt !== undefined) return;
  throw new BackupError('source-unsupported', `backups of ${name} have no tables to choose from`, {
    hint: 'restore all of it, without --table',
  });
}

/** Throws `source-unsupported` if the engine's backups have no definitions to restore alone. */
export function requireDefinitions(schemaOnly: boolean, { noDefinitions }: Target, { name }: Engine): void {
  if (!schemaOnly || noDefinitions !== true) return;
  throw new BackupError('source-unsupported', `backups of ${name} have no definitions to restore alone`, {
    hint: 'restore all of it, without --schema-only',
  });
}

/** What a restore of some tables does, for people; comes before and after the engine's own steps. */
export function excerptSteps({ excerpt, stages }: Target, manifest: Manifest): string[] {
  if (excerpt === undefined) return [];
  const { tables, bare } = excerpt;
  return [
    ...(tables.length === 0 ? [] : [`restore ${plural(tables.length, 'table')} with their rows: ${fewNames(tables)}`]),
    ...(bare.length === 0 ? [] : [`make without rows: ${fewNames(bare)}`]),
    ...readSentences('read', excerpt, stages, manifest),
  ];
}

/** What belongs to these tables and is not restored. */
export function excerptFindings({ excerpt }: Target): Foreseen['findings'] {
  if (excerpt === undefined) return [];
  return saidOf(excerpt).map((what) => ({ weight: 'note', what }));
}

/** What a person should know once some tables are restored. */
export function excerptNotes({ excerpt, stages, made }: Target, manifest: Manifest): string[] {
  if (excerpt === undefined) return [];
  const { tables, bare } = excerpt;
  return [
    ...(tables.length === 0
      ? []
      : [`restored are the rows of ${fewNames(tables)}, of ${plural(manifest.tables.length, 'table')} in the backup`]),
    ...(bare.length === 0 ? [] : [`made without rows: ${fewNames(bare)}`]),
    ...readSentences('read from the vault:', excerpt, stages, manifest),
    ...saidOf(excerpt),
    ...copyNotes(excerpt, made(), manifest.database),
  ];
}

function saidOf({ lacking, notes }: Excerpt): string[] {
  return [...lacking.map((what) => `left out: ${what}`), ...notes];
}

function copyNotes(excerpt: Excerpt, from: string, to: string): string[] {
  const commands = excerpt.copying(from, to);
  return commands.length === 0
    ? []
    : [`to add the rows to ${to} (a key that is there already stops it): ${commands.join(' ')}`];
}

/** Of all parts it need not be said where no table was chosen. */
function readSentences(
  begin: string,
  { tables, bare }: Excerpt,
  stages: Target['stages'],
  { parts }: Manifest,
): string[] {
  const read = new Set([...stages.flat().map(({ part }) => part), ...parts.filter(({ role }) => role === 'catalog')]);
  if (read.size === parts.length && tables.length + bare.length === 0) return [];
  return [
    `${begin} ${read.size} of ${plural(parts.length, 'part')}, ${formatBytes(stored([...read]))} of ${formatBytes(stored(parts))}`,
  ];
}

function stored(parts: readonly ManifestPart[]): number {
  return parts.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
}
