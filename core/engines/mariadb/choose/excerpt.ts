import { partOfCatalog } from '../../../contract/manifest/catalog.ts';
import type { Manifest, ManifestPart } from '../../../contract/manifest/manifest.ts';
import { fewNames } from '../../../domain/lines.ts';
import { tablesAskedFor } from '../../../domain/table-names.ts';
import type { NameStyle } from '../../../domain/table-names.ts';
import { plural } from '../../../domain/units.ts';
import type { Passed } from '../../../pipeline/guard.ts';
import type { ByteStream, Catalog, Excerpt, TargetOptions } from '../../../ports.ts';
import { linesOf } from '../lines.ts';
import { quoteName, unquoteName } from '../quoting.ts';
import { copyStatement } from './copying.ts';
import { chosenSections, headOf, nameIn, newSections } from './definitions.ts';
import { chosenRows } from './rows.ts';
import { chosenTriggers, triggersIn } from './triggers.ts';
import type { TriggerName } from './triggers.ts';

/** `isRead`: whether a part may hold some of it. `chosen…`: what is to be loaded of a part. */
export type MariadbExcerpt = Excerpt & {
  catalog: Catalog;
  isRead(part: ManifestPart): boolean;
  chosenText(part: ManifestPart, content: ByteStream): ByteStream;
  chosenPieces(pieces: AsyncGenerator<Passed>): AsyncGenerator<Passed>;
};

type ExcerptKey = { table: string; name: string; of: string };
/** `sections`: the definition of each table in the dump. */
type ExcerptDefinitions = { sequences: Set<string>; foreignKeys: ExcerptKey[]; sections: Map<string, string> };

const style: NameStyle = { quote: '`', divides: false, fold: (text) => text };
const quoted = '`((?:[^`]|``)*)`';
const position = new RegExp(`'(?:[^'\\\\]|\\\\.|'')*'|\\b(?:nextval|lastval|setval)\\(${quoted}`, 'g');
const foreignKey = new RegExp(`^  CONSTRAINT ${quoted} FOREIGN KEY .* REFERENCES ${quoted} \\(`);
const ofWhole = ['view', 'function', 'procedure', 'package', 'package body', 'event'];

/** Finds the requested tables in a backup, and everything that goes with them. */
export async function excerptOf(
  { manifest, catalog, tables }: TargetOptions & { tables: NonNullable<TargetOptions['tables']> },
  signal: AbortSignal,
): Promise<MariadbExcerpt> {
  const all = Object.keys(catalog['table'] ?? {}).map((name) => ({ name, parts: [name] }));
  const names = tablesAskedFor(tables.asked, all, style).map(({ name }) => name);
  const contents = (role: ManifestPart['role']) =>
    manifest.parts.filter((part) => part.role === role).map((part) => tables.open(part, signal));
  const definitions = await readDefinitions(contents('schema'), new Map(names.map((name) => [headOf(name), name])));
  const triggers = (await Promise.all(contents('after').map(triggersIn))).flat();
  return described(manifest, catalog, names, { ...definitions, triggers });
}

async function readDefinitions(
  contents: ByteStream[],
  tables: ReadonlyMap<string, string>,
): Promise<ExcerptDefinitions> {
  const found: ExcerptDefinitions = { sequences: new Set(), foreignKeys: [], sections: new Map() };
  for (const content of contents) {
    const sectionOf = newSections();
    for await (const lines of linesOf(content)) {
      for (const line of lines) {
        const section = sectionOf(line);
        const table = section?.kind === 'table' ? tables.get(section.head) : undefined;
        if (table !== undefined) readLine(line, table, found);
      }
    }
  }
  return found;
}

function readLine(line: string, table: string, { sequences, foreignKeys, sections }: ExcerptDefinitions): void {
  sections.set(table, (sections.get(table) ?? '') + line);
  for (const [, name] of line.matchAll(position)) if (name !== undefined) sequences.add(nameIn(`\`${name}\``));
  const [, name, of] = foreignKey.exec(line) ?? [];
  if (name !== undefined) foreignKeys.push({ table, name: nameIn(`\`${name}\``), of: nameIn(`\`${of}\``) });
}

