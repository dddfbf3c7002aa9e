import { lstat, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pack, type Pack } from 'tar-stream';

/**
 * A Debian package, of the text of its control file and its content as a tar file. Debian's own programs read it; a
 * process of theirs for each that is made takes too long for a mirror full.
 */
export async function debFile(control: string, content: Buffer): Promise<Buffer> {
  const about = await tarOf((tar) => tar.entry({ name: './control' }, control));
  const members: [name: string, body: Buffer][] = [
    ['debian-binary', Buffer.from('2.0\n')],
    ['control.tar', about],
    ['data.tar', content],
  ];
  // deb(5): an `ar` archive; its members begin at even places
  const parts = members.map(([name, body]) => [
    Buffer.from(`${name.padEnd(16)}${'0'.padEnd(12)}0     0     100644  ${String(body.length).padEnd(10)}\`\n`),
    body,
    Buffer.from(body.length % 2 === 0 ? '' : '\n'),
  ]);
  return Buffer.concat([Buffer.from('!<arch>\n'), ...parts.flat()]);
}

/** A tar file of texts by path; what lies in a folder named `bin` is a program. */
export function tarOfTexts(files: Readonly<Record<string, string>>): Promise<Buffer> {
  return tarOf((tar) => {
    for (const [path, text] of Object.entries(files))
      tar.entry({ name: `./${path}`, mode: path.includes('/bin/') ? 0o755 : 0o644 }, text);
  });
}

/** A tar file of what a folder has at these paths: files, links and folders. */
export async function tarOfFolder(folder: string, paths: readonly string[]): Promise<Buffer> {
  const found = await Promise.all(
    paths.map(async (path) => {
      const place = join(folder, path);
      const { mode, mtime, isFile, isLink } = await lstat(place).then((stat) => ({
        mode: stat.mode & 0o777,
        mtime: stat.mtime,
        isFile: stat.isFile(),
        isLink: stat.isSymbolicLink(),
      }));
      if (isFile) return { header: { name: `./${path}`, mode, mtime }, body: await readFile(place) };
      const more = isLink
        ? ({ type: 'symlink', linkname: await readlink(place) } as const)
        : ({ type: 'directory' } as const);
      return { header: { name: `./${path}`, mode, mtime, ...more }, body: Buffer.alloc(0) };
    }),
  );
  return tarOf((tar) => {
    for (const { header, body } of found) tar.entry(header, body);
  });
}

async function tarOf(fill: (tar: Pack) => void): Promise<Buffer> {
  const tar = pack();
  fill(tar);
  tar.finalize();
  return buffer(tar);
}
