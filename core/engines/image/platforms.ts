import type { Descriptor, IndexContent } from './documents.ts';
import { shortDigest } from './documents.ts';

const attestationType = 'vnd.docker.reference.type';
const attested = 'vnd.docker.reference.digest';

/** `linux/arm64/v8`, as people write it; undefined if an index does not say. */
function platformOf({ platform }: Descriptor): string | undefined {
  if (platform === undefined || platform === null || platform.os === 'unknown') return undefined;
  return [platform.os, platform.architecture, platform.variant].filter((one) => one !== undefined).join('/');
}

/**
 * The names of an index's images: their platform; for an attestation (as buildx makes them) that of its subject. Two
 * equal names, or a missing one, get the digest added.
 */
export function namesOf({ manifests }: Pick<IndexContent, 'manifests'>): Map<Descriptor, string> {
  const plain = manifests.map((one) => {
    const about = manifests.find(({ digest }) => digest === one.annotations?.[attested]);
    if (isAttestation(one)) return `attestation of ${(about && platformOf(about)) ?? 'another image'}`;
    return platformOf(one);
  });
  const isTwice = (name: string): boolean => plain.indexOf(name) !== plain.lastIndexOf(name);
  const named = manifests.map((one, index): [Descriptor, string] => {
    const name = plain[index];
    if (name === undefined) return [one, shortDigest(one.digest)];
    return [one, isTwice(name) ? `${name} ${shortDigest(one.digest)}` : name];
  });
  return new Map(named);
}

/** The images of an index for these platforms, with their attestations. `missing`: platforms without an image. */
export function chosenOf(
  { manifests }: Pick<IndexContent, 'manifests'>,
  platforms: readonly string[],
): { chosen: Descriptor[]; missing: string[]; offered: string[] } {
  const meant = manifests.filter((one) => platforms.some((wanted) => isMeant(platformOf(one), wanted)));
  const digests = new Set(meant.map(({ digest }) => digest));
  const isAbout = (one: Descriptor): boolean => isAttestation(one) && digests.has(one.annotations?.[attested] ?? '');
  return {
    chosen: manifests.filter((one) => digests.has(one.digest) || isAbout(one)),
    missing: platforms.filter((wanted) => !manifests.some((one) => isMeant(platformOf(one), wanted))),
    offered: [...new Set(manifests.flatMap((one) => platformOf(one) ?? []))],
  };
}

/** `linux/arm64` includes all its variants. */
export function isMeant(platform: string | undefined, wanted: string): boolean {
  return platform !== undefined && (platform === wanted || platform.startsWith(`${wanted}/`));
}

function isAttestation({ annotations }: Descriptor): boolean {
  return annotations?.[attestationType] === 'attestation-manifest';
}

/** The platform that an image's configuration names (image-spec, config.md). */
export function platformInConfig(config: Record<string, unknown> | undefined): string | undefined {
  const { os, architecture, variant } = config ?? {};
  if (typeof os !== 'string' || typeof architecture !== 'string' || os === '') return undefined;
  return [os, architecture, ...(typeof variant === 'string' && variant !== '' ? [variant] : [])].join('/');
}
