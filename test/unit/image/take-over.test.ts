import { expect, test } from '@jest/globals';
import type { Manifest, ManifestPart } from '../../../core/contract/manifest/manifest.ts';
import { takeOverBlobs } from '../../../core/engines/image/plan/take-over.ts';
import type { BackupBefore, PlannedPart } from '../../../core/ports.ts';

const hex = 'ab'.repeat(32);
const planned: PlannedPart = {
  role: 'data',
  file: `data/0007.${hex}.layer`,
  compress: false,
  estimatedBytes: 10,
  hasRows: true,
  recipe: { digest: `sha256:${hex}`, size: 10, kind: 'blob', tables: { 'linux/amd64': 2 }, place: { layout: '/x' } },
};

function before(part: Partial<ManifestPart>, isSharable = true): BackupBefore {
  const stored = {
    role: 'data',
    file: `data/0001.${hex}.layer`,
    bytes: 10,
    storedBytes: 10,
    sha256: hex,
    ...part,
  } as const;
  const open = () => {
    throw new Error('nothing is read');
  };
  return {
    manifest: { parts: [stored] } as unknown as Manifest,
    readCatalog: async () => undefined,
    open,
    isSharable: () => isSharable,
  };
}

test('a blob that is there already is taken over, by its name in the new backup and with its rows there', () => {
  const { shared, rows, anew } = takeOverBlobs([planned], before({ rows: 1, tables: ['linux/arm64'] }));

  expect(anew).toEqual([]);
  expect(shared).toMatchObject([
    { file: planned.file, live: 10, part: { file: `data/0001.${hex}.layer`, rows: 2, tables: ['linux/amd64'] } },
  ]);
  expect(rows).toMatchObject([{ table: 'linux/amd64', rows: 2 }]);
});

test.each(['.zst', '.age', '.zst.age'])('one that was stored as %s stays so', (ending) => {
  const there = before({ file: `data/0001.${hex}.layer${ending}`, sha256: 'cd'.repeat(32) });

  expect(takeOverBlobs([planned], there).shared).toMatchObject([{ file: `${planned.file}${ending}` }]);
});

test.each<[string, BackupBefore | undefined]>([
  ['there is no backup before', undefined],
  ['it is another blob', before({ file: `data/0001.${'cd'.repeat(32)}.layer` })],
  ['it is stored as it is, and its bytes are not those of its name', before({ sha256: 'cd'.repeat(32) })],
  ['it has another size', before({ bytes: 11 })],
  ['something is known against it', before({}, false)],
])('a blob is pulled anew where %s', (_, there) => {
  expect(takeOverBlobs([planned], there)).toEqual({ shared: [], rows: [], anew: [planned] });
});
