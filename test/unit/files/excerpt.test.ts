import { expect, test } from '@jest/globals';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { packCatalog } from '../../../core/domain/packed/catalog.ts';
import { chooseFiles, holdingChosen } from '../../../core/engines/files/restore/excerpt.ts';

const rows = { columns: '', rows: 2, fingerprint: '' };
const manifest = { source: 'media', id: 'x', tables: [{ table: 'docs/', ...rows }] } as unknown as Manifest;
const catalog = packCatalog({
  folder: { docs: '0755 1', 'docs/empty': '0755 1' },
  file: { 'docs/a': `${'0'.repeat(64)} 1 0644 1`, 'docs/caf\\xe9': `${'1'.repeat(64)} 1 0644 1` },
  'hard link': { 'docs/z': 'docs/a' },
});
const places = new Map([
  ['docs/a', '0001'],
  ['docs/caf\xe9', '0002'],
  ['docs/z', '0001'],
]);
const parts = [1, 2, 3].map((number) => ({ file: `data/000${number}.tar.zst`, tables: ['docs/'] }));

test.each([
  ['docs/a', ['0001']],
  ['docs/caf*', ['0002']],
  ['docs/', ['0001', '0002']],
  ['docs/z', ['0001']],
  ['docs/empty/', []],
])('to restore %s, no part is read that holds nothing of it', (pattern, numbers) => {
  const chosen = chooseFiles({ manifest, catalog }, [pattern]);

  const read = parts.filter(holdingChosen(chosen, places)).map(({ file }) => /\d+/.exec(file)![0]);
  expect(read).toEqual(numbers);
});

test('a name that is shown with backslashes is asked for with each of them twice, which is said', () => {
  expect(() => chooseFiles({ manifest, catalog }, ['docs/caf\\xe9'])).toThrow(
    expect.objectContaining({ hint: expect.stringContaining('each backslash of a name is written twice; at the top') }),
  );
  expect(() => chooseFiles({ manifest, catalog }, ['none'])).toThrow(
    expect.objectContaining({ hint: expect.not.stringContaining('backslash') }),
  );
  expect(chooseFiles({ manifest, catalog }, ['docs/caf\\\\xe9'])).toBeDefined();
});

test('of a backup that does not say where files lie, parts of the same folder at the top are read', () => {
  const chosen = chooseFiles({ manifest, catalog }, ['docs/a']);
  const others = [{ file: 'data/0004.tar.zst', tables: ['pictures/'] }, { file: 'data/0005.tar.zst' }];

  expect([...parts, ...others].filter(holdingChosen(chosen, undefined))).toEqual([...parts, others[1]]);
});
