import { BackupError } from '../../../domain/errors.ts';
import { imageName } from '../../../domain/tools/image-reference.ts';
import type { ImageReference } from '../../../domain/tools/image-reference.ts';
import { digestOf, shortDigest } from '../documents.ts';
import type { DocumentBytes } from '../documents.ts';
import type { RepositoryClient } from '../registry/client.ts';

/** `isThere`: the tag already names what is to be kept. */
type KeptTag = { name: string; isThere: boolean };

const longestTag = 128;
/** Each one takes a request to the registry. */
const mostKept = 99;

/**
 * A tag for what this backup is about to replace: one that names nothing, or already that image. Nothing that is kept
 * is lost.
 */
export async function keptTag(
  client: RepositoryClient,
  { tag, digest, id }: { tag: string; digest: string; id: string },
  signal: AbortSignal,
): Promise<KeptTag> {
  const ending = `.before_${id}`;
  const first = `${tag.slice(0, longestTag - ending.length - `.${mostKept}`.length)}${ending}`;
  for (let count = 1; count <= mostKept; count += 1) {
    const name = count === 1 ? first : `${first}.${count}`;
    const named = await digestUnder(client, name, signal);
    if (named === undefined || named === digest) return { name, isThere: named === digest };
  }
  throw new BackupError('restore-failed', `${first} to ${first}.${mostKept} are kept already`, {
    hint: 'remove those that nobody needs, or say --drop-old: then what is replaced loses its tag',
  });
}

/** Sets a tag in one request, and reads it back: the registry's confirmation is no proof. */
export async function giveTag(
  client: RepositoryClient,
  tag: string,
  document: DocumentBytes,
  signal: AbortSignal,
): Promise<void> {
  await client.putDocument(tag, document, signal);
  const named = await digestUnder(client, tag, signal);
  const wanted = digestOf(document.bytes);
  if (named === wanted) return;
  const found = named === undefined ? 'there is no such tag' : `it names ${shortDigest(named)}`;
  // not `proof-failed`, which would speak against the backup
  throw new BackupError(
    'restore-failed',
    `not proven: the registry says that it gave ${shortDigest(wanted)} the tag ${tag}, and ${found}`,
    { hint: 'has somebody pushed there at this moment? run it again; if it stays so, ask who runs the registry' },
  );
}

/** For messages: how a person puts back what is kept. */
export function puttingBack(reference: ImageReference, kept: string): string {
  const place = (tag: string | undefined) => `docker://${imageName({ ...reference, tag, digest: undefined })}`;
  return `skopeo copy --all ${place(kept)} ${place(reference.tag)}`;
}

/** What to say if somebody wants to undo: no registry tells which kept tag was the last. */
export function keptByHand(reference: ImageReference): { what: string; remedy: string } | undefined {
  const { registry, repository, tag } = reference;
  if (tag === undefined) return undefined;
  const repositoryName = imageName({ registry, repository });
  return {
    what:
      `what --replace has taken the place of in ${repositoryName} is kept there under a tag: Nightjar neither puts it ` +
      'back nor takes that tag away',
    remedy:
      `skopeo list-tags docker://${repositoryName} shows what is kept: ${tag}.before_<backup>, without --drop-old; ` +
      `then: ${puttingBack(reference, `${tag}.before_<backup>`)}`,
  };
}

async function digestUnder(client: RepositoryClient, tag: string, signal: AbortSignal): Promise<string | undefined> {
  const found = await client.document(tag, signal);
  return found && digestOf(found.bytes);
}
