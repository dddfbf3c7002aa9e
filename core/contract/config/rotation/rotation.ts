import type { z } from 'zod';
import { duration, group, wholeNumber } from '../fields.ts';

const byDefault = { maxShare: 60, grace: '24h' };

/** How cautiously a source's backups are removed. */
export const rotationSchema = group('rotation', {
  maxShare: wholeNumber(1, 100)
    .optional()
    .describe(
      'Percent of the days that have a backup which one rotation may leave without any; more only when it is ' +
        'told so (`--any-share`).',
    )
    .meta({ default: byDefault.maxShare }),
  grace: duration('1h', '365d')
    .optional()
    .describe('Age at which what a dead run has left, unfinished uploads too, is removed.')
    .meta({ default: byDefault.grace }),
});

export type RotationSettings = { maxShare: number; graceMs: number };

/** A source's settings over the defaults, key by key. */
export function rotationOf(
  defaults: z.infer<typeof rotationSchema>,
  own: z.infer<typeof rotationSchema>,
): RotationSettings {
  return {
    maxShare: own.maxShare ?? defaults.maxShare ?? byDefault.maxShare,
    graceMs: own.grace ?? defaults.grace ?? 24 * 3_600_000,
  };
}
