import { encryptedEnding, isPartName } from '../../contract/manifest/part-name.ts';
import { startOf } from '../keys.ts';
import { backupPathOf } from '../layout/records.ts';
import { moment } from '../messages/text.ts';
import type { BackupFound, SourceHistory } from './history.ts';

/** Parts whose names show that they are not encrypted. A part is read as its name says, so a listing is enough. */
function plainParts({ objects }: BackupFound): number {
  return objects.filter(({ key }) => {
    const path = backupPathOf(key)?.path ?? '';
    return isPartName(path) && !path.endsWith(encryptedEnding);
  }).length;
}

/**
 * Why a backup of an encrypted source must not be plain: an older one is encrypted, so this one is not from before
 * encryption. Undefined if nothing speaks against it, or if nobody asks for encryption.
 */
export function plainJudge(
  { backups }: Pick<SourceHistory, 'backups'>,
  { encrypted = false, timeZone }: { encrypted?: boolean | undefined; timeZone: string },
): (found: BackupFound) => string | undefined {
  const first = encrypted
    ? backups.find((one) => plainParts(one) === 0 && one.objects.some(({ key }) => key.endsWith(encryptedEnding)))
    : undefined;
  return (found) =>
    first === undefined || found.id < first.id || plainParts(found) === 0
      ? undefined
      : `it is not encrypted, as backups since ${moment(startOf(first.id), timeZone)} have to be: who wrote it?`;
}
