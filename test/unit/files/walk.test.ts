import { execFileSync, spawnSync } from 'node:child_process';
import { lstat, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { lookingBelow } from '../../../core/engines/files/looking.ts';
import { pathOfText, pathText } from '../../../core/engines/files/names.ts';
import { matching } from '../../../core/engines/files/patterns.ts';
import { requireMounted } from '../../../core/engines/files/plan/mounted.ts';
import { walk } from '../../../core/engines/files/plan/walk.ts';
import { stateOf } from '../../../core/engines/files/sharing/places.ts';
import { limit } from '../../support/vaults/vault.ts';

const files = ['a/c', 'a/c-d/x', 'a/c/y', 'a-b/z', 'a-b.txt', 'a.txt', 'a0', 'b/b/b/b', 'ü/ö', 'A/a', '%'];
const everything = { excludes: () => false, isSecret: () => false, oneFileSystem: false };
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-walk-'));
  for (const file of files.filter((one) => one !== 'a/c')) {
    await mkdir(join(folder, dirname(file)), { recursive: true });
    await writeFile(join(folder, file), '');
  }
});
afterAll(() => rm(folder, { recursive: true }));

test('an empty folder whose disk is not mounted is no source', async () => {
  const held = await mkdtemp(join(tmpdir(), 'nightjar-mounts-'));
  const system = { fstab: join(held, 'fstab'), mounts: join(held, 'mounts') };
  await expect(requireMounted('/mnt/usb/media', system)).resolves.toBeUndefined();
  await writeFile(system.fstab, 'UUID=1 / ext4\nUUID=2 /mnt/usb ext4 noauto\n');
  await writeFile(system.mounts, '/dev/vda / ext4 rw 0 0\n');

  await expect(requireMounted('/mnt/usb/media', system)).rejects.toMatchObject({
    code: 'source-unreachable',
    message: '/mnt/usb/media is empty, and /mnt/usb is not mounted',
    hint: 'run: mount /mnt/usb',
  });
  await expect(requireMounted('/srv/media', system)).resolves.toBeUndefined();
  await writeFile(system.mounts, '/dev/sdb1 /mnt/usb ext4 rw 0 0\n');
  await expect(requireMounted('/mnt/usb/media', system)).resolves.toBeUndefined();
  await rm(held, { recursive: true });
});

test('a folder is walked in the order of bytes, as sort says', async () => {
  const { found } = await walk(folder, everything, limit());

  const sorted = execFileSync('bash', ['-c', 'find . | sed "s,^\\./\\?,," | LC_ALL=C sort'], { cwd: folder });
  const paths = [...found].map(({ path }) => path);
  expect(paths).toEqual(sorted.toString('latin1').split('\n').slice(0, -1));
  expect(paths.map((path) => found.indexOf(path))).toEqual([...paths.keys()]);
  expect(found.indexOf('none')).toBeUndefined();
});

test('files that are secrets are told, and no folder or link that is called so', async () => {
  const asked: string[] = [];
  const isSecret = (path: string) => asked.push(path) > 0 && path.startsWith('a-b');
  await mkdir(join(folder, 'a-b.pem'));
  await symlink('a0', join(folder, 'a-b.env'));

  const { secrets } = await walk(folder, { ...everything, isSecret }, limit());

  expect(secrets.toSorted()).toEqual(['a-b.txt', 'a-b/z']);
  expect(asked.length).toBe(files.length - 1);
  for (const made of ['a-b.pem', 'a-b.env']) await rm(join(folder, made), { recursive: true });
});

test('what is near and what is far is seen alike', async () => {
  for (const path of ['', 'a0', 'none/x']) {
    const [near, far] = await Promise.all(
      [true, false].map((isNear) =>
        lookingBelow(folder, isNear)
          .stats(path)
          .catch((error: unknown) => `${error}`),
      ),
    );
    expect(near).toEqual(far);
  }
});

test('patterns mean the same, however many paths they were asked about', () => {
  const isMeant = matching(['*.key', '!a.key']);
  const asked = Array.from({ length: 25_000 }, (_, at) => isMeant(at % 2 === 0 ? `${at}.key` : 'a.key'));

  expect(asked.every((answer, at) => answer === (at % 2 === 0))).toBe(true);
});

test('a pattern means what git says it does, whatever stands in it as it is', async () => {
  const patterns = ['*.Key', '/conf/', 'a/**/b', 'x[12]y', '\\!odd', '[0-9].z', '!keep.key', 'tail/*', '?', '#no'];
  const paths = [
    'k.key',
    'keep.key',
    'K.KEY',
    'conf/in',
    'sub/conf/in',
    'a/b',
    'a/1/2/b/c',
    'x1y',
    'x3y',
    '!odd',
  ].concat(['7.z', '77.z', 'tail/e', 'tail', 'q/r.z', 'q', '#no', 'none.txt', 'KEEP.KEY', 'a/bb']);
  const repository = join(folder, 'of-git');
  await mkdir(repository);
  await writeFile(join(repository, '.gitignore'), patterns.join('\n'));
  const git = (...args: string[]) =>
    spawnSync('git', ['-C', repository, '-c', 'core.ignoreCase=true', ...args], { input: `${paths.join('\n')}\n` });
  git('init', '--quiet');
  const ignored = git('check-ignore', '--no-index', '--stdin').stdout.toString().split('\n').slice(0, -1);
  await rm(repository, { recursive: true });

  expect(paths.filter(matching(patterns, { anyCase: true }))).toEqual(ignored);
});

test('a path is found again by its text, also where it is none', () => {
  const paths = [
    '',
    'a/b',
    'a\\b',
    'x\\xe9',
    'caf\xe9',
    'caf\xc3\xa9',
    'caf\xc3\xa9\\',
    '\\\xff\\\\x',
    '\n\x01',
    '\xe9\\xe9',
  ];

  expect(paths.map((path) => pathOfText(pathText(path)))).toEqual(paths);
  expect(new Set(paths.map(pathText)).size).toBe(paths.length);
});

test('what was found is found by its path in any order, with all that a look told of it', async () => {
  const { found } = await walk(folder, everything, limit());
  const paths = [...found].map(({ path }) => path);
  const order = [...paths.keys()].toSorted((a, b) => ((a * 7) % 5) - ((b * 7) % 5) || b - a);

  expect(order.map((at) => found.indexOf(paths[at]!))).toEqual(order);
  expect(['', '!', 'a/c/', 'a/z', 'zz'].map((path) => found.indexOf(path))).toEqual([0, ...Array(4)]);
  for (const [at, path] of paths.entries()) {
    const stats = await lstat(Buffer.from(`${folder}/${path}`, 'latin1'), { bigint: true });
    expect([found.stateAt(at), found.changedAt(at)]).toEqual([stateOf(stats), stats.ctimeNs]);
  }
});
