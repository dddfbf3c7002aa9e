import { bytesIn } from '../../../../pipeline/guard.ts';
import type { Grammar, GrammarPiece, Rows, PieceVerdict } from '../../../../pipeline/guard.ts';

/*
 * What a data part may hold: what psql prints by our script (copy-script.ts), and what pg_dump --section=data prints.
 * To allow more, add a line to `statements`. Each pattern must leave psql and the server only one way to read what it
 * allows.
 */
const identifier = String.raw`(?:[A-Za-z_\x80-\xff][\w$\x80-\xff]*|"[^"\0]*(?:""[^"\0]*)*")`;
const table = `${identifier}(?:\\.${identifier})?`;
const columns = `\\((?:${identifier}(?:, ${identifier})*)?\\)`;
const text = String.raw`'[^'\0]*(?:''[^'\0]*)*'`;

const statements: [pattern: string, verdict: PieceVerdict][] = [
  ['SET (?:statement|lock|idle_in_transaction_session|transaction)_timeout = 0', 'pass'],
  // encodings that a server may have: in others (SJIS, BIG5, GBK, …) a quote or backslash may be the end of a character
  [`SET client_encoding = '(?:UTF8|SQL_ASCII|LATIN\\d+|WIN\\d+|ISO_8859_\\d|KOI8[RU]|EUC_\\w+|MULE_INTERNAL)'`, 'pass'],
  ['SET standard_conforming_strings = on', 'pass'],
  ['SET check_function_bodies = false', 'pass'],
  ['SET xmloption = content', 'pass'],
  ['SET client_min_messages = warning', 'pass'],
  ['SET row_security = off', 'pass'],
  [`SET default_tablespace = ''`, 'pass'],
  ['SET default_table_access_method = \\w+', 'pass'],
  [`SELECT pg_catalog\\.set_config\\('search_path', '', false\\)`, 'pass'],
  [`SELECT pg_catalog\\.setval\\(${text}, -?\\d+, (?:true|false)\\)`, 'pass'],
  // pg_dump 17 and newer print large objects here completely, including owners and grants
  [`SELECT pg_catalog\\.lo_create\\('\\d+'\\)`, 'pass'],
  [`COMMENT ON LARGE OBJECT \\d+ IS ${text}`, 'pass'],
  [`SECURITY LABEL FOR ${identifier} ON LARGE OBJECT \\d+ IS ${text}`, 'pass'],
  [`SELECT pg_catalog\\.lo_open\\('\\d+', \\d+\\)`, 'pass'],
  [`SELECT pg_catalog\\.lowrite\\(0, '\\\\x[0-9a-f]*'\\)`, 'pass'],
  ['SELECT pg_catalog\\.lo_close\\(0\\)', 'pass'],
  // pg_dump's own transaction around large objects would end the one that the part is loaded in
  ['BEGIN|COMMIT', 'drop'],
  [`ALTER TABLE (?:ONLY )?${table} (?:DISABLE|ENABLE) TRIGGER ALL`, 'pass'],
  [`COPY ${table} (?:${columns} )? ?FROM stdin`, 'rows'],
];
const known = statements.map(([pattern, verdict]) => ({ pattern: whole(pattern), verdict }));

/**
 * Who owns a large object, and who may do what with it. A right granted by somebody else is granted in that role's
 * name.
 */
const rights = [
  `ALTER LARGE OBJECT \\d+ OWNER TO ${identifier}`,
  `GRANT [A-Z,]+ ON LARGE OBJECT \\d+ TO ${identifier}(?: WITH GRANT OPTION)?`,
  `REVOKE (?:GRANT OPTION FOR )?[A-Z,]+ ON LARGE OBJECT \\d+ FROM ${identifier}`,
  `SET SESSION AUTHORIZATION ${identifier}|RESET SESSION AUTHORIZATION`,
].map(whole);

function whole(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`);
}

/** For psql, comments also end at a CR. A part's own restriction is left out, because it runs under ours. */
const lines: { pattern: RegExp; verdict: PieceVerdict }[] = [
  { pattern: /^--[^\r\0]*$/, verdict: 'pass' },
  { pattern: /^\\(?:un)?restrict [0-9A-Za-z]+$/, verdict: 'drop' },
];

/** The grammar of PostgreSQL's data parts. */
export const dataGrammar: Grammar = {
  quotes: bytesIn(`'"`),
  backslashIn: bytesIn(''),
  lines: bytesIn('-\\'),
  line: (found) => lines.find(({ pattern }) => pattern.test(found))?.verdict,
  statement: (found) => (isRight(found) ? 'pass' : allowed(found)),
  rows: copyRows,
};

/** The same for a restore without owners and grants. */
export const ownerlessGrammar: Grammar = {
  ...dataGrammar,
  statement: (found) => (isRight(found) ? 'drop' : allowed(found)),
};

function isRight(statement: string): boolean {
  return rights.some((pattern) => pattern.test(statement));
}

function allowed(statement: string): PieceVerdict | undefined {
  return known.find(({ pattern }) => pattern.test(statement))?.verdict;
}

const mark = Buffer.from('\n\\.');
const [newline, backslash, dot, carriageReturn] = [...Buffer.from('\n\\.\r')] as [number, number, number, number];

/**
 * Rows of COPY text, from the beginning of a line. psql takes `\.` alone on a line, with or without a CR after it, for
 * their end; here only the form without CR ends them, and no row may begin like that. Rows contain neither NUL nor CR:
 * COPY writes `\r`.
 */
function copyRows(): Rows {
  let atStart = true;
  return {
    take(text, from): GrammarPiece {
      const end =
        atStart && text[from] === backslash && text[from + 1] === dot
          ? from
          : text.indexOf(mark, from) + 1 || text.length;
      const odd = oddByte(text.subarray(from, end));
      if (odd >= 0) return { state: 'wrong', to: from + odd, what: 'a NUL or a CR among rows' };
      if (end + 2 < text.length)
        return text[end + 2] === newline
          ? { state: 'end', to: end + 3 }
          : { state: 'wrong', to: end, what: 'a line among rows that is no row' };
      const begun =
        end === text.length && text[end - 1] === backslash && (end - 1 > from ? text[end - 2] === newline : atStart);
      const to = begun ? end - 1 : end;
      if (to > from) atStart = text[to - 1] === newline;
      return { state: 'more', to };
    },
  };
}

function oddByte(rows: Buffer): number {
  const found = [0, carriageReturn].map((byte) => rows.indexOf(byte)).filter((at) => at >= 0);
  return found.length === 0 ? -1 : Math.min(...found);
}
