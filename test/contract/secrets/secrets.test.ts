import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSecrets } from '../../../core/secrets/index.ts';
import { secretsContract } from './secrets-contract.ts';

// AWS Secrets Manager passes the same suite in test/real/secrets/aws.test.ts

secretsContract('environment', async () => {
  const env: Record<string, string> = {};
  return {
    open: () => openSecrets({ env, folder: '/' }),
    keep: async (name, value) => void (env[name] = value),
    reference: (name) => ({ env: name }),
    close: async () => undefined,
  };
});

secretsContract('files', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-contract-'));
  return {
    open: () => openSecrets({ env: {}, folder }),
    keep: (name, value) => writeFile(join(folder, name), value),
    reference: (name) => ({ file: name }),
    close: () => rm(folder, { recursive: true }),
  };
});
