import { chooseBackup } from '../core/survey/choose.ts';
import { isInPlace, restoreRecorded } from '../core/commands/restore.ts';
import { memoryOf } from '../core/survey/watched.ts';
import { readEvent, restoreEventSchema } from '../core/contract/events/requests.ts';
import type { RestoreResult } from '../core/contract/events/requests.ts';
import { lambdaHandler } from './host/host.ts';
import { BackupError } from '../core/domain/errors.ts';
import { newDatabaseName } from '../core/domain/keys.ts';
import { restoredResult } from './host/result.ts';

/** Restores a backup of a source into a database on its server: `{ "source": "shop", "to": "shop_restored" }`. */
export const handler = lambdaHandler({
  verb: 'restore',
  read: (event) => readEvent(restoreEventSchema, event, { source: 'shop', backup: 'latest', to: 'shop_restored' }),
  async work({ source: name, backup, to, ...options }, nightjar, signal): Promise<RestoreResult> {
    const { name: source } = await nightjar.source(name, {}, signal);
    const { manifest, warnings } = await chooseBackup(
      source,
      backup,
      memoryOf(nightjar.settings(name)),
      nightjar,
      signal,
    );
    for (const message of warnings) nightjar.report({ type: 'warning', message });
    const database = to ?? newDatabaseName(manifest);
    const target = await nightjar.source(name, { database }, signal);
    const { events = isInPlace(manifest, { server: source, database }) } = options;
    const restored = await restoreRecorded(
      manifest,
      target.engine,
      { ...options, events },
      { ...nightjar, parallel: target.parallel },
      signal,
    );
    return restoredResult(
      { ...restored, notes: [...warnings, ...restored.notes] },
      { source, place: target.engine.place },
      nightjar.seconds(),
    );
  },
  failureOf: (result) =>
    result.status === 'incomplete'
      ? new BackupError('restore-incomplete', result.error, { hint: result.hint })
      : undefined,
});
