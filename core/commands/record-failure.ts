import { isBackupError, messageOf } from '../domain/errors.ts';
import type { SourceName } from '../domain/keys.ts';
import { failureKey } from '../domain/records.ts';
import type { Clock, Vault } from '../ports.ts';
import type { Identity } from './lease.ts';

const limitMs = 5_000;

/**
 * Leaves word in the vault that a backup has failed, so that a check can say how many have since the newest good one. Best effort: a
 * record that can't be written hides nothing, for the missing backup is told by its age. Another run at work is no failure.
 */
export async function recordFailure(source: SourceName, error: unknown, { vault, clock, identity }: { vault: Vault; clock: Clock; identity: Identity }): Promise<void> {
  if (isBackupError(error, 'lease-held')) return;
  const { code, hint } = isBackupError(error) ? error : { code: 'internal' as const, hint: undefined };
  const at = clock.now();
  const record = { run: identity.run, holder: identity.holder, at: at.toISOString(), code, message: messageOf(error), hint };
  const key = failureKey(source, { at, run: identity.run, code });
  await vault.putIfAbsent(key, Buffer.from(JSON.stringify(record, undefined, 1)), {}, AbortSignal.timeout(limitMs)).catch(() => {});
}
