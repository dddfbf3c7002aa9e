import type { Retention } from './contract/config/rotation/retention.ts';
import type { Catalog } from './contract/manifest/catalog.ts';
import type { Manifest, ManifestPart, Position, TableRows } from './contract/manifest/manifest.ts';
import type { RunEnded } from './contract/events/run-ended.ts';
import type { Message } from './contract/events/message.ts';
import type { Notice } from './domain/tools/notices.ts';
import type { Unequal } from './domain/compare.ts';
import type { CatalogTaker } from './domain/packed/catalog-text.ts';
import type { CatalogEntry, PackedCatalog } from './domain/packed/catalog.ts';
import type { FailureCode } from './domain/errors.ts';
import type { BackupId, SourceName } from './domain/keys.ts';
import type { ContentWords } from './domain/content-words.ts';
import type { Observed } from './domain/observed.ts';
import type { Schedule } from './domain/time/schedule.ts';
import type { Bytes } from './domain/units.ts';
import type { TableLayout } from './domain/django/dialect.ts';
import type { DumpReader } from './pipeline/rows/reader.ts';

export type { Catalog, Observed };

/** A stream of data. Whoever makes one checks its end: a stream that ends without an error is complete. */
export type ByteStream = AsyncIterable<Uint8Array>;

/** Any JSON value: it survives a round trip unchanged. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/**
 * One part that an engine can make: a value that survives JSON and holds no secret. Any process that has the engine can
 * make it while the plan is held open.
 */
export type PlannedPart = {
  role: ManifestPart['role'];
  /**
   * Its name before any ending for compression (`contract/manifest/part-name.ts`): `schema.pgdump`, `data/0001.sql`.
   */
  file: string;
  /** False for content that is already compressed. */
  compress: boolean;
  /** A guess, used for progress only. */
  estimatedBytes: Bytes;
  /** Whether a proof has to read it. */
  hasRows: boolean;
  /** What an engine of the same version needs to make it. Nobody else reads it. */
  recipe: Json;
};

/** A part that is being made. */
export type OpenedPart = {
  /** Throws unless the program succeeded and its output is complete, as far as its exit status tells. */
  content: ByteStream;
  /** Counts the rows that pass; its `ended` must be true. Absent for parts without rows. */
  reader?: DumpReader;
  /** Empty content is allowed: the part's reader judges it. Otherwise an empty part is an error. */
  mayBeEmpty?: true;
  /** Available only after the content has ended. */
  notes(): Promise<PartNotes>;
};

/** What only the maker of a part knows about it, for the plan's `confirm`. Survives JSON. */
export type PartNotes = {
  /** What programs printed on stderr although they succeeded. */
  heard: string[];
  /** What the engine counted beside the rows. */
  counted?: Json;
};

/**
 * The previous backup, for an engine that may reuse its parts. `readCatalog` passes its whole catalog in order, and
 * calls `begin` again when it has to start over. `open` reads the content of a part, checked. `isSharable`: nothing is
 * known against the part.
 */
export type BackupBefore = {
  manifest: Manifest;
  readCatalog(begin: () => CatalogTaker, signal: AbortSignal): Promise<void>;
  open(part: ManifestPart, signal: AbortSignal): ByteStream;
  isSharable(part: ManifestPart): boolean;
};

/** Parts of the new backup may be shared with later backups, and those of `before` with the new one. */
export type Sharing = { before?: BackupBefore | undefined };

/**
 * A part of the previous backup that also belongs to the new one. `file`: its name in the new backup; `live`: how much
 * of its content the new backup needs.
 */
export type SharedPart = { part: ManifestPart; file: string; live: Bytes };

