import * as z from 'zod';

/** What a message can be about; each has its section in docs/runbook.md. */
export const messageKinds = [
  'fresh', // the newest backup is within its limit again: only ever sent as `recovered`
  'stale', // the newest complete backup is older than the limit
  'missed', // a scheduled moment has no backup
  'lease-stuck', // the lease keeps every run out, and never expires
  'never', // there has never been one
  'unknown', // the vault can't be read: nobody knows
  'damaged', // parts of a backup are gone or cut, or a proof of it failed
  'gone', // backups are gone, and no policy removed them
  'other-database', // the newest backup is of another database, or another server
  'copy-behind', // a further vault lacks the newest good backup
  'copy-unknown', // a further vault can't be read: nobody knows how its copies stand
  'overdue-drill', // no backup has been proven for too long
  'shrunk', // the newest backup is far smaller than the ones before
  'paused', // the configuration pauses the source
  'unconfigured', // the vault has backups of a source that is no longer configured
  'tools-outdated', // the database clients are old, or lack a fix; or an authority of Amazon's is missing or about to expire
  'unconfirmed', // a topic's subscription waits to be confirmed: the subscriber gets nothing
  'schedule-disabled', // somebody has switched off a schedule of the stack
  'schedule-missing', // somebody has deleted a schedule of the stack
  'uncovered', // a database of the account that no source reaches
  'databases', // new and vanished databases of a whole server
  'by-tag', // new and vanished databases with the tag
  'account-unseen', // the account can't be looked at, so nobody knows whether something is wrong there
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
  'recovered', // a failure that was told is over
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
