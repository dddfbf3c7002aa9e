import * as z from 'zod';
import { BackupError } from '../../domain/errors.ts';
import { isDrillDatabase, ofDrills } from '../../domain/drill-name.ts';
import { ranks } from '../../domain/rank.ts';
import { always, expected, group, text } from '../config/fields.ts';

const flag = (what: string, byDefault: boolean) =>
  z
    .boolean({ error: expected('true or false') })
    .default(byDefault)
    .describe(what);
const source = text('the name of a source, as in the configuration').describe(
  'Name of the source, as in the configuration.',
);

const vault = text('the name of a further vault')
  .optional()
  .describe('Further vault of the configuration to take the copy of the backup from. Default: the first vault.');

const whichBackup = text('"latest", "latest-proven", or the id of a backup')
  .default('latest')
  .describe('`latest`, `latest-proven` (the newest that was restored and compared), or the id of a backup.');

const moment = 'a moment in UTC, as 2026-11-21T02:00:00Z';

/**
 * Starts a backup: `{ "source": "shop" }`. If the event is delivered again with the same `scheduled`, the backup is
 * made only once.
 */
export const backupEventSchema = group('the event', {
  source,
  // an unreplaced placeholder would make all runs one
  scheduled: text(moment)
    .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d/, { error: expected(moment) })
    .optional()
    .describe('The moment that a schedule meant.'),
  doctor: z
    .boolean({ error: expected('true or false') })
    .optional()
    .describe('`true`: make no backup, but try everything that one takes, as this function, and say what to mend.'),
});

/**
 * Starts a restore: into a new database, unless `to` names an existing one and `replace` and `confirm` say that it may
 * be replaced.
 */
export const restoreEventSchema = group('the event', {
  source,
  backup: whichBackup,
  vault,
  at: text('a moment, as "yesterday 14:00"')
    .optional()
    .describe(
      'Instead of `backup`: a moment, as `yesterday 14:00`, `2026-11-20` or `2026-11-20T14:00Z`; without an ' +
        'offset in the time zone of the source. The newest good backup that began until then.',
    ),
  to: text('the name of a database')
    .refine((name) => !isDrillDatabase(name), { error: `${ofDrills}; name another database` })
    .optional()
    .describe(
      'Database to restore into, on the server of the source. Default: a new one, named after the source’s own ' +
        'and the backup.',
    ),
  restoreHost: text('the name of a server')
    .optional()
    .describe(
      'Server to restore on: one of those that `cloud.restoreHost` of the source lists, and no other. Default: the ' +
        'first of them; without any, the server of the source.',
    ),
  tables: z
    .array(text('the name of a table, as orders or sales.*'))
    .min(1, { error: expected('at least one table') })
    .optional()
    .describe(
      'Only these tables, as `orders`, `sales.*` or `"Odd Name"`, with their types, sequences, indexes, constraints, ' +
        'triggers and grants, into a database of their own. Default: everything.',
    ),
  schemaOnly: z
    .boolean({ error: expected('true or false') })
    .optional()
    .describe('`true`: definitions alone, and no row, into a database of their own.'),
  replace: flag(
    'Put the backup in the place of what the database `to` holds, which is kept as `<to>_before_<backup>` until the ' +
      'next proven replacement.',
    false,
  ),
  dropOld: flag('With `replace`: keep nothing of what was there, nor what is kept from before.', false),
  plan: flag('Say what would be made, renamed and dropped, and what would make it fail; write nothing.', false),
  into: z
    .enum(ranks, { error: expected(ranks.join(', ')) })
    .optional()
    .describe('The `rank` of the server, where a restore has to name it: `production`.'),
  confirm: text('the name of the database that is to be emptied')
    .optional()
    .describe('With `replace`: the name of the database again.'),
  request: text('a word of your own')
    .regex(/^\S.{0,255}$/, { error: expected('a word of your own, at most 256 characters') })
    .optional()
    .describe(
      'With `replace`: a word of your own that tells this request from another. One request replaces a database ' +
        'once; without a word, the same event is the same request for twelve hours.',
    ),
  owners: flag('Restore owners and grants too; without, everything belongs to the user that restores.', true),
  proof: flag('Read the restored database and compare it with the backup.', true),
  tablespaces: flag('Put things into the tablespaces that they were in; without, into the default one.', true),
  keepGoing: flag(
    'Go on without what can’t be restored, list it in the answer, and keep the rest; it replaces nothing then.',
    false,
  ),
  events: z
    .boolean({ error: expected('true or false') })
    .optional()
    .describe(
      'Let the events of MariaDB and MySQL run that ran in the source, once all is proven. Default: only where ' +
        '`to` is the name of the source’s own database.',
    ),
}).superRefine(({ backup, at, to, tables, schemaOnly, replace, plan, confirm, request }, context) => {
  for (const [key, isPart] of Object.entries({ tables: tables !== undefined, schemaOnly: schemaOnly === true }))
    if (isPart && replace)
      context.addIssue({
        code: 'custom',
        path: [key],
        message: 'replaces no database: leave out replace, and name a new one',
      });
  if (at !== undefined && backup !== 'latest')
    context.addIssue({ code: 'custom', path: ['at'], message: 'says which backup is meant, and so does backup' });
  if (request !== undefined && !replace)
    context.addIssue({
      code: 'custom',
      path: ['request'],
      message: 'goes with replace: a restore into a new database can be asked for as often as you like',
    });
  if (replace && to === undefined)
    context.addIssue({
      code: 'custom',
      path: ['to'],
      message: 'is missing: with replace, name the database that is to be emptied',
    });
  if (replace && !plan && confirm !== to)
    context.addIssue({
      code: 'custom',
      path: ['confirm'],
      message: 'with replace, write the name of the database again, as in to: what it holds will be gone',
    });
}, always);

