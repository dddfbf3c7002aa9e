import type { ProgramRun } from '../../../pipeline/program.ts';
import type { LeftOut, LoadFailure } from '../../../ports.ts';
import type { ProgramName } from '../../../tools.ts';

/** A restore at work: how its programs are started, what it was told, and what it has gone on without. */
export type Loading = {
  run(name: ProgramName, args: string[]): ProgramRun;
  /** Text of these programs without what was secret to them. */
  shown(text: string): string;
  /** For messages. */
  place: string;
  /** Who restores. */
  user: string;
  clientMajor: number;
  serverMajor: number;
  /** What the backup was made of. */
  from: string;
  /** The database that is loaded: its name is known once it is made. */
  database(): string;
  owners: boolean;
  tablespaces: boolean;
  keepGoing: boolean;
  /** The entries of the archive that are restored, by their numbers, where not all are. */
  entries?: ReadonlySet<string>;
  /** The entries that are made already: indexes of tables whose rows are in. */
  made: Set<string>;
  /** To be done when the extensions are made, and before anything that may rely on them. */
  onExtensions?(signal: AbortSignal): Promise<void>;
  /** Indexes that are built side by side. */
  jobs: number;
  failures: LoadFailure[];
  leftOut: LeftOut[];
};
