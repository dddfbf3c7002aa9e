import type { Entry } from '../../contract/memory/ledger.ts';

/**
 * Whether no run of ours has made a backup of its source, by what is remembered of its manifest: somebody else's dump of
 * the past, which says nothing of how that source stands.
 */
export function isAdopted(entry: Pick<Entry, 'facts'> | undefined): boolean {
  return entry?.facts?.adopted === true;
}
