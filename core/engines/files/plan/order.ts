import type { FoundSoFar } from './found.ts';

/** What lies in each folder, by their numbers: in the order of its names. */
export type Within = ReadonlyMap<number, Uint32Array>;

/** A folder in which others are still to come; `begins`: how the paths in it do. */
type FolderWaiting = { number: number; begins: string };

/**
 * The numbers of all that was found in the order of the bytes of paths: what lies in a folder comes behind all that goes
 * on where its name ends: `a`, `a-b`, `a/c`. The folder itself has the first number.
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
