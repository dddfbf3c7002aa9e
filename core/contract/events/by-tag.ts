import * as z from 'zod';
import { group } from '../config/fields.ts';

/** Looks at the databases of RDS and starts what is due for them: `{}`. */
export const byTagEventSchema = group('the event', {});

const count = z.int().nonnegative();

/**
 * Its answer. `gone`: sources whose database is no longer found. `started`: such as `backup rds.shop`. `troubles`:
 * databases with the tag that can't be backed up, or not as their tag says. `skipped`: another run is doing this.
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
