import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { objectKey } from '../../../../core/domain/keys.ts';
import { folderVault } from '../../../../core/vaults/folder/folder.ts';

// Vaults that were written before an object's own file was what it is now.
const signal = new AbortController().signal;
const key = objectKey('shop/ledger.json');
const sha256 = (...parts: (string | Buffer)[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex');

let root: string;
let file: string;
let states: string;
const read = async () => (await folderVault(root).read(key, signal)).body.toString();

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'nightjar-older-'));
  file = join(root, key);
  states = join(root, '.nightjar/versions', sha256(key));
  for (const folder of [dirname(file), join(root, '.nightjar/incoming'), states])
    await mkdir(folder, { recursive: true });
  await written('the first', { 9: 'ninth', 10: 'tenth' });
});
afterEach(() => rm(root, { recursive: true }));

/** Leaves an object as that Nightjar did: its first content, and newer ones named after it. */
async function written(first: string, newer: Record<number, string>): Promise<void> {
  await writeFile(file, first);
  const { mtimeNs } = await stat(file, { bigint: true });
  const tag = sha256(`${mtimeNs} `, first).slice(0, 32);
  for (const [number, body] of Object.entries(newer)) await writeFile(join(states, `${tag}.${number}`), body);
}

const untouched = async () => {};
const touched = () => utimes(file, new Date(), new Date('2026-11-20T02:00:00Z'));

test.each([
  ['as it was left', untouched],
  ['though a copy has changed its times', touched],
])('the newest state is read and listed %s', async (_, happens) => {
  await happens();

  expect(await read()).toBe('tenth');
  expect(await Array.fromAsync(folderVault(root).list('', signal))).toMatchObject([{ key, bytes: 5 }]);
  expect((await Array.fromAsync(folderVault(root).get(key, signal))).join('')).toBe('tenth');
});

test.each([
  ['as it was left', untouched],
  ['though a copy has changed its times', touched],
])('the next write makes the file what it is now %s, of one writer alone', async (_, happens) => {
  await happens();
  const { version } = await folderVault(root).read(key, signal);

  const both = ['one', 'two'].map((body) => folderVault(root).putIfUnchanged(key, Buffer.from(body), version, signal));
  const ended = await Promise.allSettled(both);

  expect(ended.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  expect((await readFile(file)).toString()).toBe(ended[0]!.status === 'fulfilled' ? 'one' : 'two');
  expect(await readdir(join(root, '.nightjar/versions'))).toEqual([]);
  expect(await readdir(join(root, '.nightjar/incoming'))).toEqual([]);
});

test('one writer alone leaves nothing older behind, and is told that it has written', async () => {
  const { version } = await folderVault(root).read(key, signal);

  await folderVault(root).putIfUnchanged(key, Buffer.from('eleventh'), version, signal);

  expect(await read()).toBe('eleventh');
  expect(await readdir(join(root, '.nightjar/versions'))).toEqual([]);
  expect(await readdir(join(root, '.nightjar/incoming'))).toEqual([]);
});

test('who has read the first state can not replace the newest', async () => {
  const writing = folderVault(root).putIfUnchanged(key, Buffer.from('mine'), sha256('the first'), signal);

  await expect(writing).rejects.toMatchObject({ code: 'object-exists' });
  expect(await read()).toBe('tenth');
});

test('a run that was killed between the newest state and its older ones changes nothing', async () => {
  await writeFile(file, 'tenth');

  const { version } = await folderVault(root).read(key, signal);
  await folderVault(root).putIfUnchanged(key, Buffer.from('eleventh'), version, signal);

  expect(await read()).toBe('eleventh');
  expect(await readdir(join(root, '.nightjar/versions'))).toEqual([]);
});

test('where it can not be known which state is the newest, nobody is given an older one', async () => {
  await written('made anew', { 1: 'and replaced' });
  expect(await read()).toBe('and replaced');
  await touched();

  const unclear = { code: 'vault-failed', hint: expect.stringContaining(`rm -r ${states}`) };
  await expect(read()).rejects.toMatchObject(unclear);
  await expect(
    folderVault(root).putIfUnchanged(key, Buffer.from('x'), sha256('made anew'), signal),
  ).rejects.toMatchObject(unclear);
});

test.each([
  ['deleted', () => folderVault(root).delete(key, signal)],
  ['removed by hand', () => rm(file)],
])('an object that is %s is gone with its states', async (_, remove) => {
  await remove();

  await expect(read()).rejects.toMatchObject({ code: 'object-missing' });
  await folderVault(root).putIfAbsent(key, Buffer.from('anew'), {}, signal);
  expect(await read()).toBe('anew');
});

test('an object that is there is not made again, and keeps its newest state', async () => {
  await expect(folderVault(root).putIfAbsent(key, Buffer.from('anew'), {}, signal)).rejects.toMatchObject({
    code: 'object-exists',
  });

  expect(await read()).toBe('tenth');
});

test('what else lies among the states is none; of several, those of this very file count', async () => {
  const other = sha256('another').slice(0, 32);
  for (const name of ['notes', `${other}.11.tmp`, `x${other}.12`, `${other}.13`])
    await writeFile(join(states, name), name);

  expect(await read()).toBe('tenth');
  await rm(join(states, `${other}.13`));
  await touched();
  expect(await read()).toBe('tenth');
});

test('what can’t be known is told with the file that it is about', async () => {
  await writeFile(join(states, `${sha256('another').slice(0, 32)}.13`), 'theirs');
  await touched();

  await expect(read()).rejects.toThrow(
    `${file} was written by an older Nightjar, and which of its states is the newest can't be known`,
  );
});
