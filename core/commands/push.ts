import type { Adopted, Manifest } from '../contract/manifest/manifest.ts';
import { BackupError, abortError, collected, isBackupError, messageOf, ourError } from '../domain/errors.ts';
import { summed } from '../pipeline/sum.ts';
import { unpacked } from '../pipeline/unpack/unpack.ts';
import { sleep } from '../pipeline/waiting.ts';
import type { Adoption, ByteStream, Engine, Source } from '../ports.ts';
import { backup } from './backup.ts';
import type { BackupDeps } from './backup.ts';
import { drill, drillSentence } from './proof/drill.ts';

/** A file that holds a dump. `open` reads it from the beginning each time. `by`: who adopts it. */
export type ForeignDump = { name: string; open(signal: AbortSignal): ByteStream; at: Date; by: string };

/**
 * Where a dump is adopted. `source` is the configured one; `scratch` and `proof` are engines of two databases that
 * don't exist yet, with a user that may do nothing else.
 */
export type AdoptionPlace = { source: Source; database: string; scratch: Engine; proof: Engine };

/** The result: the backup, whose warnings say what was left out of the dump, and the proof. */
export type Pushed = { manifest: Manifest; proof: string };

type PushDeps = Omit<BackupDeps, 'adopting' | 'asked'>;

const discardLimitMs = 60_000;
/** Loading may have taken hours, so it waits this long for another run on the source, and retries at this interval. */
const patienceMs = 2 * 3_600_000;
const betweenMs = 1_000;

/**
 * Adopts somebody else's dump: loads it into a scratch database, takes an ordinary backup of that, restores that
 * backup, proves it equal, and only then writes its manifest. The backup has the time that a person names and says
 * nothing about the source's freshness. Both databases are dropped whatever happens; those of a killed run, by the next
 * one. Throws `input-invalid` if the engine can't adopt, and `source-changed` if the file changes meanwhile.
 */
export async function push(
  dump: ForeignDump,
  place: AdoptionPlace,
  deps: PushDeps,
  signal: AbortSignal,
): Promise<Pushed> {
  const { scratch } = place;
  if (scratch.adopt === undefined)
    throw new BackupError('input-invalid', `dumps of others can't be adopted for ${scratch.name}`, {
      hint: 'restore it by hand, and give what you restored a source of its own',
    });
  const adopted = await adoptedOf(dump, deps, signal);
  const adoption = await scratch.adopt(signal);
  const [pushed] = await Promise.allSettled([adopting(adoption, dump, adopted, place, deps, signal)]);
  const [dropped] = await Promise.allSettled([adoption.discard(AbortSignal.timeout(discardLimitMs))]);
  const left = dropped.status === 'rejected' ? [dropped.reason as unknown] : [];
  if (pushed.status === 'rejected')
    throw left.length === 0 ? pushed.reason : collected([known(pushed.reason, signal), ...left]);
  for (const error of left) {
    const message = `${scratch.place} is still there: ${messageOf(error)}; the next push drops it`;
    deps.report({ type: 'warning', message });
  }
  return pushed.value;
}

/** Of several errors, the first one gives the code. */
function known(error: unknown, signal: AbortSignal): BackupError {
  return !isBackupError(error) && signal.aborted ? abortError(signal) : ourError(error);
}

async function adopting(
  adoption: Adoption,
  dump: ForeignDump,
  adopted: Adopted,
  { source, database, scratch, proof }: AdoptionPlace,
  deps: PushDeps,
  signal: AbortSignal,
): Promise<Pushed> {
  const notes = await loadAlone(adoption, dump, adopted, signal);
  let proven = '';
  async function prove(manifest: Manifest, stop: AbortSignal): Promise<void> {
    const options = { owners: false, tablespaces: false, assert: [] };
    // the dump's warnings were reported a moment ago
    const untold = { ...manifest, warnings: [] };
    const done = await drill(untold, proof, options, { ...deps, parallel: source.parallel }, stop);
    proven = drillSentence(done);
  }
  let hasBegun = false;
  const engine = asSource(scratch, database, notes, () => (hasBegun = true));
  const adoptingDeps = { ...deps, adopting: { adopted, at: dump.at, prove } };
  const manifest = await afterOthers(
    () => backup({ ...source, engine }, adoptingDeps, signal),
    (error) => !hasBegun && isBackupError(error, 'lease-held'),
    deps,
    signal,
  );
  return { manifest, proof: proven };
}

/** Retries the work while another run is in its way (`isInTheWay`); throws its error after two hours. */
async function afterOthers<T>(
  work: () => Promise<T>,
  isInTheWay: (error: unknown) => boolean,
  { report }: Pick<PushDeps, 'report'>,
  signal: AbortSignal,
): Promise<T> {
  for (let waitedMs = 0; ; waitedMs += betweenMs) {
    try {
      return await work();
    } catch (error) {
      if (!isInTheWay(error) || waitedMs >= patienceMs) throw error;
      if (waitedMs === 0)
        report({
          type: 'warning',
          message: `the dump is loaded, and waits for two hours at most: ${messageOf(error)}`,
        });
    }
    await sleep(betweenMs, signal);
  }
}

/**
 * Loads the dump, then checks that it made nothing outside its scratch; also after a failure, because it may have done
 * so before.
 */
async function loadAlone(adoption: Adoption, dump: ForeignDump, adopted: Adopted, signal: AbortSignal) {
  const [loaded] = await Promise.allSettled([loadSame(adoption, dump, adopted, signal)]);
  if (loaded.status === 'fulfilled') {
    await adoption.requireAlone(signal);
    return loaded.value;
  }
  const [alone] = await Promise.allSettled([adoption.requireAlone(signal)]);
  if (alone.status === 'rejected' && isBackupError(alone.reason, 'input-invalid'))
    throw collected([known(loaded.reason, signal), alone.reason]);
  throw loaded.reason;
}

/** Reads the file again and loads it, to its last byte: it must have the checksum of `adopted`. */
async function loadSame(adoption: Adoption, dump: ForeignDump, { sha256 }: Adopted, signal: AbortSignal) {
  const { stream, sum } = summed(dump.open(signal));
  const chunks = stream[Symbol.asyncIterator]();
  // the client may stop before the file ends: the rest is read all the same, for the checksum
  async function* content(): ByteStream {
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
  }
  try {
    const notes = await adoption.load(unpacked(content(), dump.name), signal);
    for await (const _ of content()) if (signal.aborted) throw abortError(signal);
    if (sum.sha256() === sha256) return notes;
  } finally {
    await chunks.return?.().catch(() => {});
  }
  throw new BackupError('source-changed', `${dump.name} has changed while it was read`, {
    hint: 'wait until nobody writes it, then push it again',
  });
}

/** Reads the whole file before anything is made: the checksum identifies what is adopted. */
async function adoptedOf({ name, open, by }: ForeignDump, { clock }: PushDeps, signal: AbortSignal): Promise<Adopted> {
  const { stream, sum } = summed(open(signal));
  for await (const _ of stream) if (signal.aborted) break;
  return { file: name, sha256: sum.sha256(), bytes: sum.bytes, by, at: clock.now().toISOString() };
}

/** The scratch under the name of the dump's database. Everything in it belongs to the user that loaded it. */
function asSource(scratch: Engine, database: string, notes: readonly string[], begun: () => void): Engine {
  return {
    ...scratch,
    async plan(options, signal) {
      begun();
      const plan = await scratch.plan(options, signal);
      return { ...plan, database, ownerless: true, warnings: [...notes, ...plan.warnings] };
    },
  };
}
