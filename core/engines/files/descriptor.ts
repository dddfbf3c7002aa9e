import * as z from 'zod';
import { expected, group, pattern, text } from '../../contract/config/fields.ts';
import { folderWords } from '../../domain/content-words.ts';
import type { EngineDescriptor } from '../descriptor.ts';

/**
 * Character sets that the pattern library reads differently from git: negated, with a class, or containing a bracket.
 */
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
  efs: pattern(
    'the ARN of an access point of Amazon EFS, as arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-0123456789abcdef0',
    /^arn:aws[a-z-]*:elasticfilesystem:[a-z0-9-]+:\d{12}:access-point\/fsap-[0-9a-f]+$/,
  )
    .optional()
    .describe(
      'On AWS, the access point that the folder lies behind: functions mount it where `path` begins (`/mnt/media` of ' +
        '`/mnt/media/uploads`). The machine that the folder is backed up on by hand has to mount it there, too.',
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

/** AWS Lambda API reference, FileSystemConfig: `/mnt/` and one name; and a folder in it. */
const belowMount = /^(\/mnt\/[\w.-]+)(?:\/(?!\.{1,2}(?:\/|$))[^/]+)+\/?$/;

function mountOf(path: string): string {
  return belowMount.exec(path)?.[1] ?? path;
}

/** Folders on this machine, or on a file system that functions on AWS mount. */
export const files = {
  name: 'files',
  about: 'A folder with everything in it.',
  note: 'docs/files.md says what is kept, how it is restored, and what a run does with files that change meanwhile.',
  schema,
  describe: ({ at: { efs, path } }) => ({
    isPath: (name: string) => name.includes('/'),
    secrets: [],
    shares: true as const,
    ...(efs !== undefined && { fileSystem: { accessPoint: efs, mount: mountOf(path) } }),
  }),
  cloudProblems: ({ at: { efs, path }, cloud, watch, drill }) => [
    ...(efs === undefined
      ? [
          {
            path: ['files'],
            message:
              'is a folder of one machine, which functions on AWS do not see: back it up there, by the command line; ' +
              'or, if it lies on Amazon EFS, name its access point: efs',
          },
        ]
      : []),
    ...(efs !== undefined && !belowMount.test(path)
      ? [
          {
            path: ['files', 'path'],
            message:
              `is ${path}: functions mount a file system below /mnt, and a restore makes its folder beside the one ` +
              'that was backed up; write a folder in it, as /mnt/media/uploads',
          },
        ]
      : []),
    ...(efs !== undefined && cloud.network === undefined
      ? [{ path: ['cloud', 'network'], message: 'is missing: a file system is reached from within its network alone' }]
      : []),
    ...(efs !== undefined && watch.drillEveryMs !== undefined && drill.owners
      ? [
          {
            path: ['drill', 'owners'],
            message: 'is true: a function is not root, and gives files to nobody; write drill: { owners: false }',
          },
        ]
      : []),
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
    return filesEngine({ ...at, path: from.path(at.path), encrypted, tools: from.tools }, database);
  },
  async inspection() {
    const { inspection } = await import('./inspection.ts');
    return inspection;
  },
} satisfies EngineDescriptor<typeof schema>;
