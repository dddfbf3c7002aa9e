import { refusedForEver } from '../../../domain/retention/rotatable.ts';
import type { Settings } from '../settings/settings.ts';

/**
 * Why rotation would always refuse to work although nothing is wrong, with a remedy; empty if it works, or if no
 * schedule says when backups are made.
 */
export function rotationProblems({
  watch: { schedule },
  timeZone,
  retention,
  rotation: { maxShare },
  cloud: { rotate },
}: Settings): string[] {
  if (schedule === undefined) return [];
  const refused = refusedForEver({ schedule, rotate, timeZone, retention, maxShare });
  if (refused === undefined) return [];
  const { lost, of } = refused;
  const how = `backups of "${schedule}", rotated ${rotate === undefined ? 'once a day' : `at "${rotate}"`}`;
  const oftener = rotate === undefined ? '' : ', rotate each day';
  return [
    `is ${maxShare}, and rotation would be refused for ever: of ${how}, ${lost} of ${of} days lose theirs at ` +
      `once; write ${Math.ceil((lost * 100) / of)} or more${oftener}, or keep more days in retention`,
  ];
}
