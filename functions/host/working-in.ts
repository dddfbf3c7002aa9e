import type { Nightjar } from '../../core/compose.ts';

type WithVaults = Pick<Nightjar, 'store' | 'vault'>;

/** The same host, whose backups are those of a further vault; the first one where none is named. */
export async function workingIn<H extends WithVaults>(
  name: string | undefined,
  host: H,
  signal: AbortSignal,
): Promise<H> {
  return name === undefined ? host : { ...host, store: await host.vault(name, signal) };
}
