import type { FoundSoFar } from './found.ts';

/** The content of each folder, by numbers, in the order of names. */
export type Within = ReadonlyMap<number, Uint32Array>;

/** A folder whose content is still to come; `begins`: the prefix of the paths in it. */
type FolderWaiting = { number: number; begins: string };

/**
 * The numbers of everything found, in the byte order of their paths: the content of a folder comes after siblings whose
 * names continue the folder's name with a smaller byte than `/`: `a`, `a-b`, `a/c`. The top folder comes first.
 */
export function inOrderOfBytes({ pathAt }: Pick<FoundSoFar, 'pathAt'>, within: Within): Uint32Array {
  const length = within.values().reduce((sum, { length: more }) => sum + more, 1);
  const order = new Uint32Array(length);
  let next = 1;
  function put(folder: number): void {
    let waiting: FolderWaiting[] = [];
    for (const number of within.get(folder) ?? []) {
      if (waiting.length > 0) {
        const path = pathAt(number);
        for (const one of waiting) if (one.begins < path) put(one.number);
        waiting = waiting.filter(({ begins }) => begins >= path);
      }
      order[next++] = number;
      if (!within.has(number)) continue;
      waiting = [...waiting, { number, begins: `${pathAt(number)}/` }].sort((a, b) => (a.begins < b.begins ? -1 : 1));
    }
    for (const one of waiting) put(one.number);
  }
  put(0);
  return order;
}