/** A plan of parts under one snapshot, which is held open until `close`. */
export type Plan = {
  database: string;
  /**
   * `identity`: a value that no other server of this kind has and that copies of its data keep. Absent where the user
   * may not read it.
   */
  server: { product: string; version: string; identity?: string };
  client: { program: string; version: string };
  /** Every part except the catalog. */
  parts: PlannedPart[];
  /** Parts that are not made because the vault already has them. */
  shared?: readonly SharedPart[];
  catalog: Catalog;
  /** The catalog is known only after every part was read: `confirm` returns it, and it is stored last. */
  catalogLast?: true;
  /**
   * The form in which rows are printed, for an engine that has had several: a proof of this backup must read them in
   * the same form.
   */
  rowForm?: string;
  /** What the person should know about this backup, such as tables that no transaction protects. */
  warnings: string[];
  /**
   * Warnings that hold for every backup of the source: each manifest has them, but only the first backup reports them.
   */
  standing?: readonly string[];
  /** Secrets in the backup, such as `the hashes of passwords`: they are reported when the backup is not encrypted. */
  secrets?: string;
  /** The backup holds no owners and no grants; the restore commands for a person omit them, too. */
  ownerless?: true;
  /** Aborted when the plan can no longer be held, whichever process makes its parts. The reason says why. */
  over?: AbortSignal;
  /**
   * Returns the error to report instead of the one that ended the work: only the holder of the plan may know the cause.
   */
  explain?(error: unknown, signal: AbortSignal): Promise<unknown>;
  /**
   * Call it when all parts are made, with what was seen and noted in them. Throws `dump-cut` if a table of the catalog
   * is missing, and `source-changed` if the definitions are no longer those of the snapshot.
   */
  confirm(seen: TableRows[], notes: PartNotes[], signal: AbortSignal): Promise<Confirmed>;
  close(): Promise<void>;
};

/**
 * A part that only this process can make, from what it knows after the others. `isList`: the next run reads it to learn
 * what has not changed.
 */
export type PartOfOthers = Pick<PlannedPart, 'role' | 'file' | 'compress'> & {
  isList?: true;
  open(signal: AbortSignal): OpenedPart;
};

/** What is known once every part was read. */
export type Confirmed = {
  /** All tables, including empty ones that were not printed. */
  tables: TableRows[];
  /**
   * What the person should know and only the run could find out, such as what a program printed although it succeeded.
   */
  warnings: string[];
  /**
   * Where the backup differs from the source, so that every proof has to except it: `column t.f: 12 values lose
   * digits`. For a proof: what the manifest, written by an older version, does not except itself.
   */
  exceptions: string[];
  /** The backup's position in the server's log, as far as the server tells. */
  position?: readonly Position[];
  /**
   * `catalog`: that of a plan with `catalogLast`; it may be iterated several times. `parts`: made from what the other
   * parts hold.
   */
  catalog?: Iterable<CatalogEntry>;
  parts?: PartOfOthers[];
};

/** Passes a part's content on while it is acceptable for this part; throws `part-corrupt` otherwise. */
export type Inspect = (part: ManifestPart, content: ByteStream) => ByteStream;

/** How the content of a backup's parts is judged, and how the rows in its data parts are counted. */
export type Inspection = {
  inspect: Inspect;
  reader?: (signal?: AbortSignal) => DumpReader;
  /**
   * Judges the parts of one backup by the backup's own lists, which it reads with `open`; throws as the reading of a
   * part does.
   */
  inspectBy?: (
    manifest: Manifest,
    open: (part: ManifestPart, signal: AbortSignal) => ByteStream,
    signal: AbortSignal,
  ) => Promise<Inspect>;
};

/** A backup to be turned into one SQL text, and what is left out. */
export type BackupAsSql = {
  manifest: Manifest;
  /** The content of a part, checked: throws by its end at the latest. */
  open(part: ManifestPart, signal: AbortSignal): ByteStream;
  /** False leaves out owners, grants and everything else that names a role. */
  owners: boolean;
  /** False leaves the choice of tablespaces to the server. */
  tablespaces: boolean;
  /** True: events run as soon as they are loaded. False: they are created disabled. */
  events: boolean;
};

/**
 * A whole backup as one text that the stock client loads: definitions, rows, and what must come after the rows. Its
 * last line says that the text is complete; that line stands nowhere else in it.
 */
export type PlainSql = (backup: BackupAsSql, signal: AbortSignal) => ByteStream;

