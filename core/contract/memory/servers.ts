import * as z from 'zod';

const moment = z.iso.datetime();

/** A database of a whole server. `since`: when it was found; `gone`: since when it is not found any more. */
const databaseSchema = z.strictObject({ name: z.string(), since: moment, gone: moment.optional() });

/** What was found on a server at its last look (`at`), and what people have still to be told. */
const serverSchema = z.strictObject({
  name: z.string(),
  at: moment,
  databases: z.array(databaseSchema),
  untold: z.array(z.strictObject({ label: z.string(), text: z.string() })),
});

/** The databases of whole servers, which stand in no file. */
export const serversSchema = z.strictObject({ version: z.literal(1), servers: z.array(serverSchema) });

export type ServerDatabases = z.infer<typeof serverSchema>;
