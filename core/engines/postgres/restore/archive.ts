import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { programInput, programOutput, programText } from '../../../pipeline/program.ts';
import type { ByteStream } from '../../../ports.ts';
import { connectionString } from '../database/database.ts';
import { leftOutPolicies } from './left-out.ts';
import type { Loading } from './loading.ts';
import { failureOf, refusedError } from '../failures/remedies.ts';
import { hearArchive, isLost } from './errors/restore-errors.ts';
import type { RestoreLog, RefusedStatement } from './errors/restore-errors.ts';
import { newRestrictKey, restrictLines } from './text/restricted.ts';
import { loadScript } from './script.ts';

export type ArchiveSection = 'pre-data' | 'post-data';

/** The line that clients from 17 write, and servers before 17 refuse. */
export const tooNew = 'SET transaction_timeout = 0;';

/**
 * Restores one section of the archive in `content`. It goes through a file, because pg_restore must seek in it to work
 * in parallel. The file holds definitions, no rows. `keep` gets it when its definitions are made, and may keep it.
 */
export async function loadSection(
  section: ArchiveSection,
  content: ByteStream,
  loading: Loading,
  signal: AbortSignal,
  keep?: (file: string, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-'));
  try {
    const file = join(folder, 'schema.pgdump');
    await pipeline(content, createWriteStream(file, { mode: 0o600 }));
    if (section === 'pre-data') {
      await definitions(file, folder, loading, signal);
      return await keep?.(file, signal);
    }
    const isApart = loading.owners || loading.keepGoing ? undefined : isPolicy;
    const { chosen, others } = await setApart(isApart, file, folder, loading, signal);
    await (loading.keepGoing ? goOn : allOrNothing)(section, file, others, loading, signal);
    if (chosen !== undefined) await goOn(section, file, chosen, loading, signal);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Makes only these entries of an archive, one after the other. */
export async function loadEntries(
  file: string,
  ids: readonly string[],
  loading: Loading,
  signal: AbortSignal,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-'));
  try {
    const lines = ids.map((id) => `${id};`);
    await allOrNothing('post-data', file, await listed('these', lines, folder), { ...loading, jobs: 1 }, signal);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Extensions first, if something on them is to be set before anything relies on it. */
async function definitions(file: string, folder: string, loading: Loading, signal: AbortSignal): Promise<void> {
  const load = loading.keepGoing ? goOn : allOrNothing;
  const isApart = loading.onExtensions === undefined ? undefined : isExtension;
  const { chosen, others } = await setApart(isApart, file, folder, loading, signal);
  if (chosen !== undefined) {
    await load('pre-data', file, chosen, loading, signal);
    await loading.onExtensions?.(signal);
  }
  await load('pre-data', file, others, loading, signal);
}

/** Throws at the first failure, with its statement. */
async function allOrNothing(
  section: ArchiveSection,
  file: string,
  which: string[],
  loading: Loading,
  signal: AbortSignal,
): Promise<void> {
  const args = [...argsOf(section, loading), ...which];
  if (loading.clientMajor >= 17 && loading.serverMajor < 17) {
    const key = newRestrictKey();
    const script = programOutput(
      loading.run('pg_restore', [...args, `--restrict-key=${key}`, '--file=-', file]),
      signal,
    );
    return loadScript(withoutLines(script, [tooNew, ...restrictLines(key)]), { key }, loading, signal);
  }
  // one transaction would hold a lock for each table, sequence and type: more than a server's default limit for 3,000
  // tables
  const together = section === 'pre-data' && loading.clientMajor >= 17 ? ['--transaction-size=500'] : [];
  const sideBySide = section === 'post-data' && loading.jobs > 1 ? [`--jobs=${loading.jobs}`] : [];
  const { heard, ended } = await restored(
    [...args, ...together, ...sideBySide, '--exit-on-error', file],
    loading,
    signal,
  );
  if (ended !== undefined) throw refusedError(heard.refusals, ended.cause, loading, signal);
}

/**
 * Goes on after every failure, object by object in one session: messages of parallel sessions could not be told apart.
 * Without `keepGoing` only policies for missing roles may fail, which are left out on purpose.
 */
async function goOn(
  section: ArchiveSection,
  file: string,
  which: string[],
  loading: Loading,
  signal: AbortSignal,
): Promise<void> {
  const { heard, ended } = await restored([...argsOf(section, loading), ...which, file], loading, signal);
  const cameToItsEnd = ended === undefined || (heard.wentOn() && !heard.refusals.some(isLost));
  if (signal.aborted || !cameToItsEnd) throw refusedError(heard.refusals, ended?.cause, loading, signal);
  const real = heard.refusals.filter((refusal) => !isHarmless(refusal));
  const { leftOut, others } = loading.owners ? { leftOut: [], others: real } : leftOutPolicies(real);
  loading.leftOut.push(...leftOut.map(({ why, ...one }) => ({ ...one, why: loading.shown(why) })));
  if (others.length > 0 && !loading.keepGoing) throw refusedError(others, undefined, loading, signal);
  loading.failures.push(...others.map((refusal) => failureOf(refusal, loading)));
}

/**
 * Runs pg_restore against the database. It says which object it works on only in verbose mode, whose other output is
 * kept from those who hear warnings.
 */
async function restored(
  args: string[],
  loading: Loading,
  signal: AbortSignal,
): Promise<{ heard: RestoreLog; ended?: { cause: unknown } }> {
  const heard = hearArchive();
  const {
    program: { heard: tell, ...program },
    ...run
  } = loading.run('pg_restore', ['--verbose', `--dbname=${connectionString(loading.database())}`, ...args]);
  try {
    await programInput({ ...run, program, hear: heard.hear }, nothing(), signal);
    if (heard.warnings.length > 0) tell?.(loading.shown(heard.warnings.join('\n')));
    return { heard };
  } catch (cause) {
    return { heard, ended: { cause } };
  }
}

const isPolicy = (line: string): boolean => /^\d+; \d+ \d+ (?:POLICY |COMMENT .*\bPOLICY )/.test(line);
/** Including the schemas that they go into. */
const isExtension = (line: string): boolean => /^\d+; \d+ \d+ (?:SCHEMA|EXTENSION) - /.test(line);

type ArchiveArguments = { chosen?: string[]; others: string[] };

/**
 * The options that make pg_restore take only the matching entries, if there are any, and those that make it take all
 * the others to be restored.
 */
async function setApart(
  isChosen: ((line: string) => boolean) | undefined,
  file: string,
  folder: string,
  loading: Loading,
  signal: AbortSignal,
): Promise<ArchiveArguments> {
  const isWhole = loading.entries === undefined && loading.made.size === 0 && loading.there.length === 0;
  if (isChosen === undefined && isWhole) return { others: [] };
  const all = (await programText(loading.run('pg_restore', ['--list', file]), signal))
    .split('\n')
    .filter((line) => isRestored(line, loading));
  const chosen = isChosen === undefined ? [] : all.filter(isChosen);
  if (chosen.length === 0 && isWhole) return { others: [] };
  const others = await listed(
    'others',
    all.filter((line) => isChosen === undefined || !isChosen(line)),
    folder,
  );
  return chosen.length === 0 ? { others } : { chosen: await listed('chosen', chosen, folder), others };
}

async function listed(name: string, lines: readonly string[], folder: string): Promise<string[]> {
  const list = join(folder, `${name}.list`);
  await writeFile(list, withObjectFirst(lines).join('\n'), { mode: 0o600 });
  return [`--use-list=${list}`];
}

/**
 * pg_restore counts what is attached to an object (comments, grants) to the section of the preceding object; at the
 * beginning of the list, that would be a section that is left out.
 */
function withObjectFirst(lines: readonly string[]): string[] {
  const first = lines.findIndex((line) => /^\d+; \d+ \d+ (?!COMMENT |ACL |SECURITY LABEL |DEFAULT ACL )/.test(line));
  return first < 0 ? [...lines] : [lines[first]!, ...lines.toSpliced(first, 1)];
}

/** Whether an entry of an archive's list is still to be restored. */
export function isRestored(
  line: string,
  { entries, made, there }: Pick<Loading, 'entries' | 'made' | 'there'>,
): boolean {
  const id = line.slice(0, Math.max(line.indexOf(';'), 0));
  const what = line.replace(/^\d+; \d+ \d+ /, '');
  if (there.some((begin) => what.startsWith(begin))) return false;
  return !made.has(id) && (entries === undefined || entries.has(id));
}

function argsOf(section: ArchiveSection, { owners, tablespaces }: Loading): string[] {
  return [
    `--section=${section}`,
    ...(owners ? [] : ['--no-owner', '--no-privileges']),
    ...(tablespaces ? [] : ['--no-tablespaces']),
  ];
}

function isHarmless({ statement }: RefusedStatement): boolean {
  return statement.trim() === tooNew;
}

/** Definitions without the lines that equal one of `unwanted`. */
export async function* withoutLines(script: ByteStream, unwanted: string[]): ByteStream {
  let rest = '';
  for await (const chunk of script) {
    const lines = (rest + Buffer.from(chunk).toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    yield Buffer.from(
      lines
        .filter((line) => !unwanted.includes(line))
        .map((line) => `${line}\n`)
        .join(''),
      'latin1',
    );
  }
  yield Buffer.from(rest, 'latin1');
}

async function* nothing(): ByteStream {}
