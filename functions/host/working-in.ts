import type { Nightjar } from '../../core/compose.ts';

type WithVaults = Pick<Nightjar, 'store' | 'vault'>;

/** What the answer says of a look at a copy: `list --vault` and `show` won't know of it. */
const unrecorded = (vault: string): string =>
  `this answer, its event and the log are all that is left of it: functions write no record beside a copy (${vault})`;

/**
 * The same host, whose backups are those of a further vault; the first one where none is named. `notes`: what is to be
 * said of that. Functions may write nothing beside a copy, and so none tries to leave a record of a proof there: whoever
 * could write one that says `failed` could hide a good copy.
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
