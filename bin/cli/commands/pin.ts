import { word } from '../../../core/domain/messages/text.ts';
import { hostname, userInfo } from 'node:os';
import { BackupError } from '../../../core/domain/errors.ts';
import { backupId } from '../../../core/domain/keys.ts';
import { readable } from '../names.ts';
import type { CommandOutcome } from '../text/output.ts';
import type { CommandSession } from '../session.ts';

/** `nightjar pin`: rotation keeps this backup, and everybody can read why. */
export async function pinCommand(
  name: string,
  id: string,
  { reason }: { reason?: string },
  { nightjar, out }: CommandSession,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  if (reason === undefined || reason.trim() === '')
    throw new BackupError('input-invalid', 'a pin needs a reason', {
      hint: `nightjar pin ${word(name)} ${word(id)} --reason "before the migration"`,
    });
  const source = await readable(name, nightjar, signal);
  const made = await nightjar.store.pin(
    source,
    backupId(id),
    { reason: reason.trim(), by: `${userInfo().username}@${hostname()}` },
    nightjar,
    signal,
  );
  const held = made.held && !made.refused ? '; under a legal hold, so that nobody deletes it for good' : '';
  out.say(`${source}  ${id}  pinned: ${made.reason}${held}`);
  if (made.refused)
    out.note(
      `no legal hold${made.held ? ' beside the one of before' : ''}: these credentials may not put one ` +
        '(s3:PutObjectLegalHold, for a bucket with Object Lock); rotation leaves the backup alone all the same',
    );
  return { document: { result: { source, id, pinned: true, ...made } }, failures: [] };
}

/** `nightjar unpin`: the retention decides about the backup again. */
export async function unpinCommand(
  name: string,
  id: string,
  { nightjar, out }: CommandSession,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const source = await readable(name, nightjar, signal);
  const was = await nightjar.store.unpin(source, backupId(id), signal);
  out.say(`${source}  ${id}  ${was ? 'no longer pinned' : 'was not pinned'}`);
  return { document: { result: { source, id, pinned: false, was } }, failures: [] };
}
