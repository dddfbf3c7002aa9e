import * as z from 'zod';

const moment = z.iso.datetime();

/**
 * A database of a whole server. `source`: its source name, if another source has the usual one; `since`: when it was
 * found; `gone`: since when it is no longer found.
 */
const databaseSchema = z.strictObject({
  name: z.string(),
  source: z.string().optional(),
  since: moment,
  gone: moment.optional(),
});

/**
 * The databases of a whole server, which are in no configuration: as found at the last look (`at`), and what people
 * have yet to be told.
 */
export const serverSchema = z.strictObject({
  version: z.literal(1),
  name: z.string(),
  at: moment,
  databases: z.array(databaseSchema),
  untold: z.array(z.strictObject({ label: z.string(), text: z.string() })),
});

export type ServerDatabases = z.infer<typeof serverSchema>;
