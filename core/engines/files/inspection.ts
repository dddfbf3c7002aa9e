import type { Inspection } from '../../ports.ts';
import { guardedTar } from './tar/guard.ts';
import { tarReader } from './tar/reader.ts';

/** Parts are tars of what a backup may hold; of the catalog nothing is asked here. */
export const inspection: Inspection = {
  inspect: (part, content) => (part.role === 'catalog' ? content : guardedTar(content, part.file)),
  reader: tarReader,
};
