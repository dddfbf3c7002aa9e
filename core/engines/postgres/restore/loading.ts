import type { ProgramRun } from '../../../pipeline/program.ts';
import type { LeftOut, LoadFailure } from '../../../ports.ts';
import type { ProgramName } from '../../../tools.ts';

/** A restore at work: how its programs are started, and what it has reported and skipped. */
export type Loading = {
  run(name: ProgramName, args: string[]): ProgramRun;
  /** Text of these programs without what was secret to them. */
  shown(text: string): string;
  /** For messages. */
  place: string;
  /** The restoring user. */
  user: string;
  clientMajor: number;
  serverMajor: number;
  /** The server that the backup was made of. */
  from: string;
  /** The database that is loaded; its name is known once it is made. */
  database(): string;
  owners: boolean;
  tablespaces: boolean;
  keepGoing: boolean;
  /** The numbers of the archive's entries that are restored, if not all are. */
  entries?: ReadonlySet<string>;
  /** The entries that are made already: indexes of tables whose rows are loaded. */
  made: Set<string>;
  /** What already exists of the archive: how its list begins these entries. */
  there: readonly string[];
  /** Called when the extensions are made, before anything that may rely on them. */
  onExtensions?(signal: AbortSignal): Promise<void>;
  /** How many indexes are built in parallel. */
  jobs: number;
  failures: LoadFailure[];
  leftOut: LeftOut[];
};
