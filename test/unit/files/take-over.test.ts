import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { lstat, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { stateOf as placeStateOf } from '../../../core/engines/files/sharing/places.ts';
import type { Manifest, ManifestPart } from '../../../core/contract/manifest/manifest.ts';
import { takeOver } from '../../../core/engines/files/sharing/take-over.ts';
import { walk } from '../../../core/engines/files/plan/walk.ts';
import { nothingFound } from '../../../core/engines/files/plan/found.ts';
import type { FoundPaths, SeenName } from '../../../core/engines/files/plan/found.ts';
import { packCatalog } from '../../../core/domain/packed/catalog.ts';
import type { BackupBefore } from '../../../core/ports.ts';
import { limit } from '../../support/vaults/vault.ts';

const start = '2026-11-29T02:00:00.000Z';
/** Nanoseconds: more than a minute, and less, before the backup began. */
const [settled, young] = [60_001, 59_999].map((ms) => `${BigInt(Date.parse(start) - ms) * 1_000_000n}`);

type Known = {
  path: string;
  part: number;
  kind?: 'file' | 'hard link';
  value?: string;
  changed?: string;
  inode?: number;
};
const stateOf = ({ inode = 1, changed = settled }: Pick<Known, 'inode' | 'changed'>) =>
  `${inode}:10:33188:5:${changed}`;

/** A backup before of files of ten bytes; parts of `bytes` each. */
function backupBefore(known: readonly Known[], bytes: number, isSharable = (_: ManifestPart) => true): BackupBefore {
  const numbers = [...new Set(known.map(({ part }) => part))].toSorted((a, b) => a - b);
  const number = (part: number) => String(part).padStart(4, '0');
  const list = known.map((one) => `${number(one.part)} ${stateOf(one)} ./${one.path}\0`).join('');
  const catalog: Record<string, Record<string, string>> = { file: {}, 'hard link': {} };
  for (const { path, kind = 'file', value = `${'0'.repeat(64)} 10 0644 5` } of known) catalog[kind]![path] = value;
  const data = numbers.map((part) => ({
    role: 'data',
    file: `data/${number(part)}.tar.zst`,
    bytes,
    sha256: `${part}`,
  }));
  const parts = [...data, { role: 'schema', file: 'schema.list.zst', bytes: list.length }];
  return {
    manifest: { start, parts, tables: [{ table: './' }] } as unknown as Manifest,
    readCatalog: async (begin) => [...packCatalog(catalog).entries()].forEach(begin()),
    open: async function* () {
      yield Buffer.from(list, 'latin1');
    },
    isSharable,
  };
}

/** What a walk sees of a name at the top. */
type SeenAtTop = SeenName & { path: string };

function found({ path, ...rest }: Known, several = false): SeenAtTop {
  return {
    path,
    kind: 'file',
    owner: '0:0',
    settles: true,
    stats: statsOf(stateOf(rest)),
    ...(several && { device: 8n }),
  };
}

/** How a file stands, of the text that says it in a list. */
function statsOf(state: string): SeenName['stats'] {
  const [ino, size, mode, mtimeNs, ctimeNs] = state.split(':').map(BigInt) as [bigint, bigint, bigint, bigint, bigint];
  return { ino, size, mode, mtimeNs, ctimeNs };
}

const here = { folder: '/nonexistent', oneTable: false, isBanned: (_: string): boolean => false };

/** As a walk gives them. */
function walked(all: readonly SeenAtTop[]): FoundPaths {
  const found = nothingFound();
  const folder = { kind: 'folder', owner: '0:0', settles: true, stats: statsOf('1:0:16877:5:5') } as const;
  const top = found.add(0, '', folder);
  const sorted = all.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  return found.inOrder(Uint32Array.from(sorted.map((one) => found.add(top, one.path, one))));
}

async function kept(now: readonly SeenAtTop[], before: BackupBefore, place = here): Promise<string[]> {
  return [...(await takeOver(walked(now), before, place, limit())).kept.places()].map(({ path }) => path);
}

test('what is as it was is kept, under the new number of its part, and everything else is read', async () => {
  const known = [1, 2, 3].map((part) => ({ path: `f${part}`, part, inode: part }));
  const now = [{ ...known[0]!, inode: 9 }, known[1]!, known[2]!, { path: 'new', part: 0 }].map((one) => found(one));

  const { kept: same, shared, anew } = await takeOver(walked(now), backupBefore(known, 3000), here, limit());

  expect([...same.places()].map(({ path, part }) => `${path} ${part}`)).toEqual(['f2 0001', 'f3 0002']);
  expect(shared.map(({ part, file, live }) => [part.file, file, live])).toEqual([
    ['data/0002.tar.zst', 'data/0001.tar.zst', 2048],
    ['data/0003.tar.zst', 'data/0002.tar.zst', 2048],
  ]);
  expect([...anew].map(({ path }) => path)).toEqual(['f1', 'new']);
});

test('what was changed within a minute before the backup began may have changed again, and is read', async () => {
  const known = [
    { path: 'old', part: 1 },
    { path: 'young', part: 1, changed: young! },
  ];
  const now = known.map((one) => found(one));

  expect(await kept(now, backupBefore(known, 100))).toEqual(['old']);
});

test('the names of one file are kept together, or read together', async () => {
  const known: Known[] = [
    { path: 'a', part: 1 },
    { path: 'b', part: 1, kind: 'hard link', value: 'a' },
  ];
  const before = backupBefore(known, 100);
  const names = known.map((one) => found(one, true));

  expect(await kept(names, before)).toEqual(['a', 'b']);
  // the first name is gone, or left out now: the other one leads nowhere
  expect(await kept([names[1]!], before)).toEqual([]);
  expect(await kept([...names, found({ path: 'c', part: 0 }, true)], before)).toEqual([]);
});

test('a part is not taken over of which less than half is needed, or against which something is known', async () => {
  const known = [1, 2].map((part) => ({ path: `f${part}`, part, inode: part }));
  const now = known.map((one) => found(one));

  expect(await kept(now, backupBefore(known, 4096))).toEqual(['f1', 'f2']);
  expect(await kept(now, backupBefore(known, 4097))).toEqual([]);
  expect(
    await kept(
      now,
      backupBefore(known, 100, ({ sha256 }) => sha256 !== '1'),
    ),
  ).toEqual(['f2']);
});

test('more than fifty small parts are stored anew', async () => {
  const known = Array.from({ length: 51 }, (_, at) => ({ path: `f${at}`, part: at + 1, inode: at + 1 }));
  const now = known.map((one) => found(one));

  expect(await kept(now.slice(1), backupBefore(known.slice(1), 100))).toHaveLength(50);
  expect(await kept(now, backupBefore(known, 100))).toEqual([]);
});

test('a small part with a quarter of the files that one may have stays: of a million small files all are small', async () => {
  const known = Array.from({ length: 51 }, (_, at) => ({ path: `f${at}`, part: at + 1, inode: at + 1 }));
  const now = known.map((one) => found(one));
  const of = (rows: number): BackupBefore => {
    const before = backupBefore(known, 100);
    const parts = before.manifest.parts.map((part) => ({ ...part, rows }));
    return { ...before, manifest: { ...before.manifest, parts } };
  };

  expect(await kept(now, of(2499))).toEqual([]);
  expect(await kept(now, of(2500))).toHaveLength(51);
});

test('a list that is not whole is none', async () => {
  const before = backupBefore([{ path: 'a', part: 1 }], 100);
  const broken: BackupBefore = {
    ...before,
    open: async function* () {
      yield Buffer.from('0001 - ./a');
    },
  };

  await expect(takeOver(walked([]), broken, here, limit())).rejects.toMatchObject({ code: 'part-corrupt' });
});

describe('where times of change say too little, content decides', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nightjar-take-over-'));
    await Promise.all(['same', 'other', 'young'].map((name) => writeFile(join(folder, name), 'ten bytes.')));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** Three files, of which the catalog knows the content of the first alone, in a backup that began so much later. */
  async function scene(laterMs: number, settles: boolean) {
    const names = ['same', 'other', 'young'];
    const states = await Promise.all(
      names.map((name) => lstat(join(folder, name), { bigint: true }).then(placeStateOf)),
    );
    const known = names.map((path, at): Known => ({ path, part: 1, ...(at === 0 && { value: valueOfSame }) }));
    const plain = backupBefore(known, 100);
    const list = names.map((path, at) => `0001 ${states[at]} ./${path}\0`).join('');
    const before = {
      ...plain,
      manifest: { ...plain.manifest, start: new Date(Date.now() + laterMs).toISOString() },
      open: async function* () {
        yield Buffer.from(list);
      },
    };
    return kept(
      known.map((one, at) => ({ ...found(one), stats: statsOf(states[at]!), settles })),
      before,
      { ...here, folder },
    );
  }
  const valueOfSame = `${hash('sha256', 'ten bytes.')} 10 0644 5`;

  test('on a file system that does not set them, however old they are', async () => {
    expect(await scene(600_000, false)).toEqual(['same']);
    expect(await scene(600_000, true)).toEqual(['other', 'same', 'young']);
  });

  test('of what was changed within a minute before it was read', async () => {
    expect(await scene(1000, true)).toEqual(['same']);
  });

  test('which file systems set them is told by their kind, as stat names it', async () => {
    for (const place of ['/dev/shm', '/var/tmp']) {
      const top = await mkdtemp(join(place, 'walked-'));
      await writeFile(join(top, 'file'), '');
      const { found: all } = await walk(
        top,
        { excludes: () => false, isSecret: () => false, oneFileSystem: false },
        limit(),
      );
      await rm(top, { recursive: true });
      const kind = execFileSync('stat', ['-f', '-c', '%T', place], { encoding: 'utf8' }).trim();
      const isKnown = ['ext2/ext3', 'xfs', 'btrfs', 'zfs', 'f2fs', 'bcachefs', 'nfs'].includes(kind);
      expect([kind, [...all].map(({ settles }) => settles)]).toEqual([kind, [isKnown, isKnown]]);
    }
  });
});

