import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { open, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { setImmediate as othersFirst } from 'node:timers/promises';
import { rdsBundle, readAuthorities, strangersIn } from './certificates.ts';

/** The layer's list of its own files, in the form of `sha256sum`: `sha256sum --check contents.sha256` reads it. */
export const contentsName = 'contents.sha256';

/**
 * What the one number leaves out: which of the pinned authorities could be fetched depends on where a layer is built,
 * and so does the bill of materials, which holds the bundle's hash. The bundle is compared with the pinned fingerprints
 * instead.
 */
const varying = [rdsBundle, 'sbom.spdx.json'];

/**
 * Writes the list of everything below `home`, and answers the one number that stands for the layer: the SHA-256 of the
 * list without what varies.
 */
export async function writeContents(home: string): Promise<string> {
  const lines: string[] = [];
  for (const path of await filesBelow(home)) lines.push(`${sha256(await readFile(join(home, path)))}  ${path}\n`);
  const text = lines.join('');
  await writeFile(join(home, contentsName), text, { mode: 0o644 });
  return anchorOf(text);
}

/**
 * What is not as the list below `home` says: files changed, missing or added, and the list itself where it is not the
 * `expected` one. Nothing for a whole layer. Reads every byte (45 MB: some 40 ms).
 */
export async function contentProblems(home: string, expected: string | undefined): Promise<string[]> {
  const list = await readFile(join(home, contentsName), 'utf8').catch(() => undefined);
  if (list === undefined) return [`${contentsName} is missing`];
  if (expected !== undefined && anchorOf(list) !== expected) return [`${contentsName} is not the one that is pinned`];
  const named = new Map(
    list
      .split('\n')
      .filter(Boolean)
      .map((line) => [line.slice(66), line.slice(0, 64)]),
  );
  const found = await filesBelow(home);
  const problems = found.filter((path) => !named.has(path)).map((path) => `${path} was added`);
  const block = Buffer.allocUnsafe(blockBytes);
  for (const [path, meant] of named) {
    const is = hashOf(join(home, path), block);
    if (is === undefined) problems.push(`${path} is missing`);
    else if (is !== meant) problems.push(`${path} was changed`);
    await othersFirst();
  }
  const strangers = strangersIn(await readFile(join(home, rdsBundle), 'utf8').catch(() => ''), await readAuthorities());
  return [...problems, ...strangers.map((name) => `${rdsBundle} holds ${name}, which is not pinned`)];
}

const blockBytes = 256 * 1024;

/**
 * The SHA-256 of a file, undefined where it can't be read. One block takes all of it, and no other thread is asked: a
 * buffer for each file, and a thread for each read, took longer than the hash.
 */
function hashOf(path: string, block: Buffer): string | undefined {
  const hash = createHash('sha256');
  try {
    const file = openSync(path, 'r');
    try {
      for (let bytes = readSync(file, block); bytes > 0; bytes = readSync(file, block))
        hash.update(block.subarray(0, bytes));
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
  return hash.digest('hex');
}

/**
 * Waits until everything below `folder` is on the disk, so that a name given to it afterwards never stands for half of
 * it.
 */
export async function flushed(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const file = await open(join(entry.parentPath, entry.name), 'r');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }
}

async function filesBelow(home: string): Promise<string[]> {
  const entries = await readdir(home, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(home, join(entry.parentPath, entry.name)));
  return paths.filter((path) => path !== contentsName).sort();
}

function anchorOf(list: string): string {
  return sha256(
    list
      .split('\n')
      .filter((line) => !varying.includes(line.slice(66)))
      .join('\n'),
  );
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
