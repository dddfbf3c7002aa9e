import * as z from 'zod';
import { isSchedule } from '../../domain/time/schedule.ts';
import { byTagSchema } from './by-tag.ts';
import { networkSchema } from './network.ts';
import { duration, expected, expectedUnseen, group, pattern, text, timeZone, wholeNumber } from '../config/fields.ts';

const account = 'the number of an AWS account, twelve digits in quotes';
const stackName = 'a name of at most 32 letters, digits and -, that begins with a letter';
const mail = 'addresses of mail, as [ops@acme.example]';
const sizeText = 'a size, as 500MB, 20GB or 1.5TB';
const cron = 'five fields of cron (minute, hour, day, month, weekday) of a moment that comes, as "17 * * * *"';
const unitBytes: Record<string, number> = { MB: 1e6, GB: 1e9, TB: 1e12 };
/** How long CloudWatch keeps logs, in days (Logs API, PutRetentionPolicy). */
const retentionDays = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
] as const;
const retentions = retentionDays.map((days) => `${days}d` as const);

const flag = (byDefault: boolean) => z.boolean({ error: expected('true or false') }).default(byDefault);
const moments = z.string({ error: expected(cron) }).refine(isSchedule, { error: expected(cron) });

const servers = 'the name of a server, or a list of them';
const restoreHosts = z
  .union([text('the name of a server'), z.array(text('the name of a server')).min(1)], { error: expected(servers) })
  .transform((one) => [one].flat());

const objectLock = group('objectLock', {
  mode: z
    .enum(['governance', 'compliance'], { error: expected('governance or compliance') })
    .describe(
      '`governance`: who has a special right may still remove a lock. `compliance`: nobody can, not even the ' +
        'owner of the account.',
    ),
  days: wholeNumber(1, 36_500).describe(
    'How long each version of an object can’t be deleted, in days. Keep it below what retention keeps longest.',
  ),
});

const slack = group('slack', {
  workspace: pattern('the id of a workspace, as T0123456', /^T[A-Z0-9]{5,}$/).describe(
    'Id of the workspace, authorised once in the console of Amazon Q Developer in chat applications.',
  ),
  channel: pattern('the id of a channel, as C0123456', /^[CG][A-Z0-9]{5,}$/).describe('Id of the channel.'),
});

/** `cloud` of the whole file: what `cdk deploy` makes. The command line and the functions ignore it. */
export const cloudSchema = group('the cloud', {
  stack: pattern(stackName, /^[A-Za-z][A-Za-z0-9-]{0,31}$/)
    .default('Nightjar')
    .describe(
      'Name of the stack; the names of everything in it begin with it. In a CDK app of your own without it: the ' +
        'name of the stack that it is in.',
    ),
  stacks: wholeNumber(0, 100)
    .default(0)
    .describe(
      'In how many further stacks, `Nightjar-1` and so on, the functions, schedules and alarms of the sources ' +
        'are: one stack has room for about 35. `0`: all in one.',
    ),
  account: pattern(account, /^\d{12}$/)
    .optional()
    .describe('Number of the AWS account, in quotes; without it, the one of whoever deploys.'),
  region: pattern('a region, as eu-west-1', /^[a-z]{2,4}(-[a-z]+)+-\d$/)
    .optional()
    .describe('Region; without it, the one of whoever deploys.'),
  bucket: z
    .enum(['create', 'existing'], { error: expected('create or existing') })
    .default('create')
    .describe(
      '`create`: the stack makes the bucket of the vault, and leaves it when it is deleted. `existing`: it is ' +
        'there already; where it encrypts with a key, that is `vault.s3.kmsKey`.',
    ),
  encryption: z
    .enum(['key', 's3'], { error: expected('key or s3') })
    .default('key')
    .describe(
      '`key`: the bucket encrypts with a KMS key, of its own unless `vault.s3.kmsKey` names one. `s3`: with ' +
        'keys of S3, which cost nothing.',
    ),
  signingKey: flag(false).describe(
    'Whether the stack makes a key of KMS that signs backups: `nightjar key kms alias/nightjar/<stack>-signing` prints ' +
      'what to write into `signing` then.',
  ),
  objectLock: objectLock
    .optional()
    .describe(
      'Locks every version of every object for some days. Only of a bucket that the stack makes, and not to be ' +
        'taken back.',
    ),
  noncurrent: duration('1d', '36500d')
    .prefault('30d')
    .describe('How long S3 keeps what was deleted or overwritten, as older versions.'),
  email: z
    .array(pattern(mail, /^[^\s@]+@[^\s@]+\.[^\s@]+$/), { error: expected(mail) })
    .default([])
    .describe('Who gets mail; each must confirm once.'),
  slack: slack
    .optional()
    .describe(
      'A channel of Slack that alarms are written into, by Amazon Q Developer in chat applications. For the ' +
        'messages of the functions, see `notify`.',
    ),
  flexibleWindow: duration('0m', '24h')
    .prefault('15m')
    .describe(
      'Backups and rotations start at some moment within this time, so that not all start at once. `0m`: on the ' +
        'minute.',
    ),
  alarms: z
    .enum(['each', 'few'], { error: expected('each or few') })
    .default('each')
    .describe(
      '`each`: alarms of its own for each source (failed, near its time limit, throttled), 30 cents a month ' +
        'each source. `few`: those of the whole alone; they see a failed run too, when it has been given up.',
    ),
  check: moments.default('17 * * * *').describe('When freshness is checked.'),
  timeZone: timeZone.default('UTC').describe('IANA time zone of `check` and `digest`.'),
  digest: moments
    .optional()
    .describe(
      'When everybody who is told is told how everything stands, well or not, as `"0 8 * * 1"`; in `timeZone`. ' +
        'Without it, nobody is.',
    ),
  mustCover: pattern('all, tag:key or tag:key=value', /^(all|tag:[^=]{1,128}(=.{0,256})?)$/)
    .optional()
    .describe(
      'Which database servers of RDS in this account and region have to be a source: `all`, or those with a tag ' +
        '(`tag:backup`, `tag:backup=nightly`). The check tells of each that is not. Without it, nobody asks.',
    ),
  byTag: byTagSchema
    .optional()
    .describe('Databases of RDS in this account and region that become sources by a tag (docs/cloud.md).'),
  logRetention: z
    .enum(retentions, { error: expected(`one of ${retentions.join(', ')}`) })
    .default('90d')
    .describe('How long logs are kept.'),
  reserveConcurrency: flag(false).describe(
    'Whether Lambda itself sees to it that a source is backed up once at a time: the lease in the vault does so ' +
      'anyway. It sets concurrency of the account aside, one for each source, and new accounts have 10 in all.',
  ),
  tracing: flag(false).describe('Whether runs are traced by X-Ray.'),
  tags: z
    .record(z.string().regex(/^[\p{L}\p{Z}\p{N}_.:/=+@-]{1,128}$/u), text('the text of a tag'), {
      error: expectedUnseen('tags, a group of keys: a name and a text each'),
    })
    .default({})
    .describe('Tags of everything in the stack.'),
  secretKeys: z
    .array(
      text('the ARN of a KMS key').regex(/^arn:[\w-]+:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/, {
        error: expected('the ARN of a KMS key'),
      }),
      { error: expected('a list of ARNs of KMS keys') },
    )
    .default([])
    .describe(
      'ARNs of the KMS keys of your own that secrets are encrypted with; none for those under `aws/secretsmanager`.',
    ),
  networks: z
    .record(z.string().regex(/^[A-Za-z][A-Za-z0-9-]{0,31}$/), networkSchema, {
      error: expectedUnseen('networks, a group of keys: a name for each, and what it is'),
    })
    .default({})
    .describe('Private networks that functions run in, by a name of your choice.'),
});

