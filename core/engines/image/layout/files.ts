import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { BackupError, messageOf } from '../../../domain/errors.ts';
import type { ByteStream, Target } from '../../../ports.ts';
import { plural } from '../../../domain/units.ts';
import { makeFolder } from '../../places/folders.ts';
import { digestOf, jsonOf, largestDocument, readDocument } from '../documents.ts';
import type { ImageDocument } from '../documents.ts';
import { checkedBlob, goneError } from '../shelf.ts';
import type { BlobName, ImageShelf } from '../shelf.ts';

/** Names the image of a layout (image-spec, image-layout.md). */
export type TopDescriptor = BlobName & { mediaType: string };

const layoutVersion = '1.0.0';

/** The file of a blob; digests that were read are SHA-256. */
export function blobFile(folder: string, digest: string): string {
  return join(folder, 'blobs', ...digest.split(':'));
}

/** What is at the place of a layout that is to be made. */
export async function layoutStanding(folder: string): Promise<Pick<Target, 'state' | 'holds'>> {
  const stats = await stat(folder).catch(unlessGone);
  if (stats === undefined) return { state: 'absent', holds: '' };
  if (!stats.isDirectory()) return { state: 'occupied', holds: 'a file' };
  const names = await readdir(folder);
  return names.length === 0
    ? { state: 'empty', holds: '' }
    : { state: 'occupied', holds: plural(names.length, 'name') };
}

/** Makes the folders of a layout. `secret`: nobody else may look into it, as in a folder that everybody shares. */
export async function beginLayout(folder: string, secret: boolean): Promise<void> {
  if (secret) await mkdir(folder, { mode: 0o700 });
  await makeFolder(join(folder, 'blobs', 'sha256'));
}

/** Writes a blob; returns when it is on the disk. */
export async function writeBlob(
  folder: string,
  digest: string,
  content: ByteStream,
  signal: AbortSignal,
): Promise<void> {
  await pipeline(content, createWriteStream(blobFile(folder, digest), { flags: 'w', flush: true }), { signal });
}

/** Completes a layout from what was written into a folder. */
export async function endLayout(folder: string, { mediaType, digest, size }: TopDescriptor): Promise<void> {
  const index = { schemaVersion: 2, manifests: [{ mediaType, digest, size }] };
  await writeFile(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: layoutVersion }), { flush: true });
  await writeFile(join(folder, 'index.json'), JSON.stringify(index), { flush: true });
  for (const part of ['blobs/sha256', 'blobs', '.']) await syncFolder(join(folder, part));
}

export async function syncFolder(path: string): Promise<void> {
  const opened = await open(path);
  await opened.sync().finally(() => opened.close());
}

/** The image of a layout in a folder. */
export function layoutShelf(folder: string): ImageShelf {
  const place = `oci:${folder}`;

  async function document({ digest, size }: BlobName): Promise<ImageDocument> {
    if (size > largestDocument) throw goneError(place, digest);
    const bytes = await readFile(blobFile(folder, digest)).catch(unlessGone);
    if (bytes === undefined) throw goneError(place, digest);
    if (digestOf(bytes) !== digest) throw new BackupError('dump-cut', `${place}: ${digest} has another digest`);
    return readDocument({ bytes, mediaType: '' }, place);
  }
  async function* blob(named: BlobName, signal: AbortSignal): ByteStream {
    const content = createReadStream(blobFile(folder, named.digest), { signal });
    yield* checkedBlob(content, named, place);
  }

  return {
    place,
    product: { product: 'OCI layout', version: layoutVersion },
    async top() {
      const index = await readFile(join(folder, 'index.json')).catch(unlessGone);
      const [named] = ((index && jsonOf(index)?.['manifests']) ?? []) as TopDescriptor[];
      return named && document(named);
    },
    document,
    holds: async ({ digest }) => (await stat(blobFile(folder, digest)).catch(unlessGone)) !== undefined,
    blob,
  };
}

/** Returns undefined if something does not exist; rethrows other errors. */
export function unlessGone(error: unknown): undefined {
  if (!['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
}

/** Why nothing can be made there. */
export function unwritable(folder: string, cause: unknown): BackupError {
  return new BackupError('machine-failed', `${folder} can't be made: ${messageOf(cause)}`, {
    hint: 'let the user that runs this write there, or name another folder with --to',
    cause,
  });
}
