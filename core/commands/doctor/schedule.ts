import type { Settings } from '../../contract/config/settings/settings.ts';
import { BackupError } from '../../domain/errors.ts';
import { refusedForEver } from '../../domain/retention/rotatable.ts';
import { longestGapHours } from '../../domain/time/longest-gap.ts';
import { formatDuration } from '../../domain/units.ts';
import type { Examination, Observed } from '../../ports.ts';

const hourMs = 3_600_000;

/** Whether schedule, freshness and retention fit together, here and in the copies. */
export function scheduleExaminations(settings: Settings): Examination[] {
  const { schedule } = settings.watch;
  if (schedule === undefined) return [{ what: 'schedule', look: async () => [observedWithout(settings)] }];
  return [
    { what: 'schedule', look: async () => [observedFreshness(settings, schedule)] },
    { what: 'retention', look: async () => [observedRetention(settings, schedule)] },
  ];
}

function observedWithout({ watch: { limit } }: Settings): Observed {
  const age = 'ms' in limit ? `: a backup may be ${formatDuration(limit.ms)} old` : '';
  return { outcome: 'not tried', said: `none is configured${age}, and missed moments can't be known` };
}

function observedFreshness({ watch: { limit }, timeZone }: Settings, schedule: string): Observed {
  const gapMs = longestGapHours(schedule, timeZone) * hourMs;
  const gap = formatDuration(gapMs);
  if ('ms' in limit && limit.ms < gapMs)
    return {
      outcome: 'warning',
      said:
        `backups are up to ${gap} apart, and more than ${formatDuration(limit.ms)} is called stale: check would ` +
        'tell that though all is well',
      remedy:
        `write freshness: ${Math.ceil(gapMs / hourMs) + 1}h or more, or leave it out: then each moment of the ` +
        'schedule counts',
    };
  return { outcome: 'fine', said: `"${schedule}" ${timeZone}: at most ${gap} apart` };
}

/** Only for copies: the first vault's retention is checked when the configuration is read. */
function observedRetention(settings: Settings, schedule: string): Observed {
  const { copies, timeZone, rotation, cloud } = settings;
  for (const { vault, retention } of copies) {
    const { maxShare } = rotation;
    const refused = refusedForEver({ schedule, rotate: cloud.rotate, timeZone, retention, maxShare });
    if (refused === undefined) continue;
    const { lost, of } = refused;
    throw new BackupError(
      'config-invalid',
      `rotation of the vault ${vault} would be refused for ever: of backups of "${schedule}", ${lost} of ${of} ` +
        `days lose theirs at once, and rotation.maxShare is ${maxShare}`,
      {
        hint:
          `write rotation.maxShare: ${Math.ceil((lost * 100) / of)} or more, or keep more days in that copy's ` +
          'retention',
      },
    );
  }
  return { outcome: 'fine', said: 'rotation can do its work' };
}