/** One part to load, or one pass over it. */
export type LoadStep = {
  part: ManifestPart;
  /** Shown to people while it runs: `tables`, `data/0001`, `indexes and constraints`. */
  label: string;
  /**
   * Takes the part's content, decompressed. When the stream throws, nothing of it may be committed, as far as the
   * engine can ensure that.
   */
  load(content: ByteStream, signal: AbortSignal): Promise<void>;
  /** The check that `load` applies before any content reaches a client: passes it on, or throws `part-corrupt`. */
  inspect?(content: ByteStream): ByteStream;
  /** Steps of one stage with the same `line` run one after the other, with nothing between them. */
  line?: string;
};

/** Something that could not be restored and that the restore skipped. `statement` is shortened and holds no rows. */
export type LoadFailure = { object: string; error: string; statement: string };

/** An object of the catalog that is left out on purpose, so that no proof expects it. `why` is for people. */
export type LeftOut = { kind: string; name: string; why: string };

/** What is to be restored, and how. `catalog` is the backup's: it says how the database was made. */
export type TargetOptions = {
  manifest: Manifest;
  catalog: Catalog;
  /** The catalog of an engine with `largeCatalogs`; `catalog` is then empty. */
  packed?: PackedCatalog | undefined;
  /** The content of a part of the backup, checked. */
  open?(part: ManifestPart, signal: AbortSignal): ByteStream;
  /** False leaves out owners, grants and everything else that names a role. */
  owners: boolean;
  /** False: the result will not be read again and compared. */
  proof?: boolean;
  /** False leaves the choice of tablespaces to the server. */
  tablespaces?: boolean;
  /**
   * True: an object that can't be made is listed in `failures`, and the restore goes on. Otherwise the first failure
   * ends it.
   */
  keepGoing?: boolean;
  /**
   * True: drops what is replaced, and what is kept from earlier replacements, at the end. Otherwise it is kept where
   * possible.
   */
  dropOld?: boolean;
  /** True: events (MariaDB and MySQL) are enabled once everything is done. Otherwise they are restored disabled. */
  events?: boolean;
  /**
   * For a drill: whatever is made is dropped at the end, and until then bears a mark by which the next run recognises
   * it. Nothing reaches another database.
   */
  drill?: boolean;
  /**
   * True: `foresee` may try the backup's definitions on the server, in a scratch place that is gone when it returns.
   * Otherwise it only reads.
   */
  tries?: boolean;
  /**
   * Restore only these tables, as a person names them, and what they need. `open`: the content of a part that holds
   * definitions. Throws `input-invalid` for a name that no table has, and suggests similar names.
   */
  tables?: { asked: readonly string[]; open(part: ManifestPart, signal: AbortSignal): ByteStream };
};

/** Some tables of a backup, restored with what they need and without the rest. */
export type Excerpt = {
  /** `tables`: restored with their rows. `bare`: made without rows, because others need their definition. */
  tables: readonly string[];
  bare: readonly string[];
  /** The rows that a proof expects. */
  manifest: Manifest;
  /**
   * The definitions that a proof expects: everything that must be there, and what the backup says about the rest of
   * `found`.
   */
  catalogFor(found: Catalog): Catalog;
  /** The same for an engine with `largeCatalogs`. */
  packed?: PackedCatalog;
  /** What is on these tables, or belongs to them, and is not restored: one sentence each, for people. */
  lacking: readonly string[];
  /** What a person should know about the result. */
  notes: readonly string[];
  /** Commands with which a person copies the rows into the existing database, once nothing there is in their way. */
  copying(from: string, to: string): string[];
};

/**
 * How an assertion ended. The value it returned may be anybody's data and is never shown. `error` says why there is no
 * answer: the server failed, or the result is not one row with one value of true, false or null.
 */
export type AssertionEnd = 'true' | 'not-true' | { error: string };

/**
 * Something about a restore that is known before anything is written. `fails`: no restore can succeed with it;
 * `may-fail`: it might not succeed; `note`: it succeeds but may surprise. `remedy`: what to do, in SQL where SQL can do
 * it.
 */
