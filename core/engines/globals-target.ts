import { databaseOfGlobals } from '../domain/content-words.ts';
import type { ByteStream, LeftOut, LoadFailure, RestoreFinding, Target, TargetOptions } from '../ports.ts';

/** What a restore of roles or accounts does on its server. */
type GlobalsWork = {
  /** `what`: `roles`, `accounts`; `remedy`: how to change an existing one to what the backup has. */
  what: string;
  remedy: string;
  /** What a person should know before and after. */
  notes: string[];
  lasting(): string[];
  failures: LoadFailure[];
  leftOut: LeftOut[];
  /** What prevents the restore; `begin` throws that, too. */
  findings?: readonly RestoreFinding[];
  /** Takes the claim that `release` gives back: one run at a time. */
  begin(signal: AbortSignal): Promise<void>;
  /** Makes what is missing; calls `isThere` when some of it exists, or may exist. */
  load(content: ByteStream, file: string, isThere: () => void, signal: AbortSignal): Promise<void>;
  /** Drops what a drill has made, this one or one that died; under the claim. */
  dropMarked(signal: AbortSignal): Promise<void>;
  release?(): Promise<void>;
};

/**
 * A target for what belongs to a whole server: makes what is missing, and leaves what exists as it is. A drill drops
 * what it has made.
 */
export function globalsTarget({ manifest, drill = false }: TargetOptions, work: GlobalsWork): Target {
  const { what, remedy, notes, failures, leftOut, dropMarked } = work;
  const unchanged = `the ${what} of the server are as they were`;
  let standing = unchanged;
  let isOurs = false;
  const isThere = () => {
    standing = drill ? `the ${what} of the drill are there` : `the ${what} that were made stay; a further run goes on`;
  };
  const noReplacement: RestoreFinding = {
    weight: 'fails',
    code: 'input-invalid',
    what: `a restore of ${what} replaces none: it makes those that are missing`,
    remedy: `leave --replace out; ${remedy}`,
  };
  async function discard(stop: AbortSignal): Promise<void> {
    // without the claim, what is marked is another drill's
    if (!drill || !isOurs) return;
    await dropMarked(stop);
    standing = unchanged;
  }
  async function ended(stop: AbortSignal): Promise<string[]> {
    await discard(stop);
    return drill ? [] : work.lasting();
  }
  return {
    database: databaseOfGlobals,
    state: 'absent',
    holds: '',
    notes: drill ? [] : notes,
    foresee: async (replace) => ({
      steps: [],
      findings: [...(replace ? [noReplacement] : []), ...(work.findings ?? [])],
    }),
    async prepare(_, stop) {
      await work.begin(stop);
      isOurs = true;
      // what a drill that died has made would look like the server's own, and the next drill would drop it
      await dropMarked(stop);
    },
    stages: manifest.parts
      .filter(({ role }) => role === 'schema')
      .map((part) => [{ part, label: what, load: (content, stop) => work.load(content, part.file, isThere, stop) }]),
    made: () => databaseOfGlobals,
    failures,
    leftOut,
    noDefinitions: true,
    finish: ended,
    keep: ended,
    discard,
    standing: () => standing,
    close: async () => work.release?.(),
  };
}
