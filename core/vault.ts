import type { ObjectKey } from './domain/keys.ts';
import type { Tier } from './contract/manifest/manifest.ts';
import type { UnfinishedUpload } from './domain/retention/leftovers.ts';
import type { Bytes } from './domain/units.ts';
import type { ByteStream } from './ports.ts';

export type { UnfinishedUpload };

/** What a vault says it holds, by its own account. */
export type Stored = { bytes: Bytes };

/** What is to be at `to`, too, and how many bytes it has. */
export type SharedObject = { from: ObjectKey; to: ObjectKey; bytes: Bytes };

/** Who may not delete an object for good yet: nobody before `until`, nobody at all while there is a legal hold. */
export type Lock = { until?: Date; hold: boolean };

/**
 * A small object and the version of it that was read; `putIfUnchanged` takes the version back. `lock` as far as we may
 * know it; `stays`: a delete would only hide it.
 */
export type Versioned = { body: Uint8Array; version: string; lock?: Lock; stays?: true };

/**
 * What became of a deleted object: `gone`, or `hidden` behind a delete marker, its bytes kept as an older version.
 * `shared`: another object has the same bytes, and nothing is free.
 */
export type Deleted = { state: 'gone' | 'hidden'; shared?: true };

/** `file`: what this object has in common with every other one that shares its bytes; absent where none does. */
export type Listed = { key: ObjectKey; bytes: Bytes; modified: Date; file?: string };

/**
 * Where backups are kept. Errors are `vault-unreachable`, `vault-denied`, `vault-full` or `vault-failed`, with the
 * place and the key in the message: unreachable is never "empty". Transient failures are retried inside; every wait
 * ends.
 */
export type Vault = {
  /** The place as people write it: `s3://bucket/prefix`, `/srv/backups`. */
  readonly place: string;
  /** What the configuration calls a further vault; absent in the one that is worked in. */
  readonly name?: string;
  /** What holds less firmly here than a vault promises, and why, in one sentence; absent where nothing does. */
  readonly weaker?: string;
  /**
   * Stores the whole stream where nothing lies yet, or nothing. A chunk's memory may be used again once the next is
   * asked for. An error of the stream is rethrown as it is. The vault's own checksum and size are compared with what was
   * sent. Throws `object-exists`.
   */
  put(key: ObjectKey, body: ByteStream, tags: Tags, signal: AbortSignal): Promise<Stored>;
  /**
   * Gives objects of the bytes of others a place of their own, without storing them again: each is removed alone, and the
   * last one frees the space. False where this place can't, or where one is not of so many bytes: then some may be there.
   * Throws `object-missing`, `object-exists`. Absent where none of its kind can.
   */
  share?(objects: readonly SharedObject[], signal: AbortSignal): Promise<boolean>;
  /** Stores a small object if there is none, atomically. Throws `object-exists`. */
  putIfAbsent(key: ObjectKey, body: Uint8Array, tags: Tags, signal: AbortSignal): Promise<{ version: string }>;
  /**
   * Replaces a small object if it still is the version that was read, atomically. Throws `object-exists` when somebody
   * else has written.
   */
  putIfUnchanged(key: ObjectKey, body: Uint8Array, version: string, signal: AbortSignal): Promise<{ version: string }>;
  /** A small object (a manifest, a lease), whole. Throws `object-missing`, and `object-too-large` beyond 64 MB. */
  read(key: ObjectKey, signal: AbortSignal): Promise<Versioned>;
  /** An object's bytes from its beginning. Throws `object-missing`; resumes by itself when the connection breaks. */
  get(key: ObjectKey, signal: AbortSignal): ByteStream;
  /** Every object whose key starts with `prefix`, in no promised order: all of them, or an error. */
  list(prefix: string, signal: AbortSignal): AsyncIterable<Listed>;
  /**
   * Removes an object; one that is not there is no error. Where the vault keeps versions, they stay, and it is said.
   */
  delete(key: ObjectKey, signal: AbortSignal): Promise<Deleted>;
  /** An object's tags; undefined where the vault has none. Throws `object-missing`. */
  tags(key: ObjectKey, signal: AbortSignal): Promise<Tags | undefined>;
  /** Replaces an object's tags, and nothing else of it. Throws `object-missing`. */
  retag(key: ObjectKey, tags: Tags, signal: AbortSignal): Promise<void>;
  /**
   * Puts a legal hold on a stored object, or takes it off: with it, nobody at all deletes it for good. False where this
   * vault has no locks; absent where none of its kind has. Throws `object-missing`.
   */
  hold?(key: ObjectKey, on: boolean, signal: AbortSignal): Promise<boolean>;
  /**
   * Locks by what backups count for; absent where the configuration asks for none. `lengthen`: nobody deletes the object
   * for good before then. Throws `object-missing`, and `vault-denied` where it would be made shorter.
   */
  locks?: {
    readonly days: Partial<Record<Tier, number | undefined>>;
    lengthen(key: ObjectKey, until: Date, signal: AbortSignal): Promise<void>;
  };
  /**
   * Whether objects may be locked here by themselves, for days or by anybody's hold; true where that can't be known.
   * Absent where none of its kind can.
   */
  mayLock?(signal: AbortSignal): Promise<boolean>;
  /**
   * Uploads below `prefix` that have begun and not ended, of runs that are at work and of dead ones: all of them, or an
   * error. None where a vault sweeps them by itself.
   */
  unfinished(prefix: string, signal: AbortSignal): AsyncIterable<UnfinishedUpload>;
  /** Ends an upload and frees its space; one that has ended is no error. */
  abandon(upload: UnfinishedUpload, signal: AbortSignal): Promise<void>;
  /** How much it can still take; absent where nobody can tell. */
  free?(signal: AbortSignal): Promise<Bytes>;
  /**
   * Tries to write over an object without any condition, as nothing of ours does: whether that is refused, and else what
   * becomes of what was there. For a look at what these credentials could do.
   */
  overwrite?(key: ObjectKey, body: Uint8Array, signal: AbortSignal): Promise<'refused' | 'kept' | 'lost'>;
};

/** Retention tags of an object: plain letters, digits and `-`. A vault that has no tags ignores them. */
export type Tags = Readonly<Record<string, string>>;
