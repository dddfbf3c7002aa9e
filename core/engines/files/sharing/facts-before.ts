import { BackupError } from '../../../domain/errors.ts';
import type { CatalogTaker } from '../../../domain/packed/catalog-text.ts';
import { packedMap } from '../../../domain/packed/map.ts';
import type { BackupBefore } from '../../../ports.ts';
import { kindNames } from '../facts.ts';
import { pathOfText } from '../names.ts';
import type { FoundPaths } from '../plan/found.ts';
import type { PathKind } from '../tar/header.ts';

/** What the previous backup's catalog says about a path that is no folder. */
export type FactBefore = { kind: Exclude<PathKind, 'folder'>; value: string };

/** What it says about found paths, by index; `hasFolders`: whether anything of it lay in a folder. */
export type FactsBefore = { at(place: number): FactBefore | undefined; hasFolders: boolean };

const kinds = ['file', 'link', 'symlink'] as const;
const digestBytes = 32;
/** The value is what the digest and the file's state imply. */
const asExpected = 1;
const written = 2;

/**
 * Reads that catalog and keeps what matters: for a file in the same state only its digest, because the rest of its
 * value follows from that. `counts`: which of the found paths matter, by index; `passed` receives the other paths.
 */
export async function factsBefore(
  found: FoundPaths,
  { readCatalog }: Pick<BackupBefore, 'readCatalog'>,
  counts: Uint8Array,
  passed: (path: string, kind: PathKind) => void,
  signal: AbortSignal,
): Promise<FactsBefore> {
  const state = new Uint8Array(found.length);
  const digests = Buffer.alloc(found.length * digestBytes);
  let others = packedMap();
  let hasFolders = false;

  function take(kind: PathKind, name: string, value: string): void {
    hasFolders ||= name.includes('/');
    if (kind === 'folder') return;
    const path = pathOfText(name);
    const place = found.indexOf(path);
    if (place === undefined) return passed(path, kind);
    if (counts[place] === 0) return;
    if (state[place] !== 0) throw new BackupError('part-corrupt', `the catalog says of ${name} that it is two things`);
    const isExpected = kind === 'file' && value.slice(digestBytes * 2 + 1) === found.factsAt(place);
    state[place] = isExpected ? asExpected : written;
    if (isExpected) digests.write(value, place * digestBytes, digestBytes, 'hex');
    else others.add(String(place), `${kinds.indexOf(kind)}${value}`);
  }

  function begin(): CatalogTaker {
    state.fill(0);
    [others, hasFolders] = [packedMap(), false];
    return ({ kind, name, text }) => {
      const known = kindCalled.get(kind);
      if (known !== undefined) take(known, name, text);
    };
  }
  await readCatalog(begin, signal);

  return {
    hasFolders,
    at(place) {
      if (state[place] === asExpected) {
        const digest = digests.toString('hex', place * digestBytes, (place + 1) * digestBytes);
        return { kind: 'file', value: `${digest} ${found.factsAt(place)}` };
      }
      const text = state[place] === written ? others.get(String(place)) : undefined;
      return text === undefined ? undefined : { kind: kinds[Number(text[0])]!, value: text.slice(1) };
    },
  };
}

const kindCalled: ReadonlyMap<string, PathKind> = new Map(
  Object.entries(kindNames).map(([kind, called]) => [called, kind as PathKind]),
);
