import { appendFile, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { ByteStream, Engine } from '../../../core/ports.ts';
import { filesScene } from '../../support/files/scene.ts';
import type { FilesScene } from '../../support/files/scene.ts';
import { opening } from '../../support/parts.ts';

// Archives of other tools held half of an old file and half of a new one, and said nothing.

const size = 3_000_000;
let scene: FilesScene;

beforeEach(async () => {
  scene = await filesScene();
  await writeFile(join(scene.media, 'log'), Buffer.alloc(size, 'old '));
  await writeFile(join(scene.media, 'steady'), 'steady');
});
afterEach(() => scene.close());

const log = () => join(scene.media, 'log');

/** Does something to the folder each time that a chunk of a part has been read. */
function disturbed(engine: Engine, disturb: (chunk: number) => Promise<void>): Engine {
  let read = 0;
  async function* passing(content: ByteStream): ByteStream {
    for await (const chunk of content) {
      read += 1;
      await disturb(read);
      yield chunk;
    }
  }
  return opening(engine, ({ content }) => ({ content: passing(content) }));
}

test('a file that grows while it is read is read again, and is in the backup as it was then', async () => {
  const grow = async (chunk: number) => (chunk === 1 ? appendFile(log(), 'and more') : undefined);

  const manifest = await scene.backup(disturbed(scene.engine(), grow));
  await scene.restore(manifest, 'back');

  expect(manifest.exceptions).toBeUndefined();
  expect((await readFile(scene.path('back/log'))).equals(await readFile(log()))).toBe(true);
  expect((await readFile(scene.path('back/log'))).length).toBe(size + 'and more'.length);
});

test('a file that shrinks while it is read, of which tar makes zeros, is read again', async () => {
  const manifest = await scene.backup(
    disturbed(scene.engine(), async (chunk) => (chunk === 1 ? truncate(log(), 10) : undefined)),
  );
  await scene.restore(manifest, 'back');

  expect(await readFile(scene.path('back/log'), 'utf8')).toBe('old old ol');
});

test('a file that is written over, and given its size and time again, is read again', async () => {
  const overwrite = async (chunk: number) => {
    if (chunk !== 1) return;
    await writeFile(log(), Buffer.alloc(size, 'new '), { flag: 'r+' });
    await utimes(log(), 1_600_000_000, 1_600_000_000);
  };
  await utimes(log(), 1_600_000_000, 1_600_000_000);

  const manifest = await scene.backup(disturbed(scene.engine(), overwrite));
  await scene.restore(manifest, 'back');

  expect((await readFile(scene.path('back/log'))).equals(Buffer.alloc(size, 'new '))).toBe(true);
});

test('a file that never stands still is told by name, and no proof takes it for whole', async () => {
  const manifest = await scene.backup(disturbed(scene.engine(), () => appendFile(log(), 'x')));
  const { proof } = await scene.restore(manifest, 'back');

  const told = '1 file changed each time it was read, and may hold parts of several versions: log';
  expect(manifest.exceptions).toEqual([told]);
  expect(proof).toMatchObject({ differences: [], exceptions: [told] });
  expect(await readFile(scene.path('back/steady'), 'utf8')).toBe('steady');
});

test('a file that vanishes before it is read is told, and keeps no other from being backed up', async () => {
  const engine = scene.engine();
  const late: Engine = {
    ...engine,
    async plan(options, signal) {
      const plan = await engine.plan(options, signal);
      await rm(log());
      return plan;
    },
  };

  const manifest = await scene.backup(late);
  const { proof } = await scene.restore(manifest, 'back');

  expect(manifest.warnings).toEqual(['removed before it was read: log']);
  expect(proof).toMatchObject({ differences: [], rows: 1 });
});

test('a file that is removed while it is read is told: what is stored of it may be half of it', async () => {
  const manifest = await scene.backup(
    disturbed(scene.engine(), async (chunk) => (chunk === 1 ? rm(log()) : undefined)),
  );

  expect(manifest.exceptions).toEqual([expect.stringContaining('log')]);
});