function described(
  manifest: Manifest,
  catalog: Catalog,
  names: readonly string[],
  { sequences, foreignKeys, sections, triggers }: ExcerptDefinitions & { triggers: TriggerName[] },
): MariadbExcerpt {
  const tables = new Set(names);
  const known = Object.keys(catalog['table'] ?? {});
  const isOn = ({ table }: TriggerName) => tables.has(tableMeant(table, known));
  const chosen = new Set(triggers.filter(isOn).map(({ name }) => name));
  const holdsRows = (table: string) => tables.has(unquoteName(table));
  const isMust = mustBeThere({ tables, known, sequences, triggers: chosen });
  const heads = { table: new Set(names.map(headOf)), sequence: new Set([...sequences].map(headOf)) };
  const part = (holds: (kind: string, name: string) => boolean) => partOfCatalog(catalog, holds);
  return {
    tables: names,
    bare: [],
    catalog: part(isMust),
    catalogFor: (found) => part((kind, name) => isMust(kind, name) || found[kind]?.[name] !== undefined),
    manifest: {
      ...manifest,
      tables: manifest.tables.filter(({ table }) => holdsRows(table)),
      sequences: Object.fromEntries(
        Object.entries(manifest.sequences).filter(([name]) => sequences.has(unquoteName(name))),
      ),
    },
    lacking: lackingIn(catalog, known.length - names.length),
    notes: danglingNotes(foreignKeys.filter(({ of }) => !tables.has(of))),
    copying: (from, to) => names.map((name) => copyStatement(name, sections.get(name) ?? '', { from, to })),
    isRead: ({ role, tables: held }) =>
      role !== 'data' || held === undefined || sequences.size > 0 || held.some(holdsRows),
    chosenText: ({ role }, content) =>
      role === 'after'
        ? chosenTriggers(content, isOn)
        : chosenSections(content, ({ kind, head }) => kind !== 'other' && heads[kind].has(head)),
    chosenPieces: (pieces) => chosenRows(pieces, (name) => tables.has(name) || sequences.has(name)),
  };
}

/** A trigger may spell its table's name in other letters that the server considers equal. */
function tableMeant(table: string, known: readonly string[]): string {
  if (known.includes(table)) return table;
  return known.find((name) => name.toLowerCase() === table.toLowerCase()) ?? table;
}

function mustBeThere({
  tables,
  known,
  sequences,
  triggers,
}: {
  tables: ReadonlySet<string>;
  known: readonly string[];
  sequences: ReadonlySet<string>;
  triggers: ReadonlySet<string>;
}): (kind: string, name: string) => boolean {
  return (kind, name) => {
    if (kind === 'database') return true;
    if (kind === 'table') return tables.has(name);
    if (kind === 'sequence') return sequences.has(name);
    if (kind === 'trigger') return triggers.has(name);
    if (kind === 'definer') return name.startsWith('trigger ') && triggers.has(name.slice('trigger '.length));
    if (ofWhole.includes(kind)) return false;
    // an index or a constraint, with its table's name before its own
    const owners = known.filter((table) => name.startsWith(`${table}.`));
    return owners.length > 0 && owners.every((table) => tables.has(table));
  };
}

/** While a dump is loaded, the server accepts a foreign key to a missing table, and then refuses rows. */
function danglingNotes(foreignKeys: readonly ExcerptKey[]): string[] {
  return [...Map.groupBy(foreignKeys, ({ table }) => table)].map(([table, keys]) => {
    const drops = keys.map(({ name }) => `DROP FOREIGN KEY ${quoteName(name)}`).join(', ');
    const missing = fewNames([...new Set(keys.map(({ of }) => quoteName(of)))]);
    return (
      `${quoteName(table)} has foreign keys to ${missing}, which are not here: no row can be added before they are, or ` +
      `after ALTER TABLE ${quoteName(table)} ${drops};`
    );
  });
}

function lackingIn(catalog: Catalog, others: number): string[] {
  const counts = ofWhole.flatMap((kind) => {
    const count = Object.keys(catalog[kind] ?? {}).length;
    return count === 0 ? [] : [plural(count, kind)];
  });
  return [
    ...(others === 0 ? [] : [`${plural(others, 'table')} of the backup, not asked for`]),
    ...(counts.length === 0 ? [] : [`${fewNames(counts)}, and so what a trigger may call of them`]),
  ];
}
