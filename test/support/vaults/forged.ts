import { createHash } from 'node:crypto';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Manifest, ManifestPart } from '../../../core/contract/manifest/manifest.ts';

/** A part as it was dumped, from a folder vault. */
export async function contentOf(folder: string, manifest: Manifest, part: ManifestPart): Promise<Buffer> {
  const stored = await readFile(join(folder, manifest.source, manifest.id, part.file));
  return part.file.endsWith('.zst') ? zstdDecompressSync(stored) : stored;
}

/** Does what somebody does who can write to the vault: changes a part, and its sizes and checksums in the manifest. */
export async function forged(
  folder: string,
  manifest: Manifest,
  file: string,
  change: (content: Buffer) => Buffer,
): Promise<Manifest> {
  const part = manifest.parts.find((one) => one.file === file)!;
  const content = change(await contentOf(folder, manifest, part));
  const stored = file.endsWith('.zst') ? zstdCompressSync(content) : content;
  const path = join(folder, manifest.source, manifest.id, file);
  await chmod(path, 0o600);
  await writeFile(path, stored);
  const sha256 = createHash('sha256').update(stored).digest('hex');
  return {
    ...manifest,
    parts: manifest.parts.map((one) =>
      one === part ? { ...one, bytes: content.length, storedBytes: stored.length, sha256 } : one,
    ),
  };
}
