import { text } from '../../contract/config/fields.ts';
import type { VaultDescriptor } from '../descriptor.ts';

const schema = text('the path of a folder').transform((path) => ({ kind: 'folder' as const, folder: path }));

export const folder = {
  about: 'A folder, relative to this file. Its parent must exist.',
  schema,
  fromText: (value) =>
    value.trim() === '' || /^[a-z0-9]+:\/\//i.test(value) || value.startsWith('~') ? undefined : value,
  place: (config, path) => path(config.folder),
  pathOf: ({ folder: at }, path?: (written: string) => string) => path?.(at) ?? at,
  cloudProblems: () => [
    {
      path: ['vault'],
      message: 'is a folder, which functions do not have: write a bucket, as s3://acme-backups/prod',
    },
  ],
  copyProblems: () => [
    {
      path: [],
      message:
        'is a folder, which functions do not have: leave it out of copies here, and copy there from a machine, ' +
        'with a file of its own',
    },
  ],
  reach: () => ({ secrets: [], files: [] }),
  open: async (config, _key, from) => {
    const { folderVault } = await import('./folder.ts');
    return { vault: folderVault(from.path(config.folder)), close: () => undefined };
  },
} satisfies VaultDescriptor<typeof schema>;