/** Starts a drill of one source: `{ "source": "shop" }`. */
export const drillEventSchema = group('the event', {
  source,
  backup: whichBackup,
  vault,
  owners: flag('Restore and compare who owns what, where the configuration does not leave it out.', true),
  tablespaces: flag('Put things into the tablespaces that they were in; without, into the default one.', true),
});

/** Starts a rotation of one source. */
export const rotateEventSchema = group('the event', {
  source,
  dryRun: flag('Say what would happen, and change nothing.', false),
  anyShare: flag('Remove more at once than `rotation.maxShare` allows.', false),
});

/** Starts the copying of one source. */
export const copyEventSchema = group('the event', { source });

/** What is started for a source that has no schedule in the stack. */
type StartedJob = 'backup' | 'rotate' | 'copy' | 'drill';

/** All variables of a function together have 4 KB: the names of a hundred groups would not fit. */
function groupsOf(written: string): string[] {
  const [first = '', ...ends] = written.split(' ');
  return first === '' ? [] : [first, ...ends.map((end) => `${first}${end}`)];
}

/**
 * Variables of a function. The configuration is a file of the bundle, because all variables together may have only 4 KB
 * (AWS Lambda quotas).
 */
export const functionEnvironmentSchema = z.object({
  LAMBDA_TASK_ROOT: z.string().default('/var/task'),
  NIGHTJAR_CONFIG: z.string().default('nightjar.yaml').describe('Path of the configuration, relative to the bundle.'),
  NIGHTJAR_TOOLS: z.string().default('/opt').describe('Folder of the binary layer.'),
  NIGHTJAR_SCHEDULES: z
    .string()
    .default('')
    .transform(groupsOf)
    .describe(
      'Groups of schedules that the check looks at, with spaces between: the first, and how the others end that begin ' +
        'like it.',
    ),
  NIGHTJAR_MUST_COVER: z.string().optional().describe('Which databases have to be sources, as `cloud.mustCover` says.'),
  NIGHTJAR_ROSTER: z
    .enum(['on', 'off'])
    .default('off')
    .describe('`on`: sources that were found by their tag are among those of the function.'),
  NIGHTJAR_SERVER: z
    .string()
    .optional()
    .describe('The whole server whose databases are sources of the function; `*`: those of all of them.'),
  NIGHTJAR_STARTS: z
    .string()
    .default('{}')
    .transform((text) => JSON.parse(text) as Partial<Record<StartedJob, string>>)
    .describe('Names of the functions that are started for databases by tag, as JSON, by what they do.'),
  NIGHTJAR_TOPIC: z.string().optional().describe('ARN of an SNS topic that is told what `notify` is told.'),
});

const count = z.int().nonnegative();

const skippedSchema = z.strictObject({
  status: z.literal('skipped'),
  source: z.string(),
  heldBy: z.string(),
  why: z.string(),
});

/** The answer of a backup. A second run of a source that is already at work is no failure: it is skipped. */
export const backupResultSchema = z.discriminatedUnion('status', [
  z.strictObject({
    status: z.literal('stored'),
    source: z.string(),
    id: z.string(),
    tables: count,
    rows: count,
    bytes: count,
    storedBytes: count,
    parts: count,
    seconds: z.number(),
    warnings: z.array(z.string()),
  }),
  skippedSchema,
  z.strictObject({
    status: z.literal('examined'),
    source: z.string(),
    ok: z.boolean(),
    results: z.array(
      z.strictObject({
        about: z.string(),
        what: z.string(),
        outcome: z.enum(['fine', 'warning', 'failed', 'not tried']),
        said: z.string(),
        remedy: z.string().optional(),
      }),
    ),
    seconds: z.number(),
  }),
]);

const loadFailureSchema = z.strictObject({ object: z.string(), error: z.string(), statement: z.string() });
const restoredAs = {
  source: z.string(),
  id: z.string(),
  database: z.string(),
  proof: z.string(),
  notes: z.array(z.string()),
  seconds: z.number(),
  notNewest: z.string().optional(),
};

/**
 * The answer of a restore. `proof` says what was compared, and that it is equal. `incomplete`: because of `keepGoing`
 * it skipped what `failures` lists (`failed` counts them if not all are shown), and replaced nothing: `notReplaced` is
 * what it should have replaced. `repeated`: this request was carried out before, at `first`; nothing was done now, and
 * the rest is the answer of then. `planned`: nothing was written; `wouldFail`: whether a restore would be refused.
 * `notNewest`: `latest` was asked for, and newer backups are not good.
 */
