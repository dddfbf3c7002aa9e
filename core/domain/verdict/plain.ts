import { encryptedEnding, isPartName } from '../../contract/manifest/part-name.ts';
import { startOf } from '../keys.ts';
import { backupPathOf } from '../layout/records.ts';
import { moment } from '../messages/text.ts';
import type { BackupFound, SourceHistory } from './history.ts';

/** A part is read as its name says, so that a listing tells what is encrypted: nothing of a backup need be read. */
function plainParts({ objects }: BackupFound): number {
  return objects.filter(({ key }) => {
    const path = backupPathOf(key)?.path ?? '';
    return isPartName(path) && !path.endsWith(encryptedEnding);
  }).length;
}

/**
 * Why a backup of a source that is encrypted must not be plain: an older one is encrypted, so that it is not from the
 * time before. Undefined where nothing speaks against it. Where nobody asks for encryption, nothing does.
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
