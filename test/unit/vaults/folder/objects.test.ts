import { afterEach, beforeEach, expect, test } from '@jest/globals';
import {
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  statfs,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { objectKey } from '../../../../core/domain/keys.ts';
import type { Vault } from '../../../../core/vault.ts';
import { folderVault } from '../../../../core/vaults/folder/folder.ts';
import { requireMounts } from '../../../../core/vaults/folder/mounts.ts';
import { versionOf } from '../../../../core/vaults/folder/replace.ts';
import { chunks, keysOf } from '../../../contract/vault/vault-data.ts';

const signal = new AbortController().signal;
const [a, b, other] = ['shop/1/a', 'shop/1/b', 'shop/2/a'].map(objectKey) as [
  ReturnType<typeof objectKey>,
  ReturnType<typeof objectKey>,
  ReturnType<typeof objectKey>,
];
const bytes = (text: string) => Buffer.from(text);
let above: string;
let root: string;
let vault: Vault;

beforeEach(async () => {
  above = await mkdtemp(join(tmpdir(), 'nightjar-objects-'));
  root = join(above, 'vault');
  vault = folderVault(root);
});
afterEach(() => rm(above, { recursive: true }));

const put = (key = a, text = 'text') => vault.put(key, chunks(bytes(text)), {}, signal);
const putNew = (key = a, text = 'text') => vault.putIfAbsent(key, bytes(text), {}, signal);
const replace = (from: string, text: string, key = a) =>
  vault.putIfUnchanged(key, bytes(text), versionOf(bytes(from)), signal);
const held = (key = a) => readFile(join(root, key), 'utf8');
const hidden = () => readdir(join(root, '.nightjar/incoming'));

/** Everything that is asked of a vault, and what it says that it tried. */
const calls: [string, string, () => Promise<unknown>][] = [
  ['put', 'write /shop/1/a', () => put()],
  ['putIfAbsent', 'write /shop/1/a', () => putNew()],
  ['putIfUnchanged', 'replace /shop/1/a', () => replace('text', 'more')],
  ['share', 'write /shop/1', () => vault.share!([{ from: other, to: a, bytes: 4 }], signal)],
  ['read', 'read /shop/1/a', () => vault.read(a, signal)],
  ['get', 'read /shop/1/a', () => Array.fromAsync(vault.get(a, signal))],
  ['list', 'list /shop/1/', () => keysOf(vault, 'shop/1/')],
  ['delete', 'delete /shop/1/a', () => vault.delete(a, signal)],
  ['tags', 'look at /shop/1/a', () => vault.tags(a, signal)],
  ['retag', 'look at /shop/1/a', () => vault.retag(a, {}, signal)],
  ['unfinished', 'list /shop/', () => Array.fromAsync(vault.unfinished('shop/', signal))],
  ['free', 'look at ', () => vault.free!(signal)],
];

test.each(calls)('a folder that can’t be reached fails %s, and it is said what was tried', async (_, what, call) => {
  await symlink(root, root);

  const failure = await call().catch((error: Error) => error);

  expect(failure).toMatchObject({ code: 'vault-failed' });
  const said = what.replace('/', `${root}/`).replace(/ $/, ` ${root}`);
  expect((failure as Error).message).toMatch(new RegExp(`^${said}: ELOOP`));
});

test('an object is written once: what comes later is refused, says so, and leaves nothing', async () => {
  expect(await put(a, 'four')).toEqual({ bytes: 4 });
  expect(await putNew(b, 'first')).toEqual({ version: versionOf(bytes('first')) });

  for (const again of [() => put(a, 'other'), () => putNew(a, 'other')])
    await expect(again()).rejects.toMatchObject({
      code: 'object-exists',
      message: `write ${root}/${a}: it is there already`,
    });

  expect([await held(a), await held(b), await hidden()]).toEqual(['four', 'first', []]);
});

test('an object is replaced by whoever knows its version, and by nobody else', async () => {
  await putNew(a, 'one');

  expect(await replace('one', 'two')).toEqual({ version: versionOf(bytes('two')) });
  const refused = {
    code: 'object-exists',
    message: `replace ${root}/${a}: somebody else has written or removed it`,
  };
  await expect(replace('one', 'three')).rejects.toMatchObject(refused);
  await vault.delete(a, signal);
  await expect(replace('two', 'three')).rejects.toMatchObject({ code: 'object-exists' });
  await expect(replace('two', 'three', other)).rejects.toMatchObject({ code: 'object-exists' });

  expect([await keysOf(vault, ''), await readdir(root), await hidden()]).toEqual([[], ['.nightjar'], []]);
});

test('whoever is stopped already makes nothing, not even the folder', async () => {
  const stopped = AbortSignal.abort();

  for (const act of [
    () => vault.put(a, chunks(bytes('x')), {}, stopped),
    () => vault.putIfAbsent(a, bytes('x'), {}, stopped),
  ])
    await expect(act()).rejects.toMatchObject({ code: 'aborted' });

  // what would have been begun has had its time
  for (let times = 0; times < 20; times += 1) expect(await readdir(above)).toEqual([]);
});

test('a stop while the body comes leaves nothing hidden; an object whose folder can’t be made leaves nothing either', async () => {
  await put(other);
  const stop = new AbortController();
  async function* stopping() {
    yield bytes('x');
    stop.abort();
  }
  await expect(vault.put(a, stopping(), {}, stop.signal)).rejects.toMatchObject({ code: 'aborted' });
  await writeFile(join(root, 'shop/1'), 'a file');
  await expect(put(a)).rejects.toMatchObject({ code: 'vault-failed', message: expect.stringContaining('ENOTDIR') });

  expect([await hidden(), await keysOf(vault, 'shop/')]).toEqual([[], ['shop/1', other].toSorted()]);
});

test('what is not there is gone to a delete, and missing to whoever asks for its tags', async () => {
  await put(a);

  for (const key of [b, other, objectKey('none/1/a')]) {
    expect(await vault.delete(key, signal)).toEqual({ state: 'gone' });
    for (const ask of [() => vault.tags(key, signal), () => vault.retag(key, {}, signal)])
      await expect(ask()).rejects.toMatchObject({
        code: 'object-missing',
        message: `look at ${root}/${key}: there is no such object`,
      });
  }
  expect([await vault.tags(a, signal), await vault.retag(a, {}, signal)]).toEqual([undefined, undefined]);
  expect(await readdir(root)).toEqual(['.nightjar', 'shop']);
});

test('a delete takes the folders with it that it leaves empty, and never the vault’s own', async () => {
  const key = objectKey('shop/20261120T020000Z-7f3a9c/manifest.json');
  await put(key);
  await rm(join(root, '.nightjar'), { recursive: true });

  expect(await vault.delete(key, signal)).toEqual({ state: 'gone' });

  expect(await readdir(root)).toEqual([]);
});

test('an object with a second name is told as shared by the first delete, and not by the last', async () => {
  await put(a);
  expect(await vault.share!([{ from: a, to: other, bytes: 4 }], signal)).toBe(true);

  expect(await vault.delete(a, signal)).toEqual({ state: 'gone', shared: true });
  expect(await held(other)).toBe('text');
  expect(await vault.delete(other, signal)).toEqual({ state: 'gone' });
});

test('objects are shared where their size is as it should be, all of a folder at once, and what was shared stays so', async () => {
  await put(a);
  await put(b, 'other');
  const [first, second] = ['shop/3/a', 'shop/4/b'].map(objectKey) as [typeof a, typeof a];
  const both = (size: number) => [
    { from: a, to: first, bytes: 4 },
    { from: b, to: second, bytes: size },
  ];

  expect(await vault.share!(both(4), signal)).toBe(false);
  expect(await vault.share!(both(5), signal)).toBe(true);
  expect([await held(first), await held(second)]).toEqual(['text', 'other']);
  expect((await stat(join(root, a))).ino).toBe((await stat(join(root, first))).ino);

  await expect(vault.share!([{ from: b, to: first, bytes: 5 }], signal)).rejects.toMatchObject({
    code: 'object-exists',
    message: `write ${join(root, first)}: it is there already`,
  });
  await mkdir(join(root, 'shop/5'));
  for (const from of [objectKey('shop/9/a'), objectKey('none/a'), objectKey('shop/5')])
    await expect(vault.share!([{ from, to: second, bytes: 4 }], signal)).rejects.toMatchObject({
      code: 'object-missing',
      message: `write ${root}/${second}: there is no object ${from} any more`,
    });
});

test('who is stopped shares the folder that was begun, and no other', async () => {
  await put(a);
  const stop = new AbortController();
  const shared = vault.share!(
    ['shop/3/a', 'shop/4/a'].map((to) => ({ from: a, to: objectKey(to), bytes: 4 })),
    stop.signal,
  );
  stop.abort();

  await expect(shared).rejects.toMatchObject({ code: 'aborted' });
  expect(await keysOf(vault, 'shop/')).toEqual([a]);
});

test('the listing says size and time of each object, and which file two of them are', async () => {
  await put(a, 'text');
  await put(other, 'text');
  await utimes(join(root, a), new Date('2026-11-20T02:00:00Z'), new Date('2026-11-20T02:00:00Z'));
  await link(join(root, other), join(root, b));

  const listed = await Array.fromAsync(vault.list('shop/', signal));

  const { dev, ino } = await stat(join(root, b));
  expect(listed.find(({ key }) => key === a)).toEqual({ key: a, bytes: 4, modified: new Date('2026-11-20T02:00:00Z') });
  expect(listed.filter(({ file }) => file === `${dev}:${ino}`).map(({ key }) => key)).toEqual([b, other]);
});

test.each(['lost+found', '.snapshot', '.snapshots', '.zfs', '.nightjar', '.Nightjar'])(
  'what a file system keeps in %s, and we, is no object, and none is written there',
  async (name) => {
    await put(a);
    await mkdir(join(root, name, 'shop'), { recursive: true });
    await writeFile(join(root, name, 'shop/a'), 'theirs');

    expect(await keysOf(vault, '')).toEqual([a]);
    for (const key of [`${name}/shop/b`, name]) {
      await expect(put(objectKey(key))).rejects.toMatchObject({
        code: 'input-invalid',
        message: `"${key}" is kept for the vault itself in ${root}`,
      });
    }
  },
);

test('below the top, a folder may be called as any', async () => {
  const key = objectKey('shop/lost+found/a');
  await put(key);
  expect(await keysOf(vault, '')).toEqual([key]);
});

test('what is free is what the disk says', async () => {
  await put(a);
  const { bavail, bsize } = await statfs(root);
  const free = (await vault.free!(signal))!;
  expect(Math.abs(free / (bavail * bsize) - 1)).toBeLessThan(0.5);
});

test('a vault that is not there says what to do, and so does one that is a file', async () => {
  const missing = {
    code: 'vault-unreachable',
    message: `the folder ${root} is not there`,
    hint: 'mount the disk; in a new vault, the first backup makes what is missing: nightjar backup',
  };
  await expect(keysOf(vault, '')).rejects.toMatchObject(missing);
  await expect(vault.delete(a, signal)).rejects.toMatchObject(missing);
  await expect(vault.share!([{ from: a, to: b, bytes: 1 }], signal)).rejects.toMatchObject(missing);
  await expect(replace('one', 'two')).rejects.toMatchObject(missing);
  expect(await readdir(above)).toEqual([]);

  const deep = folderVault(join(above, 'disk', 'vault'));
  await expect(deep.put(a, chunks(bytes('x')), {}, signal)).rejects.toMatchObject({
    code: 'vault-unreachable',
    message: `the folder ${above}/disk, which is to hold ${above}/disk/vault, is not there`,
    hint: 'mount the disk, or make the folder',
  });

  await writeFile(root, 'mine');
  for (const ask of [() => keysOf(vault, ''), () => put(a)])
    await expect(ask()).rejects.toMatchObject({
      code: 'vault-unreachable',
      message: `the vault ${root} is a file, not a folder`,
      hint: 'correct the path of the vault in the configuration, or move the file away',
    });
  await rm(root);
  await mkdir(root);
  await expect(keysOf(vault, '')).rejects.toMatchObject({
    message: `the folder ${root} holds no backups yet, or its disk is not mounted`,
  });
});

test('a disk of the table of file systems that is not mounted is told; a table that is not there says nothing', async () => {
  const table = async (name: string, text: string) => {
    await writeFile(join(above, name), text);
    return join(above, name);
  };
  const fstab = await table(
    'fstab',
    '#nas:/x /mnt/none nfs\n  # /mnt/old nfs\n\tnas:/export /mnt/nas// nfs\n/dev/a / ext4\nb none\n\n',
  );
  const mounts = await table('mounts', 'proc /proc proc\n');
  const mounted = await table('mounted', 'proc /proc proc\nnas:/export /mnt/nas nfs\n');

  await expect(requireMounts('/mnt/nas/backups', { fstab, mounts })).rejects.toMatchObject({
    code: 'vault-unreachable',
    message: '/mnt/nas is not mounted, and /mnt/nas/backups is there',
    hint: 'run: mount /mnt/nas',
  });
  await requireMounts('/mnt/nas/backups', { fstab, mounts: mounted });
  await requireMounts('/mnt/nas/backups', { fstab: join(above, 'none'), mounts });
  for (const folder of ['/mnt/none', '/mnt/old', '/mnt', '/srv', 'none', '/'])
    await requireMounts(folder, { fstab, mounts });
  await expect(requireMounts('/mnt/nas', { fstab: join(fstab, 'none'), mounts })).rejects.toMatchObject({
    code: 'ENOTDIR',
  });
});