export type RestoreFinding = {
  weight: 'fails' | 'may-fail' | 'note';
  what: string;
  remedy?: string | undefined;
  /** The error of a restore that this finding prevents; `restore-failed` when absent. */
  code?: FailureCode;
};

/** `steps`: what will be made, renamed and dropped on the server, in this order, for people. */
export type Foreseen = { steps: string[]; findings: RestoreFinding[] };

/** A database to restore into. */
export type Target = {
  database: string;
  /**
   * `absent`: it will be made. `empty`: it exists, without objects of its own. `occupied`: it has objects that a
   * restore would mix with; `holds` says which.
   */
  state: 'absent' | 'empty' | 'occupied';
  holds: string;
  /** The name under which the replaced database will be kept; absent when it is dropped. */
  keptAs?: string;
  /**
   * Why `replace` removes nothing: the target already is what is restored, or this kind of target is never replaced.
   */
  untouched?: string;
  /** What a person should know before anything is done, such as what will be left out. */
  notes: readonly string[];
  /**
   * What a restore would do here, and all that can be foreseen of its outcome. Writes nothing. `contents`: reads the
   * parts that hold definitions.
   */
  foresee?(
    replace: boolean,
    contents: (part: ManifestPart, signal: AbortSignal) => ByteStream,
    signal: AbortSignal,
  ): Promise<Foreseen>;
  /** Takes note of a part's content while the backup is verified, before anything is replaced. Must be quick. */
  watch?(part: ManifestPart, chunk: Uint8Array): void;
  /**
   * Finds what is known to make the load of a replacement fail, before any row is loaded, and throws all of it at once.
   * Changes nothing that exists. Returns what could not be checked.
   */
  rehearse?(contents: (part: ManifestPart, signal: AbortSignal) => ByteStream, signal: AbortSignal): Promise<string[]>;
  /**
   * Makes the database if it is absent. With `replace`, an occupied one makes room, or a new one is made beside it that
   * `finish` puts in its place. Throws if somebody else made the database meanwhile.
   */
  prepare(replace: boolean, signal: AbortSignal): Promise<void>;
  /** Stages run one after the other; the steps of a stage may run in parallel. */
  stages: LoadStep[][];
  /** The database that is being restored into: beside the one to replace, where the engine can do that. */
  made(): string;
  /** Failures so far that the restore skipped. Empty unless `keepGoing`. */
  failures: readonly LoadFailure[];
  /** What was left out on purpose so far. */
  leftOut: readonly LeftOut[];
  /** The engine's backups hold no definitions that could be restored alone. */
  noDefinitions?: true;
  /** What is restored when only some tables are. */
  excerpt?: Excerpt;
  /** Databases of earlier drills that died; `prepare` dropped them. */
  swept?: readonly string[];
  /** What `prepare` first repaired after a run that died. */
  mended?: readonly string[];
  /**
   * Whether a fact found by a proof belongs to the empty database that existed before, which a restore leaves as it is.
   * `now` is its value there, undefined if there is none.
   */
  wasThere?(kind: string, name: string, now: string | undefined): boolean;
  /** Objects of the catalog that only `finish` and `keep` make: a proof before them can't find any. */
  afterProof?: readonly Omit<LeftOut, 'why'>[];
  /**
   * Runs one statement on what was restored, in a read-only transaction with a time limit. It should return one row
   * with one true value.
   */
  assert?(statement: string, signal: AbortSignal): Promise<AssertionEnd>;
  /**
   * Puts what was made in the place of what it replaces, and enables what is to run. Call it when everything is loaded
   * and proven. For a drill, drops what was made. Returns what a person should know.
   */
  finish(signal: AbortSignal): Promise<string[]>;
  /**
   * Instead of `finish`: leaves what was made where it is, for a person to look at, and replaces nothing. For a drill,
   * drops it. Returns what a person should know.
   */
  keep(signal: AbortSignal): Promise<string[]>;
  /** What programs printed on stderr although they succeeded. Call it when everything is loaded. */
  heard?(): string[];
  /** Drops what `prepare` made, after a failure. Never touches a database that existed before. */
  discard(signal: AbortSignal): Promise<void>;
  /** What is on the server now, for the message of a failure: `database shop is as it was`. */
  standing(): string;
  close(): Promise<void>;
};

