import * as z from 'zod';
import { expected, group } from '../config/fields.ts';

/** What starts a check, of every source of the configuration: `{}`; with `"digest": true` everybody is told how all stands. */
export const checkEventSchema = group('the event', {
  digest: z
    .boolean({ error: expected('true or false') })
    .default(false)
    .describe('`true`: tell everybody how everything stands, instead of what has changed.'),
});

const count = z.int().nonnegative();
const states = [
  'fresh',
  'lease-stuck',
  'stale',
  'missed',
  'never',
  'gone',
  'damaged',
  'other-database',
  'unknown',
  'shrunk',
  'copy-behind',
  'overdue-drill',
  'paused',
] as const;

/**
 * How a source was found. `state` is the gravest of `findings`; times are in seconds; `newest` and `proven` are ids of
 * backups.
 */
export const checkedSourceSchema = z.strictObject({
  source: z.string(),
  state: z.enum(states),
  findings: z.array(z.strictObject({ kind: z.enum(states), text: z.string() })),
  newest: z.string().optional(),
  ageSeconds: count.optional(),
  limitSeconds: count,
  proven: z.string().optional(),
  failures: count,
  lastFailure: z.string().optional(),
  /**
   * Of the last moments of the schedule, since when it is known: how many have their backup, and what became of each
   * other one.
   */
  schedule: z
    .strictObject({
      since: z.iso.datetime(),
      made: count,
      late: count,
      others: z.array(
        z.strictObject({
          at: z.iso.datetime(),
          outcome: z.enum(['failed', 'killed', 'missed', 'running', 'due']),
          code: z.string().optional(),
          busy: z.literal(true).optional(),
        }),
      ),
    })
    .optional(),
  backups: count,
  /** Its copies in further vaults: the newest backup there, and how old that may be. */
  copies: z
    .array(
      z.strictObject({
        vault: z.string(),
        state: z.enum(['fresh', 'behind', 'unknown']),
        newest: z.string().optional(),
        limitSeconds: count.optional(),
      }),
    )
    .optional(),
});

/**
 * What a check answers. That it has found something is no failure of the check: `status` is then `problems`. `vault`:
 * why nothing could be read at all. `unconfigured`: backups of sources that the configuration does not name. `told`:
 * how many messages went out.
 */
export const checkResultSchema = z.strictObject({
  status: z.enum(['fresh', 'problems']),
  at: z.iso.datetime(),
  vault: z.strictObject({ place: z.string(), error: z.string(), hint: z.string().optional() }).optional(),
  sources: z.array(checkedSourceSchema),
  /** Further vaults that can't be read, and why. */
  unread: z.array(z.strictObject({ vault: z.string(), error: z.string(), hint: z.string().optional() })).optional(),
  unconfigured: z.array(z.strictObject({ source: z.string(), newest: z.string(), backups: count })),
  /**
   * What to know of the database clients (their age, fixes for them, authorities that are missing or expire) and of
   * subscriptions that nobody has confirmed; on AWS, of schedules that are switched off or deleted, of databases that no source
   * covers, and of what can't be looked at. No failure of anything yet.
   */
  notices: z.array(z.string()).optional(),
  /** Of a digest: whom it could not be told, and why, while it could be told others. */
  untold: z.string().optional(),
  told: count,
});

export type CheckEvent = z.infer<typeof checkEventSchema>;
export type CheckResult = z.infer<typeof checkResultSchema>;
