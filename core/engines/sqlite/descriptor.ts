import * as z from 'zod';
import { expected, group, text } from '../../contract/config/fields.ts';
import type { EngineDescriptor } from '../descriptor.ts';

/** The folder of a path, up to and including the last slash. */
const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/') + 1);
const isPattern = (path: string): boolean => /[*?]/.test(path);

const schema = group('a database of SQLite', {
  path: text('the path of a file')
    .refine((path) => !isPattern(folderOf(path)), {
      error: 'a pattern stands in the name of the file alone: ./data/*.db',
    })
    .describe(
      'The file of the database, relative to the configuration. `./data/*.db`: every database that is called so, found ' +
        'anew at each backup, and a source each ([sqlite.md](sqlite.md#every-database-of-a-folder)).',
    ),
  exclude: z
    .array(text('the name of a file'), { error: expected('a list of names of files') })
    .optional()
    .describe('With a pattern: files that are left out, by their exact names.'),
  scratch: text('the path of a folder')
    .optional()
    .describe(
      'Folder for the copies that are made of a database which can’t be read where it is, and for drills. Default: the ' +
        'system’s folder for temporary files.',
    ),
}).refine(({ path, exclude }) => exclude === undefined || isPattern(path), {
  path: ['exclude'],
  error: 'goes with a pattern alone: ./data/*.db',
});

export const sqlite = {
  name: 'sqlite',
  about: 'A database of SQLite, which is a file.',
  note:
    'In WAL mode the database is read where it is, and nobody waits. With a rollback journal it is copied into ' +
    '`scratch` first, under the lock that every reader takes: writers wait for as long as the copy takes ' +
    '([sqlite.md](sqlite.md)).',
  schema,
  describe: () => ({ isPath: (name: string) => name.includes('/'), secrets: [] }),
  cloudProblems: () => [
    {
      path: ['sqlite'],
      message: 'is a file of one machine, which functions on AWS can’t reach: back it up from there',
    },
  ],
  asking: {
    schemes: ['sqlite'],
    read: (path) => ({ path }),
    keys: [{ key: 'path', asked: 'file of the database' }],
  },
  everyFile: {
    isMeant: ({ path }) => isPattern(path),
    one: ({ path, scratch }, name) => ({ path: `${folderOf(path)}${name}`, ...(scratch !== undefined && { scratch }) }),
  },
  async databases({ at }, _key, from) {
    return (await import('./every-file.ts')).listFiles(from.path(at.path));
  },
  drillsElsewhere: false,
  async open({ at, lockTimeoutMs, keepReplacedMs }, { database, drill }, from) {
    const { openSqlite } = await import('./index.ts');
    const scratch = at.scratch === undefined ? undefined : from.path(at.scratch);
    const own = { path: from.path(at.path), scratch, waitMs: lockTimeoutMs, keepReplacedMs };
    return openSqlite(own, { database, drill });
  },
  inspection: async () => (await import('./inspection.ts')).inspection,
} satisfies EngineDescriptor<typeof schema>;
