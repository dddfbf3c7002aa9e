import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '../../..');

test('every test that the museum names is there', async () => {
  const page = await readFile(join(root, 'docs/museum.md'), 'utf8');
  const named = [...page.matchAll(/`((?:museum|real|unit|simulation|contract)\/[a-z0-9/-]+)`/g)].map(
    ([, name]) => name!,
  );

  expect(named.length).toBeGreaterThan(50);
  expect(named.filter((name) => !existsSync(join(root, `test/${name}.test.ts`)))).toEqual([]);
});
