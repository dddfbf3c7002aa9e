import { wordsOf } from '../../../core/engines/index.ts';
import { backup } from '../../../core/commands/backup.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { isBackupError } from '../../../core/domain/errors.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import { formatBytes, formatDuration, plural } from '../../../core/domain/units.ts';
import { failureDocument } from '../text/failure.ts';
import { copySources, withCopies } from './copies/copy.ts';
import { configured } from '../names.ts';
import { lookAtServers } from './servers.ts';
import type { CommandOutcome } from '../text/output.ts';
import { showProgress } from '../text/progress.ts';
import type { CommandSession } from '../session.ts';
import { sharedBytes, sizesOf } from '../../../core/domain/parts/sizes.ts';
import { told } from '../told.ts';

/**
 * `nightjar backup`: backs up every named source, one after the other, then copies each; a failure doesn't stop the
 * others.
 */
export async function backupCommand(
  names: string[],
  session: CommandSession,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const results: object[] = [];
  const failures: unknown[] = [];
  // a schedule starts the command: sources that come later still belong to this moment
  const asked = session.nightjar.clock.now();
  const looks = await lookAtServers(names, session, signal);
  failures.push(...looks.failures);
  const sources = configured(names, session.nightjar).filter((name) => isThere(name, names, session));
  for (const name of sources) {
    let stored: Manifest | undefined;
    try {
      await told(
        { verb: 'backup', source: name },
        async () => {
          stored = await backupOne(name, asked, session, signal);
          session.out.say(resultLine(stored));
          return stored;
        },
        summary,
        session,
        signal,
      );
      results.push({ status: 'stored', ...summary(stored!) });
    } catch (error) {
      failures.push(error);
      const status = isBackupError(error, 'lease-held') ? 'skipped' : 'failed';
      // a stored backup is shown as stored, even if somebody could not be told
      results.push(
        stored === undefined
          ? { status, source: name, error: failureDocument(error) }
          : { status: 'stored', ...summary(stored), error: failureDocument(error) },
      );
      session.out.fail(error);
      if (signal.aborted) break;
    }
  }
  if (signal.aborted) return { document: { ...looks.document, results }, failures };
  const copies = await copySources(withCopies(sources, session.nightjar), session, signal);
  return {
    document: { ...looks.document, results, ...(copies.results.length > 0 && { copies: copies.results }) },
    failures: [...failures, ...copies.failures],
  };
}

/** False for a database that was gone at the last look, unless it was named: the check misses it. */
function isThere(name: SourceName, named: readonly string[], { nightjar }: CommandSession): boolean {
  return nightjar.settings(name).gone === undefined || named.includes(name);
}

async function backupOne(
  name: SourceName,
  asked: Date,
  { nightjar, out }: CommandSession,
  signal: AbortSignal,
): Promise<Manifest> {
  const progress = showProgress(name, 'backing up', out, Date.now, 'getting ready');
  try {
    return await nightjar.store.withFailureRecord(
      name,
      nightjar,
      (error) => error,
      async () =>
        backup(await nightjar.source(name, {}, signal), { ...nightjar, asked, report: progress.report }, signal),
    );
  } finally {
    progress.end();
  }
}

function resultLine(manifest: Manifest): string {
  const { rows, bytes, storedBytes, ms } = sizesOf(manifest);
  const counted = plural(rows, wordsOf(manifest.engine).row);
  const shared = sharedBytes(manifest.parts);
  const stored = `${formatBytes(storedBytes)} stored${shared === 0 ? '' : `, ${formatBytes(storedBytes - shared)} anew`}`;
  return `${manifest.source}  ${manifest.id}  ${counted}  ${formatBytes(bytes)}  ${stored}  ${formatDuration(ms)}`;
}

function summary(manifest: Manifest): object {
  const { source, id, engine, database, start, end, tiers, warnings } = manifest;
  return {
    source,
    id,
    engine,
    database,
    start,
    end,
    tiers,
    ...sizesOf(manifest),
    sharedBytes: sharedBytes(manifest.parts),
    parts: manifest.parts.length,
    warnings,
  };
}
