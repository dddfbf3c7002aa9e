import type { ManifestPart } from '../../contract/manifest/manifest.ts';
import { BackupError, isBackupError } from '../../domain/errors.ts';
import type { BackupId, ObjectKey, SourceName } from '../../domain/keys.ts';
import { backupPrefix, manifestKey, partKey } from '../../domain/layout/places.ts';
import { tierTags } from '../../domain/retention/tiers.ts';
import { formatCount } from '../../domain/units.ts';
import type { Bytes } from '../../domain/units.ts';
import { mapConcurrently } from '../../pipeline/concurrency.ts';
import { summed } from '../../pipeline/sum.ts';
import type { ByteStream, Report } from '../../ports.ts';
import type { Vault } from '../../vault.ts';
import { partPlace, readStored } from '../parts/reading.ts';
import type { Trust } from '../backups/signature.ts';
import { sharing } from './share.ts';
import type { StoredBackup } from './stored.ts';

/**
 * The result of receiving a backup. `there`: it was complete already and nothing was written; `mended`: it was there
 * and its damaged parts were replaced. `parts` and `bytes`: copied by this run.
 */
export type Received = { state: 'copied' | 'mended' | 'there'; parts: number; bytes: Bytes };

/**
 * `confirm` throws unless the source's lease in this vault is ours right now. `only`: copies just these parts and no
 * manifest, so that the result is not a backup yet.
 */
type ReceiveDeps = { report: Report; confirm(): Promise<void>; only?: ((part: ManifestPart) => boolean) | undefined };

const partsAtOnce = 2;

/**
 * Receives a backup from another vault: its parts, then what lies beside its manifest, then the manifest, byte for
 * byte. What an earlier run copied is read and compared, not copied again. Content that another backup here also has is
 * read here and shared. Overwrites nothing: throws `object-exists` if something else is in the way. After a failure,
 * what was copied stays for the next run.
 */
export async function receiveBackup(
  trust: Trust,
  stored: StoredBackup,
  deps: ReceiveDeps,
  signal: AbortSignal,
): Promise<Received> {
  const { vault } = trust;
  const { manifest, document, beside } = stored;
  const [source, id] = [manifest.source as SourceName, manifest.id as BackupId];
  const listed = await Array.fromAsync(vault.list(backupPrefix(source, id), signal));
  const sizes = new Map(listed.map(({ key, bytes }) => [key, bytes]));
  const isComplete = sizes.has(manifestKey(source, id));
  if (isComplete) await requireSame(vault, manifestKey(source, id), document, stored, signal);
  const { only = () => true } = deps;
  const share = isComplete ? undefined : await sharing(trust, manifest, signal);
  const brought = await mapConcurrently(
    partsAtOnce,
    manifest.parts.filter(only),
    async (part, stop) => {
      const size = sizes.get(partKey(source, id, part.file));
      if (size === undefined)
        return (await share?.(part, stop)) ?? (await bringPart(vault, stored, part, deps.report, stop));
      await requirePart(vault, stored, part, { size, isComplete }, stop);
      deps.report({ type: 'progress', rows: 0, bytes: part.storedBytes, storedBytes: 0 });
      return 0;
    },
    signal,
  );
  const isAll = deps.only === undefined;
  for (const { path, body } of isAll ? beside : []) await add(vault, partKey(source, id, path), body, stored, signal);
  if (isAll && !isComplete) {
    await deps.confirm();
    // a rotation, which takes no lease, may be removing the rest of a backup of which something was found here
    if (sizes.size > 0) await requireAll(vault, manifest, signal);
    await add(vault, manifestKey(source, id), document, stored, signal);
  }
  const parts = brought.filter((bytes) => bytes > 0).length;
  const state = (isComplete || !isAll) && parts === 0 ? 'there' : 'copied';
  return { state, parts, bytes: brought.reduce((sum, bytes) => sum + bytes, 0) };
}

/**
 * Copies one part, and tries once more if the transfer may have been at fault. Returns how many bytes were transferred.
 */
