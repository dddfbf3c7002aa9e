import * as z from 'zod';
import { messageKinds, messageSchema } from '../events/message.ts';

const moment = z.iso.datetime();

/**
 * Something that a notifier was told and that is not over, about one source or all. `cause`: distinguishes several of
 * one kind: a failure code, a notifier. `by`: the configurations that find it. `since`: when it was first told; `told`:
 * when last. `group`: identifies what was told in the same message. `over`: since when it is over, which is told when
 * all of its group is.
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

/** What happened to an alert. `recovered`: it is over. */
export const turns = ['problem', 'reminder', 'recovered'] as const;

/**
 * A message that a notifier has not got yet. `alert`: as it was before, or as it begins. `on`: the server that the
 * source is on. `trying`: until when somebody is sending it.
 */
export const waitingSchema = z.strictObject({
  severity: z.enum(turns),
  alert: alertSchema,
  on: z.string().optional(),
  trying: moment.optional(),
  message: messageSchema,
});

/**
 * What a notifier was told, what waits to be told, how many messages found no room, until when it asked for a pause,
 * and when single runs told it lately. Anything in it that can't be understood is dropped.
 */
export const outboxSchema = z.object({
  version: z.literal(1),
  open: z.array(z.unknown()).transform((list) => list.flatMap((one) => alertSchema.safeParse(one).data ?? [])),
  waiting: z.array(z.unknown()).transform((list) => list.flatMap((one) => waitingSchema.safeParse(one).data ?? [])),
  left: z.int().nonnegative().default(0),
  notBefore: moment.optional(),
  recent: z.array(moment).optional(),
});

/** Which configurations check sources of a vault: each by a digest of its source names, since when, and when last. */
export const checkersSchema = z.object({
  version: z.literal(1),
  configurations: z.array(z.strictObject({ id: z.string(), since: moment, at: moment, sources: z.array(z.string()) })),
});

export type Alert = z.infer<typeof alertSchema>;
export type Turn = (typeof turns)[number];
export type WaitingMessage = z.infer<typeof waitingSchema>;
export type Outbox = Omit<z.infer<typeof outboxSchema>, 'version'>;
export type Checker = z.infer<typeof checkersSchema>['configurations'][number];
