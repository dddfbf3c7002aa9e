import { guarded } from '../../../../pipeline/guard.ts';
import { withoutEnd } from '../../../../pipeline/text-end.ts';
import type { BackupAsSql, ByteStream } from '../../../../ports.ts';
import { headOf } from '../../../sql-head.ts';
import { disabledEvents } from '../restored-events.ts';
import { dataGrammar } from './data-grammar.ts';
import { withTriggersAnywhere } from '../../plan/text/trigger-text.ts';
import { endMarker, withoutDefiners } from './load-text.ts';

const client = (product: string) => (product === 'MySQL' ? 'mysql' : 'mariadb');

/**
 * The parts one after the other, each committed once all of it is there: a client that gets no more rolls back the last
 * one. Definitions commit by themselves, so what was loaded before stays. What belongs to the database itself
 * (character set, comment) is left out.
 */
export async function* plainSql(backup: BackupAsSql, signal: AbortSignal): ByteStream {
  const { manifest, open, owners, events } = backup;
  const load = `${client(manifest.server.product)} --binary-mode --comments --default-character-set=utf8mb4 --max-allowed-packet=1G NEW`;
  yield Buffer.from(headOf(manifest, [`load it into a new database: ${load} < this`]));
  for (const role of ['schema', 'data', 'after'] as const) {
    for (const part of manifest.parts.filter((one) => one.role === role)) {
      const stored = open(part, signal);
      const content = role === 'data' ? stored : withTriggersAnywhere(stored, manifest.database);
      const owned =
        role === 'data' ? guarded(content, dataGrammar, part.file) : owners ? content : withoutDefiners(content);
      const text = role === 'after' && !events ? disabledEvents(owned) : owned;
      yield Buffer.from('SET autocommit = 0;\n');
      yield* withoutEnd(text, endMarker, part.file);
      yield Buffer.from('COMMIT;\n');
    }
  }
  yield Buffer.from('-- Dump completed\n');
}
