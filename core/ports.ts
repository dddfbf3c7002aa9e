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

/** Data on its way. Whoever makes one checks its own end: a stream that ends without an error is whole. */
export type ByteStream = AsyncIterable<Uint8Array>;

/** What JSON holds, and gives back as it was. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/**
 * One part that an engine can make: a value that survives JSON and holds no secret. Any process that has the engine may
 * make it, as long as the plan is held.
 */
export type PlannedPart = {
  role: ManifestPart['role'];
  /** Its name before any compression ending, as `contract/manifest/part-name.ts` has it: `schema.pgdump`, `data/0001.sql`. */
  file: string;
  /** False for content that is compressed already. */
  compress: boolean;
  /** A guess, for progress alone. */
  estimatedBytes: Bytes;
  /** Whether a proof has to read it. */
  hasRows: boolean;
  /** What its engine, of the same version, needs to make it. Nobody else looks into it. */
  recipe: Json;
};

/** A part that is being made. */
export type OpenedPart = {
  /** Throws unless the program ended well and its output is whole as far as its exit status tells. */
  content: ByteStream;
  /** Counts the rows that pass; its `ended` must be true. Absent for parts without rows. */
  reader?: DumpReader;
  /** Content of no byte is one, too: its reader can tell. */
  mayBeEmpty?: true;
  /** To be asked for once the content has ended. */
  notes(): Promise<PartNotes>;
};

/** What only whoever has made a part can tell of it, for the plan's `confirm`; survives JSON, too. */
export type PartNotes = {
  /** What programs said though they succeeded. */
  heard: string[];
  /** What its engine has counted beside the rows. */
  counted?: Json;
};

/**
 * The backup before, for an engine that may take parts of it over. `readCatalog` tells all that its catalog says, in the
 * order of that, and where it has to be read again begins anew; `open`: the content of a part, checked; `isSharable`:
 * whether nothing is known against a part.
 */
export type BackupBefore = {
  manifest: Manifest;
  readCatalog(begin: () => CatalogTaker, signal: AbortSignal): Promise<void>;
  open(part: ManifestPart, signal: AbortSignal): ByteStream;
  isSharable(part: ManifestPart): boolean;
};

/** Its parts may become parts of later backups, as those of the one before may become its own. */
export type Sharing = { before?: BackupBefore | undefined };

/**
 * A part of the backup before that is one of the new backup, too; `file`: what it is called there, `live`: how much of
 * its content is needed there.
 */
export type SharedPart = { part: ManifestPart; file: string; live: Bytes };

/** A plan of parts under one snapshot, which is held open until `close`. */
export type Plan = {
  database: string;
  /**
   * `identity`: what no other server of this kind has, and a copy of its data keeps, as far as every user may ask for
   * it.
   */
  server: { product: string; version: string; identity?: string };
  client: { program: string; version: string };
  /** Every part but the catalog. */
  parts: PlannedPart[];
  /** Parts that need not be made, for they lie in the vault already. */
  shared?: readonly SharedPart[];
  catalog: Catalog;
  /** Only the reading of every part tells the catalog: `confirm` gives it, and it is stored after them. */
  catalogLast?: true;
  /**
   * The form in which the rows are printed, where the engine has had several: a proof of this backup has to read in the
   * same.
   */
  rowForm?: string;
  /** What the person should know about this backup: tables that no transaction protects, … */
  warnings: string[];
  /** The same, of what holds of each backup alike: it stands in each manifest, and is told by the first that has it. */
  standing?: readonly string[];
  /** What of it nobody else may read, as `the hashes of passwords`: it is said where the backup is not encrypted. */
  secrets?: string;
  /** Nothing of it says who owns what or may do what: commands by hand leave that out, too. */
  ownerless?: true;
  /** Aborted when the plan can be held no longer, whoever makes its parts; its reason says why. */
  over?: AbortSignal;
  /** The error to tell instead of one that ended the work: only whoever holds the plan may know what led to it. */
  explain?(error: unknown, signal: AbortSignal): Promise<unknown>;
  /**
   * To be called when all parts are made, with what was seen and noted in them: throws `dump-cut` if a table of the
   * catalogue is missing and `source-changed` if the definitions are no longer those of the snapshot.
   */
  confirm(seen: TableRows[], notes: PartNotes[], signal: AbortSignal): Promise<Confirmed>;
  close(): Promise<void>;
};

