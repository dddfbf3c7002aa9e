import type { Inspection } from '../../ports.ts';
import { livingIn } from './restore/allowed.ts';
import { placesIn } from './sharing/places.ts';
import { guardedTar } from './tar/guard.ts';
import { tarReader } from './tar/reader.ts';

const isTar = (role: string): boolean => role === 'data' || role === 'after';

/** Data parts are tars that may hold only what a backup may; the catalog and the list are not judged here. */
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
