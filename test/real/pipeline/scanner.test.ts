import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { compileScan } from '../../../core/pipeline/rows/build.ts';

test('the committed scanner is what its source compiles to', async () => {
  const committed = await readFile(new URL('../../../core/pipeline/rows/scan.wasm.ts', import.meta.url), 'utf8');

  expect(await compileScan()).toBe(committed);
});
