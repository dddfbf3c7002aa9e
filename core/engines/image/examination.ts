import { formatBytes, plural } from '../../domain/units.ts';
import type { Examination } from '../../ports.ts';
import { BackupError } from '../../domain/errors.ts';
import { shortDigest } from './documents.ts';
import type { ImageShelf } from './shelf.ts';

/** Whether the registry has the configured image, and what it is now. */
export function examination(shelf: ImageShelf): Examination {
  return {
    what: 'image',
    async look(signal) {
      const top = await shelf.top(signal);
      if (top === undefined)
        throw new BackupError('source-unreachable', `there is no image ${shelf.place}`, { hint: 'correct ref' });
      const holds =
        top.kind === 'index'
          ? plural(top.content.manifests.length, 'manifest')
          : `${plural(top.content.layers.length, 'layer')}, ${formatBytes(top.content.layers.reduce((sum, { size }) => sum + size, 0))}`;
      return [{ outcome: 'fine', said: `${shortDigest(top.digest)}: ${holds}` }];
    },
  };
}
