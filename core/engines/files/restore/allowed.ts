import type { ManifestPart } from '../../../contract/manifest/manifest.ts';
import { BackupError } from '../../../domain/errors.ts';
import type { PackedCatalog } from '../../../domain/packed/catalog.ts';
import { factsIn, kindIn, ownerKind } from '../facts.ts';
import { nameOf, parentOf, top } from '../names.ts';
import { partNumber } from '../sharing/places.ts';
import type { Places } from '../sharing/places.ts';
import type { EntryJudge } from '../tar/guard.ts';

/**
 * Checks a catalog. Throws `part-corrupt` if a name has two kinds, or lies in something that is no folder, such as a
 * link that leads elsewhere.
 */
export function requireSound(catalog: PackedCatalog): void {
  let folder = '';
  for (const { name } of factsIn(catalog)) {
    kindIn(catalog, name);
    // files of one folder are usually adjacent
    if (parentOf(name) === folder) continue;
    for (let above = name; above !== top; ) {
      above = parentOf(above);
      if ((kindIn(catalog, above) ?? 'folder') !== 'folder')
        throw new BackupError('part-corrupt', `the catalog names ${name}, and says that ${above} is no folder`);
    }
    folder = parentOf(name);
  }
}

/**
 * Passes an entry that the catalog names, with its kind, and that is `chosen`. So nothing is written through a link:
 * what the catalog names lies in folders only.
 */
export function judgeBy(catalog: PackedCatalog, chosen: (name: string) => boolean): EntryJudge {
  return ({ kind, path, target }) => {
    const name = nameOf(path);
    if (kindIn(catalog, name) !== kind) throw new Error(`${name}, which the catalog does not name as a ${kind}`);
    if (kind === 'link' && !['file', 'symlink'].includes(kindIn(catalog, nameOf(target)) ?? ''))
      throw new Error(`${name}, another name of what is no file of the backup`);
    return chosen(name) ? 'pass' : 'drop';
  };
}

/** Drops what a part holds and its backup does not need, because the part was made for an older one. */
export function livingIn(places: Places | undefined, { file }: ManifestPart, judge: EntryJudge): EntryJudge {
  const number = partNumber(file);
  if (places === undefined || number === undefined) return judge;
  return (entry) => (places.get(entry.path) === number ? judge(entry) : 'drop');
}

/** Throws `privilege-missing` if files would have to be given to other users, and we may not do that. */
export function requireOwners(catalog: PackedCatalog, place: string): void {
  const { getuid, getgid, getgroups } = process;
  if (getuid?.() === 0) return;
  const groups = [getgid?.(), ...(getgroups?.() ?? [])];
  const foreign = ownersIn(catalog)
    .values()
    .find((owner) => {
      const [uid, gid] = owner.split(':').map(Number);
      return uid !== getuid?.() || !groups.includes(gid);
    });
  if (foreign === undefined) return;
  throw new BackupError(
    'privilege-missing',
    `${place}: files of the backup belong to ${foreign}, and we are not root`,
    {
      hint: 'run it as root, or let everything belong to you: --no-owner',
    },
  );
}

function ownersIn({ kinds }: PackedCatalog): ReadonlySet<string> {
  const owners = new Set<string>();
  const told = kinds.get(ownerKind);
  for (let at = 0; told !== undefined && at < told.size; at += 1) owners.add(told.valueAt(at));
  return owners;
}
