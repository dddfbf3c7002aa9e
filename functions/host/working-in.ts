import type { Nightjar } from '../../core/compose.ts';

type WithVaults = Pick<Nightjar, 'store' | 'vault'>;

/** Added to the answer: `list --vault` and `show` won't know about this proof of a copy. */
const unrecorded = (vault: string): string =>
  `this answer, its event and the log are all that is left of it: functions write no record beside a copy (${vault})`;

/**
 * The same host with the backups of a further vault, or of the first one if none is named. `notes`: what to say about
 * that. Functions write nothing beside a copy, so they leave no record of a proof there: whoever could write one that
 * says `failed` could hide a good copy.
 */
export async function workingIn<H extends WithVaults>(
  name: string | undefined,
  host: H,
  signal: AbortSignal,
): Promise<H & { notes: readonly string[] }> {
  if (name === undefined) return { ...host, notes: [] };
  const store: H['store'] = {
    ...(await host.vault(name, signal)),
    withProofRecord: (_kind, _of, _deps, work) => work(),
    withDamageRecord: (_of, _deps, work) => work(),
  };
  return { ...host, store, notes: [unrecorded(name)] };
}
