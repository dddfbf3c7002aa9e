import * as z from 'zod';
import { messageKinds, messageSchema } from '../events/message.ts';

const moment = z.iso.datetime();

/**
 * Something that a notifier was told and that is not over: of a source, or of all. `cause`: where one kind can have
 * several at once, which: a failure code, a notifier. `by`: the configurations that find it so. `since`: when it was
 * told first; `told`: when last. `group`: what was told in one message with it. `over`: since when it is over, which is
 * told when all of its group is.
 */
export const alertSchema = z.strictObject({
  source: z.string().optional(),
  kind: z.enum(messageKinds),
  cause: z.string().optional(),
  by: z.array(z.string()).optional(),
  since: moment,
  told: moment,
  group: z.string().optional(),
  over: moment.optional(),
});

/** What an alert has become. `recovered`: it is over. */
export const turns = ['problem', 'reminder', 'recovered'] as const;

/**
 * A message that a notifier has not got yet. `alert` is what it was told before, or what begins. `on`: the server that
 * the source is on. `trying`: until when somebody is at it.
 */
export const waitingSchema = z.strictObject({
  severity: z.enum(turns),
  alert: alertSchema,
  on: z.string().optional(),
  trying: moment.optional(),
  message: messageSchema,
});

/**
 * What a notifier has been told, what it has still to be told, how many messages found no room, before when it asked
 * not to be tried again, and when single runs told it lately. Anything in it that can't be understood is left out.
 */
export const outboxSchema = z.object({
  version: z.literal(1),
  open: z.array(z.unknown()).transform((list) => list.flatMap((one) => alertSchema.safeParse(one).data ?? [])),
  waiting: z.array(z.unknown()).transform((list) => list.flatMap((one) => waitingSchema.safeParse(one).data ?? [])),
  left: z.int().nonnegative().default(0),
  notBefore: moment.optional(),
  recent: z.array(moment).optional(),
});

/** Which configurations check sources of a vault: each by a digest of the names in it, since when, and when last. */
export const checkersSchema = z.object({
  version: z.literal(1),
  configurations: z.array(z.strictObject({ id: z.string(), since: moment, at: moment, sources: z.array(z.string()) })),
});

export type Alert = z.infer<typeof alertSchema>;
export type Turn = (typeof turns)[number];
export type WaitingMessage = z.infer<typeof waitingSchema>;
export type Outbox = Omit<z.infer<typeof outboxSchema>, 'version'>;
export type Checker = z.infer<typeof checkersSchema>['configurations'][number];
