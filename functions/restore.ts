import { findManifest } from '../core/commands/list.ts';
import { restore } from '../core/commands/restore.ts';
import { readEvent, restoreEventSchema } from '../core/contract/events.ts';
import type { RestoreResult } from '../core/contract/events.ts';
import { lambdaHandler } from './host.ts';
import { restoredResult } from './result.ts';

/** Restores a backup of a source into a database on its server: `{ "source": "shop", "to": "shop_restored" }`. */
export const handler = lambdaHandler({
  verb: 'restore',
  read: (event) => readEvent(restoreEventSchema, event, { source: 'shop', backup: 'latest', to: 'shop_restored' }),
  async work({ source: name, backup, to, ...options }, nightjar, signal): Promise<RestoreResult> {
    const { name: source, database: own } = await nightjar.source(name, {}, signal);
    const manifest = await findManifest(source, backup, nightjar.vault, signal);
    const target = await nightjar.source(name, { database: to ?? restoredName(own, manifest.id) }, signal);
    const restored = await restore(manifest, target.engine, options, { ...nightjar, parallel: target.parallel }, signal);
    return restoredResult(restored, source, nightjar.seconds());
  },
});

/** Longest name of a database in PostgreSQL, in bytes; MariaDB takes 64 characters. */
const longestName = 63;

/** A name for the copy that needs no quotes unless the database's own does: `shop_20261120t020000z_7f3a9c`. */
function restoredName(database: string, id: string): string {
  const tail = `_${id.toLowerCase().replace('-', '_')}`;
  const letters = Array.from(database);
  while (Buffer.byteLength(letters.join('')) + tail.length > longestName) letters.pop();
  return `${letters.join('')}${tail}`;
}
