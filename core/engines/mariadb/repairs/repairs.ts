import type { ReadTable } from '../catalog/catalog.ts';
import type { TableDefinition } from '../catalog/table-definition.ts';
import { columnPieces } from '../catalog/missing-defaults.ts';
import { byteText, quoteName, unquoteName } from '../quoting.ts';
import type { Server } from '../session.ts';
import type { MariadbTable } from '../tables.ts';
import { keyRepairs } from './key-repairs.ts';
import type { ByName, KeyRepairs } from './key-repairs.ts';
import { typeRepairs } from './type-repairs.ts';
import type { TypeRepairs, TypeSwap } from './type-repairs.ts';

/**
 * What CREATE TABLE needs in addition to the output of SHOW CREATE TABLE, so that a server makes the tables as they
 * are. `nullable`: nullable counters, by table. `behind`: statements after the table of this name.
 */
export type Repairs = KeyRepairs &
  Pick<TypeRepairs, 'types'> & {
    nullable: ByName<string[]>;
    hasUnknownOptions: boolean;
  };

/** Finds what the tables of a database need. */
export function repairsOf(
  tables: ReadonlyMap<string, ReadTable>,
  server: Server,
  columns: readonly MariadbTable[] = [],
): Repairs {
  const mysql = server.product === 'MySQL';
  const { types, later } = mysql ? typeRepairs(tables, columns) : { types: [], later: [] };
  const keys = mysql ? { keysFirst: [], behind: [], later } : keyRepairs(tables);
  const behind = new Map<string, string[]>(keys.behind);
  const nullable = new Map<string, string[]>();
  for (const [name, { definition, missing }] of tables) {
    const counters = columnPieces(definition).filter(({ words }) => isNullableCounter(words));
    if (counters.length > 0)
      nullable.set(
        name,
        counters.map((column) => column.name),
      );
    const defaults = mysql ? [...missing.shown, ...missing.silent] : [];
    if (defaults.length === 0) continue;
    const clauses = defaults.map((column) => `ALTER COLUMN ${quoteName(column)} DROP DEFAULT`).join(', ');
    behind.set(name, [...(behind.get(name) ?? []), `ALTER TABLE ${quoteName(name)} ${clauses};`]);
  }
  const hasUnknownOptions = !mysql && [...tables.values()].some(({ definition }) => namesUnknownOption(definition));
  return { ...keys, types, nullable: [...nullable], behind: [...behind], hasUnknownOptions };
}

function namesUnknownOption({ text }: TableDefinition): boolean {
  return [...text.matchAll(unknownOption)].some(([, , option]) => option !== undefined);
}

function isNullableCounter(words: string): boolean {
  return / AUTO_INCREMENT\b/.test(words) && !/ NOT NULL\b/.test(words);
}

const tableHead = /^CREATE TABLE (`(?:[^`]|``)*`) \(\n$/;
const namedLine = /^ {2}(`(?:[^`]|``)*`) /;
const counterWord = /('(?:[^'\\]|\\.|'')*'|`(?:[^`]|``)*`)| AUTO_INCREMENT\b/g;
/**
 * An option that the table's engine does not know, which a server prints in a comment and accepts in a special mode;
 * and one of Aria's.
 */
const unknownOption =
  /('(?:[^'\\]|\\.|'')*'|`(?:[^`]|``)*`)|\/\* ((?:`(?:[^`]|``)*`='(?:[^'\\]|\\.|'')*'(?: (?=`))?)+|TRANSACTIONAL=\d) \*\//g;

/** Rewrites the lines of a dump's tables. Lines are latin1 text, each with its newline. */
export function repairing(repairs: Repairs): (line: string) => string {
  let table: string | undefined;
  const keysFirst = new Map(repairs.keysFirst);
  const nullable = new Map(repairs.nullable);
  const behind = new Map(repairs.behind);
  const types = new Map(repairs.types.map(([name, swaps]) => [name, new Map(swaps)]));
  const waiting = repairs.later.map(({ tables, statement }) => ({ tables: new Set(tables), statement }));
  const bytes = (lines: readonly string[]) => lines.map((line) => `${byteText(line)}\n`).join('');
  const finished = (name: string): string => {
    const ripe = waiting.filter(({ tables }) => tables.delete(name) && tables.size === 0);
    return bytes([...(behind.get(name) ?? []), ...ripe.map(({ statement }) => statement)]);
  };
  return (line) => {
    const started = tableHead.exec(line)?.[1];
    if (started !== undefined) {
      table = textOf(unquoteName(started));
      return line + bytes((keysFirst.get(table) ?? []).map((key) => `  ${key},`));
    }
    if (table === undefined) return line;
    const known = line.replace(
      unknownOption,
      (_, kept?: string, option?: string) => kept ?? option!.replace('*\\/', '*/'),
    );
    const column = namedLine.exec(line)?.[1];
    const swap = column === undefined ? undefined : types.get(table)?.get(textOf(unquoteName(column)));
    if (swap !== undefined) return withType(known, column!, swap);
    if (column !== undefined && nullable.get(table)?.includes(textOf(unquoteName(column))))
      return known.replace(counterWord, (whole, kept?: string) => kept ?? `${whole} NULL`);
    if (!line.endsWith(';\n')) return known;
    const name = table;
    table = undefined;
    return known + finished(name);
  };
}

/** The line of a column with another type, character set and collation. */
function withType(line: string, column: string, { from, to }: TypeSwap): string {
  const begin = `  ${column} ${byteText(from)}`;
  if (!line.startsWith(begin)) return line;
  const rest = line.slice(begin.length).replace(/^(?: CHARACTER SET \w+)?(?: COLLATE \w+)?/, '');
  return `  ${column} ${byteText(to)}${rest}`;
}

function textOf(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
