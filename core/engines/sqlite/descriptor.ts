import { group, text } from '../../contract/config/fields.ts';
import type { EngineDescriptor } from '../descriptor.ts';

const schema = group('a database of SQLite', {
  path: text('the path of a file').describe('The file of the database, relative to the configuration.'),
  scratch: text('the path of a folder')
    .optional()
    .describe(
      'Folder for the copies that are made of a database which can’t be read where it is, and for drills. Default: the ' +
        'system’s folder for temporary files.',
    ),
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
  drillsElsewhere: false,
  async open({ at, lockTimeoutMs, keepReplacedMs }, { database, drill }, from) {
    const { openSqlite } = await import('./index.ts');
    const scratch = at.scratch === undefined ? undefined : from.path(at.scratch);
    const own = { path: from.path(at.path), scratch, waitMs: lockTimeoutMs, keepReplacedMs };
    return openSqlite(own, { database, drill });
  },
  inspection: async () => (await import('./inspection.ts')).inspection,
} satisfies EngineDescriptor<typeof schema>;
