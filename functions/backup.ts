import { backup } from '../core/commands/backup.ts';
import { backupEventSchema, readEvent } from '../core/contract/events.ts';
import type { BackupResult } from '../core/contract/events.ts';
import { isBackupError } from '../core/domain/errors.ts';
import { lambdaHandler } from './host.ts';
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
      const met = nightjar.identity.met();
      // an earlier attempt at this very request has been killed, or is under way twice: Lambda shall try again
      if (!isBackupError(error, 'lease-held') || met === undefined || met.sameRequest) throw error;
      return { status: 'skipped', source: source.name, heldBy: met.holder, why: error.message };
    }
  },
});
