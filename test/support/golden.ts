import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect } from '@jest/globals';

const folder = join(import.meta.dirname, '../golden');

/**
 * Compares a text with the golden file of this name below test/golden. With NIGHTJAR_GOLDEN=write, it is written
 * instead: look at the difference before it is committed.
 */
export async function expectGolden(name: string, text: string): Promise<void> {
  const path = join(folder, name);
  if (process.env['NIGHTJAR_GOLDEN'] === 'write') {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    return;
  }
  expect(text).toBe(await readFile(path, 'utf8'));
}
