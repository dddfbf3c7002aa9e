import * as z from 'zod';

/** What runs: each end of one is an event. */
export const verbs = ['backup', 'restore', 'verify', 'rotation', 'drill', 'copy', 'check', 'discovery'] as const;

/**
 * How a run ended, as hooks get it on standard input and EventBridge in `detail` (source `nightjar`, detail type
 * `Nightjar Backup Succeeded`). `skipped`: another run was at work on the source. `seconds`: how long it took.
 * `result`: what the run answers when it succeeded, or went on and did not do all it should.
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
