import type { Catalog } from '../../../contract/manifest/catalog.ts';
import type { Manifest, ManifestPart } from '../../../contract/manifest/manifest.ts';
import { BackupError } from '../../../domain/errors.ts';
import type { ByteStream, LoadStep } from '../../../ports.ts';
import { largestDocument } from '../documents.ts';
import { digestInName, documentsIn } from '../facts.ts';
import type { StoredDocument } from '../facts.ts';
import { namedBlob } from '../inspection.ts';
import type { BlobName } from '../shelf.ts';

/** Where the content of a backup's parts goes. */
type Receiving = {
  blob(named: BlobName, content: ByteStream, signal: AbortSignal): Promise<void>;
  document(named: StoredDocument, bytes: Buffer, signal: AbortSignal): Promise<void>;
};

/**
 * Blobs first, then the documents that name them, and the top document last: nothing is there before everything that it
 * names.
 */
export function stepsOf(
  manifest: Manifest,
  catalog: Catalog,
  to: Receiving,
): { stages: LoadStep[][]; top: StoredDocument } {
  const { top, others } = documentsIn(catalog);
  const known = new Map([top, ...others].map((one) => [one.digest, one]));
  const step = (part: ManifestPart, digest: string, label: string): LoadStep => {
    const inspect = (content: ByteStream) => namedBlob(content, part.file);
    const document = known.get(digest);
    async function load(content: ByteStream, signal: AbortSignal): Promise<void> {
      if (document === undefined) await to.blob({ digest, size: part.bytes }, inspect(content), signal);
      else await to.document(document, await wholeDocument(inspect(content), part), signal);
    }
    return { part, label, inspect, load };
  };
  const parts = manifest.parts
    .filter(({ role }) => role === 'data')
    .map((part) => ({ part, digest: digestInName(part) }));
  const missing = [...known.keys()].find((digest) => parts.every((one) => one.digest !== digest));
  if (missing !== undefined)
    throw new BackupError('part-corrupt', `no part of ${manifest.source} ${manifest.id} holds the manifest ${missing}`);
  const steps = (label: string, isMeant: (digest: string) => boolean) =>
    parts.filter(({ digest }) => isMeant(digest)).map(({ part, digest }) => step(part, digest, label));
  const stages = [
    steps('layers', (digest) => !known.has(digest)),
    steps('manifests', (digest) => known.has(digest) && digest !== top.digest),
    steps('index', (digest) => digest === top.digest),
  ];
  return { stages: stages.filter((stage) => stage.length > 0), top };
}

async function wholeDocument(content: ByteStream, { file }: ManifestPart): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of content) {
    bytes += chunk.length;
    if (bytes > largestDocument) throw new BackupError('part-corrupt', `${file} is larger than any manifest`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
