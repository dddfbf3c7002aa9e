import * as z from 'zod';
import { isSchedule } from '../../domain/time/schedule.ts';
import { expected, expectedUnseen, group, text } from '../config/fields.ts';
import { tls } from '../config/sources/server.ts';

const aTag = 'the key of a tag, as nightjar: at most 118 letters, digits, blanks and _ . : / + - @';
const cron = 'five fields of cron (minute, hour, day, month, weekday) of a moment that comes, as "0 2 * * *"';
const aUser = 'a user, of at most 32 letters, digits and _';
const aGroup = 'a list of security groups, as [sg-0abc]';

/** Names of sources found by their tag begin with this, and no source of the configuration may. */
export const byTagPrefix = 'rds.';

/** Whether this is the name of a source that was found by its tag. */
export function isByTag(name: string): boolean {
  return name.startsWith(byTagPrefix);
}

/** `cloud.byTag`: which databases of RDS become sources without being named in the configuration. */
export const byTagSchema = group('byTag', {
  tag: z
    .string({ error: expected(aTag) })
    .regex(/^[\p{L}\p{N}_.:/+@ -]{1,118}$/u, { error: expected(aTag) })
    .default('nightjar')
    .describe('Key of the tag that makes a source of an RDS instance or cluster.'),
  network: text('the name of one of cloud.networks').describe(
    'Which of `cloud.networks` their functions run in: databases elsewhere are not reached.',
  ),
  user: z
    .string({ error: expected(aUser) })
    .regex(/^[A-Za-z_][A-Za-z0-9_]{0,31}$/, { error: expected(aUser) })
    .default('nightjar')
    .describe('User on every one of these servers, who logs in by IAM (`rds-db:connect`).'),
  schedule: z
    .string({ error: expected(cron) })
    .refine(isSchedule, { error: expected(cron) })
    .optional()
    .describe('When they are backed up where the tag says no other; without it, as `defaults` says.'),
  securityGroups: z
    .array(text('a security group').regex(/^sg-[0-9a-z]+$/, { error: expectedUnseen(aGroup) }), {
      error: expectedUnseen(aGroup),
    })
    .default([])
    .describe('Security groups that such databases have: the stack lets its functions in, to 5432 and 3306.'),
  without: z
    .array(text('the name of a source, as rds.shop'), { error: expected('a list of names, as [rds.shop]') })
    .default([])
    .describe('Names of such sources that are none (any more): nobody misses them, and their backups stay.'),
  tls: tls.optional(),
});

export type ByTag = z.infer<typeof byTagSchema>;
