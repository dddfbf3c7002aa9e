import type { Inspection } from '../../ports.ts';
import { livingIn } from './restore/allowed.ts';
import { placesIn } from './sharing/places.ts';
import { guardedTar } from './tar/guard.ts';
import { tarReader } from './tar/reader.ts';

const isTar = (role: string): boolean => role === 'data' || role === 'after';

/** Parts are tars of what a backup may hold; of the catalog and the list nothing is asked here. */
export const inspection: Inspection = {
  inspect: (part, content) => (isTar(part.role) ? guardedTar(content, part.file) : content),
  reader: tarReader,
  async inspectBy(manifest, open, signal) {
    const places = await placesIn(manifest, open, signal);
    return (part, content) =>
      isTar(part.role)
        ? guardedTar(
            content,
            part.file,
            livingIn(places, part, () => 'pass'),
          )
        : content;
  },
};
