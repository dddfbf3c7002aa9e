import { getEventListeners } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { BackupError } from '../../../../core/domain/errors.ts';
import { holdsBackup, requireNoBackupBehind } from '../../../../core/vaults/folder/backups.ts';
import { absent, answered, codeOf, folderError } from '../../../../core/vaults/folder/errors.ts';

const id = '20261120T020000Z-7f3a9c';
let above: string;
let root: string;
beforeEach(async () => {
  above = await mkdtemp(join(tmpdir(), 'nightjar-folder-'));
  root = join(above, 'vault');
  await mkdir(root);
});
afterEach(() => rm(above, { recursive: true }));

/** An error as Node gives it. */
const system = (code: string) => Object.assign(new Error(`${code}: it did not work`), { code });

test.each([
  ['ENOSPC', 'vault-full', /free some space/],
  ['EFBIG', 'vault-full', /ulimit -f/],
  ['EROFS', 'vault-denied', /right to read and write/],
  ['ESTALE', 'vault-unreachable', /mounted/],
  ['EMLINK', 'vault-failed', /hard links/],
])('what the system calls %s is %s, with what to do', (code, meaning, hint) => {
  const cause = system(code);

  expect(folderError('writing /srv/a', cause)).toMatchObject({
    code: meaning,
    message: `writing /srv/a: ${code}: it did not work`,
    hint: expect.stringMatching(hint),
    cause,
  });
});

test.each([system('EIO'), new Error('no code'), Object.assign(new Error('a number'), { code: 28 })])(
  'what is not known has failed, with its cause: %s',
  (cause) => {
    const { code, hint, message } = folderError('reading /srv/a', cause);

    expect({ code, hint, message }).toEqual({
      code: 'vault-failed',
      hint: undefined,
      message: `reading /srv/a: ${cause.message}`,
    });
  },
);

test('an error of ours stays as it is', () => {
  const ours = new BackupError('object-exists', 'there is one');

  expect(folderError('writing', ours)).toBe(ours);
});

test('a name that the system gives is read of whatever was thrown', () => {
  const names = [system('EIO'), { code: 'X' }, { code: 28 }, {}, null, undefined, 'text', 7].map(codeOf);

  expect(names).toEqual(['EIO', 'X', ...Array<undefined>(6).fill(undefined)]);
});

test('that nothing is there is an answer; everything else is an error', () => {
  expect([absent(system('ENOENT')), absent(system('ENOTDIR'))]).toEqual([undefined, undefined]);
  expect(() => absent(system('EACCES'))).toThrow('EACCES');
});

test('an answer is given, a failure is explained, and whoever stops does not wait for the disk', async () => {
  const never = new Promise<never>(() => undefined);
  const stop = new AbortController();
  expect(await answered('reading', new Promise((done) => setImmediate(done, 7)), stop.signal)).toBe(7);
  await expect(answered('reading', Promise.reject(system('EACCES')), stop.signal)).rejects.toMatchObject({
    code: 'vault-denied',
    message: 'reading: EACCES: it did not work',
  });

  const waiting = answered('reading', never, stop.signal);
  stop.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
  await expect(answered('reading', never, stop.signal)).rejects.toMatchObject({ code: 'aborted' });
});

test('whoever has an answer leaves nothing behind that waits: no clock, and nobody who hears of a stop', async () => {
  const { signal } = new AbortController();
  const clocks = () => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length;
  const before = clocks();
  let during: number[] = [];
  const work = async () => {
    await new Promise(setImmediate);
    during = [clocks() - before, getEventListeners(signal, 'abort').length];
  };

  await answered('reading', work(), signal);
  await expect(answered('reading', Promise.reject(system('EIO')), signal)).rejects.toThrow('EIO');

  expect(during).toEqual([1, 1]);
  expect([clocks() - before, getEventListeners(signal, 'abort').length]).toEqual([0, 0]);
});

test('a disk that says nothing for five minutes is not reached', async () => {
  const clock = globalThis.setTimeout;
  const waits: unknown[] = [];
  globalThis.setTimeout = ((work: () => void, ms: number) => (waits.push(ms), clock(work, 1))) as typeof setTimeout;
  try {
    await expect(
      answered('reading /srv/a', new Promise(() => undefined), AbortSignal.timeout(5000)),
    ).rejects.toMatchObject({
      code: 'vault-unreachable',
      message: 'reading /srv/a: no answer for 300 s',
      hint: 'is the disk or the network share mounted?',
    });
  } finally {
    globalThis.setTimeout = clock;
  }
  expect(waits).toEqual([300_000]);
});

async function lay(path: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), '{}');
}

test.each([
  [`shop/${id}/manifest.json`, true],
  [`my%20shop/${id}/manifest.json`, true],
  [`shop/${id}/data/0001.sql.zst`, false],
  [`shop/${id}/manifest.json/x`, false],
  ['shop/not-an-id/manifest.json', false],
  [`.outbox/${id}/manifest.json`, false],
  [`shop/deeper/${id}/manifest.json`, false],
])('a folder with %s holds a backup or not', async (path, holds) => {
  await lay(path);

  expect(await holdsBackup(root)).toBe(holds);
});

test('a file where a folder would be, and no folder at all, hold no backup', async () => {
  await writeFile(join(root, 'shop'), '');
  await mkdir(join(root, 'crm'));
  await writeFile(join(root, 'crm', id), '');

  expect(await holdsBackup(root)).toBe(false);
  expect(await holdsBackup(join(above, 'not-there'))).toBe(false);
});

const linkedError = (path: string) => ({
  code: 'vault-failed',
  message: `${join(root, path)} is a symbolic link, which a vault does not follow: backups behind it would be left out`,
  hint: 'move the folder here, mount it here (mount --bind), or make the other place a vault of its own',
});
const behind = (path: string, prefix = '') => requireNoBackupBehind(root, path, prefix);

test.each([`shop/${id}`, `shop/${id}/manifest.json`])('a link in the place of %s is refused', async (path) => {
  await expect(behind(path)).rejects.toMatchObject(linkedError(path));
});

test.each([
  `shop/${id}/notes.txt`,
  `shop/${id}/manifest.json/deeper`,
  'shop/notes',
  'shop/notes/manifest.json',
  '.snapshots',
])('a link in the place of %s is nobody’s backup', async (path) => {
  await expect(behind(path)).resolves.toBeUndefined();
});

test('a link beside the sources is refused where backups lie behind it, and where nobody knows', async () => {
  for (const path of [`backups/${id}`, 'photos/2026']) await mkdir(join(above, path), { recursive: true });
  await writeFile(join(above, 'backups', 'README'), '');
  await writeFile(join(above, 'file'), '');
  for (const name of ['backups', 'photos', 'file', 'gone']) await symlink(join(above, name), join(root, name));

  await expect(behind('backups')).rejects.toMatchObject(linkedError('backups'));
  await expect(behind('gone')).rejects.toMatchObject(linkedError('gone'));
  await expect(behind('photos')).resolves.toBeUndefined();
  await expect(behind('file')).resolves.toBeUndefined();
  await expect(behind('photos', 'photos/')).rejects.toMatchObject(linkedError('photos'));
  await expect(behind('photos', 'shop/photos/')).resolves.toBeUndefined();
});
