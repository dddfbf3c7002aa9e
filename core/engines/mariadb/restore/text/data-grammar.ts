import { bytesIn } from '../../../../pipeline/guard.ts';
import type { Grammar } from '../../../../pipeline/guard.ts';
import { tuples } from './tuples.ts';

/*
 * What a data part may hold: what mariadb-dump prints for rows only, and what we put before it (data-head.ts). To allow
 * more, add a line to `statements` or `settings`. Each pattern must leave client and server only one way to read what
 * it allows: so no character set in which a `\` may end a character (sjis, gbk, …), and no SQL mode that changes what
 * quotes or escapes.
 */
const name = '`[^`\\0]*(?:``[^`\\0]*)*`';
const columns = `\\((?:${name}|\\w+)(?:, (?:${name}|\\w+))*\\)`;

const statements = [
  'COMMIT',
  'START TRANSACTION',
  'UNLOCK TABLES',
  `LOCK TABLES ${name} (?:READ|WRITE)`,
  // every server runs it: with another number it might be a comment, which a name containing its end would end
  `/\\*!40000 ALTER TABLE ${name} (?:DISABLE|ENABLE) KEYS \\*/`,
  `(?:DO|SELECT) SETVAL\\(${name}, -?\\d+, [01](?:, \\d+)?\\)`,
].map(whole);

const remembered =
  '(CHARACTER_SET_CLIENT|CHARACTER_SET_RESULTS|COLLATION_CONNECTION|TIME_ZONE|SQL_MODE|UNIQUE_CHECKS|FOREIGN_KEY_CHECKS|SQL_NOTES|NOTE_VERBOSITY|AUTOCOMMIT|SYSTEM_VERSIONING_INSERT_HISTORY)';
const scope = '(?:SESSION |@@(?:SESSION\\.)?)?';
const settings = [
  `@OLD_${remembered}=@@(?:SESSION\\.)?\\1`,
  `${scope}${remembered}=@OLD_\\1`,
  `${scope}(?:UNIQUE_CHECKS|FOREIGN_KEY_CHECKS|SQL_NOTES|NOTE_VERBOSITY|AUTOCOMMIT|SYSTEM_VERSIONING_INSERT_HISTORY) ?= ?[01]`,
  `${scope}TIME_ZONE ?= ?'\\+00:00'`,
  `${scope}SQL_MODE ?= ?'(?:(?:NO_AUTO_VALUE_ON_ZERO|ALLOW_INVALID_DATES)(?:,(?=\\w)|(?=')))*'`,
  'NAMES (?:utf8|utf8mb3|utf8mb4|binary|ascii|latin1)',
].map(whole);

const conditional = /^\/\*M?!\d{5,6} SET ([^*]*) \*\/$/i;
const plain = /^SET ([^*]*)$/i;
const insert = whole(`INSERT INTO ${name} (?:${columns} )?VALUES[ \\n]`);
const comment = /^--(?: [^\0]*)?$/;
const sandbox = /^\/\*M?!999999\\- enable the sandbox mode \*\/ ?$/;

/** The grammar of MariaDB's and MySQL's data parts. */
export const dataGrammar: Grammar = {
  quotes: bytesIn('\'`"'),
  backslashIn: bytesIn('\'"'),
  lines: bytesIn('-/'),
  line(text) {
    if (text.startsWith('/')) return sandbox.test(text) ? 'drop' : 'statement';
    return comment.test(text) ? 'pass' : undefined;
  },
  statement(text) {
    const items = (conditional.exec(text)?.[1] ?? plain.exec(text)?.[1])?.split(', ');
    const isSettings = items?.every((item) => settings.some((known) => known.test(item)));
    return isSettings === true || statements.some((known) => known.test(text)) ? 'pass' : undefined;
  },
  opensRows: (text) => insert.test(text),
  rows: tuples,
};

function whole(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`, 'i');
}
