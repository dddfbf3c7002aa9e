import { BackupError } from '../../../domain/errors.ts';
import { imageName } from '../../../domain/tools/image-reference.ts';
import type { ImageReference } from '../../../domain/tools/image-reference.ts';
import type { Foreseen, Target, TargetOptions } from '../../../ports.ts';
import { digestOf, shortDigest } from '../documents.ts';
import type { RepositoryClient } from '../registry/client.ts';
import { giveTag, keptTag, puttingBack } from './kept-tag.ts';
import { stepsOf } from './steps.ts';

/** A tag of a repository, and its name for others. */
export type TagPlace = { client: RepositoryClient; reference: ImageReference; name: string };

/**
 * A tag to restore under. Everything is pushed and proven by digest; the tag is set last, in one request, so that it
 * never names half an image.
 */
export async function registryTarget(
  { client, reference, name }: TagPlace,
  { manifest, catalog, dropOld = false }: TargetOptions,
  signal: AbortSignal,
): Promise<Target> {
  const { tag } = reference;
  if (tag === undefined) throw noTag(reference);
  const place = imageName({ ...reference, digest: undefined });
  const found = await client.document(tag, signal);
  const old = found && digestOf(found.bytes);
  let bytesOfTop: Buffer | undefined;
  let outcome = old === undefined ? `${place} is not there` : `${place} is as it was`;

  const { stages, top } = stepsOf(manifest, catalog, {
    async blob(named, content, stop) {
      if (await client.hasBlob(named, stop)) return;
      await client.sendBlob(named, content, stop);
    },
    async document(named, bytes, stop) {
      await client.putDocument(named.digest, { bytes, mediaType: named.mediaType }, stop);
      if (named.digest === top.digest) bytesOfTop = bytes;
    },
  });

  const isSame = old === top.digest;
  const keeping = old !== undefined && !isSame && !dropOld && { tag, digest: old, id: manifest.id };
  const keptAs = keeping ? (await keptTag(client, keeping, signal)).name : undefined;

  async function requireAsSeen(stop: AbortSignal): Promise<void> {
    const now = await client.document(tag!, stop);
    if ((now && digestOf(now.bytes)) !== old) throw changedError(place);
  }

  async function finish(stop: AbortSignal): Promise<string[]> {
    await requireAsSeen(stop);
    if (isSame)
      return [`${place} named this very image before (${shortDigest(old)}): nothing was replaced, and nothing is kept`];
    const kept = await keep(stop);
    outcome = `${place} is as it was, unless the registry has taken the tag`;
    await giveTag(client, tag!, { bytes: bytesOfTop!, mediaType: top.mediaType }, stop);
    outcome = `${place} is restored`;
    if (old === undefined) return [];
    if (kept === undefined) return [`${shortDigest(old)}, which ${tag} named before, has lost this tag`];
    return [
      `what ${tag} named before is kept as ${kept} (${shortDigest(old)}); this puts it back: ` +
        puttingBack(reference, kept),
    ];
  }

  /** Sets another tag for what is replaced: what a registry has under a digest never changes. */
  async function keep(stop: AbortSignal): Promise<string | undefined> {
    if (!keeping || found === undefined) return undefined;
    // somebody may have taken the name since
    const { name: kept, isThere } = await keptTag(client, keeping, stop);
    const mediaType = found.mediaType.split(';')[0]!.trim();
    if (!isThere) await giveTag(client, kept, { bytes: found.bytes, mediaType }, stop);
    return kept;
  }

  return {
    database: name,
    state: old === undefined ? 'absent' : 'occupied',
    holds: old === undefined ? '' : `${isSame ? 'this very image,' : 'the image'} ${shortDigest(old)}`,
    ...(keptAs !== undefined && { keptAs }),
    ...(isSame && { untouched: 'nothing is replaced, and nothing has to be kept' }),
    notes: [],
    noDefinitions: true,
    failures: [],
    leftOut: [],
    foresee: async (replace) => foresee({ place, tag, old, isSame, keptAs, replace }),
    async prepare(replace, stop) {
      await requireAsSeen(stop);
      if (old !== undefined && !replace) throw changedError(place);
    },
    stages,
    made: () => imageName({ ...reference, tag: undefined, digest: top.digest }),
    finish,
    keep: async () => [
      `what was pushed is ${imageName({ ...reference, tag: undefined, digest: top.digest })}, without a tag`,
    ],
    // what has no tag can stay, and deleting by digest would remove the tags of others
    discard: async () => undefined,
    standing: () => outcome,
    close: async () => undefined,
  };
}

type ForeseenTag = {
  place: string;
  tag: string;
  old: string | undefined;
  isSame: boolean;
  keptAs: string | undefined;
  replace: boolean;
};

function foresee({ place, tag, old, isSame, keptAs, replace }: ForeseenTag): Foreseen {
  if (old !== undefined && !replace) return { steps: [], findings: [] };
  return {
    steps: [
      `push what is not there of it by digest, and prove it`,
      ...(keptAs === undefined ? [] : [`give ${shortDigest(old!)} the tag ${keptAs}`]),
      ...(isSame ? [] : [`give it the tag ${tag}: ${place}`]),
    ],
    findings: [],
  };
}

function noTag(reference: ImageReference): BackupError {
  return new BackupError(
    'input-invalid',
    `${imageName(reference)} is no place to restore to: a digest can't be given`,
    {
      hint: 'name a tag with --to',
    },
  );
}

function changedError(place: string): BackupError {
  return new BackupError('target-not-empty', `${place} is not what it was a moment ago`, {
    hint: 'somebody has pushed there: look again, by the same command with --plan',
  });
}
