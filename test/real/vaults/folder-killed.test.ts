import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { objectKey } from '../../../core/domain/keys.ts';
import { folderVault } from '../../../core/vaults/folder/folder.ts';
import { contentOf, contentOfPattern, counted, keysOf } from '../../contract/vault/vault-data.ts';

const signal = new AbortController().signal;
const programs = join(import.meta.dirname, 'programs');

let above: string;
let root: string;

beforeEach(async () => {
  above = await mkdtemp(join(tmpdir(), 'nightjar-folder-'));
  root = join(above, 'vault');
});
afterEach(() => rm(above, { recursive: true }));

/** Runs a program of ours and kills it at a random moment after its first success; returns what it has written. */
async function runAndKill(name: string): Promise<string> {
  const child = spawn(process.execPath, [join(programs, name), root], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'] },
  });
  let words = '';
  child.stdout.on('data', (chunk) => (words += chunk));
  const closed = once(child, 'close');
  await Promise.race([once(child.stdout, 'data'), closed]);
  while (words.length < 3 && child.exitCode === null && child.signalCode === null) await sleep(10);
  await sleep(Math.random() * 600);
  child.kill('SIGKILL');
  await closed;
  return words;
}

test('writers killed at random moments leave whole objects or none', async () => {
  for (let round = 0; round < 6; round += 1)
    await Promise.all([runAndKill('put-objects.ts'), runAndKill('put-objects.ts')]);

  const vault = folderVault(root);
  const keys = await keysOf(vault, '');
  expect(keys.length).toBeGreaterThan(10);
  for (const key of keys) {
    const size = Number(basename(key));
    expect(await contentOf(vault.get(objectKey(key), signal))).toEqual(await contentOfPattern(size));
  }
}, 120_000);

test('processes killed while they replace an object lose none of the replacements that they were told of', async () => {
  const key = objectKey('count/lease.json');
  await folderVault(root).putIfAbsent(key, Buffer.from('0'), {}, signal);
  const kills = 12;

  let told = 0;
  for (let round = 0; round < kills / 3; round += 1) {
    const words = await Promise.all([1, 2, 3].map(() => runAndKill('count.ts')));
    told += words.join('').length;
  }

  const { body } = await folderVault(root).read(key, signal);
  expect(told).toBeGreaterThan(30);
  expect(counted(body)).toBeGreaterThanOrEqual(told);
  expect(counted(body)).toBeLessThanOrEqual(told + kills);
  expect(await keysOf(folderVault(root), '')).toEqual([key]);
}, 120_000);

test('processes that are stopped while they replace an object overwrite nothing when they wake up', async () => {
  const key = objectKey('count/lease.json');
  await folderVault(root).putIfAbsent(key, Buffer.from('0'), {}, signal);
  const writers = [1, 2, 3].map(() =>
    spawn(process.execPath, [join(programs, 'count.ts'), root], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: process.env['PATH'] },
    }),
  );
  let told = 0;
  for (const writer of writers) writer.stdout.on('data', (chunk: Buffer) => (told += chunk.length));
  await Promise.all(writers.map((writer) => once(writer.stdout, 'data')));

  for (let stops = 0; stops < 30; stops += 1) {
    const writer = writers[stops % writers.length]!;
    writer.kill('SIGSTOP');
    await sleep(Math.random() * 100);
    writer.kill('SIGCONT');
  }
  const closed = writers.map((writer) => once(writer, 'close'));
  for (const writer of writers) writer.kill('SIGKILL');
  await Promise.all(closed);

  const now = counted((await folderVault(root).read(key, signal)).body);
  expect(now).toBeGreaterThanOrEqual(told);
  expect(now).toBeLessThanOrEqual(told + writers.length);
}, 120_000);
