import * as z from 'zod';
import { messageKinds } from './message.ts';

/** Something that was told and is not over: of a source, or of all. `since`: when it was told first; `told`: when last. */
export const alertSchema = z.strictObject({
  source: z.string().optional(),
  kind: z.enum(messageKinds),
  since: z.iso.datetime(),
  told: z.iso.datetime(),
});

/** `alerts.json` at the top of a vault: what was told, so that it is told once. Written by checks alone. */
export const alertStateSchema = z.strictObject({ version: z.literal(1), open: z.array(alertSchema) });

export type Alert = z.infer<typeof alertSchema>;
