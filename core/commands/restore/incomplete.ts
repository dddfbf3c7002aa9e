import { BackupError } from '../../domain/errors.ts';
import { firstOf, oneLine } from '../../domain/lines.ts';
import { plural } from '../../domain/units.ts';
import type { LoadFailure } from '../../ports.ts';
import type { Restored } from './restore.ts';

const shownInMessage = 10;

/**
 * The error of a restore that skipped failures; undefined if nothing failed. Its message names the first failures,
 * `failures` of the restore all of them.
 */
export function incompleteError({ failures, proof, ...where }: Restored, place: string): BackupError | undefined {
  if (failures.length === 0) return undefined;
  const found =
    proof === undefined || proof.differences.length === 0
      ? []
      : [`differences: ${firstOf(proof.differences, shownInMessage)}`];
  const said = [
    `restored into ${place}, with ${plural(failures.length, 'failure')}: ` +
      `${firstOf(failures.map(lineOf), shownInMessage)}`,
    ...found,
    whereItIs(where),
  ];
  return new BackupError('restore-incomplete', said.join('. '), {
    hint: 'mend what failed in the restored database by hand, statement by statement; it is not proven',
  });
}

/** A failure in one line: `FK CONSTRAINT orders orders_customer_fkey: ERROR: …`. */
export function lineOf({ object, error }: LoadFailure): string {
  return oneLine(`${object}: ${error}`);
}

/** Where the restored database is, and what it did not replace. */
export function whereItIs({ database, notReplaced }: Pick<Restored, 'database' | 'notReplaced'>): string {
  return notReplaced === undefined
    ? `It is in database ${database}`
    : `Database ${notReplaced} was not replaced: what could be restored is beside it, in database ${database}`;
}
