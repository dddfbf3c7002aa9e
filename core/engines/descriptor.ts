import type * as z from 'zod';
import type { ConfigProblem } from '../contract/config/problem.ts';
import type { TlsChoice } from '../contract/config/sources/server.ts';
import type { Settings } from '../contract/config/settings/settings.ts';
import type { Engine, Inspection, PlainSql, SecretReference } from '../ports.ts';
import type { ContentWords } from '../domain/content-words.ts';
import type { ListedDatabase } from '../domain/servers/databases.ts';
import type { RowDialect } from '../domain/django/dialect.ts';
import type { EngineSurroundings } from '../surroundings.ts';
import type { Login } from './login.ts';

/** Where a source is, as far as others must know it. */
export type SourcePlace = {
  /** Its server, and how that is verified; absent for a source without a server. */
  server?: { host: string; port: number; tls: TlsChoice };
  /** Whether a name given to `--to` is a path on this machine; absent if it never is. */
  isPath?(name: string): boolean;
  /** Where the secrets that open it are kept. */
  secrets: readonly SecretReference[];
};

/** What an engine says about one source before reaching anything. */
export type SourceFacts = SourcePlace & {
  /** Where its drills go, if that is another server. */
  drills?: SourcePlace;
  /** On AWS, the access point of Amazon EFS for it, and the folder where functions mount it. */
  fileSystem?: { accessPoint: string; mount: string };
  /** Its backups may share parts: the cloud must grant the permissions for that. */
  shares?: true;
  /** The RDS user that it logs in as by IAM: the cloud must grant that. */
  iamUser?: string;
};

/** A source as its engine gets it: `at` is what stands under the engine's key. */
export type SourceOf<At> = Settings & { at: At };

/**
 * Which place of a source is opened. `drill`: the one for its drills; `adopting`: for other people's dumps;
 * `restoring`: for restores in the cloud, and `restoreHost` which of those. `database`: another database there. `key`:
 * the source in the configuration, for errors.
 */
export type Opening = {
  key: string;
  database?: string | undefined;
  drill?: boolean;
  adopting?: boolean;
  restoring?: boolean;
  restoreHost?: string | undefined;
};

/** The questions for a person who has no configuration yet. Answers are written below the engine's key. */
export type SourceQuestions = {
  /** `postgres` as in `postgres://nightjar@db.internal/shop`; the first one is suggested. */
  schemes: readonly string[];
  /** Parses what follows the scheme and its colon into keys. Throws `input-invalid`. */
  read(place: string): Record<string, string | number>;
  /** `usual`: the default for an empty answer. `optional`: can be left out by answering `none`. */
  keys: readonly { key: string; asked: string; usual?: string; optional?: true }[];
  /** Whose password is asked for, if any. */
  password?(at: Record<string, string | number>): string | number | undefined;
  /** `databases: all` may take the place of `database`. */
  whole?: true;
  /** The heading of its rights in docs/rights.md: `PostgreSQL`; absent if it needs none. */
  rights?: string;
};

/**
 * How the databases of a whole server are found. `entry`: the database to log in to for that; `globals`: the engine for
 * what belongs to no database. `list` throws if some can't be seen.
 */
export type EveryDatabase = {
  entry: string;
  globals: string;
  /** Some globals, such as rights on tables, need the databases: so globals are restored both before and after them. */
  globalsTwice?: true;
  list(login: Login, signal: AbortSignal): Promise<ListedDatabase[]>;
};

/**
 * What an engine says about itself. It is pure and loads quickly, because the configuration, its documentation and the
 * stack read it. The adapter itself is loaded when it is opened.
 */
export type EngineDescriptor<Schema extends z.ZodType = z.ZodType> = {
  /** Its key in a source, and its name in manifests. */
  readonly name: string;
  /** What the key means, in one sentence. */
  readonly about: string;
  /** What Amazon RDS calls such servers, if it has them. */
  readonly rds?: RegExp | undefined;
  /** The text above its keys in the documentation. */
  readonly note?: string | undefined;
  /** The keys below it. */
  readonly schema: Schema;
  describe(source: SourceOf<z.output<Schema>>): SourceFacts;
  /** Why functions on AWS can't work with a source, with a remedy; paths start below the source. */
  cloudProblems(source: SourceOf<z.output<Schema>>): ConfigProblem[];
  /** How a person is asked for such a source; absent if it has to be written by hand. */
  readonly asking?: SourceQuestions;
  /** The words for its sources and their content; absent for databases with tables. */
  readonly words?: ContentWords;
  /**
   * For engines whose databases are files: whether a source names several files, which are found at each run, and the
   * settings of one of them. Absent for other engines.
   */
  readonly everyFile?: {
    isMeant(at: z.output<Schema>): boolean;
    one(at: z.output<Schema>, name: string): z.output<Schema>;
  };
  /** How a whole server becomes several sources; absent if it can't. */
  readonly everyDatabase?: EveryDatabase;
  /** The databases that such a server, or a source of several files, has at this moment. */
  databases?(
    source: SourceOf<z.output<Schema>>,
    key: string,
    from: EngineSurroundings,
    signal: AbortSignal,
  ): Promise<ListedDatabase[]>;
  /** Whether drills can go to another server (`drill.server`). */
  readonly drillsElsewhere: boolean;
  /** Throws `secret-missing`, `config-invalid`, `tools-missing`. */
  open(
    source: SourceOf<z.output<Schema>>,
    opening: Opening,
    from: EngineSurroundings,
    signal: AbortSignal,
  ): Promise<{ engine: Engine; database: string }>;
  /** How a restore would judge a backup's content; needs no login. Absent: not at all. */
  inspection?(): Promise<Inspection>;
  /** Writes a backup as one SQL text, without a login. Absent if no such text can hold the engine's backups. */
  plainSql?(from: Pick<EngineSurroundings, 'tools'>, signal: AbortSignal): Promise<PlainSql>;
  /** How its servers want rows from elsewhere written. */
  dialect?(): Promise<RowDialect>;
};
