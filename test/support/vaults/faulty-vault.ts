import { BackupError } from '../../../core/domain/errors.ts';
import type { FailureCode } from '../../../core/domain/errors.ts';
import type { Vault } from '../../../core/ports.ts';

export type VaultCall = Exclude<keyof Vault, 'place'>;

/**
 * One call of a run that goes wrong. `before`: nothing was done; `after`: it was done, and the answer is lost. `cut`
 * and `flip`: of the bytes that are read, without an error.
 */
export type Fault = { call: VaultCall; nth: number; how: 'before' | 'after' | 'cut' | 'flip'; code: FailureCode };

const streams: readonly VaultCall[] = ['get', 'list', 'unfinished'];
const reading: readonly FailureCode[] = ['vault-unreachable', 'vault-denied', 'vault-failed'];
const writing: readonly FailureCode[] = [...reading, 'vault-full'];
const codes: Partial<Record<VaultCall, readonly FailureCode[]>> = {
  put: writing,
  putIfAbsent: [...writing, 'object-exists'],
  putIfUnchanged: [...writing, 'object-exists'],
  read: [...reading, 'object-missing'],
  get: [...reading, 'object-missing'],
};
/** What a caller may take for an answer, and one that stands for all others. */
const unlike: readonly FailureCode[] = ['vault-denied', 'object-missing', 'object-exists'];

/** A vault that counts its calls, and lets one of them go wrong. */
export function faultyVault(real: Vault, fault?: Fault): { vault: Vault; calls: Map<VaultCall, number> } {
  const calls = new Map<VaultCall, number>();
  /** How this call goes wrong, if it does. */
  const strikes = (call: VaultCall): Fault | undefined => {
    const nth = (calls.get(call) ?? 0) + 1;
    calls.set(call, nth);
    return fault?.call === call && fault.nth === nth ? fault : undefined;
  };
  const failing = (call: VaultCall, { code }: Fault) => new BackupError(code, `${call} went wrong`);
  const wrapped = (Object.keys(real) as (keyof Vault)[])
    .filter((name): name is VaultCall => name !== 'place')
    .map((call) => {
      const run = real[call] as (...args: unknown[]) => unknown;
      if (!streams.includes(call)) {
        return [
          call,
          async (...args: unknown[]) => {
            const struck = strikes(call);
            if (struck?.how === 'before') throw failing(call, struck);
            const result = await run(...args);
            if (struck !== undefined) throw failing(call, struck);
            return result;
          },
        ];
      }
      return [
        call,
        async function* (...args: unknown[]) {
          const struck = strikes(call);
          if (struck?.how === 'before') throw failing(call, struck);
          for await (const one of run(...args) as AsyncIterable<unknown>)
            yield struck === undefined || struck.how === 'after' ? one : spoilt(one as Uint8Array, struck);
          if (struck?.how === 'after') throw failing(call, struck);
        },
      ];
    });
  return { vault: { place: real.place, ...Object.fromEntries(wrapped) } as Vault, calls };
}

/**
 * The faults that can strike a run which makes these calls: every code in the first of a kind, and in the others those
 * that are not alike.
 */
export function faultsOf(calls: ReadonlyMap<VaultCall, number>): Fault[] {
  return [...calls].flatMap(([call, count]) =>
    Array.from({ length: count }, (_, index) => index + 1).flatMap((nth): Fault[] => [
      ...(codes[call] ?? reading)
        .filter((code) => nth === 1 || unlike.includes(code))
        .map((code): Fault => ({ call, nth, how: 'before', code })),
      { call, nth, how: 'after', code: 'vault-unreachable' },
      ...(call === 'get'
        ? (['cut', 'flip'] as const).map((how): Fault => ({ call, nth, how, code: 'part-corrupt' }))
        : []),
    ]),
  );
}

function spoilt(chunk: Uint8Array, { how }: Fault): Uint8Array {
  if (how === 'cut') return chunk.subarray(0, chunk.length - 1);
  const copy = Buffer.from(chunk);
  copy[copy.length >> 1]! ^= 1;
  return copy;
}
