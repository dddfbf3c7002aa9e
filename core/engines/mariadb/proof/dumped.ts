import type { ByteStream } from '../../../ports.ts';
import { linesOf } from '../lines.ts';
import { unquoteName } from '../quoting.ts';

const start = /^(?:CREATE |\/\*!50001 CREATE ALGORITHM|\/\*!50003 CREATE\*\/|\/\*!50106 CREATE\*\/)/;
const end = /;\s*$/;
const name = '(?:`(?:[^`]|``)*`|"(?:[^"]|"")*"|[^\\s`"(]+)';
const made = new RegExp(
  `\\b(TABLE|VIEW|SEQUENCE|FUNCTION|PROCEDURE|PACKAGE BODY|PACKAGE|TRIGGER|EVENT)\\s+(?:IF NOT EXISTS )?(${name})`,
  'i',
);

/**
 * The definitions of some objects (`table t`) in a part of a backup, as its dump prints them. Holds one definition and
 * the wanted ones.
 */
export async function dumpedDefinitions(
  part: ByteStream,
  wanted: ReadonlySet<string>,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  let [lines, inBody]: [string[] | undefined, boolean] = [undefined, false];
  for await (const batch of linesOf(part)) {
    for (const line of batch) {
      if (line.startsWith('DELIMITER ')) inBody = line !== 'DELIMITER ;\n';
      if (lines === undefined && start.test(line)) lines = [];
      lines?.push(line);
      if (lines === undefined || !(inBody ? /;;\s*$/ : end).test(line)) continue;
      const text = Buffer.from(lines.join(''), 'latin1').toString('utf8');
      const [, kind, quoted] = made.exec(text) ?? [];
      const object = `${kind?.toLowerCase()} ${plain(quoted ?? '')}`;
      if (wanted.has(object)) found.set(object, text);
      lines = undefined;
    }
  }
  return found;
}

function plain(quoted: string): string {
  if (quoted.startsWith('`')) return unquoteName(quoted);
  return quoted.startsWith('"') ? quoted.slice(1, -1).replaceAll('""', '"') : quoted;
}