/**
 * A part that this process alone can make, of what it knows by now. `isList`: by it the next run knows what has not
 * changed.
 */
export type PartOfOthers = Pick<PlannedPart, 'role' | 'file' | 'compress'> & {
  isList?: true;
  open(signal: AbortSignal): OpenedPart;
};

/** What is known once every part was read. */
export type Confirmed = {
  /** The tables complete: with those that are empty and were not printed. */
  tables: TableRows[];
  /** What the person should know, and only the run could tell: what a program said though it succeeded, … */
  warnings: string[];
  /**
   * What the backup holds otherwise than the source does, so that every proof has to except it: `column t.f: 12 values
   * lose digits`. Of a proof: what the manifest does not except itself, being of an older version.
   */
  exceptions: string[];
  /** Where the backup's moment stands in the server's log, as far as the server tells. */
  position?: readonly Position[];
  /**
   * The catalog of a plan that could not know it (`catalogLast`), which may be gone through several times, and parts that
   * are made of what the others hold.
   */
  catalog?: Iterable<CatalogEntry>;
  parts?: PartOfOthers[];
};

/** Lets a part's content pass as far as it may be what it is; throws `part-corrupt`. */
export type Inspect = (part: ManifestPart, content: ByteStream) => ByteStream;

/** How the content of a backup's parts is judged, and the rows in its data parts counted. */
export type Inspection = {
  inspect: Inspect;
  reader?: (signal?: AbortSignal) => DumpReader;
  /** Judges the parts of one backup by what that says of them; throws as the reading of a part does. */
  inspectBy?: (
    manifest: Manifest,
    open: (part: ManifestPart, signal: AbortSignal) => ByteStream,
    signal: AbortSignal,
  ) => Promise<Inspect>;
};

/** A backup that is to become one text of SQL, and what of it is left out. */
export type BackupAsSql = {
  manifest: Manifest;
  /** The content of a part, checked: throws at its end at the latest. */
  open(part: ManifestPart, signal: AbortSignal): ByteStream;
  /** False leaves out who owns what, who may do what, and whatever else names a role. */
  owners: boolean;
  /** False puts everything where the server puts it by default. */
  tablespaces: boolean;
  /** What the server starts by itself runs as soon as it is loaded; without, it is made and disabled. */
  events: boolean;
};

/**
 * The whole of a backup as one text that the stock client loads: definitions, rows, what comes after the rows. Its last
 * line says that it is whole, and stands nowhere else in it.
 */
export type PlainSql = (backup: BackupAsSql, signal: AbortSignal) => ByteStream;

/** One part to load, or one pass over it. */
export type LoadStep = {
  part: ManifestPart;
  /** What a person reads while it runs: `tables`, `data/0001`, `indexes and constraints`. */
  label: string;
  /**
   * Takes the part's content (decompressed). Nothing of it may be committed when the stream throws, as far as the
   * engine can do that.
   */
  load(content: ByteStream, signal: AbortSignal): Promise<void>;
  /** What `load` asks of the content before anything of it reaches a client: lets it pass, or throws `part-corrupt`. */
  inspect?(content: ByteStream): ByteStream;
  /** Steps of one stage that have the same line follow each other, and nothing else comes between them. */
  line?: string;
};

/**
 * Something that could not be restored, and that the restore went on without. `statement` is shortened, and holds no
 * rows.
 */
export type LoadFailure = { object: string; error: string; statement: string };

/** An object of the catalog that is left out on purpose, so that no proof expects it: `why` is for people. */
export type LeftOut = { kind: string; name: string; why: string };

