import type { Vault } from '../../../core/vault.ts';

/** Something happens before each call. */
export function everyCall(vault: Vault, happens: () => Promise<void>): Vault {
  const wrapped = Object.entries(vault).map(([name, call]) => {
    if (typeof call !== 'function') return [name, call];
    const run = call as (...args: unknown[]) => unknown;
    if (!['list', 'get', 'unfinished'].includes(name))
      return [name, async (...args: unknown[]) => (await happens(), run(...args))];
    return [
      name,
      async function* (...args: unknown[]) {
        await happens();
        yield* run(...args) as AsyncIterable<unknown>;
      },
    ];
  });
  return Object.fromEntries(wrapped) as Vault;
}
