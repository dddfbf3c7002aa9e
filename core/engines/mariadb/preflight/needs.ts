import type { ByteStream } from '../../../ports.ts';
import { linesOf } from '../lines.ts';
import { unquoteName } from '../quoting.ts';
import { namedElsewhere } from '../restore/text/statements.ts';

/**
 * What definitions need of the server that makes them, as far as their text shows it: each need with the objects that
 * have it.
 */
export type Needs = {
  engines: Map<string, string[]>;
  collations: Map<string, string[]>;
  /** Tables without a primary key. */
  keyless: string[];
  /** Tables of other databases that views read, in SQL: `` `beside`.`o` ``. */
  read: Map<string, string[]>;
};

const quoted = /'(?:[^'\\]|\\.|'')*'|`(?:[^`]|``)*`/g;
const tableHead = /^CREATE TABLE (`(?:[^`]|``)*`) \(/;
const sequenceHead = /^CREATE SEQUENCE (`(?:[^`]|``)*`)/;
const viewHead = /^\/\*!50001 VIEW (`(?:[^`]|``)*`)/;

/** Reads the definitions of a dump. Skips names that continue in a second line. */
export async function needsOf(definitions: ByteStream): Promise<Needs> {
  const needs: Needs = { engines: new Map(), collations: new Map(), keyless: [], read: new Map() };
  let [table, keyed] = ['', false];
  for await (const lines of linesOf(definitions)) {
    for (const bytes of lines) {
      const line = Buffer.from(bytes, 'latin1').toString();
      const [, started] = tableHead.exec(line) ?? [];
      if (started !== undefined) [table, keyed] = [`table ${started}`, false];
      const [, sequence] = sequenceHead.exec(line) ?? [];
      const [, view] = viewHead.exec(line) ?? [];
      if (view !== undefined) for (const name of namedElsewhere(line)) note(needs.read, name, `view ${view}`);
      const object = sequence === undefined ? table : `sequence ${sequence}`;
      if (object === '') continue;
      keyed ||= line.startsWith('  PRIMARY KEY');
      const bare = line.replace(quoted, '');
      for (const [, collation] of bare.matchAll(/\bCOLLATE[ =](\w+)/g))
        note(needs.collations, collation!.toLowerCase(), object);
      const [, engine] = /\bENGINE=(\w+)/i.exec(bare) ?? [];
      if (engine === undefined) continue;
      note(needs.engines, engine.toUpperCase(), object);
      if (sequence === undefined && !keyed) needs.keyless.push(object);
      table = '';
    }
  }
  return needs;
}

/** The two parts of `` `beside`.`o` ``. */
export function partsOf(name: string): { database: string; table: string } {
  const [database = '', table = ''] = name.match(/`(?:[^`]|``)*`/g) ?? [];
  return { database: unquoteName(database), table: unquoteName(table) };
}

function note(found: Map<string, string[]>, what: string, object: string): void {
  const objects = found.get(what) ?? [];
  if (!objects.includes(object)) found.set(what, [...objects, object]);
}