/** What is to be restored, and how. `catalog` is that of the backup: it says how the database was made. */
export type TargetOptions = {
  manifest: Manifest;
  catalog: Catalog;
  /** The same for an engine whose catalogs are large: then `catalog` is empty. */
  packed?: PackedCatalog | undefined;
  /** The content of a part of it, checked. */
  open?(part: ManifestPart, signal: AbortSignal): ByteStream;
  /** False leaves out who owns what, who may do what, and whatever else names a role. */
  owners: boolean;
  /** False: it will not be read again and compared. */
  proof?: boolean;
  /** False puts everything where the server puts it by default. */
  tablespaces?: boolean;
  /** Goes on when an object can't be made, and lists it in `failures`; without, the first failure ends the restore. */
  keepGoing?: boolean;
  /** Drops what is replaced, in the end, and whatever is kept of it from before; without, it is kept where it can be. */
  dropOld?: boolean;
  /**
   * What the server starts by itself (events of MariaDB and MySQL) runs again once all is done; without, it is there,
   * and disabled.
   */
  events?: boolean;
  /**
   * Of a drill: whatever is made is dropped in the end, and bears a mark until then by which the next run knows it.
   * Nothing of it reaches another database.
   */
  drill?: boolean;
  /**
   * `foresee` may try the backup's definitions on the server, where that can be done in a place of their own that is
   * gone when it returns; without, it asks and reads alone.
   */
  tries?: boolean;
  /**
   * Only these tables, as a person names them, and what they need. `open`: the content of a part that holds
   * definitions. Throws `input-invalid` for what no table is called, with what is near.
   */
  tables?: { asked: readonly string[]; open(part: ManifestPart, signal: AbortSignal): ByteStream };
};

/** Some tables of a backup, restored with what they need and without the rest. */
export type Excerpt = {
  /** The tables with their rows; and those that are made without rows, for others need their definition. */
  tables: readonly string[];
  bare: readonly string[];
  /** What a proof expects of rows. */
  manifest: Manifest;
  /** What it expects of definitions: all that must be there, and what the backup says of the rest that was found. */
  catalogFor(found: Catalog): Catalog;
  /** The same for an engine whose catalogs are large. */
  packed?: PackedCatalog;
  /** What is on these tables, or belongs to them, and is not restored: a sentence each, for people. */
  lacking: readonly string[];
  /** What a person should know of what is there. */
  notes: readonly string[];
  /** How a person brings the rows into the database that is there, once nothing is in their way: a command each. */
  copying(from: string, to: string): string[];
};

/**
 * How an assertion ended; what it gave is anybody's data, and not told. `error`: why there is no answer: the server could
 * not give one, or what it gave is not one row with one value of true, false or null.
 */
export type AssertionEnd = 'true' | 'not-true' | { error: string };

/**
 * Something of a restore that is known before anything is written. `fails`: with it, no restore can succeed; `may-fail`:
 * as far as can be told; `note`: it succeeds, and may surprise. `remedy`: what to do, SQL where SQL can do it.
 */
export type RestoreFinding = {
  weight: 'fails' | 'may-fail' | 'note';
  what: string;
  remedy?: string | undefined;
  /** What a restore ends with that this keeps from beginning; `restore-failed` where it is absent. */
  code?: FailureCode;
};

/** `steps`: what will be made, renamed and dropped on the server, in this order, for people. */
export type Foreseen = { steps: string[]; findings: RestoreFinding[] };

