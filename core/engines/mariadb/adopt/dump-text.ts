import { BackupError } from '../../../domain/errors.ts';
import type { ByteStream } from '../../../ports.ts';
import { bytesOf, linesOf } from '../lines.ts';
import { endMarker, withoutDefiners } from '../restore/text/load-text.ts';

const ofPostgres = /^(?:PGDMP|--\n-- PostgreSQL database)/;
const tailBytes = 128;
const names = '`(?:[^`]|``)*`';
const created = new RegExp(`^CREATE DATABASE /\\*!32312 IF NOT EXISTS\\*/ (${names})`);
const used = new RegExp(`^USE (${names});\\s*$`);
const replication = /^SET @@(?:SESSION\.SQL_LOG_BIN|GLOBAL\.GTID_PURGED) ?=.*;\s*$/;
const event = /^(\/\*!50106 CREATE\*\/ .*\/\*!50106 EVENT .* ON COMPLETION (?:NOT )?PRESERVE) ENABLE /;
const definer = /^(?:CREATE |\/\*!\d+ (?:CREATE\*\/ \/\*!\d+ )?)DEFINER=/;

/** A dump on its way to the client. `leftOut`: how much of each kind was left out so far. */
export type MariadbDumpText = { content: ByteStream; leftOut: ReadonlyMap<string, number> };

/** Throws `input-invalid` if the first bytes show that it is no dump of these servers. */
export function requireDump(head: string): void {
  if (!ofPostgres.test(head)) return;
  throw new BackupError('input-invalid', 'this is a dump of PostgreSQL, and the source is of MariaDB or MySQL', {
    hint: 'name a source of that engine',
  });
}

/**
 * The text of a dump as mariadb-dump and mysqldump print it, with a COMMIT at the end: without definers, with its
 * events disabled, and for the scratch database although it may name its own. It is no guard: the server refuses what
 * the scratch user may not do. Throws `input-invalid` for a dump of several databases, and `dump-cut` if its end is
 * missing.
 */
export function dumpText(text: ByteStream): MariadbDumpText {
  const leftOut = new Map<string, number>();
  return { content: ended(withoutDefiners(rewritten(text, leftOut))), leftOut };
}

async function* rewritten(text: ByteStream, leftOut: Map<string, number>): ByteStream {
  const count = (what: string): void => void leftOut.set(what, (leftOut.get(what) ?? 0) + 1);
  let database: string | undefined;
  function here(line: string): string {
    if (definer.test(line)) count('definer');
    if (event.test(line)) {
      count('enabled event');
      return line.replace(event, '$1 DISABLE ');
    }
    if (replication.test(line)) {
      count('setting of replication');
      return '\n';
    }
    const [, named] = created.exec(line) ?? used.exec(line) ?? [];
    if (named === undefined) return line;
    if (named !== (database ??= named)) throw several(database, named);
    return '\n';
  }
  for await (const lines of linesOf(text)) yield bytesOf(lines.map(here));
}

/** Commits what is not committed yet, which dumps leave to the client's own setting. */
async function* ended(content: ByteStream): ByteStream {
  let tail = Buffer.alloc(0);
  for await (const chunk of content) {
    tail = Buffer.concat([tail, chunk.subarray(-tailBytes)]).subarray(-tailBytes);
    yield chunk;
  }
  if (!endMarker.test(`\n${tail.toString('latin1')}`))
    throw new BackupError('dump-cut', 'the dump does not end as one does that is whole: no "-- Dump completed"', {
      hint: 'it was cut off, or is no dump by mariadb-dump or mysqldump; one made with --skip-comments can’t be told from one that was cut',
    });
  yield Buffer.from('COMMIT;\n');
}

function several(one: string, other: string): BackupError {
  const readable = (name: string): string => Buffer.from(name, 'latin1').toString();
  return new BackupError('input-invalid', `the dump is of several databases: ${readable(one)}, ${readable(other)}, …`, {
    hint: 'a backup is of one: cut the dump into those of each, at its lines "-- Current Database"',
  });
}
