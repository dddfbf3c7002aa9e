import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';
import { unpackTar, type Unpacked } from '../../../../layers/db-tools/debian/unpack.ts';

type Member = {
  name: string;
  type?: 'file' | 'symlink' | 'link' | 'directory' | 'character-device' | 'block-device' | 'fifo';
  linkname?: string;
  text?: string;
  mode?: number;
};

let folder: string;
let root: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-unpack-'));
  root = join(folder, 'root');
  await mkdir(join(root, 'usr/lib'), { recursive: true });
  await symlink('usr/lib', join(root, 'lib'));
  await writeFile(join(folder, 'outside'), 'untouched');
});
afterEach(() => rm(folder, { recursive: true }));

test('an honest package is unpacked: old names lie in usr, links stay in the root, nobody else may write, no program runs as its owner', async () => {
  const unpacked = await unpack([
    { name: './', type: 'directory' },
    { name: './lib', type: 'symlink', linkname: 'usr/lib' },
    { name: './lib/x/libtool.so.1', text: 'library', mode: 0o644 },
    { name: './lib/x/libtool.so', type: 'symlink', linkname: 'libtool.so.1' },
    { name: './usr/bin/tool', text: 'program', mode: 0o6777 },
    { name: './usr/bin/other', type: 'link', linkname: './usr/bin/tool' },
    { name: './etc/tool', type: 'symlink', linkname: '/lib/x/libtool.so.1' },
  ]);

  expect(unpacked.map(({ path }) => path)).toEqual([
    'usr/lib/x/libtool.so.1',
    'usr/lib/x/libtool.so',
    'usr/bin/tool',
    'usr/bin/other',
    'etc/tool',
  ]);
  expect(await readFile(join(root, 'lib/x/libtool.so'), 'utf8')).toBe('library');
  expect(await readFile(join(root, 'usr/bin/other'), 'utf8')).toBe('program');
  expect((await stat(join(root, 'usr/bin/tool'))).mode & 0o7777).toBe(0o755);
  expect(await readlink(join(root, 'etc/tool'))).toBe('../usr/lib/x/libtool.so.1');
});

const malicious: [what: string, members: Member[], why: RegExp][] = [
  ['a name that climbs out', [{ name: './usr/../../outside', text: 'owned' }], /leads out of the root/],
  ['an absolute name', [{ name: '/tmp/outside', text: 'owned' }], /leads out of the root/],
  ['a name in two lines', [{ name: './usr/a\nb', text: 'owned' }], /leads out of the root/],
  [
    'a relative link out of the root',
    [{ name: './usr/way', type: 'symlink', linkname: '../../outside' }],
    /a link out of the root/,
  ],
  [
    'a file behind a link to a folder',
    [
      { name: './usr/way', type: 'symlink', linkname: '../../../..' },
      { name: './usr/way/outside', text: 'owned' },
    ],
    /a link out of the root/,
  ],
  [
    'a file behind a link that stays inside',
    [
      { name: './usr/way', type: 'symlink', linkname: 'lib' },
      { name: './usr/way/x', text: 'owned' },
    ],
    /lies behind the link usr\/way/,
  ],
  [
    'a hard link out of the root',
    [
      { name: './usr/way', type: 'link', linkname: '../outside' },
      { name: './usr/way', text: 'owned' },
    ],
    /leads out of the root/,
  ],
  [
    'a hard link through a link',
    [
      { name: './usr/way', type: 'symlink', linkname: 'lib' },
      { name: './usr/x', type: 'link', linkname: 'usr/way/x' },
    ],
    /lies behind the link/,
  ],
  [
    'a note of its own about another package',
    [{ name: './.nightjar/libc6.files', text: `${'0'.repeat(64)}  usr/bin/tool` }],
    /notes of what was unpacked/,
  ],
  ['a device', [{ name: './usr/disk', type: 'block-device' }], /no file, folder or link/],
  ['a terminal', [{ name: './usr/tty', type: 'character-device' }], /no file, folder or link/],
  ['a pipe', [{ name: './usr/pipe', type: 'fifo' }], /no file, folder or link/],
];

test.each(malicious)('%s is refused, and nothing outside the root is touched', async (_, members, why) => {
  const attempt = unpack(members);

  await expect(attempt).rejects.toMatchObject({
    code: 'tools-missing',
    message: expect.stringMatching(why),
    hint: expect.stringContaining('NIGHTJAR_DEBIAN_MIRROR'),
  });
  expect(await readFile(join(folder, 'outside'), 'utf8')).toBe('untouched');
  expect((await readdir(folder)).sort()).toEqual(['outside', 'package.tar', 'root']);
});

test('a link that the package before has left is no way out for the next one', async () => {
  const links = new Set<string>();
  await unpack([{ name: './usr/way', type: 'symlink', linkname: 'lib' }], links);

  await expect(unpack([{ name: './usr/way/x', text: 'owned' }], links)).rejects.toMatchObject({
    message: expect.stringContaining('behind the link'),
  });
  await unpack([{ name: './usr/way', text: 'a file in place of the link' }], links);
  expect(await readFile(join(root, 'usr/way'), 'utf8')).toBe('a file in place of the link');
});

async function unpack(members: Member[], links = new Set<string>()): Promise<Unpacked[]> {
  const file = join(folder, 'package.tar');
  const tar = pack();
  for (const { text = '', ...header } of members) {
    if ((header.type ?? 'file') === 'file') tar.entry({ ...header, type: 'file' }, text);
    else tar.entry({ ...header, type: header.type! });
  }
  tar.finalize();
  await pipeline(tar, createWriteStream(file));
  return unpackTar(file, root, links);
}
