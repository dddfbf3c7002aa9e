import { expect, test } from '@jest/globals';
import { rm } from 'node:fs/promises';
import { machineArchitecture } from '../../layers/db-tools/debian.ts';
import { pinnedRoot, readLock, type Pin } from '../../layers/db-tools/pins.ts';

const limitMs = 5 * 60 * 1000;
const architecture = machineArchitecture();

test('a pinned version that has left the mirror is replaced by the newest of its suite, told and recorded', async () => {
  const gone: Pin = { name: 'libxxhash0', version: '0.0.1-1', suite: 'trixie', sha256: '0'.repeat(64) };
  const told: string[] = [];

  const { root, pins } = await pinnedRoot(architecture, [gone], (line) => told.push(line), AbortSignal.timeout(limitMs));

  await rm(root, { recursive: true });
  const [pin] = pins;
  expect(pin).toMatchObject({ name: 'libxxhash0', suite: 'trixie', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(pin!.sha256).not.toBe(gone.sha256);
  expect(told.join('\n')).toContain(`replaced: libxxhash0 0.0.1-1 → ${pin!.version}`);
}, limitMs);

test('a file that is not the pinned one is refused, though the mirror vouches for it', async () => {
  const pin = (await readLock()).packages[architecture].find(({ name }) => name === 'libmd0')!;
  const { root, pins } = await pinnedRoot(architecture, [{ ...pin, sha256: '' }], () => undefined, AbortSignal.timeout(limitMs));

  const attempt = pinnedRoot(architecture, [{ ...pins[0]!, sha256: 'f'.repeat(64) }], () => undefined, AbortSignal.timeout(limitMs));

  await expect(attempt).rejects.toMatchObject({ code: 'internal', message: expect.stringContaining('libmd0') });
  await rm(root, { recursive: true });
}, limitMs);
