import { ledgerSchema } from '../contract/memory/ledger.ts';
import type { Ledger } from '../contract/memory/ledger.ts';
import { isBackupError } from '../domain/errors.ts';
import type { SourceHistory } from '../domain/verdict/history.ts';
import type { BackupId, SourceName } from '../domain/keys.ts';
import { contentOf, remember, toRead } from '../domain/verdict/ledger.ts';
import type { ManifestRead } from '../domain/verdict/ledger.ts';
import { verdictOf } from '../domain/verdict/verdict.ts';
import type { SourceRules, SourceVerdict } from '../domain/verdict/verdict.ts';
import { mapConcurrently } from '../pipeline/concurrency.ts';
import type { LedgerRead } from '../store/memory/ledger.ts';
import type { ManifestFound } from '../store/backups/manifests.ts';
import type { Store } from '../store/store.ts';
import { believedRemovals } from './believed-removals.ts';

/**
 * What was found of a source, with the verdicts on its backups. `ledger`: what is to be remembered; `before`: what was
 * remembered.
 */
export type Survey = {
  history: SourceHistory;
  verdict: SourceVerdict;
  ledger: Ledger;
  before: LedgerRead;
  isNew: boolean;
};

/**
 * `revision`: the last known revision of the ledger. `each`: receives every manifest, so all are read; `only`: the only
 * unknown manifests that are read; `most`: how many of the newest unknown ones are read at most. `forgiving`: treats an
 * unreadable ledger as none.
 */
export type SurveyOptions = {
  memory: SourceRules;
  at: Date;
  revision?: number | undefined;
  each?: (id: BackupId, read: ManifestReading) => void;
  only?: (id: BackupId) => boolean;
  most?: number;
  forgiving?: (error: unknown) => void;
};

export type ManifestReading =
  | ({ status: 'complete' } & ManifestFound)
  | { status: 'unreadable'; why: string; unsigned?: true };

const readsAtOnce = 4;

/**
 * Judges the backups of a source by a listing and by what the vault remembers. Reads the manifests that are not yet
 * known; where manifests are signed, also that of the newest good backup, because anybody who can write a manifest can
 * write the ledger. A manifest that rotation has just removed counts as gone. If anything seems to be gone, lists
 * again: another check may have seen something newer than our listing, and because a listing is read page by page, it
 * may show the manifest and not the parts of a backup that is being made or removed. Writes nothing.
 */
export async function survey(
  listed: SourceHistory,
  options: SurveyOptions,
  store: Store,
  signal: AbortSignal,
): Promise<Survey> {
  const { source } = listed;
  const before = await remembered(listed, options, store, signal);
  const first = await surveyed(listed, before, options, store, signal);
  const isAsListed = first.history.backups.length === listed.backups.length;
  const isGoneAsBefore = first.ledger.gone?.count === before.ledger?.gone?.count;
  if (isAsListed && isGoneAsBefore && !lacksMore(first.ledger, before.ledger)) return first;
  const again = await store.listSource(source, signal);
  return surveyed(again, await remembered(again, options, store, signal), options, store, signal);
}

/** Whether a backup lacks parts now that was whole, or not known, before. */
function lacksMore(now: Ledger, before: Ledger | undefined): boolean {
  const lacking = ({ backups }: Ledger) => backups.filter(({ listed }) => listed?.damage !== undefined);
  const known = new Set(before && lacking(before).map(({ id }) => id));
  return lacking(now).some(({ id }) => !known.has(id));
}

async function remembered(
  { source, ledger }: SourceHistory,
  { forgiving }: SurveyOptions,
  store: Store,
  signal: AbortSignal,
): Promise<LedgerRead> {
  if (!ledger) return { version: undefined };
  return store.readLedger(source, signal).catch((error: unknown) => {
    if (forgiving === undefined || signal.aborted) throw error;
    forgiving(error);
    return { version: undefined };
  });
}