/**
 * A scratch database that somebody else's dump is loaded into. A dump is a program, so its user may do nothing else,
 * and nobody else works there until it is dropped.
 */
export type Adoption = {
  /**
   * Loads the dump with the stock client, which obeys none of the dump's client commands. Returns what was left out, a
   * sentence each. Throws `input-invalid` or `dump-cut` unless it is a complete dump of one database.
   */
  load(dump: ByteStream, signal: AbortSignal): Promise<string[]>;
  /** Throws `input-invalid` if the dump, loaded in part or whole, made a database beside the scratch. */
  requireAlone(signal: AbortSignal): Promise<void>;
  /** Drops the scratch, whatever it holds. */
  discard(signal: AbortSignal): Promise<void>;
};

/** A backup and what was restored from it, where the definitions of some objects differ in their text. */
export type Compared = {
  manifest: Manifest;
  expected: Catalog;
  found: Catalog;
  unequal: Unequal[];
  owners: boolean;
  /** The database that was read, if it is not the engine's own. */
  database?: string;
  /** Whether both servers print definitions alike. */
  sameVersion: boolean;
  /** The content of a part of the backup, checked. */
  open(part: ManifestPart, signal: AbortSignal): ByteStream;
};

/** The result for objects that differ in text. */
export type Settled = {
  /** How many were compared in another way, by that way: `{ 'by meaning': 6 }`. */
  ways: Record<string, number>;
  /** Where the restored database differs from the source because it could not be the same: the proof excepts it. */
  exceptions: string[];
  /** The objects that do differ. */
  different: Unequal[];
  /** What would let more be settled. */
  hint?: string;
};

/**
 * A replaced database that is kept. `since`: ISO 8601 in UTC. `recent`: kept for less than a night (or less than the
 * configuration says), so that no further replacement drops it: a second restore may mean that the first was wrong.
 * `overdue`: kept for longer than the configuration says. `halfDropped`: its drop was interrupted; nobody can open it,
 * and it can only be dropped again.
 */
export type KeptDatabase = {
  name: string;
  bytes?: Bytes;
  since?: string;
  recent?: true;
  halfDropped?: true;
  overdue?: true;
};

/** Replaced databases that are kept. */
export type Replaced = {
  /** The newest first, including half dropped ones. */
  list(signal: AbortSignal): Promise<KeptDatabase[]>;
  /** What would keep it from coming back. */
  findings(kept: KeptDatabase, signal: AbortSignal): Promise<RestoreFinding[]>;
  /** Whether a replacement that has exchanged nothing yet is at work, or died. */
  hasBegun?(signal: AbortSignal): Promise<boolean>;
  /**
   * Makes again what a replacement took away before it died without exchanging anything. Returns what could not be made
   * again; undefined if there is no such replacement.
   */
  takeBack?(signal: AbortSignal): Promise<string[] | undefined>;
  /**
   * Exchanges it, in one step, for what stands in its place now, and keeps that. Returns the name of what is kept,
   * undefined if nothing was there. `tell` reports what had to be repaired first.
   */
  swapBack(kept: KeptDatabase, tell: (line: string) => void, signal: AbortSignal): Promise<string | undefined>;
  /** Throws if the user lacks a right without which kept databases may be missing from `list`. */
  requireSight?(signal: AbortSignal): Promise<void>;
  drop(kept: KeptDatabase, signal: AbortSignal): Promise<void>;
  /**
   * Drops what is kept for longer than the configuration says, unless somebody is connected to it. Returns a sentence
   * for each, including those that could not be dropped.
   */
  dropOverdue?(signal: AbortSignal): Promise<string[]>;
};