test('a part that holds what is gone and may be in no backup any more is not taken over', async () => {
  const known = [1, 2].flatMap((part) => [
    { path: `kept${part}`, part, inode: part },
    { path: `gone${part}`, part, inode: part + 9 },
  ]);
  const now = known.filter(({ path }) => path.startsWith('kept')).map((one) => found(one));

  expect(await kept(now, backupBefore(known, 100))).toEqual(['kept1', 'kept2']);
  expect(await kept(now, backupBefore(known, 100), { ...here, isBanned: (path) => path === 'gone1' })).toEqual([
    'kept2',
  ]);
});

test('a catalog that has to be read again begins anew, and what it says of two kinds is none', async () => {
  const known = [{ path: 'a', part: 1 }];
  const before = backupBefore(known, 100);
  const twice: BackupBefore = {
    ...before,
    readCatalog: async (begin, signal) => {
      await before.readCatalog(begin, signal);
      await before.readCatalog(begin, signal);
    },
  };
  const both = { file: { a: `${'0'.repeat(64)} 10 0644 5` }, 'symbolic link': { a: '5 b' } };
  const broken: BackupBefore = {
    ...before,
    readCatalog: async (begin) => [...packCatalog(both).entries()].forEach(begin()),
  };

  expect(await kept([found(known[0]!)], twice)).toEqual(['a']);
  await expect(kept([found(known[0]!)], broken)).rejects.toMatchObject({ code: 'part-corrupt' });
});

test('what is said of a file comes back as it was said, though of most the digest alone is kept', async () => {
  const digest = hash('sha256', 'x');
  const known: Known[] = [
    { path: 'attributes', part: 1, value: `${digest} 10 0644 0.000000005 attributes:0123456789abcdef` },
    { path: 'plain', part: 1, value: `${digest} 10 0644 0.000000005` },
    { path: 'rounded', part: 1, value: `${digest} 10 0644 5` },
  ];
  const before = backupBefore(known, 100);

  const { kept: same } = await takeOver(walked(known.map((one) => found(one))), before, here, limit());

  expect([...same.facts()].map(({ name, value }) => [name, value])).toEqual(
    known.map(({ path, value }) => [path, value]),
  );
});
