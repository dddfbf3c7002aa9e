import { digestOf } from './parts/digest.ts';
import { BackupError } from './errors.ts';
import { nameWithTail } from './keys.ts';

const sealed = /^(.*_drill_[0-9a-f]{6})([0-9a-f]{6})$/s;

/**
 * A name for the scratch database of a drill: `shop_drill_3f09a1c72b44`. Its last six digits are a digest of all before
 * them, so that nobody gives it to a database of his own by accident: on servers whose databases bear no other mark, it
 * is the mark of one that a drill has left. `random` is in [0, 1).
 */
export function drillDatabaseName(database: string, random: number): string {
  const digits = Math.floor(random * 0x1000000)
    .toString(16)
    .padStart(6, '0');
  const head = nameWithTail(database, `_drill_${digits}______`).slice(0, -6);
  return `${head}${sealOf(head)}`;
}

/** Whether a drill has made this name. */
export function isDrillDatabase(name: string): boolean {
  const [, head, seal] = sealed.exec(name) ?? [];
  return head !== undefined && sealOf(head) === seal;
}

/** What is said of a database that somebody wants to keep under such a name. */
export const ofDrills = 'this name belongs to the scratch databases of drills: the next drill or restore drops it';

/** Throws `input-invalid` where `database`, to be restored into and kept, has a name that drills make. */
export function requireNoDrillName(database: string): void {
  if (!isDrillDatabase(database)) return;
  throw new BackupError('input-invalid', `${database} can't be restored into: ${ofDrills}`, {
    hint: 'name another database',
  });
}

/** Some servers keep names in small letters. */
function sealOf(head: string): string {
  return digestOf(head.toLowerCase()).slice(0, 6);
}