export const restoreResultSchema = z.discriminatedUnion('status', [
  z.strictObject({ status: z.literal('restored'), ...restoredAs }),
  z.strictObject({ status: z.literal('repeated'), ...restoredAs, first: z.iso.datetime() }),
  z.strictObject({
    status: z.literal('planned'),
    source: z.string(),
    id: z.string(),
    database: z.string(),
    state: z.enum(['absent', 'empty', 'occupied']),
    holds: z.string(),
    steps: z.array(z.string()),
    notes: z.array(z.string()),
    wouldFail: z.boolean(),
    findings: z.array(
      z.strictObject({
        weight: z.enum(['fails', 'may-fail', 'note']),
        what: z.string(),
        remedy: z.string().optional(),
      }),
    ),
    seconds: z.number(),
  }),
  z.strictObject({
    status: z.literal('incomplete'),
    ...restoredAs,
    notReplaced: z.string().optional(),
    error: z.string(),
    hint: z.string(),
    failed: count,
    failures: z.array(loadFailureSchema),
    differences: z.array(z.string()),
  }),
]);

/** The answer of a drill that passed. `seconds`: all of it; `restoreSeconds`: until everything was loaded. */
export const drillResultSchema = z.strictObject({
  status: z.literal('drilled'),
  source: z.string(),
  id: z.string(),
  place: z.string(),
  proof: z.string(),
  assertions: count,
  notes: z.array(z.string()),
  restoreSeconds: z.number(),
  seconds: z.number(),
});

/**
 * The answer of a rotation: the result for each backup that it removed, and how many others there are. A partial
 * failure is an error.
 */
export const rotateResultSchema = z.strictObject({
  status: z.enum(['rotated', 'dry-run']),
  source: z.string(),
  backups: count,
  kept: count,
  removed: z.array(
    z.strictObject({
      id: z.string(),
      state: z.enum(['gone', 'hidden', 'pinned', 'failed']),
      bytes: count,
      lockedUntil: z.iso.datetime().optional(),
    }),
  ),
  freed: count,
  hidden: count,
  retagged: count,
  swept: z.strictObject({
    state: z.enum(['none', 'found', 'swept', 'spared']),
    objects: count,
    uploads: count,
    bytes: count,
    packs: z.strictObject({ count, bytes: count }).optional(),
  }),
  refusal: z.string().optional(),
  seconds: z.number(),
});

/**
 * The answer of copying: what was copied into each further vault (`there`: everything was there already), and what the
 * first vault no longer had. A partial failure is an error.
 */
export const copyResultSchema = z.discriminatedUnion('status', [
  z.strictObject({
    status: z.literal('copied'),
    source: z.string(),
    copies: z.array(
      z.strictObject({
        vault: z.string(),
        place: z.string(),
        copied: z.array(
          z.strictObject({ id: z.string(), state: z.enum(['copied', 'mended', 'there']), parts: count, bytes: count }),
        ),
        removed: z.array(z.string()),
      }),
    ),
    seconds: z.number(),
  }),
  skippedSchema,
]);

/**
 * The answer of a backup, drill, rotation or copying for a whole server: its sources that were done, and with `doctor`
 * what each examination showed. If one fails, or time is over before all had their turn, it is an error.
 */
export const inTurnResultSchema = z.strictObject({
  status: z.literal('in turn'),
  source: z.string(),
  done: z.array(z.string()),
  failed: z.array(z.string()),
  left: z.array(z.string()),
  examined: z.array(z.unknown()).optional(),
});

export type InTurnResult = z.infer<typeof inTurnResultSchema>;
export type CopyResult = z.infer<typeof copyResultSchema>;
export type RotateResult = z.infer<typeof rotateResultSchema>;
export type BackupResult = z.infer<typeof backupResultSchema>;
export type BackupEvent = z.infer<typeof backupEventSchema>;
export type RestoreEvent = z.infer<typeof restoreEventSchema>;
export type DrillResult = z.infer<typeof drillResultSchema>;
export type RestoreResult = z.infer<typeof restoreResultSchema>;

/** Reads an event. Throws `input-invalid` with every problem and where it is. */
export function readEvent<T extends z.ZodType>(schema: T, event: unknown, example: object): z.infer<T> {
  const result = schema.safeParse(event);
  if (result.success) return result.data;
  const problems = result.error.issues.flatMap(problemsOf);
  throw new BackupError('input-invalid', `the event can't be used: ${problems.join('; ')}`, {
    hint: `an event looks like ${JSON.stringify(example)}`,
  });
}

function problemsOf(issue: z.core.$ZodIssue): string[] {
  const messages = issue.message.split('\n');
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key, index) => `${[...issue.path, key].join('.')}: ${messages[index] ?? 'unknown key'}`);
  return [issue.path.length === 0 ? issue.message : `${issue.path.join('.')}: ${issue.message}`];
}