/** A database to restore into. */
export type Target = {
  database: string;
  /**
   * `absent`: it will be made. `empty`: there, without any object of its own. `occupied`: objects that a restore would
   * mix with; `holds` says what.
   */
  state: 'absent' | 'empty' | 'occupied';
  holds: string;
  /** The name under which what is replaced will be kept; absent where it is dropped. */
  keptAs?: string;
  /** Why `replace` takes nothing of it away: it is what is restored, or nothing of its kind is replaced. */
  untouched?: string;
  /** What a person should know before anything is done: what will be left out, … */
  notes: readonly string[];
  /**
   * What a restore would do here, and all that can be told of how it would go. Writes nothing. `contents`: of the parts
   * that hold definitions.
   */
  foresee?(
    replace: boolean,
    contents: (part: ManifestPart, signal: AbortSignal) => ByteStream,
    signal: AbortSignal,
  ): Promise<Foreseen>;
  /** Takes note of what a part holds, while the backup is verified before anything is replaced. Must be quick. */
  watch?(part: ManifestPart, chunk: Uint8Array): void;
  /**
   * Throws, with all of it, what is known to make the load of a replacement fail, before any row is loaded. Changes
   * nothing that is there. Returns what could not be found out.
   */
  rehearse?(contents: (part: ManifestPart, signal: AbortSignal) => ByteStream, signal: AbortSignal): Promise<string[]>;
  /**
   * Makes the database if it is absent; with `replace`, an occupied one makes room, or something is made beside it that
   * `finish` puts in its place. Throws if somebody else made it meanwhile.
   */
  prepare(replace: boolean, signal: AbortSignal): Promise<void>;
  /** Stages one after the other; the steps of a stage may run side by side. */
  stages: LoadStep[][];
  /** Where it is being restored into: beside the database that it is to replace, where the engine can do that. */
  made(): string;
  /** What has failed so far, and was gone on without. None unless `keepGoing`. */
  failures: readonly LoadFailure[];
  /** What was left out on purpose so far. */
  leftOut: readonly LeftOut[];
  /** Its backups hold no definitions that could be restored alone. */
  noDefinitions?: true;
  /** What is restored, where only some tables are. */
  excerpt?: Excerpt;
  /** The databases that drills have left which died, and `prepare` has dropped. */
  swept?: readonly string[];
  /** What `prepare` has put right first of a run that died. */
  mended?: readonly string[];
  /**
   * Whether a fact that a proof finds is one of the empty database that was there before, which a restore leaves as it
   * is: `now` is undefined where there is none.
   */
  wasThere?(kind: string, name: string, now: string | undefined): boolean;
  /** Objects of the catalog that `finish` and `keep` make: no proof before them finds any. */
  afterProof?: readonly Omit<LeftOut, 'why'>[];
  /**
   * Asks one statement of what was restored, which should give one row with one true value: in a transaction that can't
   * write, within a limit.
   */
  assert?(statement: string, signal: AbortSignal): Promise<AssertionEnd>;
  /**
   * Puts what was made in the place of what it replaces, and lets run what is to run; to be called when all is loaded
   * and proven. Of a drill, drops it. Returns what a person should know.
   */
  finish(signal: AbortSignal): Promise<string[]>;
  /**
   * Instead of `finish`: what was made stays where it is, for a person to look at; it replaces nothing. Of a drill,
   * drops it. Returns what a person should know.
   */
  keep(signal: AbortSignal): Promise<string[]>;
  /** What programs that succeeded had to say all the same; to be asked when all is loaded. */
  heard?(): string[];
  /** Drops what `prepare` made, after a failure. Never touches a database that was there before. */
  discard(signal: AbortSignal): Promise<void>;
  /** What is on the server now, for the message of a failure: `database shop is as it was`. */
  standing(): string;
  close(): Promise<void>;
};

/**
 * A scratch database that a dump of somebody else's is loaded into, by a user that may do nothing else: a dump is a
 * program. Nobody else works in it until it is dropped.
 */
export type Adoption = {
  /**
   * Loads it, by the stock client, which obeys no command of it. Returns what was left out, a sentence each. Throws
   * `input-invalid` and `dump-cut` for what is no whole dump of one database.
   */
  load(dump: ByteStream, signal: AbortSignal): Promise<string[]>;
  /** Throws `input-invalid` where what was loaded, in part or whole, has made another database beside the scratch. */
  requireAlone(signal: AbortSignal): Promise<void>;
  /** Drops it, whatever it holds. */
  discard(signal: AbortSignal): Promise<void>;
};

/** A backup and what was restored from it, as far as the definitions of objects are not the same to the letter. */
export type Compared = {
  manifest: Manifest;
  expected: Catalog;
  found: Catalog;
  unequal: Unequal[];
  owners: boolean;
  /** What was read, where it is not the engine's own database. */
  database?: string;
  /** Whether both servers print definitions alike. */
  sameVersion: boolean;
  /** The content of a part of the backup, checked. */
  open(part: ManifestPart, signal: AbortSignal): ByteStream;
};

/** What became of the objects that differ in text. */
export type Settled = {
  /** How many were compared in which other way: `{ 'by meaning': 6 }`. */
  ways: Record<string, number>;
  /**
   * What the restored database has otherwise than the source, and could not have as the source: the proof excepts it.
   */
  exceptions: string[];
  /** What differs. */
  different: Unequal[];
  /** What would let more be settled. */
  hint?: string;
};

/**
 * A database that was replaced, and is kept. `since`: ISO 8601 in UTC. `recent`: for less than a night, so that no
 * further replacement drops it: whoever restores again has found the first one wrong, maybe (or for less than the
 * configuration says). `overdue`: for longer than the configuration says. `halfDropped`: its drop was interrupted, so that
 * nobody can open it any more, and nothing but another drop is left to do.
 */
export type KeptDatabase = {
  name: string;
  bytes?: Bytes;
  since?: string;
  recent?: true;
  halfDropped?: true;
  overdue?: true;
};

