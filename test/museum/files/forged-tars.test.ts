import { mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Catalog } from '../../../core/contract/manifest/catalog.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import type { ByteStream } from '../../../core/ports.ts';
import { filesScene } from '../../support/files/scene.ts';
import type { FilesScene } from '../../support/files/scene.ts';
import { bash } from '../../support/files/stock.ts';
import { limit } from '../../support/vaults/vault.ts';

// Whoever can write to a vault can put any tar there. Programs that unpack one have written through links in it, into
// the folders of others: each of these is made by the stock tar, and must write nothing outside.

let scene: FilesScene;
let manifest: Manifest;
let catalog: Catalog;

beforeAll(async () => {
  scene = await filesScene();
  await mkdir(join(scene.media, 'docs'));
  await writeFile(join(scene.media, 'docs/a'), 'a');
  manifest = await scene.backup();
  catalog = await scene.deps.store.readCatalog(manifest, limit());
  await mkdir(scene.path('outside'));
  await writeFile(scene.path('outside/mine'), 'mine');
});
afterAll(() => scene.close());

const form = '--format=posix --numeric-owner --no-recursion';
const create = `tar --create ${form}`;
const append = `tar --append ${form}`;
const link = 'mkdir -p docs; ln -s "$OUT" docs/evil';
const file = `${'0'.repeat(64)} 6 0644 1`;

/** What is forged: how the tar is made in an empty folder, and what the catalog is made to say. */
const forged: Record<string, { make: string; names?: Partial<Record<string, Record<string, string>>> }> = {
  'a link that leads out, and a file through it': {
    make: `${link}; ${create} -f a.tar ./docs/evil; rm docs/evil; mkdir docs/evil; echo pwned > docs/evil/mine; ${append} -f a.tar ./docs/evil/mine; cat a.tar`,
  },
  'the same, and a catalog that names both': {
    make: `${link}; ${create} -f a.tar ./docs/evil; rm docs/evil; mkdir docs/evil; echo pwned > docs/evil/mine; ${append} -f a.tar ./docs/evil/mine; cat a.tar`,
    names: { 'symbolic link': { 'docs/evil': '1 /outside' }, file: { 'docs/evil/mine': file } },
  },
  'a name that leads up': {
    make: `mkdir x; echo pwned > mine; cd x; ${create} -P -f - ../mine`,
    names: { file: { '../mine': file } },
  },
  'an absolute name': {
    make: `echo pwned > mine; ${create} -P --transform "s|^mine|$OUT/mine|" -f - mine`,
  },
  'another name of a file outside': {
    make: `echo pwned > a; ln a b; ${create} -P --transform "s|^[.]/a$|$OUT/mine|RSh" -f - ./a ./b`,
    names: { file: { a: file }, 'hard link': { b: 'a' } },
  },
  'an extended header with another name': {
    make: `mkdir docs; echo pwned > docs/a; ${create} -P --pax-option="path:=$OUT/mine" -f - ./docs/a`,
  },
  'a pipe in the place of a file': { make: `mkdir docs; mkfifo docs/a; ${create} -f - ./docs/a` },
  'a folder in the place of a file': { make: `mkdir -p docs/a; ${create} -f - ./docs/a` },
  'another form of tar': { make: `mkdir docs; echo pwned > docs/a; tar --create --format=gnu -f - ./docs/a` },
  'an extended header that is not understood here': {
    make: `mkdir docs; echo pwned > docs/a; ${create} --pax-option=SCHILY.fflags:=x -f - ./docs/a`,
  },
  'something behind its end': { make: `mkdir docs; echo pwned > docs/a; ${create} -f a.tar ./docs/a; cat a.tar a.tar` },
  'half of a tar': {
    make: `mkdir docs; head -c 9000 /dev/zero > docs/a; ${create} -f half ./docs/a; head -c 4096 half`,
  },
};

test.each(Object.entries(forged))('%s is refused, and nothing is written outside', async (_, { make, names = {} }) => {
  const work = await mkdtemp(scene.path('forging-'));
  const tar = Buffer.from(await bash(make, work, { OUT: scene.path('outside') }), 'latin1');
  const claimed = { ...catalog };
  for (const [kind, more] of Object.entries(names)) claimed[kind] = { ...claimed[kind], ...more };

  const restoring = unpack(tar, claimed);

  await expect(restoring).rejects.toMatchObject({ code: 'part-corrupt' });
  expect(await readdir(scene.path('outside'))).toEqual(['mine']);
  expect(await readFile(scene.path('outside/mine'), 'utf8')).toBe('mine');
  expect(await readdir(scene.top)).not.toContain('mine');
  expect((await readdir(scene.top)).filter((one) => one.startsWith('.') || one === 'back')).toEqual([]);
});

/** As a restore does, but for the checksums, which whoever forges a part can forge, too. */
async function unpack(tar: Buffer, claimed: Catalog): Promise<void> {
  const target = await scene.engine('back').target({ manifest, catalog: claimed, owners: true }, limit());
  await target.prepare(false, limit());
  async function* content(): ByteStream {
    for (let at = 0; at < tar.length; at += 700) yield tar.subarray(at, at + 700);
  }
  try {
    await target.stages[0]![0]!.load(content(), limit());
  } finally {
    await target.discard(limit());
    await target.close();
  }
}
