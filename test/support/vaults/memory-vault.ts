import { abortError, BackupError } from '../../../core/domain/errors.ts';
import type { FailureCode } from '../../../core/domain/errors.ts';
import type { ObjectKey } from '../../../core/domain/keys.ts';
import type { ByteStream } from '../../../core/ports.ts';
import type { Listed, Tags, UnfinishedUpload, Vault } from '../../../core/vault.ts';

export type MemoryObject = { body: Uint8Array; tags: Tags; version: string; modified: Date };

/** What lies in the vault: for an oracle to look at, and to begin another vault with. */
export type MemoryState = { objects: Map<ObjectKey, MemoryObject>; uploads: Map<string, UnfinishedUpload> };

/** Waits until a call may have its effect; what follows is done at once, with nobody in between. */
export type Turn = (
  call: Exclude<keyof Vault, 'place' | 'name' | 'weaker'>,
  key: string,
  signal: AbortSignal,
) => Promise<void>;

const pageLength = 3;
const chunkBytes = 64 * 1024;
const largestRead = 64 * 1024 ** 2;
const whenever: Turn = async () => undefined;

export const emptyState = (): MemoryState => ({ objects: new Map(), uploads: new Map() });

/** The same content for another vault: objects are replaced, never changed. */
export const copyOf = ({ objects, uploads }: MemoryState): MemoryState => ({
  objects: new Map(objects),
  uploads: new Map(uploads),
});

/**
 * A vault in memory that works as S3 does: tags, unfinished uploads, a listing that is read page by page. `turn`
 * decides when each step happens.
 */
export function memoryVault(
  { objects, uploads }: MemoryState,
  { place = 'memory', now = () => new Date(), turn = whenever } = {},
): Vault {
  let written = objects.size;
  const failure = (code: FailureCode, key: string) => new BackupError(code, `${place}/${key}: ${code}`);
  const step: Turn = async (call, key, signal) => {
    if (!signal.aborted) await turn(call, key, signal);
    if (signal.aborted) throw abortError(signal);
  };
  function found(key: ObjectKey): MemoryObject {
    const object = objects.get(key);
    if (object === undefined) throw failure('object-missing', key);
    return object;
  }
  function write(key: ObjectKey, body: Uint8Array, tags: Tags): { version: string } {
    written += 1;
    objects.set(key, { body, tags, version: `${written} ${Math.floor(now().getTime())}`, modified: now() });
    return { version: objects.get(key)!.version };
  }
  function* page(prefix: string, after: string): Iterable<Listed> {
    const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
    for (const key of keys.slice(0, pageLength)) {
      const { body, modified } = objects.get(key)!;
      yield { key, bytes: body.length, modified };
    }
  }
  return {
    place,
    async put(key, body, tags, signal) {
      await step('put', key, signal);
      written += 1;
      const upload = { key, upload: `${written}`, begun: now() };
      uploads.set(upload.upload, upload);
      try {
        const content = Buffer.concat(await Array.fromAsync(stoppable(body, signal)));
        await step('put', key, signal);
        if (objects.has(key)) throw failure('object-exists', key);
        write(key, content, tags);
        return { bytes: content.length };
      } finally {
        uploads.delete(upload.upload);
      }
    },
    async putIfAbsent(key, body, tags, signal) {
      await step('putIfAbsent', key, signal);
      if (objects.has(key)) throw failure('object-exists', key);
      return write(key, Buffer.from(body), tags);
    },
    async putIfUnchanged(key, body, version, signal) {
      await step('putIfUnchanged', key, signal);
      const before = objects.get(key);
      if (before?.version !== version) throw failure('object-exists', key);
      return write(key, Buffer.from(body), before.tags);
    },
    async read(key, signal) {
      await step('read', key, signal);
      const { body, version } = found(key);
      if (body.length > largestRead) throw failure('object-too-large', key);
      return { body, version };
    },
    async *get(key, signal) {
      await step('get', key, signal);
      const { body } = found(key);
      for (let at = 0; at < body.length; at += chunkBytes) yield body.subarray(at, at + chunkBytes);
    },
    async *list(prefix, signal) {
      for (let after = ''; ; ) {
        await step('list', prefix, signal);
        const listed = [...page(prefix, after)];
        yield* listed;
        if (listed.length < pageLength) return;
        after = listed.at(-1)!.key;
      }
    },
    async delete(key, signal) {
      await step('delete', key, signal);
      objects.delete(key);
      return { state: 'gone' };
    },
    async tags(key, signal) {
      await step('tags', key, signal);
      return found(key).tags;
    },
    async retag(key, tags, signal) {
      await step('retag', key, signal);
      objects.set(key, { ...found(key), tags });
    },
    async *unfinished(prefix, signal) {
      await step('unfinished', prefix, signal);
      yield* [...uploads.values()].filter(({ key }) => key.startsWith(prefix));
    },
    async abandon(upload, signal) {
      await step('abandon', upload.key, signal);
      uploads.delete(upload.upload);
    },
  };
}

/** Ends at an abort also when the stream says nothing. */
async function* stoppable(body: ByteStream, signal: AbortSignal): ByteStream {
  const stopped = Promise.withResolvers<never>();
  stopped.promise.catch(() => undefined);
  const stop = () => stopped.reject(abortError(signal));
  signal.addEventListener('abort', stop, { once: true });
  const chunks = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await Promise.race([chunks.next(), stopped.promise]);
      if (next.done) return;
      yield new Uint8Array(next.value);
    }
  } catch (error) {
    // not waited for: it may be what hangs
    if (signal.aborted) void chunks.return?.()?.catch(() => undefined);
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
