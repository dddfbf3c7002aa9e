import { createHash } from 'node:crypto';

/** A registry as tests speak to it: by fetch, and with nothing of ours. */
export type PushTo = { url: string; repository: string; headers?: Record<string, string> };

export type Described = { mediaType: string; digest: string; size: number } & Record<string, unknown>;

export const ociTypes = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  zippedLayer: 'application/vnd.oci.image.layer.v1.tar+gzip',
} as const;

export function sha256Of(bytes: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Pushes a blob; `from`: a repository of the same registry that may have it already. */
export async function pushBlob(
  { url, repository, headers }: PushTo,
  content: Uint8Array | string,
  mediaType: string,
  from?: string,
): Promise<Described> {
  const bytes = Buffer.from(content);
  const digest = sha256Of(bytes);
  const named = { mediaType, digest, size: bytes.length };
  const mount = from === undefined ? '' : `?mount=${digest}&from=${from}`;
  const begun = await fetch(`${url}/v2/${repository}/blobs/uploads/${mount}`, {
    method: 'POST',
    headers: { ...headers },
  });
  await begun.arrayBuffer();
  if (begun.status === 201) return named;
  const place = new URL(begun.headers.get('location') ?? '', url);
  place.searchParams.set('digest', digest);
  const type = { 'content-type': 'application/octet-stream' };
  const put = await fetch(place, { method: 'PUT', headers: { ...headers, ...type }, body: bytes });
  if (put.status !== 201) throw new Error(`the registry answers ${put.status}: ${await put.text()}`);
  await put.arrayBuffer();
  return named;
}

/** Pushes a document under a tag, or under its digest. */
export async function pushDocument(
  { url, repository, headers }: PushTo,
  content: object | string,
  mediaType: string,
  tag?: string,
): Promise<Described> {
  const bytes = Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));
  const named = { mediaType, digest: sha256Of(bytes), size: bytes.length };
  const put = await fetch(`${url}/v2/${repository}/manifests/${tag ?? named.digest}`, {
    method: 'PUT',
    headers: { ...headers, 'content-type': mediaType },
    body: bytes,
  });
  if (put.status !== 201) throw new Error(`the registry answers ${put.status}: ${await put.text()}`);
  await put.arrayBuffer();
  return named;
}

/** What is there under a tag or digest; undefined where nothing is. */
export async function fetchDocument(
  { url, repository, headers }: PushTo,
  reference: string,
): Promise<{ json: Record<string, never>; digest: string; bytes: Buffer } | undefined> {
  const accept = [...Object.values(ociTypes), 'application/vnd.docker.distribution.manifest.v2+json'].join(', ');
  const answer = await fetch(`${url}/v2/${repository}/manifests/${reference}`, { headers: { ...headers, accept } });
  const bytes = Buffer.from(await answer.arrayBuffer());
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw new Error(`the registry answers ${answer.status}: ${bytes.toString()}`);
  return { json: JSON.parse(bytes.toString()) as Record<string, never>, digest: sha256Of(bytes), bytes };
}

export async function fetchBlob({ url, repository, headers }: PushTo, digest: string): Promise<Buffer> {
  const answer = await fetch(`${url}/v2/${repository}/blobs/${digest}`, { headers: { ...headers } });
  if (answer.status !== 200) throw new Error(`the registry answers ${answer.status}`);
  return Buffer.from(await answer.arrayBuffer());
}
