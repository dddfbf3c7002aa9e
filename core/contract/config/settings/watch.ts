import * as z from 'zod';
import { isSchedule } from '../../../domain/time/schedule.ts';
import { asDay, day, duration, expected, group, wholeNumber } from '../fields.ts';

/** The default limit for the newest backup's age: a day, and an hour for a late one. */
const limitByDefaultMs = 25 * 3_600_000;
/** What a source must at least keep of its former content, in percent. */
const shareByDefault = 50;

const asPause = `true, false or ${asDay}, when it ends`;
const cron = 'five fields of cron (minute, hour, day, month, weekday) of a moment that comes, as "0 2 * * *"';
const share = (what: string) =>
  wholeNumber(0, 100).optional().describe(`${what} \`0\` switches this off.`).meta({ default: shareByDefault });

const shrink = group('shrink', {
  rows: share('Fewer rows than this share of the most that were usual, in percent, are told, of all tables or of one.'),
  bytes: share('Fewer bytes (before compression) than this share of the most that were usual, in percent, are told.'),
  since: day(asDay)
    .optional()
    .describe(
      'Only backups from this day on are compared: write it when less is what you want, or run `nightjar accept`.',
    ),
});

/** The settings of `nightjar check`, both in the defaults and in a source. */
export const watchShape = {
  schedule: z
    .string({ error: expected(cron) })
    .refine(isSchedule, { error: expected(cron) })
    .optional()
    .describe('When backups are made: five fields of cron, in the time zone of the source.'),
  freshness: duration('5m', '36500d')
    .optional()
    .describe(
      'How old the newest complete backup may be; the time that one usually takes comes on top. Without it, ' +
        'each moment of `schedule` must have a backup that begins within an hour, or `25h` counts.',
    ),
  drillEvery: duration('1h', '36500d')
    .optional()
    .describe(
      'How old the newest proven backup may be: one that passed a drill, or a restore with its proof. Without ' +
        'it, nobody is told.',
    ),
  paused: z
    .union([z.boolean(), day(asPause)], { error: expected(asPause) })
    .optional()
    .describe('`true`, or the day when it ends: nobody is told when backups are missing.'),
  shrink: shrink.optional().describe('When the newest backup is far smaller than the ones before.'),
};

type WrittenWatch = { [key in keyof typeof watchShape]?: z.infer<(typeof watchShape)[key]> };

/** How a source is watched, with defaults filled in. Shares are in percent; days are in the source's time zone. */
export type WatchSettings = {
  /** `windowMs`: how long after its moment AWS may start a run. */
  limit: { ms: number } | { schedule: string; windowMs?: number };
  schedule: string | undefined;
  /** How long after a scheduled moment AWS may start a run; absent where AWS does not start runs. */
  windowMs?: number;
  drillEveryMs: number | undefined;
  paused: boolean | { until: string };
  shrink: ShrinkSettings;
};

/** `mayBeginEmpty`: an automatically found source may be empty until it has held something. */
export type ShrinkSettings = { rows: number; bytes: number; since: string | undefined; mayBeginEmpty?: true };

/** A source's own settings over the defaults; of limit and schedule, the one closer to the source counts. */
export function watchOf(defaults: WrittenWatch, own: WrittenWatch): WatchSettings {
  const [near, far] = [limitOf(own), limitOf(defaults)];
  const paused = own.paused ?? defaults.paused ?? false;
  const { rows = shareByDefault, bytes = shareByDefault, since } = { ...defaults.shrink, ...own.shrink };
  return {
    limit: near ?? far ?? { ms: limitByDefaultMs },
    schedule: own.schedule ?? defaults.schedule,
    drillEveryMs: own.drillEvery ?? defaults.drillEvery,
    paused: typeof paused === 'string' ? { until: paused } : paused,
    shrink: { rows, bytes, since },
  };
}

function limitOf({ freshness, schedule }: WrittenWatch): WatchSettings['limit'] | undefined {
  return freshness !== undefined ? { ms: freshness } : schedule !== undefined ? { schedule } : undefined;
}
