import * as z from 'zod';
import { expected, group } from '../config/fields.ts';

/** Starts a check of every configured source: `{}`; with `"digest": true`, everybody is told how everything stands. */
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
 * What was found of a source. `state` is the gravest of `findings`; times are in seconds; `newest` and `proven` are ids
 * of backups.
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
   * The last scheduled moments since the schedule is known: how many have their backup, and the outcome of each other
   * one.
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
  /** Its copies in further vaults: the newest backup there, and how old it may be. */
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
 * The answer of a check. Findings are no failure of the check: `status` is then `problems`. `vault`: why the vault
 * could not be read at all. `unconfigured`: backups of sources that are not configured. `told`: how many messages were
 * sent.
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
   * Notices, which are no failures yet: about the database clients (their age, fixes, authorities that are missing or
   * expire) and subscriptions that nobody has confirmed; on AWS, about schedules that are switched off or deleted,
   * databases that no source covers, and what can't be looked at.
   */
  notices: z.array(z.string()).optional(),
  /** For a digest: who could not be reached and why, although others were. */
  untold: z.string().optional(),
  told: count,
});

export type CheckEvent = z.infer<typeof checkEventSchema>;
export type CheckResult = z.infer<typeof checkResultSchema>;
