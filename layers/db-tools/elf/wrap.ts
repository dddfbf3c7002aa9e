import { access, readdir, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { BackupError } from '../../../core/domain/errors.ts';
import { exclusively } from '../cache.ts';
import { readElf } from './elf.ts';
import { attempt } from '../debian/run.ts';

const wrapLimitMs = 5 * 60 * 1000;
const loaders = [
  'usr/lib64/ld-linux-x86-64.so.2',
  'usr/lib/ld-linux-aarch64.so.1',
  'usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2',
];

/**
 * Makes the programs of a Debian root (see `debianRoot`) runnable where they are, without chroot and by anybody: in
 * place of each stands a small script that starts the root's own loader with the root's own libraries. Done once; the
 * root must stay at its path, and can't be entered by chroot any more. Returns the root.
 */
export async function wrapPrograms(root: string, signal: AbortSignal): Promise<string> {
  const done = join(root, '.nightjar-wrapped');
  const isDone = (): Promise<boolean> =>
    access(done).then(
      () => true,
      () => false,
    );
  if (await isDone()) return root;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(wrapLimitMs)]);
  const work = async (): Promise<void> => {
    if (await isDone()) return;
    const start = await starter(root, limit);
    for (const program of await programs(root)) await wrap(program, start);
    await writeFile(done, '');
  };
  await exclusively(`${root}.wrap-lock`, { report: () => undefined, work }, limit);
  return root;
}

type WrapperText = (program: string, elf: string) => string;

async function starter(root: string, signal: AbortSignal): Promise<WrapperText> {
  for (const loader of loaders.map((path) => join(root, path))) {
    const help = await attempt([loader, '--help'], {}, signal);
    if (help.status !== 0) continue;
    // Before glibc 2.33 the loader can't be told argv[0]: the program then sees its hidden name.
    const naming = help.output.includes('--argv0') ? (program: string) => `--argv0 "${program}" ` : () => '';
    const path = (await libraryFolders(root)).join(':');
    return (program, elf) =>
      `#!/bin/sh\nexec "${loader}" --inhibit-cache --library-path "${path}" ${naming(program)}"${elf}" "$@"\n`;
  }
  throw new BackupError('tools-missing', `no loader that runs here is in ${root}`);
}

/**
 * Every folder below usr/lib, two deep, that holds shared libraries: the loader's configuration of a root that was
 * never set up is empty.
 */
async function libraryFolders(root: string): Promise<string[]> {
  const lib = join(root, 'usr', 'lib');
  const inside = async (folder: string): Promise<string[]> =>
    (await readdir(folder, { withFileTypes: true }))
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join(folder, name));
  const first = await inside(lib);
  const triplets = first.filter((folder) => folder.endsWith('-linux-gnu'));
  const candidates = [
    ...triplets,
    ...first.filter((folder) => !triplets.includes(folder)),
    ...(await Promise.all(first.map(inside))).flat(),
    lib,
  ];
  const found: string[] = [];
  for (const folder of candidates)
    if ((await readdir(folder)).some((name) => /^lib.*\.so(\.|$)/.test(name))) found.push(folder);
  return found;
}

async function programs(root: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(join(root, 'usr'), { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (!entry.isFile() || !/\/(s?bin|libexec)\//.test(relative(root, file)) || isHidden(file)) continue;
    if ((await readElf(file))?.interpreter !== undefined) found.push(file);
  }
  return found;
}

/** The script is complete before it takes the program's name, and the program is never away from both of its names. */
async function wrap(program: string, start: WrapperText): Promise<void> {
  const elf = join(dirname(program), `.${basename(program)}.elf`);
  const script = `${program}.wrapping`;
  await writeFile(script, start(program, elf), { mode: 0o755 });
  await rename(program, elf);
  await rename(script, program);
}

function isHidden(file: string): boolean {
  return basename(file).startsWith('.');
}
