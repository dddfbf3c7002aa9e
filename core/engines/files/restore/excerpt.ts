import type { Manifest, ManifestPart } from '../../../contract/manifest/manifest.ts';
import { BackupError } from '../../../domain/errors.ts';
import { packedCatalog } from '../../../domain/packed/catalog.ts';
import type { PackedCatalog } from '../../../domain/packed/catalog.ts';
import { plural } from '../../../domain/units.ts';
import { tableRows } from '../../../pipeline/rows/tables.ts';
import type { Excerpt } from '../../../ports.ts';
import { factAt, factsIn, tallyOf } from '../facts.ts';
import { parentOf, pathOfText, top, topTable } from '../names.ts';
import { matching } from '../patterns.ts';
import { partNumber } from '../sharing/places.ts';
import type { Places } from '../sharing/places.ts';

/** Some files of a backup, and the folders that they lie in. */
export type ChosenFiles = { excerpt: Excerpt; files: PackedCatalog; chosen(name: string): boolean };

type Backup = { manifest: Manifest; catalog: PackedCatalog };

/** The files that match these patterns. Throws `input-invalid` for a pattern without a match. */
export function chooseFiles({ manifest, catalog }: Backup, patterns: readonly string[]): ChosenFiles {
  const isMeant = matching(patterns);
  for (const pattern of patterns) requireMeant(pattern, catalog, manifest);
  const names = new Set<string>();
  for (const { kind, name, value } of factsIn(catalog))
    if (isMeant(kind === 'folder' ? `${name}/` : name))
      for (const one of [...withParents(name), ...firstName(kind, value)]) names.add(one);
  const facts = [...names].flatMap((name) => factAt(catalog, name) ?? []);
  const files = partOf(catalog, names);
  const oneTable = manifest.tables.every(({ table }) => table === topTable);
  const tables = tableRows({ tables: tallyOf(facts, oneTable) });
  const others =
    manifest.tables.reduce((sum, { rows }) => sum + rows, 0) - tables.reduce((sum, { rows }) => sum + rows, 0);
  return {
    chosen: (name) => names.has(name),
    files,
    excerpt: {
      tables: tables.map(({ table }) => table),
      bare: [],
      manifest: { ...manifest, tables },
      catalogFor: () => ({}),
      packed: files,
      lacking: [`${plural(others, 'other file')} of the backup`],
      notes: [],
      copying: () => [],
    },
  };
}

/**
 * Whether a part may hold something that was chosen: a backup says where each file lies; of one from before that, parts
 * of the same tables.
 */
export function holdingChosen(
  { excerpt, files }: Pick<ChosenFiles, 'excerpt' | 'files'>,
  places: Places | undefined,
): (part: Pick<ManifestPart, 'file' | 'tables'>) => boolean {
  if (places === undefined)
    return ({ tables }) => tables === undefined || tables.some((table) => excerpt.tables.includes(table));
  const numbers = new Set<string | undefined>();
  for (const { kind, name } of factsIn(files)) if (kind !== 'folder') numbers.add(places.get(pathOfText(name)));
  return ({ file }) => numbers.has(partNumber(file));
}

function partOf({ entries }: PackedCatalog, names: ReadonlySet<string>): PackedCatalog {
  const part = packedCatalog();
  for (const entry of entries()) if (names.has(entry.name)) part.add(entry);
  return part;
}

/** A name and the folders above it. */
function withParents(name: string): string[] {
  return name === top ? [top] : [name, ...withParents(parentOf(name))];
}

/** The first name of a file, from which its further names are made. */
function firstName(kind: string, value: string): string[] {
  return kind === 'link' ? withParents(value) : [];
}

function requireMeant(pattern: string, catalog: PackedCatalog, { source, id, tables }: Manifest): void {
  const isMeant = matching([pattern]);
  for (const { kind, name } of factsIn(catalog)) if (isMeant(kind === 'folder' ? `${name}/` : name)) return;
  throw new BackupError('input-invalid', `nothing in ${source} ${id} is called ${pattern}`, {
    hint: `patterns are those of .gitignore${pattern.includes('\\') ? ', where each backslash of a name is written twice' : ''}; at the top there are: ${tables
      .map(({ table }) => table)
      .slice(0, 10)
      .join(', ')}`,
  });
}
