import * as z from 'zod';
import { expected, group, text } from '../../contract/config/fields.ts';
import { folderWords } from '../../domain/content-words.ts';
import type { EngineDescriptor } from '../descriptor.ts';

/** Sets of letters that the library of patterns reads otherwise than git does: negated, of a class, with a bracket in it. */
const unsureSet = /(?<!\\)\[(?:[!^\]]|[^\]]*(?:\[:|\\))/;
const unsure =
  'a set that is negated, names a class or holds a bracket ([!a], [[:digit:]], []a]) is not read as git reads it: write ' +
  'the pattern without it';

const schema = group('a folder', {
  path: text('the path of a folder').describe('The folder to back up, with everything in it.'),
  exclude: patterns('["/cache/", "*.tmp"]').describe(
    'What is left out, each as a line of a .gitignore: `/cache/`, `*.tmp`; `!keep.tmp` brings it back.',
  ),
  secrets: patterns('["/conf/", "!/test.pem"]').describe(
    'What may not be stored unencrypted, added to what usually holds secrets (`.env`, `*.key`, `id_rsa`, … in ' +
      'files.md): `/conf/` adds, `!/test.pem` takes one out, `!*` everything.',
  ),
  oneFileSystem: z
    .boolean({ error: expected('true or false') })
    .default(false)
    .describe('Leaves out what is mounted below the folder; each place is named in a warning.'),
});

function patterns(example: string) {
  return z
    .array(
      text('a pattern').refine((pattern) => !unsureSet.test(pattern), { error: unsure }),
      { error: expected(`a list of patterns, as ${example}`) },
    )
    .default([]);
}

/** Folders of this machine. */
export const files = {
  name: 'files',
  about: 'A folder with everything in it.',
  note: 'docs/files.md says what is kept, how it is restored, and what a run does with files that change meanwhile.',
  schema,
  describe: () => ({ isPath: (name: string) => name.includes('/'), secrets: [] }),
  cloudProblems: () => [
    {
      path: ['files'],
      message: 'is a folder of one machine, which functions on AWS do not see: back it up there, by the command line',
    },
  ],
  asking: {
    schemes: ['files'],
    read: (path) => ({ path }),
    keys: [{ key: 'path', asked: 'folder' }],
  },
  words: folderWords,
  drillsElsewhere: false,
  async open({ at, encryption }, { database }, from) {
    const { filesEngine } = await import('./index.ts');
    const encrypted = encryption.recipients.length > 0;
    return filesEngine({ ...at, path: from.path(at.path), encrypted }, database);
  },
  async inspection() {
    const { inspection } = await import('./inspection.ts');
    return inspection;
  },
} satisfies EngineDescriptor<typeof schema>;