const size = pattern(sizeText, /^\d{1,6}(\.\d{1,3})?(MB|GB|TB)$/).transform(
  (value) => Number.parseFloat(value) * unitBytes[value.slice(-2)]!,
);

const cloudFields = {
  network: text('the name of one of cloud.networks')
    .optional()
    .describe('Which of `cloud.networks` the functions of the source run in; without it, the public internet.'),
  databaseSecurityGroup: pattern('a security group, as sg-0abc', /^sg-[0-9a-z]+$/)
    .optional()
    .describe(
      'Security group of the database, or of the mount targets of the file system: the stack lets the functions in.',
    ),
  resourceId: pattern(
    'a resource id, as db-ABCDEFGHIJKL01234 or cluster-ABCDEFGHIJKL01234',
    /^(db|cluster|prx)-[A-Za-z0-9]+$/,
  )
    .optional()
    .describe('Resource id of the RDS instance or cluster, for `password: iam`.'),
  size: size
    .optional()
    .describe(
      'About how large the source is, as `20GB`: memory and time limits are chosen by it, and the cost is ' +
        'estimated from it.',
    ),
  oversize: z
    .enum(['refuse', 'try'], { error: expected('refuse or try') })
    .default('refuse')
    .describe(
      'What becomes of a source whose `size` is more than a function is sure to get done in 15 minutes: ' +
        '`refuse` to deploy it, or `try`.',
    ),
  restoreHost: restoreHosts
    .optional()
    .describe(
      'Server that the restore function works on, where `host` is a replica: the cluster’s or primary’s own ' +
        'endpoint. Of a list the first; `restoreHost` in the event names another one of them, and no other server. ' +
        'The same port and login.',
    ),
  memory: wholeNumber(256, 10_240)
    .optional()
    .describe('Memory of the functions that back up and restore, in MB; 1769 is one processor.'),
  rotate: moments
    .optional()
    .describe('When old backups are removed, in the time zone of the source. Without it, some hours after the backup.'),
  drill: moments
    .optional()
    .describe(
      'When a source with `drillEvery` is drilled, in its time zone. Without it, on Sundays some hours after ' +
        'the backup; each day where `drillEvery` is less than `8d`.',
    ),
};

/** `cloud` of a source, and of the defaults. */
export const sourceCloudSchema = group('the cloud', cloudFields);

export type CloudConfig = z.infer<typeof cloudSchema>;
export type SourceCloud = z.infer<typeof sourceCloudSchema>;
