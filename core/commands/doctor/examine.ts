import { BackupError, isBackupError, ourError } from '../../domain/errors.ts';
import type { FailureCode } from '../../domain/errors.ts';
import { withTimeLimit } from '../../pipeline/time-limit.ts';
import type { Examination, Observed } from '../../ports.ts';

/**
 * The result of an examination. `about`: `source shop`, `vault offsite`. `blocked`: not tried, because one that it
 * needs has failed.
 */
export type Examined = { about: string; what: string; said: string; remedy?: string } & (
  | { outcome: Observed['outcome']; blocked?: true }
  | { outcome: 'failed'; code: FailureCode; error: BackupError }
);

/** Examinations that run one after the other. `first`: what the failure is called if they can't begin. */
export type Course = { about: string; first: string; open(signal: AbortSignal): Promise<readonly Examination[]> };

/** Longest wait for one examination. */
export const usualLimitMs = 120_000;

/** Runs them all, each within the limit. Throws only when the signal is aborted. */
export async function examined(
  { about, first, open }: Course,
  limitMs: number,
  signal: AbortSignal,
): Promise<Examined[]> {
  const found: Examined[] = [];
  const missed = new Set<string>();
  const limited = <T>(what: string, work: (stop: AbortSignal) => Promise<T>) =>
    withTimeLimit(limitMs, lateError(about, what, limitMs), work, signal);

  async function make({ what, needs = [], look }: Examination): Promise<void> {
    const missing = needs.find((one) => missed.has(one));
    if (missing !== undefined) {
      missed.add(what);
      found.push({
        about,
        what,
        outcome: 'not tried',
        said: `to be tried once this is mended: ${missing}`,
        blocked: true,
      });
      return;
    }
    try {
      for (const observed of await limited(what, look)) found.push({ about, what, ...observed });
    } catch (error) {
      if (signal.aborted) throw error;
      missed.add(what);
      found.push(failed(about, what, error));
    }
  }

  let examinations: readonly Examination[];
  try {
    examinations = await limited(first, open);
  } catch (error) {
    if (signal.aborted) throw error;
    return [failed(about, first, error)];
  }
  for (const one of examinations) await make(one);
  return found;
}

function failed(about: string, what: string, thrown: unknown): Examined {
  const error = ourError(thrown);
  const { code, message, hint } = error;
  return { about, what, outcome: 'failed', said: message, ...(hint !== undefined && { remedy: hint }), code, error };
}

function lateError(about: string, what: string, limitMs: number): BackupError {
  return new BackupError('deadline', `${about}: ${what}: no answer for ${limitMs / 1000} s`, {
    hint: 'something on the way swallows what is sent (a firewall, a proxy), or the other side is overloaded',
  });
}

/** Looks at a backup; if there is none yet, or the vault can't be read, reports that instead. */
export async function ofBackup(unmade: string, look: () => Promise<readonly Observed[]>): Promise<readonly Observed[]> {
  try {
    return await look();
  } catch (error) {
    if (isBackupError(error, 'backup-missing')) return [{ outcome: 'not tried', said: unmade }];
    if (!isBackupError(error) || !error.code.startsWith('vault-')) throw error;
    return [{ outcome: 'not tried', said: 'to be tried once the vault can be read' }];
  }
}
