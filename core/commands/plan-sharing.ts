import type { Manifest, ManifestPart } from '../contract/manifest/manifest.ts';
import { isBackupError, messageOf } from '../domain/errors.ts';
import type { BackupFound } from '../domain/verdict/history.ts';
import { damageOf } from '../domain/verdict/verdict.ts';
import type { BackupBefore, Plan, Report, Source } from '../ports.ts';
import type { NewBackup } from '../store/parts/storing.ts';
import type { Store } from '../store/store.ts';

type PlanDeps = { store: Store; report: Report };

/**
 * Plans a backup; `others` are there already, oldest first. Where the engine knows what has not changed, and the vault
 * can, parts of the backup before are made parts of this one first. Whatever speaks against that leads to a backup that
 * stores everything anew.
 */
export async function planSharing(
  made: NewBackup,
  others: readonly BackupFound[],
  deps: PlanDeps,
  signal: AbortSignal,
): Promise<Plan> {
  const { engine, recipients = [] } = made.source;
  // what this run could not read, it could not compare with
  const isShared = engine.shares === true && recipients.length === 0 && (await deps.store.canShare(signal));
  if (!isShared) return engine.plan({}, signal);
  const before = await backupBefore(made.source, others, deps, signal);
  const plan = before && (await planBehind(before, made, deps, signal));
  return plan ?? engine.plan({ sharing: {} }, signal);
}

/** Undefined where what the backup before holds is not there, or not as its manifest says, or can't be read. */
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
  { source, id }: NewBackup,
  { store }: PlanDeps,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    if (await store.shareParts(shared, before, { source: source.name, id }, signal)) return true;
  } catch (error) {
    await close();
    await store.discardParts(source.name, id);
    throw error;
  }
  await store.discardParts(source.name, id);
  return false;
}

/**
 * The newest backup that a part may be taken over from: its manifest and catalog can be read without a key, and no look
 * at it has failed. What a failed look was at is taken over from none.
 */
async function backupBefore(
  { name, engine }: Source,
  others: readonly BackupFound[],
  { store, report }: PlanDeps,
  signal: AbortSignal,
): Promise<BackupBefore | undefined> {
  const newest = others.findLast((found) => damageOf(found, undefined) === undefined);
  if (newest === undefined) return undefined;
  // of when nothing was signed: whoever could write then would have what they wrote signed now
  if (store.signingRules(name) !== undefined && !store.hasToBeSigned(name, newest.id)) return undefined;
  try {
    const suspects = await partsOfFailed(others, (found) => store.readManifest(name, found.id, signal));
    const { manifest } = await store.readManifest(name, newest.id, signal);
    if (manifest.engine !== engine.name || manifest.encryption !== null) return undefined;
    return {
      manifest,
      readCatalog: (begin, stop) => store.tellCatalog(manifest, begin, stop),
      open: (part, stop) => store.openPart(manifest, part, stop),
      isSharable: ({ sha256 }) => !suspects.has(sha256),
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

/** The parts of backups that a look at has failed: the damage may lie in what they share with others. */
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