async function surveyed(
  listed: SourceHistory,
  before: LedgerRead,
  options: SurveyOptions,
  store: Store,
  signal: AbortSignal,
): Promise<Survey> {
  const { each, only = () => true, most } = options;
  const signing = store.signingRules(listed.source);
  const read: Looks = new Map();
  let history = await believedRemovals(listed, before.ledger, store, signal);
  const unknown = toRead(listed, before.ledger, signing).filter(only);
  let ids: readonly BackupId[] = each === undefined ? newestOf(unknown, most) : listed.backups.map(({ id }) => id);
  for (;;) {
    history = await readBackups(history, ids, read, each, store, signal);
    const found = judged(history, before, read, signing, options);
    const { newest, full } = found.verdict;
    ids = [...new Set([newest, full])].flatMap((one) => (one === undefined || read.has(one.id) ? [] : [one.id]));
    if (signing === undefined || ids.length === 0) return found;
  }
}

/** Combines what was known and what was read. Where manifests are signed, what was read prevails. */
function judged(
  history: SourceHistory,
  before: LedgerRead,
  read: Looks,
  signing: string | undefined,
  { memory, at, revision }: SurveyOptions,
): Survey {
  const fresh = new Set(toRead(history, before.ledger, signing));
  const unknown = new Map([...read].filter(([id]) => signing !== undefined || fresh.has(id)));
  const lost = before.lost ?? lostSince(revision, before);
  const known =
    lost === undefined ? before.ledger : { version: 1 as const, backups: [], ...before.ledger, lost, revision };
  const ledger = ledgerSchema.parse({ ...remember(known, history, unknown, memory, at), signing });
  const isNew =
    JSON.stringify(ledger) !== JSON.stringify(before.ledger) &&
    (before.ledger !== undefined || lost !== undefined || ledger.backups.length > 0);
  return { history, verdict: verdictOf(history, ledger, memory, at), ledger, before, isNew };
}

/** Why the stored ledger is not the one that was last remembered. */
function lostSince(revision: number | undefined, { version, ledger }: LedgerRead): string | undefined {
  if (revision === undefined) return undefined;
  if (version === undefined) return 'it is gone';
  return (ledger?.revision ?? 0) < revision ? 'an older state of it was put back' : undefined;
}

type Looks = Map<BackupId, ManifestRead>;

/** Reads manifests into `read`, in their order; returns the history without those that are gone meanwhile. */
async function readBackups(
  listed: SourceHistory,
  ids: readonly BackupId[],
  read: Looks,
  each: SurveyOptions['each'],
  store: Store,
  signal: AbortSignal,
): Promise<SourceHistory> {
  const gone = new Set<BackupId>();
  await mapConcurrently(
    readsAtOnce,
    ids,
    async (id, stop) => {
      const one = await readOne(listed.source, id, store, stop);
      if (one === undefined) return void gone.add(id);
      each?.(id, one);
      read.set(
        id,
        one.status === 'complete'
          ? { content: contentOf(one.manifest), parts: one.manifest.parts }
          : { unreadable: one.why, ...(one.unsigned && { unsigned: one.unsigned }) },
      );
    },
    signal,
  );
  const backups = gone.size === 0 ? listed.backups : listed.backups.filter(({ id }) => !gone.has(id));
  return { ...listed, backups };
}

function newestOf(ids: readonly BackupId[], most = ids.length): readonly BackupId[] {
  return ids.slice(Math.max(0, ids.length - most));
}

async function readOne(
  source: SourceName,
  id: BackupId,
  store: Store,
  signal: AbortSignal,
): Promise<ManifestReading | undefined> {
  try {
    return { status: 'complete', ...(await store.readManifest(source, id, signal)) };
  } catch (error) {
    if (isBackupError(error, 'backup-missing')) return undefined;
    if (isBackupError(error, 'manifest-invalid')) return { status: 'unreadable', why: error.message };
    if (isBackupError(error, 'manifest-unsigned')) return { status: 'unreadable', why: error.message, unsigned: true };
    throw error;
  }
}
