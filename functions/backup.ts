import { backup } from '../core/commands/backup.ts';
import { backupEventSchema, readEvent } from '../core/contract/events.ts';
import type { BackupResult } from '../core/contract/events.ts';
import { messageOf } from '../core/domain/errors.ts';
import { lambdaHandler } from './host.ts';
import { otherHolder } from './identity.ts';
import { storedResult } from './result.ts';

/** Takes a backup of one source: `{ "source": "shop" }`. */
export const handler = lambdaHandler({
  verb: 'backup',
  read: (event) => readEvent(backupEventSchema, event, { source: 'shop' }),
  async work(event, nightjar, signal): Promise<BackupResult> {
    const source = await nightjar.source(event.source, {}, signal);
    try {
      return storedResult(await backup(source, nightjar, signal), nightjar.seconds());
    } catch (error) {
      const heldBy = otherHolder(error, nightjar.identity);
      if (heldBy === undefined) throw error;
      return { status: 'skipped', source: source.name, heldBy, why: messageOf(error) };
    }
  },
});
