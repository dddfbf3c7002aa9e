import * as z from 'zod';

/** The kinds of runs; the end of each run is an event. */
export const verbs = ['backup', 'restore', 'verify', 'rotation', 'drill', 'copy', 'check', 'discovery'] as const;

/**
 * How a run ended, as hooks get it on standard input and EventBridge in `detail` (source `nightjar`, detail type such
 * as `Nightjar Backup Succeeded`). `skipped`: another run was at work on the source. `seconds`: how long it took.
 * `result`: the run's answer if it succeeded, or if it completed without doing all it should.
 */
export const runEndedSchema = z.strictObject({
  version: z.literal(1),
  verb: z.enum(verbs),
  status: z.enum(['succeeded', 'failed', 'skipped']),
  source: z.string().optional(),
  run: z.string(),
  vault: z.string(),
  at: z.iso.datetime(),
  seconds: z.number().nonnegative(),
  error: z.strictObject({ code: z.string(), message: z.string(), hint: z.string().optional() }).optional(),
  result: z.record(z.string(), z.json()).optional(),
});

export type RunEnded = z.infer<typeof runEndedSchema>;
