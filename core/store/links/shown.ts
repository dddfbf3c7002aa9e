import type { ObjectKey } from '../../domain/keys.ts';
import { firstOfPack } from '../../domain/layout/packs.ts';
import { sourceSegment } from '../../domain/layout/places.ts';
import { backupPathOf } from '../../domain/layout/records.ts';
import type { Bytes } from '../../domain/units.ts';
import type { ListedObject, SourceHistory } from '../../domain/verdict/history.ts';
import type { Vault } from '../../vault.ts';
import type { PacksOfPart } from './following.ts';

/**
 * A vault with links. `knowing`: `put` and `share` for a run that holds the lease of a source and has listed it since:
 * they don't ask for what that shows. Absent where they ask for nothing.
 */
export type LinkedVault = Vault & { knowing?(listed: SourceHistory): Pick<Vault, 'put' | 'share'> };

/** What a listing has shown of a source. */
export type NamesShown = {
  /** Whether it shows nothing of the backup that this part is of, nor packs that were stored for it. */
  isNew(part: ObjectKey): boolean;
  names(parts: readonly ObjectKey[]): ReadonlyMap<ObjectKey, PacksOfPart>;
  size(pack: ObjectKey): Promise<Bytes | undefined>;
};

/**
 * Reads a listing that was made through links: parts are listed with their packs. It holds as long as its caller has the
 * source's lease: nobody else gives names in this source, or sweeps its packs.
 */
export function shownBy({ source, backups, leftovers, packs }: SourceHistory): NamesShown {
  const segment = sourceSegment(source);
  const sizes = new Map(packs.map(({ key, bytes }) => [key, bytes]));
  const ids = new Set<string>([
    ...[...backups, ...leftovers].map(({ id }) => id),
    ...packs.flatMap(({ key }) => firstOfPack(key)?.id ?? []),
  ]);
  return {
    isNew(part) {
      const place = backupPathOf(part);
      return place?.segment === segment && !ids.has(place.id);
    },
    names(parts) {
      const wanted = new Set(parts);
      const found = backups.flatMap(({ objects }) => objects).filter(({ key }) => wanted.has(key));
      // a part that is there itself is no pack, so it has no size
      const packOf = ({ key, file = key }: ListedObject) => ({ pack: file as ObjectKey });
      return new Map(found.map((one) => [one.key, { isThere: false, links: [packOf(one)] }]));
    },
    size: async (pack) => sizes.get(pack),
  };
}
