import { messageOf } from '../../../domain/errors.ts';
import { formatDuration } from '../../../domain/units.ts';
import type { Observed } from '../../../ports.ts';
import type { MariadbSession, TextRow } from '../session.ts';

/** A larger lag behind its source is reported. */
const lagSeconds = 300;

/** The state of a replica; empty for a server that replicates from nobody. */
export async function observedReplica({ server, rows }: MariadbSession): Promise<Observed[]> {
  const isNewer = server.product === 'MySQL' && server.number >= 80_022;
  try {
    return (await rows(isNewer ? 'SHOW REPLICA STATUS' : 'SHOW SLAVE STATUS')).map(observed);
  } catch (error) {
    const [row] = await rows('SELECT @@GLOBAL.read_only AS closed');
    const looksLikeOne = row?.['closed'] === '1' || row?.['closed'] === 'ON';
    if (!looksLikeOne) return [];
    return [
      {
        outcome: 'not tried',
        said: `the server is read-only, and this user may not ask whether it lags (${messageOf(error)})`,
      },
    ];
  }
}

function observed(row: TextRow): Observed {
  const seconds = row['Seconds_Behind_Source'] ?? row['Seconds_Behind_Master'] ?? null;
  if (seconds === null)
    return {
      outcome: 'warning',
      said: 'this replica receives nothing from its source: a backup of it would be as old as its last change',
      remedy: 'SHOW REPLICA STATUS says why (Last_IO_Error, Last_SQL_Error); mend it, or back up the source',
    };
  if (Number(seconds) <= lagSeconds) return { outcome: 'fine', said: `a replica, ${seconds} s behind its source` };
  return {
    outcome: 'warning',
    said:
      `this replica is ${formatDuration(Number(seconds) * 1000)} behind its source, and a backup of it would be ` +
      'as old',
    remedy: 'let it catch up, or back up the source',
  };
}