/**
 * One condition that has to hold, and how to check it: the check leaves nothing behind and holds nobody up. A problem
 * is thrown, with its remedy. The result is empty where there is nothing to check. `needs`: the earlier examinations
 * without which it is pointless.
 */
export type Examination = {
  what: string;
  needs?: readonly string[];
  look(signal: AbortSignal): Promise<readonly Observed[]>;
};

/** A shell command for a person. A `private` one holds values of the database, and is encrypted if the backup is. */
export type ByHand = string | { private: string };

/** A right that is held until it is given back, or its holder is gone. */
export type ServerClaim = { release(): Promise<void> };

/** Adapter for a kind of source, bound to one server login. `database` undefined means the configured one. */
export type Engine = {
  /** The name used in configuration, manifests and messages. Nothing else may depend on it. */
  readonly name: string;
  /** The words for its sources and their content; absent for databases with tables. */
  readonly words?: ContentWords;
  /** For messages: `postgres://app@db.internal:5432/shop`; never with a password. */
  readonly place: string;
  /**
   * Plans a backup. With `like`, plans the reading of what should equal that backup, for a proof: the same columns in
   * the same order; `restored` is the catalog of what was restored. `database`: another one on the same server.
   * `sharing`: given where backups can have parts in common.
   */
  plan(
    options: { like?: Manifest; restored?: Catalog; database?: string; sharing?: Sharing },
    signal: AbortSignal,
  ): Promise<Plan>;
  /** The engine knows what has not changed since the previous backup. */
  readonly shares?: true;
  /** Its catalogs may hold hundreds of thousands of objects, so they are packed. */
  readonly largeCatalogs?: true;
  /** Starts to make a part of a plan, made by this process or another. */
  open(part: PlannedPart, signal: AbortSignal): OpenedPart;
  target(options: TargetOptions, signal: AbortSignal): Promise<Target>;
  /**
   * The right to restore all that is on its server: one run has it, until it gives it back or ends. Undefined while
   * another one has it. `replaced`: databases that are to be replaced. Absent where sources are of one thing.
   */
  claimServer?(replaced: readonly string[], signal: AbortSignal): Promise<ServerClaim | undefined>;
  /**
   * Makes the login's database, for an adoption. Throws `privilege-missing`, with the SQL that makes a suitable user,
   * if the login may do more than work in that database. Absent where other people's dumps can't be adopted.
   */
  adopt?(signal: AbortSignal): Promise<Adoption>;
  /**
   * Decides about objects that differ in text. Absent where the text decides; then objects from another version of the
   * server are compared by name only.
   */
  settle?(compared: Compared, signal: AbortSignal): Promise<Settled>;
  /** Counts the rows of a data part. */
  readonly reader?: (signal?: AbortSignal) => DumpReader;
  /** Kinds of catalog objects that `owners: false` leaves out. */
  readonly ownerKinds: readonly string[];
  /** Replaced databases that are kept; absent where replaced ones are dropped. */
  readonly replaced?: Replaced;
  /**
   * For an engine without `replaced` that still keeps what was replaced: where it is, and how a person puts it back.
   */
  readonly keptByHand?: { what: string; remedy: string } | undefined;
  /** The stock shell commands that restore this backup without Nightjar, from a folder that holds its objects. */
  restoreCommands(parts: ManifestPart[], plan: Plan): ByHand[];
  /** The tables that rows from elsewhere can be written into. */
  tables?(signal: AbortSignal): Promise<TableLayout[]>;
  /** What can be checked one by one before a backup is planned. `clock` is this machine's. */
  examinations?(clock: Clock): readonly Examination[];
};

/** Reads a secret by its reference; throws `secret-missing`. Values never reach a log. */
export type Secrets = {
  get(reference: SecretReference, signal: AbortSignal): Promise<string>;
};

/** Makes passwords that are each good for one connection, for some minutes. */
export type Token = {
  /** A password for a connection that begins now. Throws `secret-missing`. Never print it. */
  make(signal: AbortSignal): Promise<string>;
  /** What to check when a server refuses it. */
  refusedHint: string;
};

