import type { Manifest, ManifestPart } from '../../contract/manifest/manifest.ts';
import { BackupError } from '../../domain/errors.ts';
import { fewNames } from '../../domain/lines.ts';
import { formatBytes, plural } from '../../domain/units.ts';
import type { Engine, Excerpt, Foreseen, Target } from '../../ports.ts';

/** Throws `input-invalid` where some tables of a backup would take the place of a whole database. */
export function requireBeside(tables: readonly string[] | undefined, replace: boolean): void {
  if (tables === undefined || !replace) return;
  throw new BackupError('input-invalid', 'some tables alone replace no database: all its other tables would be gone', {
    hint: 'restore them beside it, without --replace; the end of that says how to copy their rows over',
  });
}

/** Throws `source-unsupported` where an engine can't choose tables. */
export function requireExcerpt(tables: readonly string[] | undefined, { excerpt }: Target, { name }: Engine): void {
  if (tables === undefined || excerpt !== undefined) return;
  throw new BackupError('source-unsupported', `backups of ${name} have no tables to choose from`, {
    hint: 'restore all of it, without --table',
  });
}

/** What a restore of some tables does, for people, before and after the steps that the engine knows. */
export function excerptSteps({ excerpt, stages }: Target, manifest: Manifest): string[] {
  if (excerpt === undefined) return [];
  const { tables, bare } = excerpt;
  return [
    `restore ${plural(tables.length, 'table')} with their rows: ${fewNames(tables)}`,
    ...(bare.length === 0 ? [] : [`make without rows, for others need it: ${fewNames(bare)}`]),
    `read ${readSentence(stages, manifest)}`,
  ];
}

/** What is not restored of what these tables have. */
export function excerptFindings({ excerpt }: Target): Foreseen['findings'] {
  return (excerpt?.lacking ?? []).map((what) => ({ weight: 'note', what: `left out: ${what}` }));
}

/** What a person should know once some tables are restored. */
export function excerptNotes({ excerpt, stages, made }: Target, manifest: Manifest): string[] {
  if (excerpt === undefined) return [];
  return [
    `restored are ${fewNames(excerpt.tables)} of ${plural(manifest.tables.length, 'table')}; read from the vault: ` +
      readSentence(stages, manifest),
    ...(excerpt.bare.length === 0 ? [] : [`made without rows, for others need it: ${fewNames(excerpt.bare)}`]),
    ...excerpt.lacking.map((what) => `left out: ${what}`),
    ...copyNotes(excerpt, made(), manifest.database),
  ];
}

function copyNotes(excerpt: Excerpt, from: string, to: string): string[] {
  const commands = excerpt.copying(from, to);
  return commands.length === 0
    ? []
    : [`to add the rows to ${to} (a key that is there already stops it): ${commands.join(' ')}`];
}

function readSentence(stages: Target['stages'], { parts }: Manifest): string {
  const read = new Set([...stages.flat().map(({ part }) => part), ...parts.filter(({ role }) => role === 'catalog')]);
  return `${read.size} of ${plural(parts.length, 'part')}, ${formatBytes(stored([...read]))} of ${formatBytes(stored(parts))}`;
}

function stored(parts: readonly ManifestPart[]): number {
  return parts.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
}
