import { ociTypes, pushBlob, pushDocument } from './pushing.ts';
import type { Described, PushTo } from './pushing.ts';

/** A platform and what its layers hold. */
export type TestLayers = Readonly<Record<string, readonly (Uint8Array | string)[]>>;

/** Pushes an image of one platform, by its digest, or under a tag. */
export async function pushPlatform(
  to: PushTo,
  platform: string,
  layers: readonly (Uint8Array | string)[],
  { tag, from }: { tag?: string; from?: string } = {},
): Promise<Described> {
  const [os, architecture] = platform.split('/');
  const config = await pushBlob(
    to,
    JSON.stringify({ os, architecture, rootfs: { type: 'layers', diff_ids: [] } }),
    ociTypes.config,
    from,
  );
  const pushed: Described[] = [];
  for (let at = 0; at < layers.length; at += 8)
    pushed.push(...(await Promise.all(layers.slice(at, at + 8).map((one) => pushBlob(to, one, ociTypes.layer, from)))));
  const manifest = { schemaVersion: 2, mediaType: ociTypes.manifest, config, layers: pushed };
  return pushDocument(to, manifest, ociTypes.manifest, tag);
}

/** Pushes an image of several platforms under a tag. */
export async function pushImage(to: PushTo, tag: string, platforms: TestLayers, from?: string): Promise<Described> {
  const manifests: object[] = [];
  for (const [platform, layers] of Object.entries(platforms)) {
    const [os, architecture] = platform.split('/');
    const pushed = await pushPlatform(to, platform, layers, from === undefined ? {} : { from });
    manifests.push({ ...pushed, platform: { os, architecture } });
  }
  return pushDocument(to, { schemaVersion: 2, mediaType: ociTypes.index, manifests }, ociTypes.index, tag);
}