/**
 * Where a secret is kept: an environment variable, a file, or AWS Secrets Manager (one field of a JSON secret, or the
 * whole secret).
 */
export type SecretReference = { env: string } | { file: string } | { secret: string; field?: string | undefined };

/**
 * The key that opens only the lists of one encrypted backup (AGE-SECRET-KEY-…). `manifest`: SHA-256 of the manifest
 * that this machine wrote for that backup.
 */
export type ListKey = { id: BackupId; manifest: string; identity: string };

/**
 * Keys that this machine keeps outside the vault, from one run to the next. No restore needs them: losing them costs
 * the time and space of one full backup.
 */
export type ListKeys = {
  /** The keys of a source in this vault and where they lie, or why none can be kept here. */
  read(source: SourceName): Promise<{ place: string; keys: readonly ListKey[] } | { why: string }>;
  /** Durably replaces the keys of a source. Only this user can read them. */
  keep(source: SourceName, keys: readonly ListKey[]): Promise<void>;
};

/** The time now; a fake one in tests. */
export type Clock = { now(): Date };

/** What a run tells its host while it works. */
export type RunEvent =
  | {
      type: 'planned';
      source: SourceName;
      engine: string;
      id: BackupId;
      what: string;
      totalBytes: Bytes;
      parts: number;
    }
  | { type: 'progress'; rows: number; bytes: Bytes; storedBytes: Bytes }
  /** The next stage, and its size where that is known (else 0). Progress restarts from zero. */
  | { type: 'stage'; label: string; totalBytes: Bytes }
  | { type: 'part-done'; file: string; bytes: Bytes; storedBytes: Bytes; rows: number }
  | { type: 'warning'; message: string };

/** Called often (for each chunk): must be quick and must not throw. */
export type Report = (event: RunEvent) => void;

/**
 * Somebody to notify, bound to one address. `name` is for messages and holds no secret: `sns arn:aws:sns:…`, `slack`,
 * `command mail-admin`.
 */
export type Notifier = {
  readonly name: string;
  /**
   * What distinguishes it from others of the same name; it may be secret. Absent where the name is enough. Throws if it
   * can't be read.
   */
  address?(signal: AbortSignal): Promise<string>;
  /**
   * Delivers the message, as far as the other side confirms, or throws `notify-failed`. Retries within a limit; every
   * wait ends.
   */
  notify(message: Message, signal: AbortSignal): Promise<void>;
  /** Reasons, where they can be known, why somebody does not receive what is sent here: one sentence each. */
  unheard?(signal: AbortSignal): Promise<Notice[]>;
};

/** Somebody who learns how every run ends, well or badly. */
export type Hook = {
  readonly name: string;
  /** Whether it is called for this end. */
  wants(event: RunEnded): boolean;
  /** Returns once the other side has accepted the event, or throws `hook-failed`. Every wait ends. */
  call(event: RunEnded, signal: AbortSignal): Promise<void>;
};

/**
 * Records the figures of a run as metrics: once for each run that did all it should, so that an alarm can watch for
 * their absence. Must be quick and must not throw.
 */
export type Meter = (figures: Readonly<Record<string, number>>) => void;

/**
 * This run and its holder. `isGone`: that holder is known to be dead; only ever true for one on this machine. `isOurs`:
 * that holder was an earlier attempt at the request that this run works on.
 */
export type Identity = {
  run: string;
  holder: string;
  isGone(holder: string): boolean;
  isOurs?(holder: string): boolean;
};

/** A configured source, ready to work on. */
export type Source = {
  name: SourceName;
  engine: Engine;
  /** IANA time zone of its calendar. */
  timeZone: string;
  /** When its backups should begin; absent where nobody said. */
  schedule?: Schedule | undefined;
  /** What rotation will keep: a new backup is tagged accordingly. */
  retention: Retention;
  /** zstd level. */
  compressionLevel: number;
  /** The age recipients of its backups (`age1…`); absent or empty: not encrypted. */
  recipients?: readonly string[];
  /** Streams at the same time. */
  parallel: number;
};
