import { isSharable } from '../../contract/manifest/part-name.ts';
import { isBackupId, objectKey } from '../keys.ts';
import type { BackupId, ObjectKey, SourceName } from '../keys.ts';
import type { Bytes } from '../units.ts';
import { sourceSegment } from './places.ts';
import { backupPathOf } from './records.ts';

/**
 * A second name of a part, in a vault whose store has none: an object whose name says where the bytes are and how many.
 * `part`: the part that it stands for; `pack`: where the bytes are.
 */
export type PartLink = { part: ObjectKey; pack: ObjectKey; bytes: Bytes };

const linkPattern = /^data\/\d{4,}(\.[a-z0-9.]+)\.in-([^/]+)-(\d{4,})-(0|[1-9]\d{0,14})$/;

/**
 * The prefix of the bytes that several backups of a source share: outside of each, so that removing one backup leaves
 * them.
 */
export function packsPrefix(source: SourceName, id?: BackupId): string {
  return `${packsBelow(sourceSegment(source))}${id === undefined ? '' : `${id}/`}`;
}

/** The pack for a part that later backups may need; undefined for every other object. */
export function packOf(part: ObjectKey): ObjectKey | undefined {
  const place = backupPathOf(part);
  if (place === undefined || !isSharable(place.path)) return undefined;
  return packKey(place.segment, place.id, place.path.slice('data/'.length));
}

/** The backup that a pack was first stored for, which may be gone; undefined for every other object. */
export function firstOfPack(key: ObjectKey): { segment: string; id: BackupId } | undefined {
  const [segment = '', packs, id = '', file, ...rest] = key.split('/');
  const isPack = packs === 'packs' && rest.length === 0 && isBackupId(id) && isSharable(`data/${file}`);
  return isPack ? { segment, id } : undefined;
}

/** The prefix of other packs for the same part. */
export function besidePack(pack: ObjectKey): string {
  return packsBelow(pack.slice(0, pack.indexOf('/')));
}

/** The key of a link; undefined if part and pack are of different kinds, by the endings of their names. */
export function linkKey({ part, pack, bytes }: PartLink): ObjectKey | undefined {
  const [, , id = '', file = ''] = pack.split('/');
  const number = /^\d+/.exec(file)?.[0] ?? '';
  const key = objectKey(`${part}.in-${id}-${number}-${bytes}`);
  return linkOf(key)?.pack === pack ? key : undefined;
}

/** What a link says in its name; undefined for every other object. */
export function linkOf(key: ObjectKey): PartLink | undefined {
  const place = backupPathOf(key);
  const [, ending, id = '', number, bytes] = linkPattern.exec(place?.path ?? '') ?? [];
  if (place === undefined || !isBackupId(id)) return undefined;
  const part = objectKey(key.slice(0, key.lastIndexOf('.in-')));
  if (packOf(part) === undefined) return undefined;
  return { part, pack: packKey(place.segment, id, `${number}${ending}`), bytes: Number(bytes) };
}

/** The content of a link, for people: where the bytes are, relative to the source. */
export function linkText({ pack }: PartLink): string {
  return `${pack.slice(pack.indexOf('/') + 1)}\n`;
}

/** Whether an object may be a link, of this or another version of Nightjar: then nobody knows which pack it needs. */
export function looksLikeLink(key: ObjectKey): boolean {
  return /^data\/.*\.in-/.test(backupPathOf(key)?.path ?? '');
}

function packKey(segment: string, id: BackupId, file: string): ObjectKey {
  return objectKey(`${packsBelow(segment)}${id}/${file}`);
}

function packsBelow(segment: string): string {
  return `${segment}/packs/`;
}
