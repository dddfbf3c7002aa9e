import type { Manifest, ManifestPart } from '../contract/manifest/manifest.ts';
import { encryptedEnding } from '../contract/manifest/part-name.ts';
import { BackupError, isBackupError, messageOf } from '../domain/errors.ts';
import type { BackupId } from '../domain/keys.ts';
import type { BackupFound, SourceHistory } from '../domain/verdict/history.ts';
import { damageOf } from '../domain/verdict/verdict.ts';
import type { BackupBefore, ListKeys, Plan, Report, Source } from '../ports.ts';
import type { NewBackup } from '../store/parts/storing.ts';
import type { Store } from '../store/store.ts';
import { listKeysOfRun } from './list-keys.ts';
import type { ListsOfRun } from './list-keys.ts';

type PlanDeps = { store: Store; report: Report; listKeys?: ListKeys | undefined };

/**
 * A plan. For an encrypted backup whose lists the next run can open, also the recipient of the lists, and `keep`, to be
 * called before the manifest is written. `listed`: that of the backup, unless parts were shared that did not stay.
 */
export type BackupPlanned = {
  plan: Plan;
  listed?: SourceHistory | undefined;
  lists?: { recipient: string; keep(manifest: Manifest, signal: AbortSignal): Promise<void> };
};

/**
 * Plans a backup; `others` are the existing ones, oldest first. If the engine knows what has not changed and the vault
 * can share, parts of the previous backup become parts of this one first. If anything speaks against that, the backup
 * stores everything anew.
 */
export async function planSharing(
  made: NewBackup,
  others: readonly BackupFound[],
  deps: PlanDeps,
  signal: AbortSignal,
): Promise<BackupPlanned> {
  const { engine, recipients = [] } = made.source;
  // without a key, neither this run nor the next can compare with a list
  const isReadable = recipients.length === 0 || deps.listKeys !== undefined;
  if (engine.shares !== true || !isReadable || !(await deps.store.canShare(signal)))
    return { plan: await engine.plan({}, signal), listed: made.listed };
  if (recipients.length === 0) {
    const { plan, listed } = await planFrom(made, others, undefined, deps, signal);
    return { plan, listed };
  }
  const lists = await listKeysOfRun(made.source, others, deps, signal);
  if (!('of' in lists)) return { plan: saying(await engine.plan({}, signal), lists.said), listed: made.listed };
  const { plan, listed, before } = await planFrom(made, others, lists, deps, signal);
  const keep = (manifest: Manifest, stop: AbortSignal) => lists.keep(manifest, before, stop);
  return { plan: saying(plan, lists.said), listed, lists: { recipient: lists.recipient, keep } };
}

/** `before`: the previous backup that was compared with. */
async function planFrom(
  made: NewBackup,
  others: readonly BackupFound[],
  lists: ListsOfRun | undefined,
  deps: PlanDeps,
  signal: AbortSignal,
): Promise<{ plan: Plan; listed: SourceHistory | undefined; before?: BackupId }> {
  const before = await backupBefore(made.source, others, lists, deps, signal);
  const plan = before && (await planBehind(before, made, deps, signal));
  const id = before && { before: before.manifest.id as BackupId };
  if (plan !== undefined) return { plan, listed: made.listed, ...id };
  const listed = before === undefined ? made.listed : undefined;
  return { plan: await made.source.engine.plan({ sharing: {} }, signal), listed, ...id };
}

/** Adds a standing warning: it is in the manifest of every backup that it is true of, and reported once. */
function saying(plan: Plan, said: string | undefined): Plan {
  return said === undefined ? plan : { ...plan, standing: [...(plan.standing ?? []), said] };
}

