import { existsSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { contentProblems, writeContents } from '../../../layers/db-tools/contents-list.ts';
import { dbToolsLayer } from '../../../layers/db-tools/layer.ts';
import { buildLimitMs, nativeArchitecture, openLayer } from './native-layer.ts';
import { machineArchitecture } from '../../../layers/db-tools/debian/debian.ts';
import { cacheRoot, exclusively } from '../../../layers/db-tools/cache.ts';

const before = { ...process.env };
const sharedCache = cacheRoot();
const pgDump = 'nightjar/postgresql/17/program/pg_dump';
const pgDumpOfDebian = 'usr/lib/postgresql/17/bin/pg_dump';
let cache: string;
let layer: string;
let told: string[];

beforeAll(async () => {
  const { folder } = await openLayer(nativeArchitecture);
  const debian = join(cacheRoot(), 'debian', machineArchitecture());
  cache = await mkdtemp(join(tmpdir(), 'nightjar-poisoned-'));
  await chmod(cache, 0o755);
  layer = join(cache, 'layers', basename(folder));
  await cp(dirname(folder), dirname(layer), {
    recursive: true,
    filter: (path) =>
      (!path.includes('.part-') && !/layers\/(x86_64|arm64)/.test(path)) ||
      path.includes(basename(folder)) ||
      path.endsWith('.newer'),
  });
  const roots = (await readdir(join(debian, 'roots'))).filter((name) => name.startsWith('db-tools-'));
  for (const name of roots)
    await cp(join(debian, 'roots', name), join(cache, 'debian', machineArchitecture(), 'roots', name), {
      recursive: true,
      verbatimSymlinks: true,
      preserveTimestamps: true,
    });
  process.env['NIGHTJAR_CACHE'] = cache;
}, buildLimitMs);

beforeEach(() => {
  told = [];
});

afterAll(async () => {
  process.env = before;
  await rm(cache, { recursive: true, force: true });
  await open(); // the link that people use points to the shared cache again
});

test(
  'a layer in the cache that is whole is used as it is',
  async () => {
    expect(await open()).toBe(layer);
    expect(told).toEqual([]);
  },
  buildLimitMs,
);

const poisons: [what: string, poison: () => Promise<void>, said: RegExp][] = [
  [
    'a program was changed',
    () => writeFile(join(layer, pgDump), '#!/bin/sh\nexec evil\n'),
    /postgresql\/17\/program\/pg_dump was changed/,
  ],
  ['its list is gone', () => unlink(join(layer, 'nightjar/contents.sha256')), /contents.sha256 is missing/],
];

test.each(poisons)(
  'a layer in which %s is built anew, and a line says so',
  async (_, poison, said) => {
    const whole = await readFile(join(layer, pgDump));
    await poison();

    expect(await open()).toBe(layer);

    expect(told.join('\n')).toMatch(said);
    expect((await readFile(join(layer, pgDump))).equals(whole)).toBe(true);
    told = [];
    expect(await open()).toBe(layer);
    expect(told).toEqual([]);
  },
  buildLimitMs,
);

/** Those that hold the database clients: what else is pinned (the container's libraries) lies beside them. */
async function rootsOfLayers(roots: string): Promise<string[]> {
  return (await readdir(roots)).filter((name) => existsSync(join(roots, name, pgDumpOfDebian)));
}

test(
  'unpacked packages that were changed make no layer, and the folder to remove is named',
  async () => {
    const roots = join(cache, 'debian', machineArchitecture(), 'roots');
    for (const name of await rootsOfLayers(roots)) await writeFile(join(roots, name, pgDumpOfDebian), 'evil');
    await rm(layer, { recursive: true });

    await expect(open()).rejects.toMatchObject({
      code: 'tools-missing',
      message: expect.stringContaining(pgDumpOfDebian),
      hint: expect.stringContaining(roots),
    });
  },
  buildLimitMs,
);

test(
  'unpacked packages among which something was put make no layer: an authority would be believed by every client',
  async () => {
    const roots = join(cache, 'debian', machineArchitecture(), 'roots');
    const added = 'usr/share/ca-certificates/mozilla/Another_CA.crt';
    const shared = join(sharedCache, 'debian', machineArchitecture(), 'roots');
    for (const name of await rootsOfLayers(roots)) {
      await cp(join(shared, name, pgDumpOfDebian), join(roots, name, pgDumpOfDebian), { preserveTimestamps: true });
      await writeFile(join(roots, name, added), 'somebody’s');
    }

    await expect(open()).rejects.toMatchObject({
      code: 'tools-missing',
      message: expect.stringContaining(`${added} (added)`),
      hint: expect.stringContaining(roots),
    });
  },
  buildLimitMs,
);

test(
  'a cache that others may write to is used by nobody',
  async () => {
    await chmod(cache, 0o777);

    await expect(open()).rejects.toMatchObject({
      code: 'tools-missing',
      message: expect.stringContaining('its mode is 777'),
      hint: expect.stringContaining('chmod go-w'),
    });

    await chmod(cache, 0o755);
  },
  buildLimitMs,
);

test('every file that was changed, added or taken away is named, and so is another list than the pinned one', async () => {
  const home = join(cache, 'small');
  await mkdir(join(home, 'lib'), { recursive: true });
  for (const name of ['a', 'b', 'lib/c']) await writeFile(join(home, name), name);
  const pinned = await writeContents(home);
  expect(await contentProblems(home, pinned)).toEqual([]);

  await writeFile(join(home, 'a'), 'A');
  await unlink(join(home, 'b'));
  await writeFile(join(home, 'lib/d'), 'd');

  expect(await contentProblems(home, pinned)).toEqual(['lib/d was added', 'a was changed', 'b is missing']);
  await writeContents(home);
  expect(await contentProblems(home, undefined)).toEqual([]);
  expect(await contentProblems(home, pinned)).toEqual(['contents.sha256 is not the one that is pinned']);
});

function open(): Promise<string> {
  return dbToolsLayer(
    nativeArchitecture,
    { rule: 'newer' },
    (line) => told.push(line),
    AbortSignal.timeout(buildLimitMs),
  );
}

test('a run that waits for another one in the cache ends when it is told to stop', async () => {
  const lock = join(cache, 'lock');
  const stop = new AbortController();
  const telling = { report: () => undefined, work: async () => undefined };
  const waiting = async () => {
    setTimeout(() => stop.abort(), 50);
    await exclusively(lock, telling, stop.signal);
  };

  const work = () => expect(waiting()).rejects.toMatchObject({ code: 'aborted' });
  await exclusively(lock, { ...telling, work }, AbortSignal.timeout(10_000));
});
