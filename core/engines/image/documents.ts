import { createHash } from 'node:crypto';
import * as z from 'zod';
import { BackupError } from '../../domain/errors.ts';
import type { Bytes } from '../../domain/units.ts';

/** Names a blob or a document; `mediaType` says what it is. */
const descriptorSchema = z.looseObject({
  mediaType: z.string().min(1).max(255),
  digest: z.string(),
  size: z.int().nonnegative(),
  urls: z.array(z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  platform: z.looseObject({ os: z.string(), architecture: z.string(), variant: z.string().optional() }).nullish(),
});
export type Descriptor = z.infer<typeof descriptorSchema>;

/** An image for one platform (OCI image-spec, manifest.md; Docker's schema 2 has the same keys). */
const manifestDocument = z.looseObject({
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  config: descriptorSchema,
  layers: z.array(descriptorSchema).max(10_000),
});
/** The images of several platforms (image-index.md; Docker's manifest list). */
const indexDocument = z.looseObject({
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  manifests: z.array(descriptorSchema).min(1).max(1_000),
});
export type IndexContent = z.infer<typeof indexDocument>;
export type ManifestContent = z.infer<typeof manifestDocument>;

/** A document as its registry stores it: its digest is of exactly these bytes. */
export type DocumentBytes = { bytes: Buffer; mediaType: string };
export type ImageDocument = DocumentBytes & { digest: string } & (
    | { kind: 'index'; content: IndexContent }
    | { kind: 'manifest'; content: ManifestContent }
  );

/** Registries accept at least 4 MiB (distribution-spec, pushing manifests), and few accept more. */
export const largestDocument: Bytes = 4 * 1024 ** 2;

const types: Record<string, ImageDocument['kind']> = {
  'application/vnd.oci.image.index.v1+json': 'index',
  'application/vnd.docker.distribution.manifest.list.v2+json': 'index',
  'application/vnd.oci.image.manifest.v1+json': 'manifest',
  'application/vnd.docker.distribution.manifest.v2+json': 'manifest',
};
export const documentTypes: readonly string[] = Object.keys(types);

/** Reads a document. `place` is for messages. Throws `source-unsupported` for what can't be stored. */
export function readDocument({ bytes, mediaType: told }: DocumentBytes, place: string): ImageDocument {
  const json = jsonOf(bytes);
  const own = typeof json?.['mediaType'] === 'string' ? json['mediaType'] : undefined;
  // a registry may say nothing, or that it is JSON
  const mediaType = own ?? told.split(';')[0]!.trim();
  const kind = Object.hasOwn(types, mediaType) ? types[mediaType] : undefined;
  if (kind === undefined) throw unsupported(place, `is of a kind that can't be kept: ${mediaType.slice(0, 100)}`);
  if (Object.hasOwn(types, told) && told !== mediaType)
    throw unsupported(place, `is said to be ${told}, and says of itself that it is ${mediaType}`);
  // two readings would give it two meanings (CVE-2021-41190)
  if (json?.['manifests'] !== undefined && json['layers'] !== undefined)
    throw unsupported(place, 'is an index and a manifest at once');
  const digest = digestOf(bytes);
  const parsed = kind === 'index' ? indexDocument.safeParse(json) : manifestDocument.safeParse(json);
  if (!parsed.success) throw unsupported(place, `is no ${kind} of an image: ${whatIsWrong(parsed.error)}`);
  requireDigests(parsed.data, place);
  return { bytes, mediaType, digest, kind, content: parsed.data } as ImageDocument;
}

/** The digest that identifies bytes. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** A digest for people: enough of it to distinguish it. */
export function shortDigest(digest: string): string {
  return digest.slice(0, 'sha256:'.length + 12);
}

/** Parses JSON; undefined if it is invalid. */
export function jsonOf(bytes: Buffer): Record<string, unknown> | undefined {
  try {
    const json: unknown = JSON.parse(bytes.toString());
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** A digest names a file and is part of URLs, so one in another form is refused. */
function requireDigests(content: ManifestContent | IndexContent, place: string): void {
  const { config, layers = [], manifests = [] } = content as Partial<ManifestContent & IndexContent>;
  const all = [...(config === undefined ? [] : [config]), ...layers, ...manifests];
  const other = all.find(({ digest }) => !/^sha256:[0-9a-f]{64}$/.test(digest));
  if (other !== undefined)
    throw unsupported(place, `names something by a digest that is no SHA-256: ${other.digest.slice(0, 100)}`);
}

function whatIsWrong({ issues }: { issues: readonly { path: PropertyKey[]; message: string }[] }): string {
  const first = issues[0];
  return first === undefined ? 'no JSON' : `${first.path.join('.')}: ${first.message}`.replace(/^: /, '');
}

function unsupported(place: string, what: string): BackupError {
  return new BackupError('source-unsupported', `${place} ${what}`, {
    hint: 'docs/image.md says which images are kept; an old one is converted by: skopeo copy --format oci',
  });
}
