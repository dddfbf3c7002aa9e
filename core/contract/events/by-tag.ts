import * as z from 'zod';
import { group } from '../config/fields.ts';

/** What has the databases of RDS looked at, and what is due of them started: `{}`. */
export const byTagEventSchema = group('the event', {});

const count = z.int().nonnegative();

/**
 * What that answers. `gone`: sources whose database is not found any more. `started`: what was started, as `backup rds.shop`.
 * `troubles`: databases with the tag that can't be backed up, or not as their tag says. `skipped`: another one is at it.
 */
export const byTagResultSchema = z.discriminatedUnion('status', [
  z.strictObject({
    status: z.literal('looked'),
    sources: count,
    gone: z.array(z.string()),
    started: z.array(z.string()),
    troubles: z.array(z.string()),
    told: count,
  }),
  z.strictObject({ status: z.literal('skipped'), why: z.string() }),
]);

export type ByTagResult = z.infer<typeof byTagResultSchema>;
