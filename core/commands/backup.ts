import type { Manifest } from '../contract/manifest/manifest.ts';
import { abortError } from '../domain/errors.ts';
import { newBackupId, startOf } from '../domain/keys.ts';
import { oneLine } from '../domain/lines.ts';
import { tiersOfNew } from '../domain/retention/tiers.ts';
import { plural } from '../domain/units.ts';
import { mergeTallies } from '../pipeline/rows/tables.ts';
import type { Clock, Identity, Plan, Report, Source } from '../ports.ts';
import { catalogPart } from '../store/catalog.ts';
import type { NewBackup } from '../store/parts.ts';
import type { Store } from '../store/store.ts';
import { madeBefore } from './repeat.ts';

export type BackupDeps = {
  store: Store;
  clock: Clock;
  identity: Identity;
  random: () => number;
  version: string;
  report: Report;
  /** The moment that a scheduler meant, or when the run was asked for; without it, the backup's start. */
  asked?: Date | undefined;
};
type BackupRun = NewBackup & { start: Date };

/**
 * Takes a backup of a source: every part of one snapshot goes into the vault, then the manifest makes the backup exist.
 * Whatever fails, there is no manifest; the parts stored so far are removed where our role may do that, and are
 * invisible where it may not. A request that has made its backup before gets that one, and nothing is done.
 */
export async function backup(source: Source, deps: BackupDeps, signal: AbortSignal): Promise<Manifest> {
  const { store } = deps;
  return store.withLease(
    source.name,
    deps,
    async (held, confirmLease) => {
      const start = deps.clock.now();
      const id = newBackupId(start, deps.random());
      const ids = await store.backupIds(source.name, held);
      const before = await madeBefore(source.name, id, ids, deps, held);
      if (before !== undefined) {
        deps.report({ type: 'warning', message: `this request has made ${before.id} already: nothing was done` });
        return before;
      }
      const others = ids.map((other) => ({ id: other, start: startOf(other) }));
      await store.recordStart(source, id, deps.asked, deps, held);
      const tiers = tiersOfNew({ id, start: startOf(id) }, others, source.retention, source.timeZone);
      const job = { source, id, start, tiers };
      const plan = await source.engine.plan({}, held);
      try {
        const content = await storeContent(plan, job, deps, confirmLease, held);
        const manifest: Manifest = { ...identityOf(job, plan, deps), tiers, ...content };
        await store.writeManifest(manifest, held);
        return manifest;
      } finally {
        await plan.close();
      }
    },
    signal,
  );
}

type ManifestContent = Pick<
  Manifest,
  'parts' | 'rowForm' | 'tables' | 'largeObjects' | 'sequences' | 'objects' | 'warnings' | 'exceptions' | 'restore'
>;

/**
 * Stores every part and sums up what was in them; removes what was stored when anything fails, to the last moment
 * before the manifest.
 */
async function storeContent(
  plan: Plan,
  job: BackupRun,
  deps: BackupDeps,
  confirmLease: () => Promise<void>,
  signal: AbortSignal,
): Promise<ManifestContent> {
  const { source, id } = job;
  const parts = [...plan.parts, catalogPart(plan.catalog)];
  const totalBytes = plan.parts.reduce((sum, part) => sum + part.estimatedBytes, 0);
  deps.report({
    type: 'planned',
    source: source.name,
    id,
    what: `${plan.server.product} ${plan.server.version}, ${plural(parts.length, 'part')}`,
    totalBytes,
    parts: parts.length,
  });
  const known = plan.warnings.map(oneLine);
  for (const message of known) deps.report({ type: 'warning', message });
  try {
    const stored = await deps.store.storeParts(parts, job, deps.report, signal);
    const seen = mergeTallies(stored.flatMap(({ tally }) => tally ?? []));
    const { tables, ...told } = await plan.confirm(
      seen.tables.map(({ table, columns, rows, fingerprint }) => ({ table, columns, rows, fingerprint })),
      signal,
    );
    const [warnings, exceptions] = [told.warnings.map(oneLine), told.exceptions.map(oneLine)];
    for (const message of [...warnings, ...exceptions]) deps.report({ type: 'warning', message });
    await confirmLease();
    if (signal.aborted) throw abortError(signal);
    const inManifest = stored.map(({ part }) => part);
    return {
      parts: inManifest,
      ...(plan.rowForm !== undefined && { rowForm: plan.rowForm }),
      tables,
      ...(seen.largeObjects && { largeObjects: seen.largeObjects }),
      sequences: seen.sequences,
      objects: Object.fromEntries(
        Object.entries(plan.catalog).map(([kind, names]) => [kind, Object.keys(names).length]),
      ),
      warnings: [...known, ...warnings],
      ...(exceptions.length > 0 && { exceptions }),
      restore: [
        'set -euo pipefail',
        ...inManifest.map(({ file, sha256 }) => `echo '${sha256}  ${file}' | sha256sum --check`),
        ...source.engine.restoreCommands(inManifest, plan),
      ],
    };
  } catch (error) {
    await deps.store.discardParts(source.name, id);
    throw error;
  }
}

function identityOf({ source, id, start }: BackupRun, plan: Plan, { version, identity, clock }: BackupDeps) {
  return {
    format: 1 as const,
    id,
    source: source.name,
    engine: source.engine.name,
    database: plan.database,
    server: plan.server,
    client: plan.client,
    nightjar: version,
    run: identity.run,
    start: start.toISOString(),
    end: clock.now().toISOString(),
    timeZone: source.timeZone,
    compression: { method: 'zstd' as const, level: source.compressionLevel },
    encryption: null,
  };
}
