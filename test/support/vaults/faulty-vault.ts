import { abortError, BackupError } from '../../../core/domain/errors.ts';
import type { FailureCode } from '../../../core/domain/errors.ts';
import type { Listed, Stored, Vault } from '../../../core/vault.ts';

/** What runs call: what only `nightjar doctor` asks for is left out, and locks, which no simulated vault has. */
export type VaultCall = Exclude<
  keyof Vault,
  'place' | 'name' | 'weaker' | 'free' | 'overwrite' | 'hold' | 'locks' | 'mayLock' | 'share'
>;

/**
 * How a call goes wrong. `before`: nothing was done; `after`: it was done, and the answer is lost; `half`: a listing
 * breaks off with an error; `cut`, `flip`: of the bytes that are read, without an error; `size`: a false size;
 * `stopped`: we are asked to stop before it answers; `stolen`: another run has just taken the lease.
 */
export type FaultKind = 'before' | 'after' | 'half' | 'cut' | 'flip' | 'size' | 'stopped' | 'stolen';
export type Fault = { call: VaultCall; nth: number; how: FaultKind; code: FailureCode };

/** What a fault does besides. */
export type Strikes = { stop?: () => void; steal?: () => void };

const reading: readonly FailureCode[] = ['vault-unreachable', 'vault-denied', 'vault-failed'];
const writing: readonly FailureCode[] = [...reading, 'vault-full'];
const codes: Record<VaultCall, readonly FailureCode[]> = {
  put: writing,
  putIfAbsent: [...writing, 'object-exists'],
  putIfUnchanged: [...writing, 'object-exists'],
  read: [...reading, 'object-missing', 'object-too-large'],
  get: [...reading, 'object-missing'],
  list: reading,
  delete: reading,
  tags: [...reading, 'object-missing'],
  retag: [...reading, 'object-missing'],
  unfinished: reading,
  abandon: reading,
};
const streams: readonly VaultCall[] = ['get', 'list', 'unfinished'];
const kinds: Partial<Record<VaultCall, readonly FaultKind[]>> = {
  put: ['size'],
  get: ['cut', 'flip'],
  list: ['half', 'size'],
};

/** A vault that counts its calls, and lets one of them go wrong. */
export function faultyVault(
  real: Vault,
  fault?: Fault,
  strikes: Strikes = {},
): { vault: Vault; calls: Map<VaultCall, number> } {
  const calls = new Map<VaultCall, number>();
  /** How this call goes wrong, if it does. */
  function struck(call: VaultCall): FaultKind | undefined {
    const nth = (calls.get(call) ?? 0) + 1;
    calls.set(call, nth);
    if (fault?.call !== call || fault.nth !== nth) return undefined;
    if (fault.how === 'before') throw failing(call);
    if (fault.how === 'stopped') strikes.stop?.();
    if (fault.how === 'stolen') strikes.steal?.();
    return fault.how;
  }
  const failing = (call: VaultCall) => new BackupError(fault!.code, `${call} went wrong`);
  const wrapped = (Object.keys(codes) as VaultCall[]).map((call) => {
    const run = real[call] as (...args: unknown[]) => unknown;
    async function once(...args: unknown[]): Promise<unknown> {
      const how = struck(call);
      const result = await run(...args);
      if (how === 'after') throw failing(call);
      return how === 'size' ? { bytes: (result as Stored).bytes - 1 } : result;
    }
    async function* stream(...args: unknown[]): AsyncIterable<unknown> {
      const how = struck(call);
      let seen = 0;
      for await (const one of run(...args) as AsyncIterable<unknown>) {
        seen += 1;
        if (how === 'half' && seen > 2) throw failing(call);
        yield how === undefined ? one : spoilt(one, how);
      }
      const stop = args.at(-1) as AbortSignal;
      if (how === 'stopped' && stop.aborted) throw abortError(stop);
      if (how === 'after' || how === 'half') throw failing(call);
    }
    return [call, streams.includes(call) ? stream : once];
  });
  return { vault: { place: real.place, ...Object.fromEntries(wrapped) } as Vault, calls };
}

/** All that can go wrong in a run which makes these calls, one thing at a time. */
export function faultsOf(calls: ReadonlyMap<VaultCall, number>): Fault[] {
  return [...calls].flatMap(([call, count]) => {
    const lies = (['after', 'stopped', 'stolen', ...(kinds[call] ?? [])] as const).map((how) => ({
      how,
      code: codes[call][0]!,
    }));
    const all = [...codes[call].map((code) => ({ how: 'before' as const, code })), ...lies];
    return Array.from({ length: count }, (_, index) =>
      all.map((one): Fault => ({ call, nth: index + 1, ...one })),
    ).flat();
  });
}

function spoilt(one: unknown, how: FaultKind): unknown {
  if (how === 'size') return { ...(one as Listed), bytes: (one as Listed).bytes + 1 };
  if (how !== 'cut' && how !== 'flip') return one;
  const copy = Buffer.from(one as Uint8Array);
  if (how === 'cut') return copy.subarray(0, copy.length - 1);
  copy[copy.length >> 1]! ^= 1;
  return copy;
}
