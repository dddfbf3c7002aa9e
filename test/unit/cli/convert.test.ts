import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { nightjarInProcess } from '../../support/cli/in-process.ts';

test('a fixture is looked for in the folder of whoever asks, whatever folder the configuration is in', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-convert-'));
  await writeFile(join(folder, 'fixture.json'), '[]');
  await writeFile(join(folder, 'names.json'), '{}');
  const names = ['--to', 'postgres', '--names', join(folder, 'names.json')];
  const config = ['--config', join(folder, 'elsewhere', 'nightjar.yaml')];
  const ended = await nightjarInProcess([...config, 'convert', 'fixture.json', ...names], { cwd: folder });
  await rm(folder, { recursive: true });

  expect(ended).toMatchObject({ code: 0, stderr: expect.stringContaining('0 rows for 0 tables') });
});
