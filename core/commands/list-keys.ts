import type { Manifest } from '../contract/manifest/manifest.ts';
import { encryptedEnding } from '../contract/manifest/part-name.ts';
import { BackupError, messageOf } from '../domain/errors.ts';
import type { BackupId } from '../domain/keys.ts';
import type { BackupFound } from '../domain/verdict/history.ts';
import { withTimeLimit } from '../pipeline/time-limit.ts';
import type { ListKey, ListKeys, Report, Source } from '../ports.ts';
import type { Store } from '../store/store.ts';

/**
 * How a machine reads the lists of encrypted backups that it made itself (docs/decisions/0012-packs.md). `of`: the key
 * to the list of a backup; `recipient`: whom the new list is encrypted to; `said`: what a person should know.
 */
export type ListsOfRun = {
  of(id: BackupId): ListKey | undefined;
  /** The identity in a key. Throws if there is none. */
  identities(key: ListKey): Promise<string[]>;
  recipient: string;
  said?: string;
  /** Call it before the manifest is written: the file then has the keys to the new list and to that of `before`. */
  keep(manifest: Manifest, before: BackupId | undefined, signal: AbortSignal): Promise<void>;
};

type ListKeyDeps = { store: Pick<Store, 'manifestDigest'>; report: Report; listKeys?: ListKeys | undefined };

/** Loaded only for encrypted sources: it costs a cold start as much as everything else. */
const age = () => import('../pipeline/age/keys.ts');
/** The folder may be on a disk or network that hangs. */
const limitMs = 10_000;
const why = 'docs/files.md#what-has-not-changed';

/** The keys of this run, or why there are none, as a sentence if a person can do something about it. */
export async function listKeysOfRun(
  { name, recipients = [] }: Source,
  others: readonly BackupFound[],
  { listKeys, store, report }: ListKeyDeps,
  signal: AbortSignal,
): Promise<ListsOfRun | { said?: string }> {
  if (listKeys === undefined) return {};
  const read = await limited(() => listKeys.read(name), signal).catch((error: unknown) => {
    if (signal.aborted) throw error;
    return { why: messageOf(error) };
  });
  if ('why' in read)
    return { said: `everything is stored each time, for this machine can't keep keys to lists: ${read.why} (${why})` };
  const { place, keys } = read;
  const known = new Map(keys.map((key) => [key.id, key]));
  const isLost = hasEncrypted(others) && !others.some(({ id }) => known.has(id));
  const own = await (await age()).newIdentity(recipients);
  return {
    of: (id) => known.get(id),
    identities: async ({ identity }) => (await age()).identitiesIn(identity, 'the key to its list'),
    recipient: own.recipient,
    ...(isLost && { said: `everything is stored again: ${place} has no key to the list of a backup before (${why})` }),
    async keep(manifest, before, stop) {
      const next = { id: manifest.id as BackupId, manifest: store.manifestDigest(manifest), identity: own.identity };
      const last = before === undefined ? undefined : known.get(before);
      await limited(() => listKeys.keep(name, last === undefined ? [next] : [last, next]), stop).catch(
        (error: unknown) => {
          if (stop.aborted) throw error;
          const then =
            known.size > 0 ? 'is compared with an older one, if it is still there' : 'stores everything again';
          const message = `the key to its list can't be kept, so the next backup ${then}: ${messageOf(error)}`;
          report({ type: 'warning', message });
        },
      );
    },
  };
}

/** Older backups, and those of other machines, have no key here. */
function hasEncrypted(backups: readonly BackupFound[]): boolean {
  return backups.some(({ objects }) => objects.some(({ key }) => key.endsWith(encryptedEnding)));
}

function limited<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const late = new BackupError('deadline', `the disk has not answered for ${limitMs / 1000} s`);
  return withTimeLimit(limitMs, late, work, signal);
}
