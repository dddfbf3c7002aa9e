import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import licences from 'spdx-license-list/full.js';
import { BackupError } from '../../core/domain/errors.ts';

type Package = { name: string; version: string; license?: string; author?: string | { name: string } };
/** A library in a bundle, with its own licence texts. */
type HostNotice = { name: string; version: string; licence: string; texts: string[] };

/** Third-party code compiled into a package whose own licence text does not name it. */
const compiledIn: Readonly<Record<string, readonly (readonly [what: string, owner: string, licence: string])[]>> = {
  'libpg-query': [
    ['The parser of PostgreSQL', '1996-2025, PostgreSQL Global Development Group', 'PostgreSQL'],
    ['libpg_query', '2015-2025, Lukas Fittl <lukas@fittl.com>, Duboce Labs, Inc. (pganalyze)', 'BSD-3-Clause'],
    ['protobuf-c', '2008-2018, Dave Benson and the protobuf-c authors', 'BSD-2-Clause'],
    ['xxHash', '2012-2020, Yann Collet', 'BSD-2-Clause'],
  ],
};

/** The file beside a bundle with the notices of every library in it, as their licences require. */
export const noticesName = 'THIRD-PARTY.txt';

/** The folders of the packages in a bundle, each copy of them; `also` names those that no import shows. */
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

async function noticeOf(folder: string): Promise<HostNotice> {
  const {
    name,
    version,
    license = '',
    author,
  } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Package;
  const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  const own = texts.length > 0 ? texts : [`Author: ${nameOf(author)}\n\n${standardText(license)}`];
  const within = (compiledIn[name] ?? []).map(
    ([what, owner, licence]) => `${what}, compiled into ${name}:\n\n${standardText(licence, owner)}`,
  );
  return { name, version, licence: license, texts: [...own, ...within] };
}

function nameOf(author: Package['author']): string {
  return typeof author === 'string' ? author : (author?.name ?? 'see the package');
}

/** The text for a package that names a licence without containing it. `owner`: of the copyright, with the years. */
function standardText(licence: string, owner?: string): string {
  const text = licences[licence]?.licenseText;
  if (text === undefined) throw new BackupError('internal', `no text is known of the licence "${licence}"`);
  if (owner === undefined) return text;
  const named = text.replace(
    /^(?:Portions )?Copyright \(c\) .*(?:<owner>|PostgreSQL Global Development Group).*$/m,
    '',
  );
  return `Copyright (c) ${owner}\n\n${named.trim()}`;
}
