import { stat, statfs } from 'node:fs/promises';
import { formatBytes } from '../../domain/units.ts';
import type { Bytes } from '../../domain/units.ts';
import type { Examination, Observed } from '../../ports.ts';
import { placeOf } from './place.ts';
import type { SqliteFiles } from './place.ts';
import { wayToHold } from './snapshot/snapshot.ts';

/** How a backup would read the file, and whether there is space for a copy if it needs one. */
export function examination(path: string, { scratch }: SqliteFiles): Examination {
  return {
    what: 'file',
    async look() {
      const way = await wayToHold({ path, place: placeOf(path) });
      const { size } = await stat(path);
      if (way === 'there') return [{ outcome: 'fine', said: `${formatBytes(size)}, in WAL mode: read where it is` }];
      return [await observedCopy(way === 'copy', size, scratch)];
    },
  };
}

async function observedCopy(isWal: boolean, size: Bytes, scratch: string): Promise<Observed> {
  const kind = isWal ? 'in WAL mode, and nobody has it open' : 'with a rollback journal: writers wait for the copy';
  const { bavail, bsize } = await statfs(scratch).catch(() => ({ bavail: 0, bsize: 0 }));
  const free = bavail * bsize;
  const said = `${formatBytes(size)}, ${kind}: copied into ${scratch} first, where ${formatBytes(free)} are free`;
  return free >= size
    ? { outcome: 'fine', said }
    : { outcome: 'warning', said, remedy: 'name another folder: sqlite: { scratch: … }' };
}
