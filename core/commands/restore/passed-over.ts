import { word } from '../../domain/messages/text.ts';
import type { Manifest } from '../../contract/manifest/manifest.ts';
import { BackupError } from '../../domain/errors.ts';
import { plural } from '../../domain/units.ts';
import type { Target } from '../../ports.ts';
import type { PassedOver } from '../../survey/choose.ts';

type Destination = { target: Pick<Target, 'database' | 'state'>; replace: boolean };

/**
 * Throws `input-invalid` if an older backup would go into an existing database without anybody naming it: what was
 * written since would be missing, and only a person can want that.
 */
export function requireNamed(
  { source, id }: Pick<Manifest, 'source' | 'id'>,
  passedOver: readonly PassedOver[],
  { target: { database, state }, replace }: Destination,
): void {
  if (passedOver.length === 0 || (state === 'absent' && !replace)) return;
  const why = `database ${database} is not new, and no backup was named: ${notTheNewest(passedOver)}`;
  const command = `nightjar restore ${word(source)} ${id} --to ${word(database)}${replace ? ' --replace' : ''}`;
  throw new BackupError('input-invalid', `${why}; the newest good one is ${id}`, {
    hint:
      `look into it first: nightjar list ${word(source)}; to restore the older one all the same, name it: ` +
      `${command} (in an event: "backup": "${id}")`,
  });
}

/** Also said at the end of a restore: `not the newest: 20261129T020000Z-7f3a9c was passed over: …`. */
export function notTheNewest([newest, ...others]: readonly PassedOver[]): string {
  const more = others.length === 0 ? '' : `, and ${plural(others.length, 'other')} too`;
  return `not the newest: ${newest?.id} was passed over${more}: ${newest?.why}`;
}
