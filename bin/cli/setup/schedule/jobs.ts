import type { Config, SourceConfig } from '../../../../core/contract/config/config.ts';
import { copyScheduleOf, drillScheduleOf, rotationScheduleOf } from '../../../../core/domain/time/after-backups.ts';
import { slugOf } from '../../../../lib/plan/names.ts';

/**
 * What a timer starts: `nightjar <args>`, at the moments of `cron` in `timeZone`. `name`: letters, digits, `_` and `-`,
 * always the same for the same file.
 */
export type TimedJob = { name: string; about: string; args: readonly string[]; cron: string; timeZone: string };

/** Hourly, but not on the hour, when everybody starts something. */
const hourly = '17 * * * *';
/** A time at which a vault of copies is probably not written. */
const vaultRotation = '45 6 * * *';
const longestName = 40;

/** Everything that has to be started on a plain machine, and the sources that nothing is started for. */
export function jobsOf({ sources: all, servers, vaults }: Config): { jobs: TimedJob[]; without: string[] } {
  // everything on a whole server is started together
  const sources = new Map([...all].filter(([, { server }]) => server === undefined).concat([...servers]));
  const scheduled = [...sources].filter(([, { watch }]) => watch.schedule !== undefined);
  const copiedInto = new Set(scheduled.flatMap(([, { copies }]) => copies.map(({ vault }) => vault)));
  const zone = scheduled[0]?.[1].timeZone ?? 'UTC';
  return {
    jobs: [
      ...scheduled.flatMap(([name, source]) => ofSource(name, source)),
      ...Object.keys(vaults)
        .filter((vault) => copiedInto.has(vault))
        .map((vault) => ({
          name: `rotate-in-${slugOf(vault, longestName)}`,
          about: `rotate the copies in ${vault}`,
          args: ['rotate', '--vault', vault],
          cron: vaultRotation,
          timeZone: zone,
        })),
      { name: 'check', about: 'check that every backup is fresh', args: ['check'], cron: hourly, timeZone: 'UTC' },
    ],
    without: [...sources.keys()].filter((name) => sources.get(name)!.watch.schedule === undefined),
  };
}

function ofSource(source: string, { watch, copies, timeZone }: SourceConfig): TimedJob[] {
  const schedule = watch.schedule!;
  const slug = slugOf(source, longestName);
  const job = (verb: string, about: string, cron: string): TimedJob => ({
    name: `${verb}-${slug}`,
    about: `${about} ${source}`,
    args: [verb, source],
    cron,
    timeZone,
  });
  return [
    job('backup', 'back up', schedule),
    ...(copies.length > 0 ? [job('copy', 'copy the backups of', copyScheduleOf(schedule))] : []),
    job('rotate', 'rotate the backups of', rotationScheduleOf(schedule)),
    ...(watch.drillEveryMs === undefined
      ? []
      : [job('drill', 'try a backup of', drillScheduleOf(schedule, watch.drillEveryMs))]),
  ];
}
