import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { App, Stack } from 'aws-cdk-lib';
import { DatabaseLayer } from '../../lib/constructs/database-layer.ts';

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-pins-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('pins beside the configuration make the layer that is deployed, and newer ones another', async () => {
  const pins = join(folder, 'nightjar.lock.json');
  const shipped = asset();

  await writeFile(pins, '{ "at": "2026-11-28" }');
  const first = asset();
  await writeFile(pins, '{ "at": "2026-12-24" }');
  const second = asset();

  expect(shipped.words.slice(-1)).toEqual(['arm64']);
  expect(first.words.slice(-2)).toEqual(['arm64', pins]);
  expect(new Set([shipped.hash, first.hash, second.hash]).size).toBe(3);
});

/** The program that makes the layer when it is published, and by what CDK knows what it makes. */
function asset(): { words: string[]; hash: string } {
  const app = new App();
  const stack = new Stack(app, 'Stack');
  new DatabaseLayer(stack, 'Tools', { folder });
  const manifest = app
    .synth()
    .stacks[0]!.dependencies.flatMap((one) =>
      'contents' in one
        ? [one as unknown as { contents: { files: Record<string, { source: { executable?: string[] } }> } }]
        : [],
    );
  const [hash, { source }] = Object.entries(manifest[0]!.contents.files).find(
    ([, file]) => file.source.executable !== undefined,
  )!;
  return { words: source.executable!, hash };
}
