import { BackupError } from '../../../domain/errors.ts';
import { imageName } from '../../../domain/tools/image-reference.ts';
import type { ImageReference } from '../../../domain/tools/image-reference.ts';
import type { Foreseen, Target, TargetOptions } from '../../../ports.ts';
import { digestOf, shortDigest } from '../documents.ts';
import type { DocumentBytes } from '../documents.ts';
import type { RepositoryClient } from '../registry/client.ts';
import { stepsOf } from './steps.ts';

/** A tag of a repository, and what it is called for others. */
export type TagPlace = { client: RepositoryClient; reference: ImageReference; name: string };

/**
 * A tag to restore under. Everything is pushed by digest, and proven by that; the tag is given last, in one request: no
 * moment shows half an image under it.
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
  const keptAs = `${tag.slice(0, 128 - 8 - manifest.id.length)}.before_${manifest.id}`;
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

  const isOther = old !== undefined && old !== top.digest;

  async function requireAsSeen(stop: AbortSignal): Promise<void> {
    const now = await client.document(tag!, stop);
    if ((now && digestOf(now.bytes)) !== old) throw changedError(place);
  }

  async function finish(stop: AbortSignal): Promise<string[]> {
    await requireAsSeen(stop);
    if (old === top.digest) return [`${place} named this very image before: ${shortDigest(old)}`];
    if (found !== undefined && !dropOld) await putAgain(client, keptAs, found, stop);
    await client.putDocument(tag!, { bytes: bytesOfTop!, mediaType: top.mediaType }, stop);
    outcome = `${place} is restored`;
    if (old === undefined) return [];
    return [
      dropOld
        ? `${shortDigest(old)}, which ${tag} named before, has lost this tag`
        : `what ${tag} named before is kept as ${keptAs} (${shortDigest(old)})`,
    ];
  }

  return {
    database: name,
    state: old === undefined ? 'absent' : 'occupied',
    holds: old === undefined ? '' : `the image ${shortDigest(old)}`,
    ...(old !== undefined && !dropOld && { keptAs }),
    notes: [],
    noDefinitions: true,
    failures: [],
    leftOut: [],
    foresee: async (replace) => foresee({ place, tag, old, keptAs: isOther && !dropOld ? keptAs : undefined, replace }),
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
    // what has no tag is nobody's, and a deletion by digest would take tags of others with it
    discard: async () => undefined,
    standing: () => outcome,
    close: async () => undefined,
  };
}

/** The registry gives the tag anew: what it has under a digest stays what it is. */
async function putAgain(client: RepositoryClient, tag: string, document: DocumentBytes, signal: AbortSignal) {
  const { mediaType } = document;
  await client.putDocument(tag, { bytes: document.bytes, mediaType: mediaType.split(';')[0]!.trim() }, signal);
}

type ForeseenTag = {
  place: string;
  tag: string;
  old: string | undefined;
  keptAs: string | undefined;
  replace: boolean;
};

function foresee({ place, tag, old, keptAs, replace }: ForeseenTag): Foreseen {
  if (old !== undefined && !replace) return { steps: [], findings: [] };
  return {
    steps: [
      `push what is not there of it by digest, and prove it`,
      ...(keptAs === undefined ? [] : [`give ${shortDigest(old!)} the tag ${keptAs}`]),
      `give it the tag ${tag}: ${place}`,
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
