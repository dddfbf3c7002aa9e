import type { Entry } from '../../contract/memory/ledger.ts';

/**
 * Whether a backup is somebody else's dump of the past, rather than made by a run of its source, by what is remembered
 * of its manifest. It says nothing about how the source stands.
 */
export function isAdopted(entry: Pick<Entry, 'facts'> | undefined): boolean {
  return entry?.facts?.adopted === true;
}
