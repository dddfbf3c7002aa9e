import { hostname, userInfo } from 'node:os';
import { removableBackup } from '../../../core/commands/remove.ts';
import { BackupError, collected } from '../../../core/domain/errors.ts';
import { backupId } from '../../../core/domain/keys.ts';
import { word } from '../../../core/domain/messages/text.ts';
import { formatBytes } from '../../../core/domain/units.ts';
import { confirmByName } from '../text/confirm.ts';
import { removalNotes } from '../text/backups/rotation-text.ts';
import { memoryFor, readable } from '../names.ts';
import type { CommandOutcome } from '../text/output.ts';
import type { CommandSession } from '../session.ts';

/** `nightjar remove`: removes one backup for good, after a person has given a reason and typed its id. */
export async function removeCommand(
  name: string,
  which: string,
  { reason = '', yes }: { reason?: string; yes?: true },
  { nightjar, out }: CommandSession,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const id = backupId(which);
  const why = reason.trim();
  if (why === '')
    throw new BackupError('input-invalid', 'a removal needs a reason', {
      hint: `nightjar remove ${word(name)} ${word(which)} --reason "holds data that had to go"`,
    });
  const source = await readable(name, nightjar, signal);
  const { remove, verdict } = await removableBackup(source, id, memoryFor(source, nightjar), nightjar, signal);
  const proven = verdict.proven ? ', which was restored and proven,' : '';
  if (yes !== true) await confirmByName(id, `the backup ${id} of ${source}${proven} will be removed`, out, signal);
  const by = `${userInfo().username}@${hostname()}`;
  const removal = await remove({ reason: why, by }, signal);
  const { state, bytes, failures } = removal;
  if (failures.length > 0) throw collected(failures);
  if (state !== 'pinned') out.say(`${source}  ${id}  removed: ${formatBytes(bytes)}; ${why}`);
  for (const line of removalNotes(removal)) out.say(line);
  if (removal.unsigned)
    out.note(
      'backups are signed, and no private key is configured here: the next check will call this one gone, until ' +
        `nightjar accept ${word(source)}`,
    );
  return { document: { result: { source, id, state, bytes, reason: why, by } }, failures: [] };
}