async function bringPart(
  vault: Vault,
  stored: StoredBackup,
  part: ManifestPart,
  report: Report,
  signal: AbortSignal,
): Promise<Bytes> {
  const bring = () => putPart(vault, stored, part, report, signal);
  try {
    return await bring();
  } catch (error) {
    if (isBackupError(error, 'part-corrupt'))
      return bring().catch(async (again: unknown) => {
        throw await stored.judge(again, part, signal);
      });
    if (!isBackupError(error, 'object-exists')) throw error;
    await requirePart(vault, stored, part, { size: part.storedBytes, isComplete: false }, signal);
    return 0;
  }
}

async function putPart(
  vault: Vault,
  { manifest, open }: StoredBackup,
  part: ManifestPart,
  report: Report,
  signal: AbortSignal,
): Promise<Bytes> {
  const { tiers, source, id } = manifest;
  const content = metered(open(part, signal), report);
  const key = partKey(source as SourceName, id as BackupId, part.file);
  const { bytes } = await vault.put(key, content, tierTags(tiers), signal);
  if (bytes === part.storedBytes) return bytes;
  throw new BackupError(
    'vault-failed',
    `${vault.place}/${key}: ${formatCount(part.storedBytes)} bytes were sent, the vault holds ${formatCount(bytes)}`,
  );
}

async function* metered(content: ByteStream, report: Report): ByteStream {
  for await (const chunk of content) {
    report({ type: 'progress', rows: 0, bytes: chunk.length, storedBytes: chunk.length });
    yield chunk;
  }
}

/** For a backup that is complete here, comparing sizes is enough: `verify` reads everything again. */
async function requirePart(
  vault: Vault,
  { manifest, place }: StoredBackup,
  part: ManifestPart,
  { size, isComplete }: { size: Bytes; isComplete: boolean },
  signal: AbortSignal,
): Promise<void> {
  const isAlike =
    size === part.storedBytes && (isComplete || (await digestOf(vault, manifest, part, signal)) === part.sha256);
  if (!isAlike) throw otherBytes(partPlace(vault, manifest, part), place);
}

/** Throws `object-missing` if a part is gone again. */
async function requireAll(vault: Vault, manifest: StoredBackup['manifest'], signal: AbortSignal): Promise<void> {
  const [source, id] = [manifest.source as SourceName, manifest.id as BackupId];
  const listed = await Array.fromAsync(vault.list(backupPrefix(source, id), signal));
  const there = new Set(listed.map(({ key }) => key));
  const gone = manifest.parts.find(({ file }) => !there.has(partKey(source, id, file)));
  if (gone === undefined) return;
  throw new BackupError(
    'object-missing',
    `${partPlace(vault, manifest, gone)} was removed while ${source} ${id} was copied`,
    { hint: 'a rotation was at work there: run it again' },
  );
}

async function digestOf(
  vault: Vault,
  manifest: StoredBackup['manifest'],
  part: ManifestPart,
  signal: AbortSignal,
): Promise<string> {
  const { stream, sum } = summed(readStored(vault, manifest, part, signal));
  for await (const _ of stream) continue;
  return sum.sha256();
}

/** Adds a small object; an existing one must be the same. */
async function add(
  vault: Vault,
  key: ObjectKey,
  body: Uint8Array,
  stored: StoredBackup,
  signal: AbortSignal,
): Promise<void> {
  try {
    await vault.putIfAbsent(key, body, tierTags(stored.manifest.tiers), signal);
  } catch (error) {
    if (!isBackupError(error, 'object-exists')) throw error;
    await requireSame(vault, key, body, stored, signal);
  }
}

/** Throws `object-exists` if the bytes here differ from those in the other vault. */
export async function requireSame(
  vault: Vault,
  key: ObjectKey,
  body: Uint8Array,
  { place }: StoredBackup,
  signal: AbortSignal,
): Promise<void> {
  const there = await vault.read(key, signal);
  if (Buffer.compare(there.body, body) !== 0) throw otherBytes(`${vault.place}/${key}`, place);
}

function otherBytes(what: string, place: string): BackupError {
  return new BackupError('object-exists', `${what} is there already, with other bytes than in ${place}`, {
    hint: 'nothing was written over: look which of the two is right, and move the other one away by hand',
  });
}
