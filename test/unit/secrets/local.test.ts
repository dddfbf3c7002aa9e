import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openSecrets } from '../../../core/secrets/index.ts';

const limit = () => AbortSignal.timeout(10_000);
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-secrets-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('a variable of the environment is taken as it is', async () => {
  const secrets = openSecrets({ env: { PASSWORD: ' p "w" \n' }, folder });

  expect(await secrets.get({ env: 'PASSWORD' }, limit())).toBe(' p "w" \n');
});

test.each([
  [{}, 'the environment variable PASSWORD is not set'],
  [{ PASSWORD: '' }, 'the environment variable PASSWORD is empty'],
])('a variable that is missing or empty is an error: %p', async (env, message) => {
  const secrets = openSecrets({ env, folder });

  await expect(secrets.get({ env: 'PASSWORD' }, limit())).rejects.toMatchObject({ code: 'secret-missing', message });
});

test.each([
  ['hunter2', 'hunter2'],
  ['hunter2\n', 'hunter2'],
  ['hunter2\r\n', 'hunter2'],
  ['hunter2\n\n', 'hunter2\n'],
  [' hunter2 ', ' hunter2 '],
])('of a file that holds %p, %p is the secret', async (content, expected) => {
  await writeFile(join(folder, 'password'), content);

  expect(await openSecrets({ env: {}, folder }).get({ file: './password' }, limit())).toBe(expected);
});

test('a file that is missing, empty, a folder or no secret by its size is an error that names it', async () => {
  await writeFile(join(folder, 'empty'), '\n');
  await writeFile(join(folder, 'large'), Buffer.alloc(70_000, 'x'));
  const secrets = openSecrets({ env: {}, folder });

  const messageOf = (file: string) =>
    secrets.get({ file }, limit()).then(
      () => 'read',
      (error: Error & { code: string }) => `${error.code}: ${error.message.replace(folder, '')}`,
    );

  expect(await messageOf('none')).toBe('secret-missing: the secret file /none is not there');
  expect(await messageOf('empty')).toBe('secret-missing: the secret file /empty is empty');
  expect(await messageOf('.')).toBe('secret-missing: the secret file  is not a file');
  expect(await messageOf('large')).toBe('secret-missing: the secret file /large is too large for a secret');
});
