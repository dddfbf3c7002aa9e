import { GetObjectTaggingCommand, PutObjectTaggingCommand } from '@aws-sdk/client-s3';
import type { ObjectKey } from '../../domain/keys.ts';
import type { Tags } from '../../vault.ts';
import { call, objectAt, type S3Place } from './request.ts';

/** The tags of an object. Throws `object-missing`. */
export async function tagsOf(place: S3Place, key: ObjectKey, signal: AbortSignal): Promise<Tags> {
  const command = new GetObjectTaggingCommand(objectAt(place, key));
  const { TagSet } = await call(
    `read tags of ${place.name}/${key}`,
    (options) => place.client.send(command, options),
    signal,
  );
  return Object.fromEntries((TagSet ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? '']));
}

/** Replaces the tags of an object. Throws `object-missing`. */
export async function retag(place: S3Place, key: ObjectKey, tags: Tags, signal: AbortSignal): Promise<void> {
  place.replaced.delete(key);
  const TagSet = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  const command = new PutObjectTaggingCommand({ ...objectAt(place, key), Tagging: { TagSet } });
  await call(`tag ${place.name}/${key}`, (options) => place.client.send(command, options), signal);
}
