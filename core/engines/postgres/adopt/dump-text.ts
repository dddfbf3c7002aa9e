import { BackupError } from '../../../domain/errors.ts';
import type { ByteStream } from '../../../ports.ts';
import { tooNew } from '../restore/archive.ts';
import { between, quotedAt } from './quoted.ts';

/** The last words of a database's dump, both by pg_dump and by pg_restore. */
const endMarker = '-- PostgreSQL database dump complete';
/** What may follow them: comments, blank lines, and psql’s protection. Anything else belongs to another dump. */
const saysNothing = /^(?:--.*|\s*|\\unrestrict [A-Za-z0-9]+)$/;
const copyBegins = /^COPY\s[^]*\sFROM stdin;\s*$/;
const copyEnds = Buffer.from('\n\\.\n');
const longestLine = 256 * 1024 * 1024;
/** As much of a statement as is needed to recognise a COPY. */
const longestHead = 64 * 1024;

/** Single-line statements that are left out, because they name roles or places, or may not be run by this user. */
const leftOut: [what: string, line: RegExp][] = [
  ['owner', /^ALTER [A-Z ]+ .* OWNER TO .*;$/],
  ['grant', /^(?:GRANT|REVOKE) .*;$/],
  ['grant', /^ALTER DEFAULT PRIVILEGES .*;$/],
  ['owner', /^SET SESSION AUTHORIZATION .*;$/],
  ['tablespace', /^SET default_tablespace = .+;$/],
  ['comment on an extension', /^COMMENT ON EXTENSION .*;$/],
  // of `pg_dump --create`
  [
    'database setting',
    /^(?:(?:CREATE|ALTER|DROP|COMMENT ON|SECURITY LABEL .*ON) DATABASE|ALTER ROLE .* IN DATABASE) .*;$/,
  ],
];
/** `pg_dump --create` uses this to connect to the database that it has made; a second one belongs to another dump. */
const connects = /^\\connect .+$/;
/** Psql’s own protection, which already applies to everything; and the default tablespace, which is used anyway. */
const needless = /^(?:\\(?:un)?restrict [A-Za-z0-9]+|SET default_tablespace = '';)$/;

/** Only a superuser can load what lies in its own schemas, although every owner of a database may make it. */
const ofTimescale = /^CREATE EXTENSION (?:IF NOT EXISTS )?timescaledb\b/;

/** A dump on its way to psql. `leftOut`: how many statements of each kind were left out so far. */
export type DumpText = { content: ByteStream; leftOut: ReadonlyMap<string, number> };

/**
 * The text of a dump as pg_dump or pg_restore prints it, without owners and grants. It is no guard: the server refuses
 * what the scratch user may not do. Throws `input-invalid` at once for any other text, and `dump-cut` at the end if its
 * last words are missing.
 */
export function dumpText(text: ByteStream, serverMajor: number): DumpText {
  const counts = new Map<string, number>();
  let isConnected = false;
  function isLeftOut(line: string): boolean {
    if (!isConnected && connects.test(line)) return (isConnected = true);
    const [what] = leftOut.find(([, pattern]) => pattern.test(line)) ?? [];
    if (needless.test(line) || (line === tooNew && serverMajor < 17)) return true;
    if (what !== undefined) counts.set(what, (counts.get(what) ?? 0) + 1);
    return what !== undefined;
  }
  return { content: passing(text, isLeftOut), leftOut: counts };
}

/**
 * Passes the rows of a COPY unchanged; everything else line by line, keeping track of quotes and bodies that span
 * lines.
 */
async function* passing(text: ByteStream, isLeftOut: (line: string) => boolean): ByteStream {
  let [rest, inRows, isWhole] = [Buffer.alloc(0), false, false];
  let [quoted, head] = [between, ''];
  for await (const chunk of text) {
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
    for (;;) {
      if (inRows) {
        const end = rest.indexOf(copyEnds);
        const upTo = end < 0 ? Math.max(0, rest.length - copyEnds.length + 1) : end + copyEnds.length;
        if (upTo > 0) yield rest.subarray(0, upTo);
        rest = rest.subarray(upTo);
        inRows = end < 0;
        if (inRows) break;
      }
      const newline = rest.indexOf(10);
      if (newline < 0) break;
      const line = rest.toString('latin1', 0, newline);
      isWhole = quoted.close === '' && line === endMarker ? true : isWhole && saysNothing.test(line);
      if (quoted.isEnded && ofTimescale.test(line)) throw timescale();
      if (quoted.isEnded && isLeftOut(line)) {
        rest = rest.subarray(newline + 1);
        continue;
      }
      const statement = `${head}${line}`;
      quoted = quotedAt(quoted, line);
      inRows = quoted.isEnded && copyBegins.test(statement);
      head = quoted.isEnded ? '' : `${statement}\n`.slice(0, longestHead);
      // the newline stays: the rows may end right after it
      const kept = inRows ? newline : newline + 1;
      if (kept > 0) yield rest.subarray(0, kept);
      rest = rest.subarray(kept);
    }
    if (rest.length > longestLine) throw tooLong();
  }
  if (rest.length > 0) yield rest;
  if (!isWhole || inRows || !saysNothing.test(rest.toString('latin1'))) throw cut();
}

function timescale(): BackupError {
  return new BackupError(
    'input-invalid',
    'the dump is of a database with TimescaleDB, which only a superuser can load',
    {
      hint:
        'load it by hand into a database, between SELECT timescaledb_pre_restore(); and SELECT timescaledb_post_restore();, ' +
        'give that database a source of its own, and back it up',
    },
  );
}

function tooLong(): BackupError {
  return new BackupError('input-invalid', 'the dump has a line of more than 256 MB outside of rows', {
    hint: 'make it without --inserts, or as a custom archive: pg_dump --format=custom',
  });
}

function cut(): BackupError {
  return new BackupError('dump-cut', `the dump does not end as one does that is whole: no "${endMarker}"`, {
    hint:
      'it was cut off, goes on behind its end, or is no dump of one database by pg_dump; of pg_dumpall, take a pg_dump of ' +
      'the database',
  });
}
