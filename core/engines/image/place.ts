import { join, resolve } from 'node:path';
import { BackupError } from '../../domain/errors.ts';
import { imageName, isImageTag, parseImageReference } from '../../domain/tools/image-reference.ts';
import type { ImageReference } from '../../domain/tools/image-reference.ts';

/** Where an image is or will be: in a registry, or in a folder of this machine as an OCI layout. */
export type ImagePlace = { reference: ImageReference } | { layout: string };

/** Whether a name means a folder: names of images never begin like this. */
export function isFolder(name: string): boolean {
  return /^\.{0,2}\//.test(name);
}

/** The name of a source's own image among others of its repository: its tag, or the beginning of its digest. */
export function ownName({ tag, digest = '' }: ImageReference): string {
  return tag ?? digest.slice(0, 'sha256:'.length + 12).replace(':', '-');
}

/** The place meant by a tag beside the source's own, a full reference, or a folder. Throws `input-invalid`. */
export function placeCalled(name: string, own: ImageReference): ImagePlace {
  if (name === ownName(own)) return { reference: own };
  if (isFolder(name)) return { layout: resolve(name) };
  const reference = name.includes('/')
    ? parseImageReference(name)
    : isImageTag(name)
      ? { registry: own.registry, repository: own.repository, tag: name }
      : undefined;
  if (reference !== undefined) return { reference };
  // what stands before an @ may be a login
  const shown = name.replace(/^.*@/s, '***@');
  throw new BackupError('input-invalid', `${shown} is no place for an image`, {
    hint:
      'name a tag beside its own, as 1.2-restored; another repository, as registry.example.com/shop/app:1.2; or a ' +
      'folder, as ./app' +
      (shown === name ? '' : '. A login has no place here: --server names a source that has one'),
  });
}

/** Where a drill works: a folder with the given name. */
export function drillPlace(scratch: string, name: string): ImagePlace {
  return { layout: join(resolve(scratch), name) };
}

/** For messages. */
export function placeText(place: ImagePlace): string {
  return 'layout' in place ? `oci:${place.layout}` : imageName(place.reference);
}
