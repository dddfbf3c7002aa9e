import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { startRegistry } from '../../servers/images/registry.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';
import { fetchDocument, ociTypes, pushBlob, pushDocument } from '../../support/image/pushing.ts';

test.each(['layer', 'zippedLayer'] as const)(
  'an image with a %s of no byte is backed up, verified and drilled, and comes back',
  async (type) => {
    const registry = await startRegistry();
    const folder = await mkdtemp(join(tmpdir(), 'nightjar-image-empty-'));
    const run = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await nightjarInProcess(args, { cwd: folder });
      expect([args, code, code === 0 || stderr]).toEqual([args, 0, true]);
      return stdout + stderr;
    };
    try {
      const at = { url: registry.url, repository: 'shop/app' };
      const manifest = {
        schemaVersion: 2,
        mediaType: ociTypes.manifest,
        config: await pushBlob(at, '{"os":"linux","architecture":"amd64"}', ociTypes.config),
        layers: [await pushBlob(at, '', ociTypes[type]), await pushBlob(at, 'some', ociTypes.layer)],
      };
      const { digest } = await pushDocument(at, manifest, ociTypes.manifest, '1');
      const ref = `${registry.host}/shop/app:1`;
      await writeFile(
        join(folder, 'nightjar.yaml'),
        `vault: ./backups\nsources:\n  app: { image: { ref: ${ref}, scratch: ./scratch } }\n`,
      );

      const told = await run('backup', 'app');
      await run('backup', 'app');

      expect(told).toContain('2 layers');
      expect(await run('verify', 'app')).toContain('intact');
      expect(await run('drill', 'app')).toContain('proven equal: 1 platform, 2 layers');
      await run('restore', 'app', '--to', `${registry.host}/copies/app:1`);
      expect((await fetchDocument({ ...at, repository: 'copies/app' }, '1'))!.digest).toBe(digest);
    } finally {
      await registry.stop();
      await rm(folder, { recursive: true });
    }
  },
);
