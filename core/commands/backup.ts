import type { Adopted, Manifest, ManifestPart, Tier } from '../contract/manifest/manifest.ts';
import { restoreByHand } from '../domain/by-hand.ts';
import type { Armor } from '../domain/by-hand.ts';
import { abortError } from '../domain/errors.ts';
import { newBackupId, startOf } from '../domain/keys.ts';
import type { BackupId, SourceName } from '../domain/keys.ts';
import { oneLine } from '../domain/lines.ts';
import { counted } from '../domain/packed/catalog.ts';
import { tiersOfNew } from '../domain/retention/tiers.ts';
import { plural } from '../domain/units.ts';
import { whileHeld } from '../pipeline/held.ts';
import { mergeTallies, tableRows } from '../pipeline/rows/tables.ts';
import type { Clock, Confirmed, Identity, ListKeys, Plan, Report, Source } from '../ports.ts';
import type { NewBackup } from '../store/parts/storing.ts';
import type { Store } from '../store/store.ts';
import { planSharing } from './plan-sharing.ts';

export type BackupDeps = {
  store: Store;
  clock: Clock;
  identity: Identity;
  random: () => number;
  version: string;
  report: Report;
  /** Where this machine keeps keys to the lists of encrypted backups; absent where it keeps none. */
  listKeys?: ListKeys | undefined;
  /** The scheduled time, or when the run was asked for; the backup's start if absent. */
  asked?: Date | undefined;
  /**
   * Set when the backup is of somebody else's dump: it is no run of the source, and does not exist until it is proven.
   */
  adopting?: Adopting | undefined;
};
/** Whose dump it is, its time (whole seconds), and the proof that must succeed before the backup exists. */
export type Adopting = { adopted: Adopted; at: Date; prove(manifest: Manifest, signal: AbortSignal): Promise<void> };
/** What was stored, what was counted in it, and the plan's notes on it. */
type StoredContent = {
  parts: ManifestPart[];
  seen: ReturnType<typeof mergeTallies>;
  confirmed: Confirmed;
  /** How many objects of each kind were listed, for a catalog that came last. */
  listed?: Record<string, number>;
};

/**
 * Takes a backup of a source: stores every part of one snapshot in the vault, then writes the manifest, which makes the
 * backup exist. After any failure there is no manifest; the parts stored so far are removed if our role may do that,
 * and invisible otherwise. If this request has already made its backup, returns that one and does nothing.
 */
export async function backup(source: Source, deps: BackupDeps, signal: AbortSignal): Promise<Manifest> {
  const { store, report } = deps;
  if (store.weaker !== undefined) report({ type: 'warning', message: store.weaker });
  return store.withLease(
    source.name,
    deps,
    async (held, confirmLease) => {
      const { adopting } = deps;
      const start = adopting?.at ?? deps.clock.now();
      const history = await store.listSource(source.name, held);
      const { backups } = history;
      const others = backups.map((found) => found.id);
      const own = newBackupId(start, deps.random());
      const before = await store.madeBefore(source.name, own, others, deps.identity, held);
      if (before !== undefined) {
        report({ type: 'warning', message: `this request has made ${before.id} already: nothing was done` });
        return before;
      }
      const id = store.newName(source.name, own, others);
      if (adopting === undefined) await store.recordStart(source, id, deps.asked, deps, held);
      const made = { source, id, start, tiers: adopting === undefined ? tiersFor(source, id, others) : [] };
      const sign = await store.signer(source.name, held);
      const { plan, lists, listed } = await planSharing({ ...made, listed: history }, backups, deps, held);
      const storing = { ...made, listed, listRecipient: lists?.recipient };
      try {
        const said = await saidBefore(standingOf(plan, source), source.name, others, deps, held);
        announce(plan, made, said, report);
        const content = await storeContent(plan, storing, deps, confirmLease, held);
        const manifest = await manifestOf(plan, storing, content, deps);
        await proven(manifest, deps, held);
        await lists?.keep(manifest, held);
        await store.writeManifest(manifest, sign, held);
        return manifest;
      } finally {
        await plan.close();
      }
    },
    signal,
  );
}

/** Somebody else's dump is restored once before its backup exists. */
async function proven(manifest: Manifest, { store, adopting }: BackupDeps, signal: AbortSignal): Promise<void> {
  await adopting?.prove(manifest, signal).catch(async (error: unknown) => {
    await store.discardParts(manifest.source as SourceName, manifest.id as BackupId);
    throw error;
  });
}

/** The tiers that a source's newest backup counts for. */
function tiersFor({ retention, timeZone }: Source, id: BackupId, others: readonly BackupId[]): Tier[] {
  const dated = (one: BackupId) => ({ id: one, start: startOf(one) });
  return tiersOfNew(dated(id), others.map(dated), retention, timeZone);
}

/**
 * Stores every part, then confirms their content and that the lease is still ours. Removes what was stored if anything
 * fails before the manifest is written.
 */
