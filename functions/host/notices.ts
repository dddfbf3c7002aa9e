import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import licences from 'spdx-license-list/full.js';
import { BackupError } from '../../core/domain/errors.ts';

type Package = { name: string; version: string; license?: string; author?: string | { name: string } };
/** A library that is in a bundle, and its own words about its licence. */
type Notice = { name: string; version: string; licence: string; texts: string[] };

/** Beside what is bundled: the notices of every library in it, as their licences ask for. */
export const noticesName = 'THIRD-PARTY.txt';

/**
 * The folders of the packages that went into a bundle, whichever copy of each; `also` names those that no import shows.
 */
export function packageFolders(metas: readonly Metafile[], also: readonly string[] = []): string[] {
  const paths = metas.flatMap(({ inputs }) => Object.keys(inputs));
  const folders = paths.flatMap((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []);
  return [...new Set([...folders, ...also.map((name) => `node_modules/${name}`)])].sort();
}

/** Writes the notices of the packages in `folders` (relative to `top`) to a file in `out`. */
export async function writeNotices(folders: readonly string[], top: string, out: string): Promise<void> {
  const notices = await Promise.all(folders.map((folder) => noticeOf(join(top, folder))));
  const rule = '='.repeat(80);
  const text = notices.map(
    ({ name, version, licence, texts }) =>
      `${rule}\n${name} ${version}, licence: ${licence}\n${rule}\n${texts.join('\n\n')}\n`,
  );
  await writeFile(join(out, noticesName), text.join('\n'));
}

async function noticeOf(folder: string): Promise<Notice> {
  const {
    name,
    version,
    license = '',
    author,
  } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Package;
  const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  return { name, version, licence: license, texts: texts.length > 0 ? texts : [standardText(license, author)] };
}

/** For a package that names its licence and brings no text of it. */
function standardText(licence: string, author: Package['author']): string {
  const text = licences[licence]?.licenseText;
  if (text === undefined) throw new BackupError('internal', `no text is known of the licence "${licence}"`);
  return `Author: ${typeof author === 'string' ? author : (author?.name ?? 'see the package')}\n\n${text}`;
}
