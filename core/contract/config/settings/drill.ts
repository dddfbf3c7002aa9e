import * as z from 'zod';
import { expectedUnseen, group } from '../fields.ts';
import { drillServerSchema } from '../sources/server.ts';

const statement = 'a statement of SQL, as select count(*) > 0 from orders';
const assertion = z
  .string({ error: expectedUnseen(statement) })
  .transform((text) => text.replace(/[\s;]+$/, ''))
  .refine((text) => text.trim() !== '', { error: expectedUnseen(statement) });

/** How the backups of a source are drilled, both in the defaults and in a source. */
export const drillSchema = group('drill', {
  server: drillServerSchema
    .optional()
    .describe('Server on which drills make their databases; without it, the source’s own.'),
  assert: z
    .array(assertion, { error: expectedUnseen('a list of statements of SQL') })
    .optional()
    .describe('Statements of SQL that must each give one row with one true value, asked of the restored database.'),
  owners: z
    .boolean({ error: expectedUnseen('true or false') })
    .optional()
    .describe('`false`: leave out who owns what and who may do what, where the server lacks the roles.')
    .meta({ default: true }),
});

type WrittenDrill = z.infer<typeof drillSchema>;

/** How drills are done, with defaults filled in; a `server` without a port has the engine's usual one. */
export type DrillSettings = { server: WrittenDrill['server']; assert: readonly string[]; owners: boolean };

/** A source's own settings over the defaults, key by key. */
export function drillOf(defaults: WrittenDrill | undefined, own: WrittenDrill | undefined): DrillSettings {
  return {
    server: own?.server ?? defaults?.server,
    assert: own?.assert ?? defaults?.assert ?? [],
    owners: own?.owners ?? defaults?.owners ?? true,
  };
}
