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
  /** The server that it is on, and how that is verified; absent where it is on no server. */
  server?: { host: string; port: number; tls: TlsChoice };
  /** Whether what `--to` names is a path of this machine; absent where it never is. */
  isPath?(name: string): boolean;
  /** Where what opens it is kept. */
  secrets: readonly SecretReference[];
};

/** What an engine says of one source before anything of it is reached. */
export type SourceFacts = SourcePlace & {
  /** Where its drills go, if that is another server. */
  drills?: SourcePlace;
  /** The access point of Amazon EFS that it lies behind on AWS, and the folder where functions mount it. */
  fileSystem?: { accessPoint: string; mount: string };
  /** Its backups may have parts in common: the cloud must grant what that takes. */
  shares?: true;
  /** The user of Amazon RDS that it logs in as by IAM: the cloud must grant that. */
  iamUser?: string;
};

/** A source as its engine gets it: `at` is what stands under the engine's key. */
export type SourceOf<At> = Settings & { at: At };

/**
 * Which of its places is opened: `drill`: that of its drills; `adopting`: that of dumps of others; `restoring`: that of
 * restores in the cloud, and `restoreHost` which one of them. `database`: another one there. `key`: the source in the
 * configuration, for errors.
 */
export type Opening = {
  key: string;
  database?: string | undefined;
  drill?: boolean;
  adopting?: boolean;
  restoring?: boolean;
  restoreHost?: string | undefined;
};

/** What a person is asked for who has no configuration yet. Values are written below the engine's key. */
export type SourceQuestions = {
  /** `postgres` of `postgres://nightjar@db.internal/shop`; the first one is what the question offers. */
  schemes: readonly string[];
  /** What stands behind a scheme and its colon, key by key. Throws `input-invalid`. */
  read(place: string): Record<string, string | number>;
  /** `usual`: what is taken for an empty answer. `optional`: may be left out, by an answer of `none`. */
  keys: readonly { key: string; asked: string; usual?: string; optional?: true }[];
  /** Whose password is asked for, where one is. */
  password?(at: Record<string, string | number>): string | number | undefined;
  /** That `databases: all` may stand in the place of `database`. */
  whole?: true;
  /** How docs/rights.md heads the rights for it: `PostgreSQL`; absent where it asks for none. */
  rights?: string;
};

/**
 * How the databases of a whole server are found. `entry`: the database that is logged in to for that; `globals`: the
 * engine of what belongs to no database. `list` throws where some can't be seen.
 */
export type EveryDatabase = {
  entry: string;
  globals: string;
  /** Some of that wants the databases to be there: rights on tables. So it is restored before them and behind them. */
  globalsTwice?: true;
  list(login: Login, signal: AbortSignal): Promise<ListedDatabase[]>;
};

/**
 * What an engine says of itself: pure and quickly loaded, for the configuration, its documentation and the stack read
 * it. The adapter itself is loaded when it is opened.
 */
export type EngineDescriptor<Schema extends z.ZodType = z.ZodType> = {
  /** Its key in a source, and its name in manifests. */
  readonly name: string;
  /** What the key means, in one sentence. */
  readonly about: string;
  /** What Amazon RDS calls such servers, where it has them. */
  readonly rds?: RegExp | undefined;
  /** What the documentation says above the keys below it. */
  readonly note?: string | undefined;
  /** The keys below it. */
  readonly schema: Schema;
  describe(source: SourceOf<z.output<Schema>>): SourceFacts;
  /** Why functions on AWS can't work with a source, with a remedy; paths begin below the source. */
  cloudProblems(source: SourceOf<z.output<Schema>>): ConfigProblem[];
  /** How a person is asked for a source of it; absent where one has to be written. */
  readonly asking?: SourceQuestions;
  /** What its sources, and what they hold, are called; absent for databases with tables. */
  readonly words?: ContentWords;
  /**
   * Whether a source names several files, each a database, found at each run; and what stands under the engine's key for
   * one of them. Absent where databases are no files.
   */
  readonly everyFile?: {
    isMeant(at: z.output<Schema>): boolean;
    one(at: z.output<Schema>, name: string): z.output<Schema>;
  };
  /** What a source of it becomes that is a whole server; absent where none can be. */
  readonly everyDatabase?: EveryDatabase;
  /** The databases that such a source, or one of several files, has at this moment. */
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
  /** What a restore would ask of the content of a backup: for whoever has no login. Absent: of nothing. */
  inspection?(): Promise<Inspection>;
  /** Makes one text of SQL of a backup, without a login. Absent: no such text holds what its backups do. */
  plainSql?(from: Pick<EngineSurroundings, 'tools'>, signal: AbortSignal): Promise<PlainSql>;
  /** How its servers want rows of other origin written. */
  dialect?(): Promise<RowDialect>;
};
