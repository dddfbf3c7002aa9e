import { rotate } from '../core/commands/rotate.ts';
import { readEvent, rotateEventSchema } from '../core/contract/events/requests.ts';
import type { RotateResult } from '../core/contract/events/requests.ts';
import { collected } from '../core/domain/errors.ts';
import type { SourceName } from '../core/domain/keys.ts';
import { lambdaHandler } from './host/host.ts';
import { databasesThere } from './host/on-server.ts';
import { rotatedResult } from './host/result.ts';

/** Removes the backups of one source, or of each database of a whole server, that its retention no longer keeps: `{ "source": "shop" }`. */
export const handler = lambdaHandler({
  verb: 'rotation',
  read: (event) => readEvent(rotateEventSchema, event, { source: 'shop' }),
  onServer: async (server, nightjar) => ({ sources: databasesThere(server, nightjar), failures: [] }),
  async work({ source: wanted, ...options }, nightjar, signal): Promise<RotateResult> {
    const rotation = await rotate(wanted as SourceName, nightjar.settings(wanted), options, nightjar, signal);
    if (rotation.failures.length > 0) throw collected(rotation.failures);
    return rotatedResult(rotation, options.dryRun, nightjar.seconds());
  },
});
