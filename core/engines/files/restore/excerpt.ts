import { partOfCatalog } from '../../../contract/manifest/catalog.ts';
import type { Catalog } from '../../../contract/manifest/catalog.ts';
import type { Manifest } from '../../../contract/manifest/manifest.ts';
import { BackupError } from '../../../domain/errors.ts';
import { plural } from '../../../domain/units.ts';
import { tableRows } from '../../../pipeline/rows/tables.ts';
import type { Excerpt } from '../../../ports.ts';
import { tallyOf } from '../facts.ts';
import { parentOf, top, topTable } from '../names.ts';
import { matching } from '../patterns.ts';
import type { KnownFacts } from './allowed.ts';

/** Some files of a backup, and the folders that they lie in. */
export type ChosenFiles = { excerpt: Excerpt; chosen(name: string): boolean };

type Backup = { manifest: Manifest; catalog: Catalog; facts: KnownFacts };

/** The files that these patterns mean. Throws `input-invalid` for one that means none. */
export function chooseFiles({ manifest, catalog, facts }: Backup, patterns: readonly string[]): ChosenFiles {
  const isMeant = matching(patterns);
  const meant = [...facts.values()].filter(({ kind, name }) => isMeant(kind === 'folder' ? `${name}/` : name));
  for (const pattern of patterns) requireMeant(pattern, facts, manifest);
  const names = new Set(meant.flatMap(({ name, kind, value }) => [...withParents(name), ...firstName(kind, value)]));
  const files = [...names].flatMap((name) => facts.get(name) ?? []);
  const oneTable = manifest.tables.every(({ table }) => table === topTable);
  const tables = tableRows({ tables: tallyOf(files, oneTable) });
  const others =
    manifest.tables.reduce((sum, { rows }) => sum + rows, 0) - tables.reduce((sum, { rows }) => sum + rows, 0);
  return {
    chosen: (name) => names.has(name),
    excerpt: {
      tables: tables.map(({ table }) => table),
      bare: [],
      manifest: { ...manifest, tables },
      catalogFor: () => partOfCatalog(catalog, (_, name) => names.has(name)),
      lacking: [`${plural(others, 'other file')} of the backup`],
      notes: [],
      copying: () => [],
    },
  };
}

/** Whether a part may hold what was chosen. */
export function holdsChosen({ excerpt }: ChosenFiles, part: { tables?: readonly string[] | undefined }): boolean {
  return part.tables === undefined || part.tables.some((table) => excerpt.tables.includes(table));
}

/** A name and the folders above it. */
function withParents(name: string): string[] {
  return name === top ? [top] : [name, ...withParents(parentOf(name))];
}

/** The other name of a file is made of the first one. */
function firstName(kind: string, value: string): string[] {
  return kind === 'link' ? withParents(value) : [];
}

function requireMeant(pattern: string, facts: KnownFacts, { source, id, tables }: Manifest): void {
  const isMeant = matching([pattern]);
  for (const { kind, name } of facts.values()) if (isMeant(kind === 'folder' ? `${name}/` : name)) return;
  throw new BackupError('input-invalid', `nothing in ${source} ${id} is called ${pattern}`, {
    hint: `patterns are those of .gitignore; at the top there are: ${tables
      .map(({ table }) => table)
      .slice(0, 10)
      .join(', ')}`,
  });
}
