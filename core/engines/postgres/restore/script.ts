import { programInput } from '../../../pipeline/program.ts';
import type { ByteStream } from '../../../ports.ts';
import type { Loading } from './loading.ts';
import { refusedError } from '../failures/remedies.ts';
import { hearScript } from './errors/restore-errors.ts';
import type { RefusedStatement } from './errors/restore-errors.ts';
import { restricted } from './text/restricted.ts';

const stopping = ['--set=ON_ERROR_STOP=1'];

/**
 * Runs a script in psql up to its first failure. `whole`: in one transaction; `key`: restricted by this key. Throws
 * with the statement that failed.
 */
export async function loadScript(
  content: ByteStream,
  { key, whole = false }: { key?: string; whole?: boolean },
  loading: Loading,
  signal: AbortSignal,
): Promise<void> {
  const { refusals, ended } = await run(
    restricted(content, key),
    [...stopping, ...(whole ? ['--single-transaction'] : [])],
    loading,
    signal,
  );
  if (ended !== undefined) throw refusedError(refusals, ended.cause, loading, signal);
}

/**
 * Runs every statement of a script in psql, and returns what was refused. Not for scripts with rows: psql would read
 * the rows of a refused COPY as statements.
 */
export async function tryScript(
  content: ByteStream,
  loading: Loading,
  signal: AbortSignal,
): Promise<RefusedStatement[]> {
  const { refusals, ended } = await run(restricted(content), [], loading, signal);
  if (ended !== undefined) throw refusedError([], ended.cause, loading, signal);
  return refusals;
}

/** Runs a script in psql up to its first failure, in one transaction, and returns that failure. */
export async function tryRows(content: ByteStream, loading: Loading, signal: AbortSignal): Promise<RefusedStatement[]> {
  const { refusals, ended } = await run(restricted(content), [...stopping, '--single-transaction'], loading, signal);
  if (ended !== undefined && (signal.aborted || refusals.length === 0))
    throw refusedError([], ended.cause, loading, signal);
  return refusals;
}

/** Terse, because the details of an error hold values of rows. */
async function run(
  content: ByteStream,
  how: readonly string[],
  loading: Loading,
  signal: AbortSignal,
): Promise<{ refusals: RefusedStatement[]; ended?: { cause: unknown } }> {
  const heard = hearScript();
  const {
    program: { heard: tell, ...program },
    ...rest
  } = loading.run('psql', ['--no-psqlrc', '--quiet', '--echo-errors', '--set=VERBOSITY=terse', ...how, '--file=-']);
  try {
    await programInput({ ...rest, program, hear: heard.hear }, content, signal);
    if (heard.warnings.length > 0) tell?.(loading.shown(heard.warnings.join('\n')));
    return { refusals: heard.refusals };
  } catch (cause) {
    return { refusals: heard.refusals, ended: { cause } };
  }
}
