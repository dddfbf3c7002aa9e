import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { objectKey } from '../../../../core/domain/keys.ts';
import { folderVault } from '../../../../core/vaults/folder/folder.ts';
import { versionOf } from '../../../../core/vaults/folder/replace.ts';

// What writers leave that die in the midst of replacing an object.
const signal = new AbortController().signal;
const key = objectKey('shop/lease.json');
let root: string;
let incoming: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'nightjar-claims-'));
  incoming = join(root, '.nightjar/incoming');
  await folderVault(root).putIfAbsent(key, Buffer.from('first'), {}, signal);
});
afterEach(() => rm(root, { recursive: true }));

const version = versionOf(Buffer.from('first'));
const replace = (body: string, from = version) =>
  folderVault(root).putIfUnchanged(key, Buffer.from(body), from, signal);
const read = async () => (await folderVault(root).read(key, signal)).body.toString();

/** A claim to replace a version, whose writer died. */
async function deadClaim(replaced: string, files: Record<string, string>): Promise<string> {
  const claim = join(incoming, versionOf(Buffer.from(`${join(root, key)}\n${replaced}`)));
  await mkdir(claim);
  for (const [name, body] of Object.entries(files)) await writeFile(join(claim, name), body);
  return claim;
}

test('a writer that died before it had its claim, or after its file had moved, is in nobody’s way', async () => {
  await mkdir(join(incoming, 'someone.claim'));
  await deadClaim(version, {});

  await replace('second');

  expect((await readFile(join(root, key))).toString()).toBe('second');
  expect(await readdir(incoming)).toEqual(['someone.claim']);
});

test('a writer that died with its claim has not written; the next one does that for it, and is told', async () => {
  await deadClaim(version, { theirs: 'theirs' });
  expect(await read()).toBe('first');

  await expect(replace('mine')).rejects.toMatchObject({ code: 'object-exists' });

  expect(await read()).toBe('theirs');
  await replace('mine', versionOf(Buffer.from('theirs')));
  expect(await read()).toBe('mine');
  expect(await readdir(incoming)).toEqual([]);
});

test('a claim to a version that is no more never counts, and is removed a day later', async () => {
  await replace('second');
  const claim = await deadClaim(version, { late: 'late' });

  await expect(replace('mine')).rejects.toMatchObject({ code: 'object-exists' });
  expect(await read()).toBe('second');
  const past = Date.now() / 1000 - 25 * 3600;
  await utimes(claim, past, past);
  await replace('third', versionOf(Buffer.from('second')));

  expect(await read()).toBe('third');
  await expect(stat(claim)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('the same bytes again are another step and no conflict', async () => {
  await replace('second');
  await replace('first', versionOf(Buffer.from('second')));
  await replace('first');
  await replace('third');

  expect(await read()).toBe('third');
  expect(await readdir(incoming)).toEqual([]);
});

test('a claim that nobody can take away keeps the object as it is, and nothing is told as written', async () => {
  const claim = await deadClaim(version, {});
  await mkdir(join(claim, 'folder'));
  await writeFile(join(claim, 'folder', 'file'), 'theirs');

  await expect(replace('mine')).rejects.toMatchObject({ code: 'object-exists' });

  expect(await read()).toBe('first');
  expect(await readdir(incoming)).toEqual([basename(claim)]);
});
