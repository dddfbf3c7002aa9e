import type { Manifest } from '../../contract/manifest/manifest.ts';
import { BackupError, isBackupError } from '../../domain/errors.ts';
import type { FailureCode } from '../../domain/errors.ts';
import { formatDuration, plural } from '../../domain/units.ts';
import type { Clock, Engine, Report, RunEvent } from '../../ports.ts';
import type { Store } from '../../store/store.ts';
import { proofSentence } from './prove.ts';
import type { Proof } from './prove.ts';
import { restore } from '../restore/restore.ts';

export type DrillOptions = {
  /** Restore and compare owners and grants. */
  owners: boolean;
  /** Put objects into their original tablespaces. */
  tablespaces: boolean;
  /** Statements that must each return one row with one true value. */
  assert: readonly string[];
};

/**
 * The result of a drill. `restoreMs`: until everything was loaded; `ms`: including the proof, the assertions and the
 * drop.
 */
export type Drilled = { id: string; proof: Proof; restoreMs: number; ms: number; assertions: number; notes: string[] };

type DrillDeps = { store: Store; report: Report; parallel: number; clock: Clock };

/**
 * Restores a backup into the database of `engine`, which must not exist, proves it equal, runs the assertions, and
 * drops it whatever happens. Records the outcome beside the backup; a failure of this server says nothing about the
 * backup and is not recorded.
 */
export async function drill(
  manifest: Manifest,
  engine: Engine,
  { owners, tablespaces, assert }: DrillOptions,
  deps: DrillDeps,
  signal: AbortSignal,
): Promise<Drilled> {
  const watch = stopwatch(deps);
  return deps.store.withProofRecord(
    'drill',
    manifest,
    deps,
    async () => {
      const options = { replace: false, owners, tablespaces, proof: true, drill: { assert } };
      const restored = await restore(manifest, engine, options, { ...deps, report: watch.report }, signal).catch(
        (error: unknown) => {
          throw inTermsOfDrills(error);
        },
      );
      const { id, proof, notes } = restored;
      return { id, proof: proof!, notes, restoreMs: watch.loadedMs(), ms: watch.ms(), assertions: assert.length };
    },
    (done) => ({ compared: drillSentence(done), differences: [] }),
  );
}

/** The result of a drill in one sentence. */
export function drillSentence({ proof, restoreMs, assertions }: Drilled): string {
  const asked = assertions === 0 ? '' : `; ${plural(assertions, 'assertion')} true`;
  return `${proofSentence(proof)}${asked}; restored in ${formatDuration(restoreMs)}`;
}

/** Passes on the run's events, and takes from them when everything was loaded and the proof began. */
function stopwatch({ report, clock }: DrillDeps) {
  const began = clock.now().getTime();
  const ms = (): number => Math.max(0, clock.now().getTime() - began);
  let loadedMs: number | undefined;
  return {
    ms,
    loadedMs: () => loadedMs ?? ms(),
    report(event: RunEvent) {
      if (event.type === 'stage' && event.label === 'proof') loadedMs = ms();
      report(event);
    },
  };
}

/** Failures that mean this server can't have drills. */
const notHere: readonly FailureCode[] = ['privilege-missing', 'source-unreachable'];
const elsewhere = 'or name another server for its drills in nightjar.yaml: drill: { server: … }';

/** Rewords the remedies of a restore: a drill lacks some of its options, and has others in the configuration. */
function inTermsOfDrills(error: unknown): unknown {
  if (!isBackupError(error)) return error;
  const own = error.hint
    ?.replace(/--(?:to|keep-going)\b/g, 'nightjar restore $&')
    .replace('--no-owner', '--no-owner (always: drill: { owners: false })')
    .replace(/;$/, '');
  const hints = [own, ...(notHere.includes(error.code) ? [elsewhere] : [])].filter((hint) => hint !== undefined);
  const hint = hints.length === 0 ? undefined : hints.join('; ');
  return new BackupError(error.code, error.lines, { hint, cause: error.cause });
}
