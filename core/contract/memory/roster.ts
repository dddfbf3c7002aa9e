import * as z from 'zod';

const moment = z.iso.datetime();

/**
 * A source that was found by its tag. `what`: the instance or cluster of RDS. `since`: when it was found. `gone`: since
 * when it is no longer found, and why; it stays a source, whose backups are missed. `written`: as it would stand in the
 * configuration.
 */
const rosterEntrySchema = z.strictObject({
  name: z.string(),
  what: z.string(),
  since: moment,
  gone: z.strictObject({ since: moment, why: z.string() }).optional(),
  written: z.record(z.string(), z.json()),
});

/** A start that was due at a moment, and failed. */
const unstartedSchema = z.strictObject({
  source: z.string(),
  job: z.enum(['backup', 'rotate', 'copy', 'drill']),
  at: moment,
});

/**
 * The sources that are in no configuration. `owner`: the function, region and account that write it. `at`: the last
 * look. `startedUntil`: scheduled moments up to then were started, except `unstarted`. `refused`: what has the tag and
 * can't be a source, and why. `untold`: what people have yet to be told.
 */
export const rosterSchema = z.strictObject({
  version: z.literal(1),
  owner: z.string(),
  at: moment,
  startedUntil: moment,
  unstarted: z.array(unstartedSchema).optional(),
  sources: z.array(rosterEntrySchema),
  refused: z.array(z.strictObject({ what: z.string(), why: z.string() })),
  untold: z.array(z.strictObject({ label: z.string(), text: z.string() })),
});

export type RosterEntry = z.infer<typeof rosterEntrySchema>;
export type Roster = z.infer<typeof rosterSchema>;
