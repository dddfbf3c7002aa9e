import type { Manifest, ManifestPart } from '../../contract/manifest/manifest.ts';
import { databaseWords } from '../../domain/content-words.ts';
import { BackupError, isBackupError, messageOf, ourError } from '../../domain/errors.ts';
import { firstLines, oneLine } from '../../domain/lines.ts';
import type { BackupId, SourceName } from '../../domain/keys.ts';
import type { Bytes } from '../../domain/units.ts';
import type {
  ByteStream,
  Catalog,
  Clock,
  Engine,
  Inspect,
  LeftOut,
  LoadFailure,
  LoadStep,
  Report,
  Target,
} from '../../ports.ts';
import { mapConcurrently } from '../../pipeline/concurrency.ts';
import type { Store } from '../../store/store.ts';
import { hindrance, planRestore } from './plan.ts';
import { excerptNotes } from './tables.ts';
import type { RestoreOptions, RestorePlan } from './plan.ts';
import { requireTrue } from './assertions.ts';
import { proofSentence, MoreThanBackedUp, prove, requireEqual } from '../proof/prove.ts';
import type { Proof } from '../proof/prove.ts';
import { verify } from '../proof/verify.ts';

export type { RestoreOptions };
/**
 * `database`: where it is. `notReplaced`: what it should have replaced, but did not because of failures. `notes`: what
 * a person should know about the result.
 */
export type Restored = {
  id: string;
  database: string;
  proof?: Proof;
  failures: readonly LoadFailure[];
  notReplaced?: string;
  notes: string[];
};
type RestoreDeps = { store: Store; report: Report; parallel: number };

const discardLimitMs = 30_000;
/** At most so many of the warnings in the backup's manifest are shown. */
const mostWarnings = 10;

/**
 * Restores a backup into the database of `engine` and proves it equal. An occupied target is refused without `replace`.
 * With it, the whole backup is verified first and, where the engine can, restored and proven beside what it replaces.
 * After a failure, a database made here is dropped, unless it is whole and the proof found it different: then it is
 * kept. The message says what is there.
 */
