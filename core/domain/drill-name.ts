import { digestOf } from './parts/digest.ts';
import { BackupError } from './errors.ts';
import { nameWithTail } from './keys.ts';

const sealed = /^(.*_drill_[0-9a-f]{6})([0-9a-f]{6})$/s;

/**
 * A name for the scratch database of a drill: `shop_drill_3f09a1c72b44`. Its last six digits are a digest of all before
 * them, so that nobody chooses such a name by accident: on servers whose databases can't be marked otherwise, the name
 * marks what a drill has left. `random` is in [0, 1).
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

/** What is said about a database that somebody wants to keep under such a name. */
export const ofDrills = 'this name belongs to the scratch databases of drills: the next drill or restore drops it';

/** Throws `input-invalid` if `database`, to be restored into and kept, has a name of drills. */
export function requireNoDrillName(database: string): void {
  if (!isDrillDatabase(database)) return;
  throw new BackupError('input-invalid', `${database} can't be restored into: ${ofDrills}`, {
    hint: 'name another database',
  });
}

/** Some servers store names in lower case. */
function sealOf(head: string): string {
  return digestOf(head.toLowerCase()).slice(0, 6);
}
