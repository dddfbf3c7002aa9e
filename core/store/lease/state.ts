import * as z from 'zod';
import { BackupError, isBackupError } from '../../domain/errors.ts';
import { leaseKey } from '../../domain/layout/places.ts';
import type { SourceName } from '../../domain/keys.ts';
import { span, vaultOption, word } from '../../domain/messages/text.ts';
import type { Vault } from '../../vault.ts';
import { readJson } from '../json.ts';

const leaseSchema = z.strictObject({ run: z.string(), holder: z.string(), until: z.iso.datetime() });

/** A lease as stored in the vault. */
export type Lease = z.infer<typeof leaseSchema>;

/**
 * The state of a source's lease. `stuck`: no run at work can have written this; nobody may take it, and it never
 * expires.
 */
export type LeaseState =
  | { state: 'absent' }
  | { state: 'free' | 'held'; lease: Lease; version: string }
  | { state: 'stuck'; why: string; lease?: Lease; version: string };

/** A lease is dated minutes ahead; one more hour allows for the clocks of two machines to differ. */
const farAheadMs = 3_600_000;

/** Reads a source's lease. Throws the vault's errors. */
export async function readLease(vault: Vault, source: SourceName, now: Date, signal: AbortSignal): Promise<LeaseState> {
  try {
    const read = await readJson(vault, leaseKey(source), signal);
    return read === undefined ? { state: 'absent' } : { ...stateOf(read.document, now), version: read.version };
  } catch (error) {
    if (!isBackupError(error, 'object-too-large')) throw error;
    throw new BackupError(
      'lease-stuck',
      `${source}: what stands in the place of its lease is no lease: ${error.message}`,
      { hint: `if no run is at work, delete ${leaseKey(source)} in the vault`, cause: error },
    );
  }
}

/** When a source's lease was last written, by the vault's clock. */
export async function leaseWritten(vault: Vault, source: SourceName, signal: AbortSignal): Promise<Date | undefined> {
  const key = leaseKey(source);
  const listed = await Array.fromAsync(vault.list(key, signal));
  return listed.find((one) => one.key === key)?.modified;
}

/** The error when nobody can work on a source until a person has looked. */
export function stuck({ name }: Pick<Vault, 'name'>, source: SourceName, { why }: { why: string }): BackupError {
  return new BackupError('lease-stuck', `${source}: the lease ${leaseKey(source)} keeps every run out: ${why}`, {
    hint: `see who holds it, and free it: nightjar unlock ${word(source)}${vaultOption(name)}`,
  });
}

function stateOf(
  document: unknown,
  now: Date,
): { state: 'free' | 'held'; lease: Lease } | { state: 'stuck'; why: string; lease?: Lease } {
  const lease = leaseSchema.safeParse(document).data;
  if (lease === undefined) return { state: 'stuck', why: "what stands in it can't be read" };
  const ahead = Date.parse(lease.until) - now.getTime();
  if (ahead <= 0) return { state: 'free', lease };
  if (ahead <= farAheadMs) return { state: 'held', lease };
  return {
    state: 'stuck',
    why: `it holds until ${lease.until}, ${span(ahead)} ahead, and no run holds one for so long: a clock was wrong`,
    lease,
  };
}