/** Undefined if the content of the previous backup is missing, unreadable, or differs from its manifest. */
async function planBehind(
  known: BackupBefore,
  made: NewBackup,
  deps: PlanDeps,
  signal: AbortSignal,
): Promise<Plan | undefined> {
  let unread: { error: unknown } | undefined;
  async function readCatalog(...asked: Parameters<BackupBefore['readCatalog']>): Promise<void> {
    await known.readCatalog(...asked).catch((error: unknown) => {
      unread = { error };
      throw error;
    });
  }
  const before = { ...known, readCatalog };
  const plan = await made.source.engine.plan({ sharing: { before } }, signal).catch((error: unknown) => {
    if (isBackupError(error, 'key-missing')) unread = { error };
    const isOfBefore = unread !== undefined || isBackupError(error, 'part-corrupt', 'object-missing');
    if (signal.aborted || !isOfBefore) throw error;
    return undefined;
  });
  if (plan !== undefined && (await isShared(plan, before.manifest, made, deps, signal))) return plan;
  await plan?.close();
  if (unread !== undefined) {
    deps.report({ type: 'warning', message: storedAgain(unread.error) });
    return undefined;
  }
  const why = `of the backup before, ${before.manifest.id}, nothing can be shared: everything is stored again`;
  deps.report({ type: 'warning', message: why });
  return undefined;
}

async function isShared(
  { shared = [], close }: Plan,
  before: Manifest,
  { source, id, listed }: NewBackup,
  { store }: PlanDeps,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    if (await store.shareParts(shared, before, { source: source.name, id, listed }, signal)) return true;
  } catch (error) {
    await close();
    await store.discardParts(source.name, id);
    throw error;
  }
  await store.discardParts(source.name, id);
  return false;
}

/**
 * The newest backup that parts may be taken from: its list can be read here, it has the same recipients as the new one,
 * and no proof of it has failed. Parts of any backup whose proof failed are never taken.
 */
async function backupBefore(
  { name, engine, recipients = [] }: Source,
  others: readonly BackupFound[],
  lists: ListsOfRun | undefined,
  { store, report }: PlanDeps,
  signal: AbortSignal,
): Promise<BackupBefore | undefined> {
  const isKnown = (id: BackupId) => lists === undefined || lists.of(id) !== undefined;
  const newest = others.findLast((found) => isKnown(found.id) && damageOf(found, undefined) === undefined);
  if (newest === undefined) return undefined;
  // from before signing: whoever could write to the vault then would get their content signed now
  if (store.signingRules(name) !== undefined && !store.hasToBeSigned(name, newest.id)) return undefined;
  try {
    const suspects = await partsOfFailed(others, (found) => store.readManifest(name, found.id, signal));
    const { manifest, sha256 } = await store.readManifest(name, newest.id, signal);
    if (manifest.engine !== engine.name || !isFor(manifest, recipients)) return undefined;
    const key = lists?.of(newest.id);
    if (key !== undefined && key.manifest !== sha256) throw anotherManifest(manifest);
    const reading = key === undefined ? store : store.openedBy(await lists!.identities(key));
    return {
      manifest,
      readCatalog: (begin, stop) => reading.tellCatalog(manifest, begin, stop),
      open: (part, stop) => reading.openPart(manifest, part, stop),
      isSharable: ({ sha256: content, file }) =>
        !suspects.has(content) && file.endsWith(encryptedEnding) === recipients.length > 0,
    };
  } catch (error) {
    if (signal.aborted) throw error;
    report({ type: 'warning', message: storedAgain(error) });
    return undefined;
  }
}

function storedAgain(cause: unknown): string {
  return `everything is stored again, for the backup before: ${messageOf(cause)}`;
}

/**
 * The recipients must be the same: a removed one must not read what is stored from now on, and an added one must be
 * able to.
 */
function isFor({ encryption }: Manifest, recipients: readonly string[]): boolean {
  const [was, is] = [new Set(encryption?.recipients), new Set(recipients)];
  return was.size === is.size && was.isSubsetOf(is);
}

/** Encrypted parts are taken over unread, so this machine compares the manifest with the digest that it kept itself. */
function anotherManifest({ source, id }: Manifest): BackupError {
  return new BackupError('manifest-invalid', `the manifest of ${source} ${id} is not the one that was written here`);
}

/** The parts of backups whose proof failed: the damage may be in what they share with others. */
async function partsOfFailed(
  backups: readonly BackupFound[],
  read: (found: BackupFound) => Promise<{ manifest: { parts: readonly ManifestPart[] } }>,
): Promise<ReadonlySet<string>> {
  const suspects = new Set<string>();
  for (const found of backups.filter((one) => damageOf(one, undefined) !== undefined)) {
    const { parts } = (await read(found)).manifest;
    for (const { sha256 } of parts) suspects.add(sha256);
  }
  return suspects;
}
