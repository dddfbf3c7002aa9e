import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, link, mkdir, rm, symlink, utimes } from 'node:fs/promises';
import { dirname, join, posix, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Extract, Header } from 'tar-stream';
import { BackupError } from '../../../core/domain/errors.ts';

/**
 * One thing that a package put into a root; `path` is relative to it. `sha256` is that of a file's content, undefined
 * for folders and links.
 */
export type Unpacked = { path: string; sha256: string | undefined };

type TarEntry = Extract extends AsyncIterable<infer Found> ? Found : never;

/** Folders that Debian has merged into `usr`: old packages still name them. */
const merged = /^(bin|sbin|lib|lib32|lib64|libx32)(?=\/|$)/;

/**
 * Unpacks a package's files (a tar file) into `root`, and answers what it put there. Whatever no honest package holds
 * is a `tools-missing` error: a name or a link that leads out of the root, a file behind a link, a device, a pipe.
 * Owners, set-user bits and write rights of others are not kept.
 */
export async function unpackTar(file: string, root: string, links: Set<string>): Promise<Unpacked[]> {
  // most find their layer built, and unpack nothing
  const { extract } = await import('tar-stream');
  const unpacked: Unpacked[] = [];
  const entries = extract();
  const reading = pipeline(createReadStream(file), entries);
  try {
    for await (const entry of entries) {
      const path = placeOf(entry.header, links);
      if (path === '') entry.resume();
      else unpacked.push({ path, sha256: await put(entry, path, root, links) });
    }
  } catch (error) {
    entries.destroy();
    await reading.catch(() => undefined);
    throw error;
  }
  await reading;
  return unpacked;
}

/** Where an entry goes, relative to the root: empty for the root itself. */
function placeOf({ name, type, linkname }: Header, links: ReadonlySet<string>): string {
  const plain = name.replace(/^(\.\/)+/, '').replace(/\/+$/, '');
  const isMerge = type === 'symlink' && merged.test(plain) && linkname === `usr/${plain}`; // every root has these links
  if (plain === '' || plain === '.' || isMerge) return '';
  const path = inUsr(plain);
  const isOdd = posix.isAbsolute(plain) || posix.normalize(path) !== path || /(^|\/)\.\.(\/|$)|[\0\n]/.test(path);
  if (isOdd) throw refused(name, 'its name leads out of the root');
  if (/^\.nightjar(\/|$)/.test(path)) throw refused(name, 'there lie the notes of what was unpacked');
  const behind = ancestors(path).find((folder) => links.has(folder));
  if (behind !== undefined) throw refused(name, `it lies behind the link ${behind}`);
  if (type === 'directory' && links.has(path)) throw refused(name, 'it is a link of another package');
  return path;
}

async function put(entry: TarEntry, path: string, root: string, links: Set<string>): Promise<string | undefined> {
  const { name, type, linkname, mode, mtime } = entry.header;
  const place = join(root, path);
  if (type === 'directory') {
    entry.resume();
    await mkdir(place, { recursive: true, mode: 0o755 });
    return undefined;
  }
  await mkdir(dirname(place), { recursive: true, mode: 0o755 });
  await rm(place, { force: true });
  links.delete(path);
  if (type === 'symlink') {
    entry.resume();
    await symlink(targetOf(path, linkname, name), place);
    links.add(path);
    return undefined;
  }
  if (type === 'link') {
    entry.resume();
    await link(join(root, placeOf({ ...entry.header, name: linkname }, links)), place);
    return undefined;
  }
  if (type !== 'file' && type !== 'contiguous-file') throw refused(name, `it is no file, folder or link (${type})`);
  const sum = createHash('sha256');
  const summed = async function* (chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
    for await (const chunk of chunks) {
      sum.update(chunk);
      yield chunk;
    }
  };
  await pipeline(summed(entry as AsyncIterable<Buffer>), createWriteStream(place, { flags: 'wx' }));
  await chmod(place, (mode & 0o111) === 0 ? 0o644 : 0o755);
  await utimes(place, mtime, mtime);
  return sum.digest('hex');
}

/**
 * What a link in the root is to hold: absolute ones become relative, so that they stay in the root from wherever it is
 * looked at.
 */
function targetOf(path: string, target: string, name: string): string {
  const folder = posix.dirname(path);
  const meant = posix.isAbsolute(target) ? inUsr(target.replace(/^\/+/, '')) : posix.join(folder, target);
  const normal = posix.normalize(meant);
  if (target === '' || normal.startsWith('..')) throw refused(name, `it is a link out of the root, to ${target}`);
  return posix.isAbsolute(target) ? relative(join('/', folder), join('/', normal)) || '.' : target;
}

function inUsr(path: string): string {
  return path.replace(merged, 'usr/$1');
}

function ancestors(path: string): string[] {
  const folders = path.split('/').slice(0, -1);
  return folders.map((_, at) => folders.slice(0, at + 1).join('/'));
}

function refused(name: string, why: string): BackupError {
  return new BackupError('tools-missing', `refused to unpack ${JSON.stringify(name)}: ${why}`, {
    hint:
      'no package of Debian holds such a thing: see where NIGHTJAR_DEBIAN_MIRROR, or the machine’s own apt ' +
      'sources, point',
  });
}
