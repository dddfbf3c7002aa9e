import { chmod, mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { temporaryFolder, type TemporaryFolder } from '../../../servers/folder.ts';
import { errorOf, valueOf } from '../sandbox/outcome.ts';
import { isolation } from '../sandbox/isolation.ts';
import { openScene, type Scene } from '../scene.ts';

// A folder that a function mounts, as Lambda mounts Amazon EFS: read-only for the one that backs up, whose role may not
// write there. There is no tar in a function but that of the layer, and no right to give files to others.
let scene: Scene;
let share: TemporaryFolder;
let mount: string;

beforeAll(async () => {
  [scene, share] = await Promise.all([openScene(), temporaryFolder('share')]);
  mount = (await isolation()) === 'none' ? share.path : '/mnt/media';
  await mkdir(join(share.path, 'uploads/2026'), { recursive: true });
  for (let n = 0; n < 300; n++) await writeFile(join(share.path, `uploads/2026/${n}.jpg`), `picture ${n} `.repeat(n));
  await writeFile(join(share.path, 'uploads/café.txt'), 'x');
  await utimes(join(share.path, 'uploads/2026/7.jpg'), 1, 1.25);
  await chmod(share.path, 0o1777);
}, 20 * 60_000);

afterAll(async () => {
  await scene?.close();
  await share?.remove();
});

const deployed = (name: 'backup' | 'restore' | 'drill', as: 'ro' | 'rw') =>
  scene.deploy(
    name,
    {},
    {
      config: {
        sources: {
          media: {
            files: {
              path: `${mount}/uploads`,
              efs: 'arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-0123456789abcdef0',
            },
            drillEvery: '7d',
            drill: { owners: false },
            schedule: '0 2 * * *',
          },
        },
      },
      fileSystem: { folder: share.path, at: mount, as },
    },
  );

/** Names, content and times, as another program sees them. */
const seen = async (folder: string): Promise<string> => {
  const list = `cd "$1" && find . -printf '%P %y %m %T@\\n' | sort && find . -type f -exec sha256sum {} + | sort`;
  return (await promisify(execFile)('sh', ['-c', list, 'sh', join(share.path, folder)])).stdout;
};

test('a folder of a mounted file system is backed up by a function that may only read it, restored beside it, and drilled', async () => {
  const [backup, restore, drill] = await Promise.all([
    deployed('backup', 'ro'),
    deployed('restore', 'rw'),
    deployed('drill', 'rw'),
  ]);

  const stored = valueOf(await backup.invoke({ source: 'media' }));
  const drilled = valueOf(await drill.invoke({ source: 'media' }));
  const restored = valueOf(
    await restore.invoke({ source: 'media', backup: 'latest', to: 'uploads_back', owners: false }),
  );

  expect(stored).toMatchObject({ status: 'stored', source: 'media', rows: 301, warnings: [] });
  expect(drilled).toMatchObject({ status: 'drilled', source: 'media' });
  expect(restored).toMatchObject({ status: 'restored' });
  expect(await seen('uploads_back')).toBe(await seen('uploads'));
}, 300_000);

test('what a backup can’t read fails it, by name', async () => {
  const backup = await deployed('backup', 'ro');
  const secret = join(share.path, 'uploads/closed.txt');
  await writeFile(secret, 'x', { mode: 0o600 });

  const { errorMessage } = errorOf(await backup.invoke({ source: 'media' }));
  await rm(secret);

  expect(errorMessage).toContain('closed.txt');
}, 120_000);
