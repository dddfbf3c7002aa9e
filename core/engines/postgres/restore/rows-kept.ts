import type { ByteStream, LoadFailure } from '../../../ports.ts';
import type { Passed } from '../../../pipeline/guard.ts';
import { judgedBlocksOf } from './text/judged-blocks.ts';
import type { Loading } from './loading.ts';
import { failureOf, refusedError } from '../failures/remedies.ts';
import { isLost, subjectOf } from './errors/restore-errors.ts';
import type { RefusedStatement } from './errors/restore-errors.ts';
import { tryRows, tryScript } from './script.ts';

/** Loads data parts block by block, so that rows that can't be loaded affect no others. */
export type KeptRows = {
  load(file: string, content: AsyncGenerator<Passed>, signal: AbortSignal): Promise<void>;
  /**
   * Call it once every part was loaded: tries again what was refused by a check that reads another table, which was
   * empty then.
   */
  again(file: string, content: AsyncGenerator<Passed>, signal: AbortSignal): Promise<void>;
};

const settings = /^(?:SET (?!SESSION )|SELECT pg_catalog\.set_config\()/;

export function keptRows(loading: Loading): KeptRows {
  /** By part, the numbers of its blocks whose rows were refused. */
  const refused = new Map<string, Map<number, LoadFailure>>();
  return {
    async load(file, content, signal) {
      const pieces = new Map<number, LoadFailure>();
      refused.set(file, pieces);
      await eachBlock(content, {
        async rows(number, script) {
          const failure = failureIn(await tryRows(script, loading, signal), loading, signal)[0];
          if (failure === undefined) return;
          pieces.set(number, failure);
          loading.failures.push(failure);
        },
        async statements(script) {
          loading.failures.push(...failureIn(await tryScript(script, loading, signal), loading, signal));
        },
      });
    },
    async again(file, content, signal) {
      const pieces = refused.get(file) ?? new Map<number, LoadFailure>();
      if (pieces.size === 0) return;
      await eachBlock(content, {
        async rows(number, script) {
          const before = pieces.get(number);
          if (before === undefined || failureIn(await tryRows(script, loading, signal), loading, signal).length > 0)
            return;
          loading.failures.splice(loading.failures.indexOf(before), 1);
        },
      });
    },
  };
}

type Handling = {
  rows(number: number, script: ByteStream): Promise<void>;
  statements?(script: ByteStream): Promise<void>;
};

/** Each block with the settings that stand before it. */
async function eachBlock(content: AsyncGenerator<Passed>, { rows, statements }: Handling): Promise<void> {
  let head = '';
  let number = 0;
  for await (const { rows: isRows, content: block } of judgedBlocksOf(content)) {
    if (isRows) {
      await rows((number += 1), joined(head, block));
      continue;
    }
    const noted = noting(block, (line) => (head += line));
    if (statements !== undefined) await statements(joined(head, noted));
    for await (const _ of noted) void _;
  }
}

async function* joined(head: string, rest: ByteStream): ByteStream {
  if (head !== '') yield Buffer.from(head, 'latin1');
  yield* rest;
}

/**
 * Statements, each large object's in a transaction of its own, because a handle is only valid within one. Notes the
 * settings among them.
 */
async function* noting(statements: AsyncIterable<Buffer>, note: (statement: string) => void): ByteStream {
  for await (const chunk of statements) {
    const statement = chunk.toString('latin1');
    if (settings.test(statement)) note(statement);
    if (statement.startsWith('SELECT pg_catalog.lo_open(')) yield Buffer.from('BEGIN;\n');
    yield chunk;
    if (statement.startsWith('SELECT pg_catalog.lo_close(')) yield Buffer.from('COMMIT;\n');
  }
}

/** What was refused, without what only follows from it. */
function failureIn(refusals: RefusedStatement[], loading: Loading, signal: AbortSignal): LoadFailure[] {
  if (refusals.some(isLost)) throw refusedError(refusals, undefined, loading, signal);
  return refusals
    .filter(({ error }) => !error.includes('current transaction is aborted'))
    .map(({ error, statement }) => failureOf({ object: subjectOf(statement), error, statement }, loading));
}
