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
 * Does a backup's work; when it fails, leaves word in the vault, so that a check can say how many have failed since the
 * newest good one. `explain` makes of what was thrown what it stands for; it is rethrown as it was.
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

/** Whether this very run, at an earlier attempt, has failed with this code. */
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
 * Best effort: a record that can't be written hides nothing, for a missing backup is told by its age. Another run at
 * work is no failure. What exactly went wrong stands in the log of the run, which the record names.
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
