import * as z from 'zod';

/** What a message can be about; each has its section in docs/runbook.md. */
export const messageKinds = [
  'fresh', // a backup is as new as it should be: only ever told as `recovered`
  'stale', // the newest complete backup is older than the limit
  'missed', // a moment of the schedule has no backup
  'lease-stuck', // the lease keeps every run out, and does not run out
  'never', // there has never been one
  'unknown', // the vault can't be read: nobody knows
  'damaged', // parts of a backup are gone or cut, or a look at it failed
  'gone', // backups are not there any more, and no policy removed them
  'other-database', // the newest backup is of another database, or another server
  'copy-behind', // a further vault lacks the newest good backup
  'copy-unknown', // a further vault can't be read: nobody knows how its copies stand
  'overdue-drill', // no backup has been proven for too long
  'shrunk', // the newest backup is far smaller than the ones before
  'paused', // the configuration says that nobody is to look
  'unconfigured', // backups in the vault, of a source that is no longer in the configuration
  'tools-outdated', // the database clients are old, or lack a fix; or an authority of Amazon's is missing or about to expire
  'unconfirmed', // a subscription of a topic waits to be confirmed: whoever asked for it hears nothing
  'schedule-disabled', // somebody has switched off a schedule of the stack
  'schedule-missing', // a schedule of the stack is not there: somebody has deleted it
  'uncovered', // a database of the account that no source reaches
  'databases', // of a whole server: new ones, and those that went away
  'by-tag', // databases found by their tag: new ones, and those that went away
  'account-unseen', // the account can't be looked at: whether something there is wrong is not known
  'backup-failed',
  'restore-failed',
  'verify-failed',
  'rotation-failed',
  'drill-failed',
  'copy-failed',
  'check-failed',
  'discovery-failed',
  'notifier-failed',
  'hook-failed',
  'recovered', // what was told is over
  'digest', // how everything stands, by schedule or on request
  'test', // sent on request, to see whether messages arrive
] as const;
export type MessageKind = (typeof messageKinds)[number];

/** `problem`: new. `reminder`: told before and still true. `recovered`: over. `info`: nothing to do at once. */
export const severities = ['problem', 'reminder', 'recovered', 'info'] as const;
export type Severity = (typeof severities)[number];

const line = z.string().min(1);

/**
 * One message, as every notifier gets it, and as programs receive it (SNS for queues and functions, webhooks,
 * commands). `subject`: one line without the severity. `next`: shell commands to run. `runbook`: the section of
 * docs/runbook.md. `at`: ISO 8601, UTC. `sources`: the names (or the first ones) if the message is about several.
 * `timeZone`: in which people read its moments. `link`: the section as a link that the reader can open.
 */
export const messageSchema = z.strictObject({
  version: z.literal(1),
  kind: z.enum(messageKinds),
  severity: z.enum(severities),
  source: z.string().optional(),
  sources: z.array(z.string()).optional(),
  subject: line,
  facts: z.array(z.strictObject({ label: line, value: line })),
  next: z.array(line),
  runbook: z.string().regex(/^[a-z0-9-]+$/),
  at: z.iso.datetime(),
  timeZone: z.string().optional(),
  link: line.optional(),
});

export type Message = z.infer<typeof messageSchema>;
export type Fact = Message['facts'][number];