/** What stood in the place of a database before it was replaced, and is kept. */
export type Replaced = {
  /** The newest first, those that are half dropped too. */
  list(signal: AbortSignal): Promise<KeptDatabase[]>;
  /** What would keep it from coming back. */
  findings(kept: KeptDatabase, signal: AbortSignal): Promise<RestoreFinding[]>;
  /** Whether a replacement is at work, or died, that has exchanged nothing yet. */
  hasBegun?(signal: AbortSignal): Promise<boolean>;
  /**
   * Makes again what one that died had taken away before it exchanged anything: returns what is not there again.
   * Undefined where there is none any more.
   */
  takeBack?(signal: AbortSignal): Promise<string[] | undefined>;
  /**
   * Exchanges it for what stands in its place now, in one step, and keeps that: returns its name, undefined where there
   * was none. `tell`: of what had to be put right first.
   */
  swapBack(kept: KeptDatabase, tell: (line: string) => void, signal: AbortSignal): Promise<string | undefined>;
  /** Why nothing may be listed though something is kept: a right that the user lacks. Throws that. */
  requireSight?(signal: AbortSignal): Promise<void>;
  drop(kept: KeptDatabase, signal: AbortSignal): Promise<void>;
  /**
   * Drops what is kept for longer than the configuration says, as far as nobody is connected to it: a sentence each,
   * also of what could not be dropped.
   */
  dropOverdue?(signal: AbortSignal): Promise<string[]>;
};

/**
 * One thing that has to hold, and a look at it, which leaves nothing behind and holds nobody up. What is wrong is thrown,
 * with its remedy; nothing is observed where there is nothing to look at. `needs`: the examinations before it that it is
 * pointless without.
 */
export type Examination = {
  what: string;
  needs?: readonly string[];
  look(signal: AbortSignal): Promise<readonly Observed[]>;
};

/** A shell command for a person; a `private` one holds values of the database, and is encrypted where the backup is. */
export type ByHand = string | { private: string };

/** Adapter for a kind of source, bound to one server login. `database` undefined means the one of the configuration. */
export type Engine = {
  /** The name by which configuration and manifests call it: for them and for messages, nothing else depends on it. */
  readonly name: string;
  /** What its sources, and what they hold, are called; absent for databases with tables. */
  readonly words?: ContentWords;
  /** For messages: `postgres://app@db.internal:5432/shop`; never a password. */
  readonly place: string;
  /**
   * Plans a backup, or, for a proof (`like` given), the reading of what should equal that backup: the same columns in
   * the same order, and `restored` is its catalog. `database`: another one on the same server. `sharing`: where
   * backups can have parts in common.
   */
  plan(
    options: { like?: Manifest; restored?: Catalog; database?: string; sharing?: Sharing },
    signal: AbortSignal,
  ): Promise<Plan>;
  /** It knows what has not changed since the backup before. */
  readonly shares?: true;
  /** Its catalogs may hold hundreds of thousands of objects, and are packed. */
  readonly largeCatalogs?: true;
  /** Starts to make a part of a plan, of this process or of another one. */
  open(part: PlannedPart, signal: AbortSignal): OpenedPart;
  target(options: TargetOptions, signal: AbortSignal): Promise<Target>;
  /**
   * Makes the database of the login, for an adoption. Throws `privilege-missing`, with the SQL that makes another user,
   * where its user may do more than work in it. Absent where dumps of others can't be adopted.
   */
  adopt?(signal: AbortSignal): Promise<Adoption>;
  /**
   * Decides on objects that differ in text. Absent where text decides; then objects of another version of the server
   * are compared by name alone.
   */
  settle?(compared: Compared, signal: AbortSignal): Promise<Settled>;
  /** Counts the rows of a data part. */
  readonly reader?: (signal?: AbortSignal) => DumpReader;
  /** Kinds of the catalog that `owners: false` leaves out. */
  readonly ownerKinds: readonly string[];
  /** What was replaced and is kept; absent where what is replaced is dropped. */
  readonly replaced?: Replaced;
  /** Without `replaced`: that what was replaced is kept all the same, and what a person does to put it back. */
  readonly keptByHand?: { what: string; remedy: string } | undefined;
  /** The stock shell commands that restore this backup without Nightjar, from a folder that holds its objects. */
  restoreCommands(parts: ManifestPart[], plan: Plan): ByHand[];
  /** The tables that rows of other origin can be written into. */
  tables?(signal: AbortSignal): Promise<TableLayout[]>;
  /** What can be looked at one by one before a backup is planned; `clock` is ours. */
  examinations?(clock: Clock): readonly Examination[];
};

