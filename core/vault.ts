import type { ObjectKey } from './domain/keys.ts';
import type { Tier } from './contract/manifest/manifest.ts';
import type { UnfinishedUpload } from './domain/retention/leftovers.ts';
import type { Bytes } from './domain/units.ts';
import type { ByteStream } from './ports.ts';

export type { UnfinishedUpload };

/** What the vault reports to have stored. */
export type Stored = { bytes: Bytes };

/** An object that shall also be at `to`, and its size. */
export type SharedObject = { from: ObjectKey; to: ObjectKey; bytes: Bytes };

/** A lock on an object: nobody may delete it for good before `until`, or at all while there is a legal hold. */
export type Lock = { until?: Date; hold: boolean };

/**
 * A small object and the version that was read, for `putIfUnchanged`. `lock`: as far as we may read it; `stays`: a
 * delete would only hide the object.
 */
export type Versioned = { body: Uint8Array; version: string; lock?: Lock; stays?: true };

/**
 * The result of a delete: `gone`, or `hidden` behind a delete marker while an older version keeps the bytes. `shared`:
 * another object has the same bytes, so no space is free.
 */
export type Deleted = { state: 'gone' | 'hidden'; shared?: true };

/** `file`: equal for all objects that share their bytes; absent if this one shares none. */
export type Listed = { key: ObjectKey; bytes: Bytes; modified: Date; file?: string };

/**
 * Where backups are kept. Errors are `vault-unreachable`, `vault-denied`, `vault-full` or `vault-failed`, with the
 * place and the key in the message: unreachable never looks like empty. Transient failures are retried inside; every
 * wait ends.
 */
export type Vault = {
  /** The place as people write it: `s3://bucket/prefix`, `/srv/backups`. */
  readonly place: string;
  /** The name of a further vault in the configuration; absent for the one that is worked in. */
  readonly name?: string;
  /** Which promise is weaker here, and why, in one sentence; absent if none is. */
  readonly weaker?: string;
  /**
   * Stores the whole stream, or nothing, where no object is yet. The memory of a chunk may be reused once the next one
   * is asked for. An error of the stream is rethrown unchanged. The vault's own checksum and size are compared with
   * what was sent. Throws `object-exists`.
   */
  put(key: ObjectKey, body: ByteStream, tags: Tags, signal: AbortSignal): Promise<Stored>;
  /**
   * Makes objects that share the bytes of others without storing them again: each can be deleted alone, and deleting
   * the last one frees the space. False if this place can't, or if a size differs: then some of the objects may exist.
   * Throws `object-missing`, `object-exists`. Absent where no vault of this kind can.
   */
  share?(objects: readonly SharedObject[], signal: AbortSignal): Promise<boolean>;
  /** Stores a small object if there is none, atomically. Throws `object-exists`. */
  putIfAbsent(key: ObjectKey, body: Uint8Array, tags: Tags, signal: AbortSignal): Promise<{ version: string }>;
  /**
   * Replaces a small object if it still has the version that was read, atomically. Throws `object-exists` if somebody
   * else has written.
   */
  putIfUnchanged(key: ObjectKey, body: Uint8Array, version: string, signal: AbortSignal): Promise<{ version: string }>;
  /** Reads a small object (a manifest, a lease) whole. Throws `object-missing`, and `object-too-large` above 64 MB. */
  read(key: ObjectKey, signal: AbortSignal): Promise<Versioned>;
  /** Reads an object from its beginning. Throws `object-missing`; resumes by itself when the connection breaks. */
  get(key: ObjectKey, signal: AbortSignal): ByteStream;
  /** Every object whose key starts with `prefix`, in no promised order: all of them, or an error. */
  list(prefix: string, signal: AbortSignal): AsyncIterable<Listed>;
  /**
   * Deletes an object; a missing one is no error. Where the vault keeps versions, they stay, and the result says so.
   */
  delete(key: ObjectKey, signal: AbortSignal): Promise<Deleted>;
  /** An object's tags; undefined if the vault has none. Throws `object-missing`. */
  tags(key: ObjectKey, signal: AbortSignal): Promise<Tags | undefined>;
  /** Replaces an object's tags and nothing else. Throws `object-missing`. */
  retag(key: ObjectKey, tags: Tags, signal: AbortSignal): Promise<void>;
  /**
   * Sets or removes a legal hold, under which nobody can delete the object for good. False if this vault has no locks;
   * absent where no vault of this kind has. Throws `object-missing`.
   */
  hold?(key: ObjectKey, on: boolean, signal: AbortSignal): Promise<boolean>;
  /**
   * Locks until a time that depends on the backup's tiers; absent if the configuration asks for none. `lengthen`:
   * nobody can delete the object for good before then. Throws `object-missing`, and `vault-denied` if the lock would
   * become shorter.
   */
  locks?: {
    readonly days: Partial<Record<Tier, number | undefined>>;
    lengthen(key: ObjectKey, until: Date, signal: AbortSignal): Promise<void>;
  };
  /**
   * Whether objects here may be locked by a default of the bucket or by anybody's legal hold; true if unknown. Absent
   * where no vault of this kind can.
   */
  mayLock?(signal: AbortSignal): Promise<boolean>;
  /**
   * Uploads below `prefix` that have begun and not ended, both of running and of dead runs: all of them, or an error.
   * Empty where the vault removes them by itself.
   */
  unfinished(prefix: string, signal: AbortSignal): AsyncIterable<UnfinishedUpload>;
  /** Ends an upload and frees its space; one that has already ended is no error. */
  abandon(upload: UnfinishedUpload, signal: AbortSignal): Promise<void>;
  /** The space left; absent if it can't be known. */
  free?(signal: AbortSignal): Promise<Bytes>;
  /**
   * Tries to overwrite an object without any condition, which Nightjar never does otherwise: is it refused, or is the
   * old content kept or lost? Shows what these credentials could do.
   */
  overwrite?(key: ObjectKey, body: Uint8Array, signal: AbortSignal): Promise<'refused' | 'kept' | 'lost'>;
};

/** Retention tags of an object: letters, digits and `-` only. A vault without tags ignores them. */
export type Tags = Readonly<Record<string, string>>;