async function storeContent(
  plan: Plan,
  made: NewBackup,
  { store, report }: BackupDeps,
  confirmLease: () => Promise<void>,
  signal: AbortSignal,
): Promise<StoredContent> {
  try {
    const { parts, shared: before = [], catalog, catalogLast = false } = plan;
    const first = { parts, shared: before, ...(!catalogLast && { catalog }) };
    const stored = await whileHeld(plan, (stop) => store.storeParts(first, made, report, stop), signal);
    const seen = mergeTallies(stored.flatMap(({ tally }) => tally ?? []));
    const notes = stored.map((part) => part.notes);
    const confirmed = await plan.confirm(tableRows(seen), notes, signal);
    warn([...confirmed.warnings, ...confirmed.exceptions], report);
    const listed = confirmed.catalog && counted(confirmed.catalog);
    const told = { parts: [], shared: before, others: confirmed.parts, catalog: listed ?? catalog };
    const last = catalogLast ? await store.storeParts(told, made, report, signal) : [];
    await confirmLease();
    if (signal.aborted) throw abortError(signal);
    const shared = before.map(({ part, file, live }) => ({ ...part, file, live }));
    const all = [...shared, ...[...stored, ...last].map(({ part }) => part)];
    return { parts: all, seen, confirmed, ...(listed && { listed: listed.counts() }) };
  } catch (error) {
    await store.discardParts(made.source.name, made.id);
    throw error;
  }
}

/** The standing warnings that the previous backup already reported; none if its manifest can't be read. */
async function saidBefore(
  standing: readonly string[],
  source: SourceName,
  others: readonly BackupId[],
  { store }: BackupDeps,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const last = others.at(-1);
  if (standing.length === 0 || last === undefined) return [];
  return store.readManifest(source, last, signal).then(
    ({ manifest: { warnings } }) => warnings,
    () => [],
  );
}

function announce(plan: Plan, { source, id }: NewBackup, said: readonly string[], report: Report): void {
  const { server, parts } = plan;
  const withCatalog = parts.length + 1;
  const totalBytes = parts.reduce((sum, part) => sum + part.estimatedBytes, 0);
  const what = `${server.product} ${server.version}, ${plural(withCatalog, 'part')}`;
  report({
    type: 'planned',
    source: source.name,
    engine: source.engine.name,
    id,
    what,
    totalBytes,
    parts: withCatalog,
  });
  const standing = standingOf(plan, source).filter((one) => !said.includes(oneLine(one)));
  warn([...plan.warnings, ...standing], report);
}

function standingOf({ standing = [], secrets }: Plan, { recipients = [] }: Source): readonly string[] {
  if (secrets === undefined || recipients.length > 0) return standing;
  return [...standing, `${secrets} are in this backup, and it is not encrypted: see docs/encryption.md`];
}

function warn(messages: readonly string[], report: Report): void {
  for (const message of messages) report({ type: 'warning', message: oneLine(message) });
}

async function manifestOf(
  plan: Plan,
  { source, id, start, tiers, listRecipient }: NewBackup & { start: Date },
  { parts, seen, confirmed, listed }: StoredContent,
  { version, identity, clock, adopting }: BackupDeps,
): Promise<Manifest> {
  const { recipients = [] } = source;
  // the log position of a scratch server tells nothing
  const { position = [] } = adopting === undefined ? confirmed : {};
  const counts = Object.entries(plan.catalog).map(([kind, names]) => [kind, Object.keys(names).length]);
  return {
    format: 1,
    id,
    source: source.name,
    engine: source.engine.name,
    database: plan.database,
    server: plan.server,
    client: plan.client,
    nightjar: version,
    run: identity.run,
    start: start.toISOString(),
    end: (adopting === undefined ? clock.now() : start).toISOString(),
    timeZone: source.timeZone,
    compression: { method: 'zstd', level: source.compressionLevel },
    encryption: recipients.length === 0 ? null : encryptionTo(recipients, listRecipient !== undefined),
    tiers: [...tiers],
    parts,
    ...(plan.rowForm !== undefined && { rowForm: plan.rowForm }),
    tables: confirmed.tables,
    ...(seen.largeObjects && { largeObjects: seen.largeObjects }),
    sequences: seen.sequences,
    objects: listed ?? Object.fromEntries(counts),
    ...(position.length > 0 && { position: [...position] }),
    ...(adopting && { adopted: adopting.adopted }),
    warnings: [...plan.warnings, ...standingOf(plan, source), ...confirmed.warnings].map(oneLine),
    ...(confirmed.exceptions.length > 0 && { exceptions: confirmed.exceptions.map(oneLine) }),
    restore: await restoreByHand(parts, (opened) => source.engine.restoreCommands(opened, plan), armorTo(recipients)),
  };
}

function encryptionTo(recipients: readonly string[], ownLists: boolean): Manifest['encryption'] {
  return { method: 'age', recipients: [...recipients], ...(ownLists && { ownLists }) };
}

function armorTo(recipients: readonly string[]): Armor {
  if (recipients.length === 0) return undefined;
  return async (text) => (await import('../pipeline/age/keys.ts')).armored(text, recipients);
}