/** Reads a secret by its reference; throws `secret-missing`. Values never reach a log. */
export type Secrets = {
  get(reference: SecretReference, signal: AbortSignal): Promise<string>;
};

/** A password that is made for one connection and is good for minutes. */
export type Token = {
  /** One for a connection that begins now. Throws `secret-missing`. Never printed. */
  make(signal: AbortSignal): Promise<string>;
  /** What to look at when a server refuses it. */
  refusedHint: string;
};

/**
 * Where a secret is kept: an environment variable, a file, or a field of a JSON secret (or the whole secret) in AWS
 * Secrets Manager.
 */
export type SecretReference = { env: string } | { file: string } | { secret: string; field?: string | undefined };

/**
 * What opens the lists of one encrypted backup, and nothing else of it (AGE-SECRET-KEY-…); `manifest`: SHA-256 of the
 * manifest that this machine wrote for it.
 */
export type ListKey = { id: BackupId; manifest: string; identity: string };

/**
 * Keys that this machine keeps outside of the vault, from one run to the next. No restore needs them: whoever loses them
 * loses the time and space of one whole backup.
 */
export type ListKeys = {
  /** Those of a source in this vault, and where they lie; or why none can be kept here. */
  read(source: SourceName): Promise<{ place: string; keys: readonly ListKey[] } | { why: string }>;
  /** These of a source, and no others, durably; nobody but this user reads them. */
  keep(source: SourceName, keys: readonly ListKey[]): Promise<void>;
};

/** The time now; a fake one in tests. */
export type Clock = { now(): Date };

/** What a run tells its host while it works. */
export type RunEvent =
  | { type: 'planned'; source: SourceName; id: BackupId; what: string; totalBytes: Bytes; parts: number }
  | { type: 'progress'; rows: number; bytes: Bytes; storedBytes: Bytes }
  /** What follows, and how much of it there is where that can be told (else 0); progress counts from here anew. */
  | { type: 'stage'; label: string; totalBytes: Bytes }
  | { type: 'part-done'; file: string; bytes: Bytes; storedBytes: Bytes; rows: number }
  | { type: 'warning'; message: string };

/** Told often (each chunk): must be quick and must not throw. */
export type Report = (event: RunEvent) => void;

/**
 * Somebody who is told. Bound to one address; `name` is for messages and holds no secret: `sns arn:aws:sns:…`, `slack`,
 * `command mail-admin`.
 */
export type Notifier = {
  readonly name: string;
  /**
   * What tells it from every other one of its name: it may be secret. Absent where the name says it all. Throws where
   * it can't be read.
   */
  address?(signal: AbortSignal): Promise<string>;
  /**
   * Delivered, as far as the other side says, or an error: `notify-failed`. Retried inside within a limit; every wait
   * ends.
   */
  notify(message: Message, signal: AbortSignal): Promise<void>;
  /** Why somebody does not hear what is sent here, where it can be known: one sentence each. */
  unheard?(signal: AbortSignal): Promise<Notice[]>;
};

/** Somebody who is to know how every run ends, well or badly. */
export type Hook = {
  readonly name: string;
  /** Whether it is called for this end. */
  wants(event: RunEnded): boolean;
  /** Taken by the other side, or an error: `hook-failed`. Every wait ends. */
  call(event: RunEnded, signal: AbortSignal): Promise<void>;
};

/**
 * Takes the figures of a run, for whoever keeps metrics: once for each run that did all it should, so that an alarm can
 * go by their absence. Must be quick and must not throw.
 */
export type Meter = (figures: Readonly<Record<string, number>>) => void;

/**
 * Who we are, and whether another holder is known to be dead (only ever true of one on this machine). `isOurs`: whether
 * it was an earlier attempt at the very request that we work on.
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
  /** When its backups are meant to begin; absent where nobody said. */
  schedule?: Schedule | undefined;
  /** What rotation will keep: a new backup is tagged accordingly. */
  retention: Retention;
  /** zstd level. */
  compressionLevel: number;
  /** To whom its backups are encrypted (`age1…`); to nobody where there is none. */
  recipients?: readonly string[];
  /** Streams at the same time. */
  parallel: number;
};
