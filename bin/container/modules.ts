import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { run } from '../../layers/db-tools/debian/run.ts';

const top = join(import.meta.dirname, '../..');
/** For developing and debugging only: half of all bytes. */
const unneeded = /\.(map|d\.[cm]?ts)$/;

/** The package as npm packs it, in `folder`; returns the file's path. */
export async function packedPackage(folder: string, signal: AbortSignal): Promise<string> {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const told = await run(['npm', 'pack', '--json', '--pack-destination', folder], { cwd: top, env }, signal);
  return join(folder, /"filename": "([^"]+)"/.exec(told)?.[1] ?? '');
}

/** Unpacks the package in `home`, with the libraries that it needs to run: those of this checkout, as locked. */
export async function installPackage(tarball: string, home: string, signal: AbortSignal): Promise<void> {
  await mkdir(home, { recursive: true });
  await run(['tar', '-xzf', tarball, '-C', home, '--strip-components=1', '--no-same-owner'], {}, signal);
  const listing = ['ls', '--all', '--omit=dev', '--omit=peer', '--parseable'];
  const told = await run(['npm', ...listing], { cwd: top }, signal);
  for (const folder of told.trim().split('\n').slice(1))
    await copyModule(folder, join(home, relative(top, folder)), signal);
}

/** A library without those nested in it, which are listed separately. */
async function copyModule(from: string, to: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await mkdir(to, { recursive: true });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    if (entry.name === 'node_modules') continue;
    if (entry.isDirectory()) await copyModule(join(from, entry.name), join(to, entry.name), signal);
    else if (entry.isFile() && !unneeded.test(entry.name)) await copyFile(join(from, entry.name), join(to, entry.name));
  }
}
