import { chooseBackup } from '../../../../core/survey/choose.ts';
import { manifestFile, verifyRecorded } from '../../../../core/commands/proof/verify.ts';
import type { Verification } from '../../../../core/commands/proof/verify.ts';
import { BackupError, collected, isBackupError } from '../../../../core/domain/errors.ts';
import type { SourceName } from '../../../../core/domain/keys.ts';
import { formatBytes, plural } from '../../../../core/domain/units.ts';
import { failureDocument } from '../../text/failure.ts';
import { memoryFor, readable, readableAll } from '../../names.ts';
import type { CommandOutcome } from '../../text/output.ts';
import { showProgress } from '../../text/progress.ts';
import type { CommandSession } from '../../session.ts';
import { told } from '../../told.ts';

/** `listed`: it was in the vault a moment ago, and rotation may have removed it since. */
type WantedBackup = { source: SourceName; id: string; listed: boolean };
type Removed = { removed: true };

/**
 * `nightjar verify`: reads backups again and names every damaged part; the newest of each source unless an id or --all
 * is given.
 */
export async function verifyCommand(
  name: string | undefined,
  id: string | undefined,
  { all }: { all: boolean },
  session: CommandSession,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  if (all && id !== undefined)
    throw new BackupError('input-invalid', '--all reads every backup, so no id goes with it', {
      hint: 'leave out the id, or --all',
    });
  const { nightjar } = session;
  if (id !== undefined && name !== undefined) await readable(name, nightjar, signal);
  const names = await readableAll(name, session, signal);
  const results: object[] = [];
  const failures: unknown[] = [];
  for (const source of names) {
    const ids = all ? await nightjar.store.backupIds(source, signal) : [id ?? 'newest'];
    for (const which of ids.length === 0 ? ['newest'] : ids) {
      const found = await verifyOne({ source, id: which, listed: ids.length > 0 && all }, session, signal);
      results.push(found.result);
      failures.push(...found.failures);
      if (signal.aborted) return { document: { results }, failures };
    }
  }
  return { document: { results }, failures };
}

async function verifyOne(
  { source, id, listed }: WantedBackup,
  session: CommandSession,
  signal: AbortSignal,
): Promise<{ result: object; failures: unknown[] }> {
  const { out } = session;
  let found: Verification | Removed | undefined;
  const documentOf = (seen: Verification | Removed) =>
    'removed' in seen ? { source, id, status: 'removed' } : verificationDocument(seen);
  try {
    await told(
      { verb: 'verify', source },
      async () => {
        found = await readAgain({ source, id, listed }, session, signal);
        out.say('removed' in found ? `${source}  ${id}  removed since it was listed` : verdict(found));
        if ('problems' in found && found.problems.length > 0) throw collected(found.problems.map(({ error }) => error));
        return found;
      },
      documentOf,
      session,
      signal,
    );
    return { result: documentOf(found!), failures: [] };
  } catch (error) {
    out.fail(error);
    return {
      result: found === undefined ? { source, id, status: 'failed', error: failureDocument(error) } : documentOf(found),
      failures: [error],
    };
  }
}

/** A backup that was listed and is gone is no failure. */
async function readAgain(
  { source, id, listed }: WantedBackup,
  { nightjar, out }: CommandSession,
  signal: AbortSignal,
): Promise<Verification | Removed> {
  const progress = showProgress(source, 'verifying', out, Date.now);
  try {
    const { manifest } = await chooseBackup(source, id, memoryFor(source, nightjar), nightjar, signal);
    return await verifyRecorded(
      manifest,
      { ...nightjar, ...(await nightjar.inspection(manifest.engine)), report: progress.report },
      signal,
    );
  } catch (error) {
    if (listed && isBackupError(error, 'backup-missing')) return { removed: true };
    throw error;
  } finally {
    progress.end();
  }
}

function verdict({ source, id, parts, storedBytes, sealed, problems }: Verification): string {
  const what = `${source}  ${id}`;
  const unopened = sealed ? '; encrypted, and not opened: no identity that is configured fits' : '';
  if (problems.length === 0)
    return `${what}  intact: ${plural(parts, 'part')}, ${formatBytes(storedBytes)} read again${unopened}`;
  const broken = problems.filter(({ file }) => file !== manifestFile).length;
  const share = broken === 0 ? '' : ` (${broken} of ${plural(parts, 'part')})`;
  return `${what}  DAMAGED: ${problems.map(({ file }) => file).join(', ')}${share}`;
}

function verificationDocument({ problems, ...found }: Verification): object {
  const status = problems.length === 0 ? 'intact' : 'damaged';
  return { status, ...found, problems: problems.map(({ file, error }) => ({ file, ...failureDocument(error) })) };
}