export async function restore(
  manifest: Manifest,
  engine: Engine,
  options: RestoreOptions,
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<Restored> {
  return carryOut(await planRestore(manifest, engine, options, deps, signal), deps, signal);
}

/** Carries out the plan on the target that was looked at, and closes it. */
async function carryOut(plan: RestorePlan, deps: RestoreDeps, signal: AbortSignal): Promise<Restored> {
  const { manifest, target, engine, options } = plan;
  try {
    const hindered = options.replace || target.state !== 'absent' ? hindrance(plan) : undefined;
    if (hindered !== undefined) throw hindered;
    if (target.state === 'occupied') await requireReplaceable(plan, deps, signal);
    announce(manifest, target, engine.place, deps.report);
    for (const message of firstLines(manifest.warnings, mostWarnings))
      deps.report({ type: 'warning', message: `told when it was backed up: ${oneLine(message)}` });
    return await orSayWhatIsThere(target, () => fill(plan, deps, signal));
  } finally {
    await target.close();
  }
}

async function fill(plan: RestorePlan, deps: RestoreDeps, signal: AbortSignal): Promise<Restored> {
  const { manifest, target, engine, options } = plan;
  await target.prepare(options.replace, signal).finally(() => {
    for (const message of sweptNotes(target)) deps.report({ type: 'warning', message });
  });
  await load(plan, deps, signal);
  for (const message of target.heard?.() ?? []) deps.report({ type: 'warning', message: oneLine(message) });
  const proof = options.proof ? await compare(plan, deps, signal) : undefined;
  const { database, failures } = target;
  const found = { id: manifest.id, ...(proof && { proof }), failures };
  if (failures.length === 0) {
    if (proof !== undefined) {
      const place =
        target.made() === database ? engine.place : `${engine.place} (in database ${target.made()}, beside it)`;
      // an application that knows the database connects to it by itself: that does not speak against the backup
      if (target.state === 'empty' && proof.onlyMore === true) throw new MoreThanBackedUp(proof, place);
      requireEqual(proof, place);
    }
    await requireTrue(options.drill?.assert ?? [], target, engine.place, signal);
    const notes = [...sweptNotes(target), ...(await target.finish(signal)), ...excerptNotes(target, manifest)];
    return { ...found, notes, database };
  }
  return {
    ...found,
    notes: [...sweptNotes(target), ...(await target.keep(signal))],
    database: target.made(),
    ...(target.made() !== database && { notReplaced: database }),
  };
}

function sweptNotes({ swept = [], mended = [] }: Target): string[] {
  return [
    ...mended,
    ...swept.map((name) => `database ${oneLine(name)}, which a drill that died had left, was dropped now`),
  ];
}

/** Objects left out on purpose are not expected, and are excepted from the proof. */
async function compare(
  { manifest, catalog, packed, target, engine, options: { owners } }: RestorePlan,
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<Proof> {
  deps.report({ type: 'stage', label: 'proof', totalBytes: dataBytes(partsOf(target, manifest)) });
  const { excerpt, leftOut, afterProof = [] } = target;
  const exceptions = [
    ...(manifest.exceptions ?? []),
    ...leftOut.map(({ kind, name, why }) => `${kind} ${name}: ${why}`),
    ...(excerpt?.lacking ?? []),
  ];
  const absent = [...leftOut, ...afterProof];
  const expected = {
    manifest: { ...(excerpt?.manifest ?? manifest), exceptions },
    catalog: lacking(catalog, absent),
    packed: excerpt?.packed ?? packed,
    ...(excerpt && { catalogFor: (found: Catalog) => lacking(excerpt.catalogFor(found), absent) }),
    owners,
    database: target.made(),
    wasThere: target.wasThere,
  };
  return prove(engine, expected, deps, signal);
}

function lacking(catalog: Catalog, leftOut: readonly Omit<LeftOut, 'why'>[]): Catalog {
  const isLeftOut = (kind: string, name: string): boolean =>
    leftOut.some((one) => one.kind === kind && one.name === name);
  const kinds = Object.entries(catalog).map(([kind, names]) => [
    kind,
    Object.fromEntries(Object.entries(names).filter(([name]) => !isLeftOut(kind, name))),
  ]);
  return leftOut.length === 0 ? catalog : (Object.fromEntries(kinds) as Catalog);
}

/** After a failure, undoes the restore as far as necessary, and adds to the message what is there now. */
async function orSayWhatIsThere<T>(target: Target, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isWhole = isBackupError(error, 'proof-failed') || error instanceof MoreThanBackedUp;
    const undo = isWhole ? target.keep : target.discard;
    const undone = await undo(AbortSignal.timeout(discardLimitMs)).then(
      (notes) => notes ?? [],
      (cause: unknown) => [messageOf(cause)],
    );
    const ours = ourError(error);
    throw new BackupError(ours.code, [ours.message, ...undone, target.standing()].join('; '), {
      hint: ours.hint,
      cause: error,
    });
  }
}

/**
 * Whether a restore puts a source back on its own server under its own name. Only then do its events run again by
 * default.
 */
export function isInPlace(manifest: Manifest, { server, database }: { server: string; database: string }): boolean {
  return server === manifest.source && database === manifest.database;
}

/**
 * The same, and records beside the backup how a restore with a proof ended. A failure of this server says nothing about
 * the backup and is not recorded.
 */
export async function restoreRecorded(
  manifest: Manifest,
  engine: Engine,
  options: RestoreOptions,
  deps: RestoreDeps & { clock: Clock },
  signal: AbortSignal,
): Promise<Restored> {
  return recorded(manifest, options, deps, () => restore(manifest, engine, options, deps, signal));
}

/** Carries out a plan that somebody has seen, in the same way; nothing is looked at again. */
export async function restorePlanned(
  plan: RestorePlan,
  deps: RestoreDeps & { clock: Clock },
  signal: AbortSignal,
): Promise<Restored> {
  return recorded(plan.manifest, plan.options, deps, () => carryOut(plan, deps, signal));
}

/**
 * A restore of some tables, or of definitions only, proves nothing about the whole backup; only damage to a part is
 * recorded.
 */
function recorded(
  manifest: Manifest,
  { tables, schemaOnly }: RestoreOptions,
  deps: RestoreDeps & { clock: Clock },
  work: () => Promise<Restored>,
): Promise<Restored> {
  if (tables !== undefined || schemaOnly === true) return deps.store.withDamageRecord(manifest, deps, work);
  return deps.store.withProofRecord('restore', manifest, deps, work, ({ proof, failures }) =>
    proof !== undefined && failures.length === 0
      ? { compared: proofSentence(proof), differences: proof.differences }
      : undefined,
  );
}

/** Reads the whole backup; throws if it is damaged, or if its definitions are known not to load. */
async function requireReplaceable(
  { manifest, target, engine }: RestorePlan,
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<void> {
  const { problems } = await verify(
    manifest,
    {
      ...deps,
      inspect: inspectionOf(target),
      ...(engine.reader && { reader: engine.reader }),
      ...(target.watch && { watch: target.watch }),
    },
    signal,
  );
  if (problems[0] !== undefined) throw problems[0].error;
  const unknown = await target.rehearse?.((part, stop) => deps.store.openPart(manifest, part, stop), signal);
  for (const message of unknown ?? []) deps.report({ type: 'warning', message });
}

/** The check that the load of each part will apply. */
function inspectionOf({ stages }: Target): Inspect {
  const steps = stages.flat();
  return ({ file }, content) =>
    steps.find(({ part, inspect }) => part.file === file && inspect !== undefined)?.inspect?.(content) ?? content;
}

async function load({ manifest, target, engine }: RestorePlan, deps: RestoreDeps, signal: AbortSignal): Promise<void> {
  const { row } = engine.words ?? databaseWords;
  for (const steps of target.stages) {
    deps.report({
      type: 'stage',
      label: steps[0]?.part.role === 'data' ? `${row}s` : (steps[0]?.label ?? ''),
      totalBytes: dataBytes(steps.map(({ part }) => part)),
    });
    const lines = [...Map.groupBy(steps, ({ line, part }) => line ?? part.file).values()];
    await mapConcurrently(
      deps.parallel,
      lines,
      async (line, stop) => {
        for (const step of line) await loadStep(step, manifest, deps, stop);
      },
      signal,
    );
  }
}

async function loadStep(
  { part, load: into, inspect }: LoadStep,
  manifest: Manifest,
  { store, report }: RestoreDeps,
  signal: AbortSignal,
): Promise<void> {
  async function* passing(): ByteStream {
    for await (const chunk of store.openPart(manifest, part, signal)) {
      report({ type: 'progress', rows: 0, bytes: chunk.length, storedBytes: 0 });
      yield chunk;
    }
  }
  try {
    await into(passing(), signal);
  } catch (error) {
    throw await store.afterReadingAgain(error, { backup: manifest, part, inspect }, signal);
  }
  report({
    type: 'part-done',
    file: part.file,
    bytes: part.bytes,
    storedBytes: part.storedBytes,
    rows: part.rows ?? 0,
  });
}

function announce(manifest: Manifest, target: Target, place: string, report: Report): void {
  const parts = partsOf(target, manifest);
  const totalBytes = dataBytes(parts);
  report({
    type: 'planned',
    source: manifest.source as SourceName,
    engine: manifest.engine,
    id: manifest.id as BackupId,
    what: `restore into ${place}`,
    totalBytes,
    parts: parts.length,
  });
}

/** The parts that a restore reads; of an excerpt, without the catalog. */
function partsOf({ stages, excerpt }: Target, { parts }: Manifest): readonly ManifestPart[] {
  return excerpt === undefined ? parts : [...new Set(stages.flat().map(({ part }) => part))];
}

/** Only rows count: how long definitions take doesn't depend on their size. */
function dataBytes(parts: readonly ManifestPart[]): Bytes {
  return parts.reduce((sum, part) => sum + (part.role === 'data' ? part.bytes : 0), 0);
}
