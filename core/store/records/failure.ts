import { isBackupError } from '../../domain/errors.ts';
import type { FailureCode } from '../../domain/errors.ts';
import { sourceSegment } from '../../domain/layout/places.ts';
import type { SourceName } from '../../domain/keys.ts';
import { failureKey, failureOfPath } from '../../domain/layout/records.ts';
import type { Clock, Identity } from '../../ports.ts';
import type { Vault } from '../../vault.ts';
import { writeJson } from '../json.ts';

type FailureDeps = { clock: Clock; identity: Identity };

const limitMs = 5_000;

/**
 * Does a backup's work. A failure is recorded in the vault, so that a check can say how many have failed since the
 * newest good backup. `explain` turns what was thrown into the error to record; the original is rethrown.
 */
export async function withFailureRecord<T>(
  vault: Vault,
  source: SourceName,
  deps: FailureDeps,
  explain: (error: unknown) => unknown,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await recordFailure(vault, source, explain(error), deps);
    throw error;
  }
}

/** Whether an earlier attempt of this very run failed with this code. */
export async function hasFailed(
  vault: Vault,
  source: SourceName,
  { run, code }: { run: string; code: FailureCode },
  signal: AbortSignal,
): Promise<boolean> {
  const folder = `${sourceSegment(source)}/`;
  for await (const { key } of vault.list(`${folder}failures/`, signal)) {
    const failure = failureOfPath(key.slice(folder.length));
    if (failure?.run === run && failure.code === code) return true;
  }
  return false;
}

/**
 * Best effort: a record that can't be written hides nothing, because a missing backup shows by its age. That another
 * run is at work is no failure. Details are in the log of the run that the record names.
 */
async function recordFailure(
  vault: Vault,
  source: SourceName,
  error: unknown,
  { clock, identity: { run, holder } }: FailureDeps,
): Promise<void> {
  if (isBackupError(error, 'lease-held')) return;
  const code = isBackupError(error) ? error.code : 'internal';
  const at = clock.now();
  const record = { run, holder, at: at.toISOString(), code };
  const key = failureKey(source, { at, run, code });
  await writeJson(vault, key, record, {}, AbortSignal.timeout(limitMs)).catch(() => {});
}
