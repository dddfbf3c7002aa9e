import type { Catalog } from '../../../contract/manifest/catalog.ts';
import type { ManifestPart } from '../../../contract/manifest/manifest.ts';
import { BackupError } from '../../../domain/errors.ts';
import { factsIn, ownerKind } from '../facts.ts';
import type { PathFacts } from '../facts.ts';
import { nameOf, parentOf, top } from '../names.ts';
import { partNumber } from '../sharing/places.ts';
import type { Places } from '../sharing/places.ts';
import type { EntryJudge } from '../tar/guard.ts';

export type KnownFacts = ReadonlyMap<string, Omit<PathFacts, 'owner'>>;

/**
 * What the catalog of a backup names. Throws `part-corrupt` where something lies in what is no folder: a link, say,
 * which leads elsewhere.
 */
export function knownFacts(catalog: Catalog): KnownFacts {
  const facts = factsIn(catalog);
  for (const name of facts.keys()) {
    for (let above = name; above !== top; ) {
      above = parentOf(above);
      const { kind = 'folder' } = facts.get(above) ?? {};
      if (kind !== 'folder')
        throw new BackupError('part-corrupt', `the catalog names ${name}, and says that ${above} is no folder`);
    }
  }
  return facts;
}

/**
 * Lets an entry pass that the catalog names as what it is, and that is `chosen`. So nothing is written through a link:
 * what the catalog names lies in folders alone.
 */
export function judgeBy(facts: KnownFacts, chosen: (name: string) => boolean): EntryJudge {
  return ({ kind, path, target }) => {
    const name = nameOf(path);
    if (facts.get(name)?.kind !== kind) throw new Error(`${name}, which the catalog does not name as a ${kind}`);
    if (kind === 'link' && !['file', 'symlink'].includes(facts.get(nameOf(target))?.kind ?? ''))
      throw new Error(`${name}, another name of what is no file of the backup`);
    return chosen(name) ? 'pass' : 'drop';
  };
}

/** Drops what a part holds and its backup does not need: the part was made for an older one. */
export function livingIn(places: Places | undefined, { file }: ManifestPart, judge: EntryJudge): EntryJudge {
  const number = partNumber(file);
  if (places === undefined || number === undefined) return judge;
  return (entry) => (places.get(entry.path)?.part === number ? judge(entry) : 'drop');
}

/** Throws `privilege-missing` where files would have to be given to somebody else, and we may not do that. */
export function requireOwners(catalog: Catalog, place: string): void {
  const { getuid, getgid, getgroups } = process;
  if (getuid?.() === 0) return;
  const groups = [getgid?.(), ...(getgroups?.() ?? [])];
  const others = new Set(Object.values(catalog[ownerKind] ?? {})).values();
  const foreign = others.find((owner) => {
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
