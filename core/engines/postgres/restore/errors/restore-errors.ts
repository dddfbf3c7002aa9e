/**
 * A statement that failed, as a program reports it: `statement` as far as it is reported, at most a few thousand
 * characters.
 */
export type RefusedStatement = { object: string; error: string; statement: string };

/** What a program says while it restores, parsed line by line. */
export type RestoreLog = {
  hear(line: string): void;
  refusals: RefusedStatement[];
  /** Whether pg_restore has said that it came to its end, and went on after errors. */
  wentOn(): boolean;
  /** Its other messages that a person should know. */
  warnings: string[];
};

const longestStatement = 4000;
/** How many failures are listed; the work goes on after that. */
const mostRefusals = 10_000;
const mostWarnings = 100;

/** After these words, a statement may contain a secret, or a body of thousands of lines. */
const cutBehind = /\bOPTIONS\s*\(|\bCONNECTION\s+(?=E?')|\bAS\s+(?=E?'|\$)|\bIS\s+(?=E?')/;
const shownStatement = 240;

/**
 * Progress messages. Workers of `--jobs` write a line in several pieces, mixed with each other's:
 * `pg_restore:pg_restore: executing …`. A failure among such lines shows in the exit status.
 */
const progress =
  /pg_restore:|^ ?(?:executing|creating|dropping|processing|reading|restoring|restored|launching|finished|entering|skipping|setting|connecting|transferring|reducing|enabling|disabling) /;

/** What a server prints below an error: it may hold values of rows. */
const details = /^(?:DETAIL|CONTEXT|QUERY|STATEMENT|LOCATION|LINE \d+|[A-Z ]+ NAME): ?/;

/** The prefix of the server's own messages; pg_restore may put its name before it. */
const servers = /^(?:WARNING|NOTICE|INFO|LOG): /;

/**
 * Parses the output of `pg_restore --verbose`. Of an error keeps the message and the hint, because details hold values
 * of rows. A name may contain newlines: a line that follows one about an object, and is not the server's, belongs to
 * it.
 */
export function hearArchive(): RestoreLog {
  const heard = collector();
  let object = '';
  let taking: 'object' | 'error' | 'detail' | 'statement' | 'progress' | 'warning' | undefined;
  let ended = false;
  return {
    ...heard,
    wentOn: () => ended,
    hear(line) {
      const [, said] = /^pg_restore: (.*)$/s.exec(line) ?? [];
      const [, entry] = /^from TOC entry \d+; \d+ \d+ (.*)$/s.exec(said ?? '') ?? [];
      ended = /^warning: errors ignored on restore: \d+$/.test(said ?? ''); // its last words: a name may hold them, too
      const [, error] = /^error: (?:could not execute query: )?(.*)$/s.exec(said ?? '') ?? [];
      if (entry !== undefined) {
        [object, taking] = [entry, 'object'];
      } else if (error !== undefined) {
        taking = 'error';
        heard.begin({ object: withoutOwner(object), error, statement: '' });
      } else if (said !== undefined) {
        taking = 'progress';
        if (!ended && (said.startsWith('warning: ') || servers.test(said))) {
          taking = 'warning';
          heard.warn(said);
        }
      } else if (taking === 'object') {
        object += `\n${line}`;
      } else if ((taking === 'error' || taking === 'detail') && line.startsWith('Command was: ')) {
        taking = 'statement';
        heard.extend('statement', line.slice('Command was: '.length));
      } else if ((taking === 'error' || taking === 'detail') && line.startsWith('HINT: ')) {
        taking = 'detail';
        heard.extend('error', ` (${line})`);
      } else if (taking === 'error') {
        if (details.test(line)) taking = 'detail';
        else heard.extend('error', `\n${line}`);
      } else if (taking === 'statement') {
        heard.extend('statement', `\n${line}`);
      } else if (servers.test(line)) {
        taking = 'warning';
        heard.warn(line);
      } else if (taking === 'warning' && line.startsWith('HINT: ')) {
        heard.warn(line);
      } else if (taking === undefined && !progress.test(line)) {
        heard.warn(line);
      }
    },
  };
}

const failures = ['ERROR', 'FATAL', 'PANIC'];

/** Parses the output of `psql --echo-errors` for a script on its standard input. */
export function hearScript(): RestoreLog {
  const heard = collector();
  let taking: 'error' | 'statement' | undefined;
  return {
    ...heard,
    wentOn: () => false,
    hear(line) {
      const [, severity, said] = /^psql:<stdin>:\d+: (\w+): +(.*)$/s.exec(line) ?? [];
      if (severity !== undefined && failures.includes(severity))
        heard.begin({ object: '', error: `${severity}:  ${said}`, statement: '' });
      if (severity === 'STATEMENT') heard.extend('statement', said ?? '');
      else if (severity === undefined && taking !== undefined) heard.extend(taking, `\n${line}`);
      if (severity === 'WARNING' || severity === 'NOTICE') heard.warn(line);
      if (severity !== undefined)
        taking = severity === 'STATEMENT' ? 'statement' : failures.includes(severity) ? 'error' : undefined;
    },
  };
}

/** A statement as a message shows it: on one line, without what may be secret. */
export function shortened(statement: string): string {
  const [, shown = statement] = new RegExp(`^(.*?(?:${cutBehind.source}))`, 's').exec(statement) ?? [];
  const line = shown.replace(/\s+/g, ' ').trim();
  return line.length > shownStatement
    ? `${line.slice(0, shownStatement)}…`
    : `${line}${shown === statement ? '' : '…'}`;
}

/** What a statement of a data part is about. */
export function subjectOf(statement: string): string {
  const [, table] = /^COPY (.*?) (?:\(.*\) )? ?FROM stdin/s.exec(statement) ?? [];
  if (table !== undefined) return `rows of ${table}`;
  const [, sequence] = /^SELECT pg_catalog\.setval\('((?:[^']|'')*)'/.exec(statement) ?? [];
  if (sequence !== undefined) return `state of sequence ${sequence}`;
  return /\blo_?(?:open|write|close|create)\b/.test(statement) ? 'large objects' : 'a statement';
}

/** Whether an error says that the server is gone: what follows it says nothing about the backup. */
export function isLost({ error }: RefusedStatement): boolean {
  return /no connection to the server|server closed the connection|terminating connection|connection to server .* failed|the database system is (?:shutting down|in recovery|starting up)|SSL SYSCALL error|could not (?:send|receive) data/i.test(
    error,
  );
}

/** pg_restore adds the owner to an object; if that is a single word, it can be separated from the name. */
function withoutOwner(entry: string): string {
  return entry.replace(/ (?:\(no owner\)|\S+)$/, '');
}

function collector() {
  const refusals: RefusedStatement[] = [];
  const warnings: string[] = [];
  return {
    refusals,
    warnings,
    warn(line: string): void {
      if (warnings.length < mostWarnings && line.trim() !== '') warnings.push(line);
    },
    begin(refusal: RefusedStatement): void {
      if (refusals.length < mostRefusals) refusals.push(refusal);
    },
    extend(what: 'error' | 'statement', more: string): void {
      const last = refusals.at(-1);
      if (last !== undefined) last[what] = (last[what] + more).slice(0, longestStatement);
    },
  };
}
