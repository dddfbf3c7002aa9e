import { BackupError } from './errors.ts';
import { firstOf } from './lines.ts';
import { suggestion } from './nearest.ts';

/**
 * A table that may be chosen. `name`: for people, and as the engine writes it; `parts`: schema and table, without
 * quotes.
 */
export type NamedTable = { name: string; parts: readonly string[] };

/**
 * How an engine writes names: the quote, whether a dot separates schema and table, and how unquoted letters are folded.
 */
export type NameStyle = { quote: '"' | '`'; divides: boolean; fold(text: string): string };

const shown = 5;

/**
 * The tables that were asked for, in the order of `tables`. Unquoted, `*` stands for any letters and `?` for one. A
 * name with fewer parts means the last parts; without a wildcard it must match exactly one table. Throws
 * `input-invalid` for a name without a match, with similar names, and for one with several matches.
 */
export function tablesAskedFor<T extends NamedTable>(
  asked: readonly string[],
  tables: readonly T[],
  style: NameStyle,
): T[] {
  const chosen = new Set(asked.flatMap((text) => matching(text, tables, style)));
  return tables.filter((table) => chosen.has(table));
}

function matching<T extends NamedTable>(text: string, tables: readonly T[], style: NameStyle): T[] {
  const named = tables.filter(({ name }) => name === text);
  if (named.length > 0) return named;
  const { parts, wild } = patternOf(text, style);
  const found = tables.filter((table) => {
    const ends = table.parts.slice(-parts.length);
    return ends.length === parts.length && parts.every((part, index) => part.test(ends[index]!));
  });
  if (found.length === 0) throw unknownTable(text, tables, style);
  if (found.length > 1 && !wild) throw severalTables(text, found);
  return found;
}

function patternOf(text: string, { quote, divides, fold }: NameStyle): { parts: RegExp[]; wild: boolean } {
  const parts = [''];
  let [quoted, wild] = [false, false];
  for (const letter of text.replaceAll(quote + quote, '\0')) {
    if (letter === quote) quoted = !quoted;
    else if (letter === '.' && divides && !quoted) parts.push('');
    else if ((letter === '*' || letter === '?') && !quoted)
      [wild, parts[parts.length - 1]!] = [true, parts.at(-1)! + (letter === '*' ? '.*' : '.')];
    else parts[parts.length - 1] += escaped(letter === '\0' ? quote : quoted ? letter : fold(letter));
  }
  return { parts: parts.map((part) => new RegExp(`^${part}$`, 'su')), wild };
}

function escaped(letter: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(letter) ? `\\${letter}` : letter;
}

function unknownTable(text: string, tables: readonly NamedTable[], { fold }: NameStyle): BackupError {
  const names = tables.flatMap(({ name, parts }) => [name, parts.at(-1)!]);
  return new BackupError('input-invalid', `the backup holds no table ${text}${suggestion(fold(text), names)}`, {
    hint:
      tables.length === 0
        ? 'it holds none at all'
        : `it holds ${firstOf(
            tables.map(({ name }) => name),
            shown,
          )}`,
  });
}

function severalTables(text: string, found: readonly NamedTable[]): BackupError {
  return new BackupError(
    'input-invalid',
    `${text} may mean ${firstOf(
      found.map(({ name }) => name),
      shown,
    )}`,
    { hint: 'write the schema before the name, as one of these' },
  );
}
