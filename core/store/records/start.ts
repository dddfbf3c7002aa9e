import { abortError, isBackupError, messageOf } from '../../domain/errors.ts';
import { startOf } from '../../domain/keys.ts';
import type { BackupId } from '../../domain/keys.ts';
import { startKey } from '../../domain/layout/records.ts';
import { momentOf } from '../../domain/time/schedule.ts';
import type { Identity, Report, Source } from '../../ports.ts';
import type { Vault } from '../../vault.ts';
import { writeJson } from '../json.ts';

type StartDeps = { identity: Identity; report: Report };

const limitMs = 15_000;

/**
 * Records that a backup has begun, and for which moment of the source's schedule: the only trace of a run that is
 * killed. `asked`: the scheduled moment, or when the run was asked for. A record that can't be written is a warning,
 * because the backup is worth more.
 */
export async function recordStart(
  vault: Vault,
  { name, schedule }: Pick<Source, 'name' | 'schedule'>,
  id: BackupId,
  asked: Date | undefined,
  { identity: { run, holder }, report }: StartDeps,
  signal: AbortSignal,
): Promise<void> {
  const start = startOf(id);
  const meant = schedule && momentOf(schedule, asked ?? start);
  const record = { id, run, holder, start: start.toISOString(), ...(meant && { meant: meant.toISOString() }) };
  const limit = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
  try {
    await writeJson(vault, startKey(name, { id, run, meant }), record, {}, limit);
  } catch (error) {
    if (signal.aborted) throw abortError(signal);
    // an attempt at the same request in the same second recorded the same
    if (!isBackupError(error, 'object-exists'))
      report({ type: 'warning', message: `that this backup has begun could not be recorded: ${messageOf(error)}` });
  }
}
