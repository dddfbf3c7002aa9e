import { execFile } from 'node:child_process';
import { chmod, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { zstdDecompressSync } from 'node:zlib';
import { afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { generateHybridIdentity, identityToRecipient } from 'age-encryption';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import { newSigningKey } from '../../../core/signing.ts';
import { serverRoot } from '../../servers/root.ts';
import { inCommon, sealedScene } from '../../support/files/sealed.ts';
import type { SealedScene } from '../../support/files/sealed.ts';
import { bash, seenByStock } from '../../support/files/stock.ts';
import { signedStore } from '../../support/keys/signed.ts';
import { everyCall } from '../../support/faults/every-call.ts';
import { folderScene, limit } from '../../support/vaults/vault.ts';
import type { FolderScene } from '../../support/vaults/vault.ts';

// what find, sha256sum and the stock age say of folders that are backed up encrypted, by a machine that can't read them

const execute = promisify(execFile);
const shop = 'shop' as SourceName;
const data = 'data/0001.tar.zst.age';
let scene: SealedScene & { vault: FolderScene };
let ageBin: string;

beforeAll(async () => {
  const root = await serverRoot({ name: 'age', suites: ['trixie'], packages: ['age'] }, () => {}, limit());
  ageBin = join(root.path, 'usr/bin');
}, 20 * 60_000);
beforeEach(async () => {
  scene = (await sealedScene(folderScene)) as typeof scene;
});
afterEach(() => scene.close());

const tree = `
  mkdir -p photos; for n in {1..30}; do head -c 20000 /dev/urandom > photos/$n.jpg; done
  printf latin1 > $'photos/caf\\xe9.txt'; ln photos/1.jpg photos/twin.jpg; ln -s nowhere dangling; : > nothing
`;
const change = 'printf more >> photos/3.jpg; rm photos/5.jpg; mv photos/6.jpg photos/moved.jpg; : > new';

const folderOf = ({ id }: Manifest) => join(scene.vault.folder, 'shop', id);
const keyFile = async () => join(scene.keys, (await readdir(scene.keys))[0]!);
const keysKept = async () => (await readFile(await keyFile(), 'latin1')).trim().split('\n');

/** The stock age, with the identity of a file; throws where that opens nothing. */
async function openedByAge(path: string, identity: string): Promise<Buffer> {
  const file = scene.path('identity.txt');
  await writeFile(file, `${identity}\n`);
  const asked = ['--decrypt', '--identity', file, path];
  return (await execute(join(ageBin, 'age'), asked, { encoding: 'buffer', maxBuffer: 2 ** 27 })).stdout;
}

test('what has not changed is not stored again, and comes back as it was, also by hand with the stock age', async () => {
  await bash(tree, scene.media);
  const first = await scene.night();
  await bash(change, scene.media);
  const second = await scene.night();

  expect(inCommon(second, first)).toEqual([data]);
  expect((await stat(join(folderOf(second), data))).nlink).toBe(2);
  expect(second.encryption).toEqual({ method: 'age', recipients: [scene.recipient], ownLists: true });
  const seen = await seenByStock(scene.media);
  expect((await scene.restored(second, 'back')).proof).toMatchObject({ differences: [], exceptions: [] });
  expect(await seenByStock(scene.path('back'))).toEqual(seen);
  expect(await scene.problems(second)).toEqual([]);
  await writeFile(scene.path('identity.txt'), `${scene.identity}\n`);
  await execute('bash', ['-c', second.restore.join('\n')], {
    cwd: folderOf(second),
    env: {
      PATH: `${ageBin}:${process.env['PATH']}`,
      FOLDER: scene.path('by-hand'),
      IDENTITY: scene.path('identity.txt'),
    },
  });
  expect(await seenByStock(scene.path('by-hand'))).toEqual(seen);
  expect(scene.told()).toEqual([]);
});

test('the key of the machine opens the list and the catalog of its last two backups, and no content', async () => {
  await bash('head -c 90000 /dev/urandom > a; printf SECRET > b', scene.media);
  const made = [await scene.night(), await scene.night(), await scene.night()] as const;
  const kept = await keysKept();
  expect(kept.map((line) => line.split(' ')[0])).toEqual([made[1].id, made[2].id]);
  expect((await stat(await keyFile())).mode & 0o777).toBe(0o600);
  expect((await stat(scene.keys)).mode & 0o777).toBe(0o700);
  expect(await readdir(scene.keys)).toHaveLength(1);

  const last = kept[1]!.split(' ')[2]!;
  for (const { file } of made[2].parts) {
    const opening = openedByAge(join(folderOf(made[2]), file), last);
    if (/^(schema|catalog)/.test(file))
      expect(zstdDecompressSync(await opening).toString('latin1')).toMatch(/\.\/b|"b"/);
    else await expect(opening).rejects.toThrow('no identity matched');
  }
  for (const line of kept)
    await expect(openedByAge(join(folderOf(made[0]), 'schema.list.zst.age'), line.split(' ')[2]!)).rejects.toThrow(
      'no identity matched',
    );
  const all = await Promise.all(made[2].parts.map(({ file }) => readFile(join(folderOf(made[2]), file))));
  expect(Buffer.concat(all).includes('SECRET')).toBe(false);
});

test.each([
  ['lost', () => rm(scene.keys, { recursive: true })],
  ['emptied', async () => writeFile(await keyFile(), '')],
  ['cut', async () => writeFile(await keyFile(), (await readFile(await keyFile())).subarray(0, 150))],
])('keys that are %s cost one whole backup, which says so once', async (_, harm) => {
  await bash('head -c 90000 /dev/urandom > a', scene.media);
  const first = await scene.night();
  await harm();
  const second = await scene.night();
  const said = scene.told();
  const third = await scene.night();

  expect([inCommon(second, first), inCommon(third, second)]).toEqual([[], [data]]);
  expect(said).toEqual([expect.stringMatching(/^everything is stored again.*(has no key to the list|is no identity)/)]);
  expect(scene.told()).toEqual([]);
  expect(await scene.problems(third)).toEqual([]);
});

test('a key that was exchanged for another one, or for the word of another manifest, costs one whole backup', async () => {
  await bash('head -c 90000 /dev/urandom > a', scene.media);
  let before = await scene.night();
  const foreign = (await sealedKey()).split(' ')[2]!;
  for (const [from, to, said] of [
    [/AGE-SECRET-KEY-\S+\n$/, `${foreign}\n`, 'no identity that is configured opens it'],
    [/AGE-SECRET-KEY-\S+\n$/, 'AGE-SECRET-KEY-1NONSENSE\n', 'holds a line that is no identity of age'],
    [/ [0-9a-f]{64} (?=\S+\n$)/, ` ${'0'.repeat(64)} `, 'is not the one that was written here'],
  ] as const) {
    const text = await readFile(await keyFile(), 'latin1');
    await writeFile(await keyFile(), text.replace(from, to));
    const whole = await scene.night();

    expect(inCommon(whole, before)).toEqual([]);
    const told = scene.told();
    expect(told).toEqual([expect.stringContaining(said)]);
    expect(told.join()).not.toContain('NONSENSE');
    before = await scene.night();
    expect(inCommon(before, whole)).toEqual([data]);
  }
});

/** A line of another machine's. */
async function sealedKey(): Promise<string> {
  const elsewhere = await sealedScene(folderScene);
  await writeFile(join(elsewhere.media, 'x'), 'x');
  await elsewhere.night();
  const line = await readFile(join(elsewhere.keys, (await readdir(elsewhere.keys))[0]!), 'latin1');
  await elsewhere.close();
  return line.trim();
}

test('another manifest in the place of the one that was written here is taken over nothing from, signed or not', async () => {
  await bash('head -c 90000 /dev/urandom > a', scene.media);
  const first = await scene.night();
  const path = join(folderOf(first), 'manifest.json');
  const text = await readFile(path, 'utf8');
  // with its own checksum put right, as anybody can who may write there
  const { manifestDocument } = await import('../../../core/store/backups/manifest-document.ts');
  await chmod(path, 0o600);
  await writeFile(path, manifestDocument({ ...first, warnings: ['forged'] }));
  const second = await scene.night();
  await writeFile(path, text);

  expect(inCommon(second, first)).toEqual([]);
  expect(scene.told()).toEqual([expect.stringContaining('is not the one that was written here')]);
});

test('of signed backups parts are taken over from what had to be signed, and from nothing older', async () => {
  await bash('head -c 90000 /dev/urandom > a', scene.media);
  const { publicKey, privateKey } = newSigningKey();
  const unsigned = await scene.night();
  const since = new Date(scene.clock.now().getTime() + 86_400_000).toISOString().slice(0, 10);
  const store = signedStore(scene.vault.vault, { publicKeys: [publicKey], privateKey, since });
  const first = await scene.night({ store });
  const second = await scene.night({ store });

  expect([inCommon(first, unsigned), inCommon(second, first)]).toEqual([[], [data]]);
  expect(await readdir(folderOf(second))).toContain('manifest.sig');
  await writeFile(join(folderOf(second), 'manifest.sig'), 'none');
  const third = await scene.night({ store });
  expect(inCommon(third, second)).toEqual([]);
  expect(scene.told()).toEqual([expect.stringContaining('no key of the configuration has signed it')]);
});

test('with other recipients everything is stored again; in another order, or named twice, nothing is', async () => {
  await bash('head -c 90000 /dev/urandom > a', scene.media);
  const other = await scene.another();
  const first = await scene.night();
  const both = [scene.recipient, other.recipient];
  const added = await scene.night({}, { recipients: both });
  const turned = await scene.night({}, { recipients: [...both.toReversed(), both[0]!] });
  const taken = await scene.night({}, { recipients: [other.recipient] });

  expect([inCommon(added, first), inCommon(turned, added), inCommon(taken, turned)]).toEqual([[], [data], []]);
  await expect(scene.restored(taken, 'old')).rejects.toMatchObject({ code: 'key-missing' });
  for (const [name, identity] of [
    ['one', scene.identity],
    ['two', other.identity],
  ] as const)
    expect((await scene.restored(turned, name, identity)).proof).toMatchObject({ differences: [] });
  const plain = await scene.night({}, { recipients: [] });
  expect(inCommon(plain, taken)).toEqual([]);
  expect(plain.parts.filter(({ file }) => file.endsWith('.age'))).toEqual([]);
  const again = await scene.night({}, { recipients: [other.recipient] });
  expect(again.parts.filter(({ file }) => !file.endsWith('.age'))).toEqual([]);
});

test('a backup of another machine, or of one that keeps nothing, lies between: what is there of before is taken over', async () => {
  await bash('head -c 90000 /dev/urandom > a', scene.media);
  const first = await scene.night();
  const foreign = await scene.night({ listKeys: undefined });
  expect(foreign.encryption).not.toHaveProperty('ownLists');
  expect(foreign.parts.map(({ role }) => role)).not.toContain('schema');
  await bash('printf new > b', scene.media);
  const third = await scene.night();

  expect([inCommon(foreign, first), inCommon(third, first)]).toEqual([[], [data]]);
  expect((await scene.restored(third, 'back')).proof).toMatchObject({ differences: [] });
});

test('where no key can be kept everything is stored each time, and it is told once', async () => {
  await bash('printf 1 > a', scene.media);
  await writeFile(scene.path('cache'), '');
  const nights = [await scene.night(), await scene.night()];

  expect(inCommon(nights[1]!, nights[0]!)).toEqual([]);
  expect(scene.told()).toEqual([expect.stringMatching(/can't keep keys to lists: E/)]);
  expect(nights.map(({ warnings }) => warnings.length)).toEqual([1, 1]);
});

test('a key that can’t be kept in the end is told, and the backup is made all the same', async () => {
  await bash('printf 1 > a', scene.media);
  const { listKeys } = scene.depsOf();
  const full = { read: listKeys!.read, keep: () => Promise.reject(new Error('ENOSPC: no space left on device')) };
  const first = await scene.night({ listKeys: full });

  expect(scene.told()).toEqual([expect.stringContaining('so the next backup stores everything again: ENOSPC')]);
  expect(await scene.problems(first)).toEqual([]);
  const kept = await scene.night();
  scene.told();
  await scene.night({ listKeys: full });
  expect(scene.told()).toEqual([expect.stringContaining('so the next backup is compared with an older one')]);
  expect(inCommon(await scene.night(), kept)).toEqual([data]);
});

test('post-quantum recipients have lists that are so, too', async () => {
  const identity = await generateHybridIdentity();
  await bash('printf 1 > a', scene.media);
  const recipients = [await identityToRecipient(identity)];
  const first = await scene.night({}, { recipients });
  const second = await scene.night({}, { recipients });

  expect((await keysKept()).at(-1)).toMatch(/ AGE-SECRET-KEY-PQ-1/);
  expect(inCommon(second, first)).toEqual([data]);
  expect((await scene.restored(second, 'back', identity)).proof).toMatchObject({ differences: [] });
});

test('a part that is damaged, as far as that is known, and one that is gone, is stored again', async () => {
  await bash('printf 1 > a', scene.media);
  const first = await scene.night();
  await rename(join(folderOf(first), data), scene.path('gone'));
  const second = await scene.night();
  expect(inCommon(second, first)).toEqual([]);
  expect(scene.told()).toEqual([expect.stringContaining('nothing can be shared: everything is stored again')]);
  const { store } = scene.depsOf();
  const looked = { compared: 'all of it', differences: ['damaged'] };
  const looking = [async () => undefined, () => looked] as const;
  await store.withProofRecord('verify', second, scene.depsOf(), ...looking).catch(() => undefined);
  const third = await scene.night();
  expect(inCommon(third, second)).toEqual([]);
  expect(await scene.problems(third)).toEqual([]);
});

test('a run that dies at any call to the vault, or at keeping its key, leaves what is there whole, and costs no whole backup', async () => {
  await bash('head -c 30000 /dev/urandom > a; printf 2 > b', scene.media);
  let last = await scene.night();
  let calls = 0;
  for (let nth = 1; calls >= nth - 1; nth += 1) {
    await writeFile(join(scene.media, 'b'), `${nth}`);
    calls = 0;
    const call = async () => {
      calls += 1;
      if (calls >= nth) throw new Error('killed');
    };
    const { listKeys } = scene.depsOf();
    const keep: NonNullable<typeof listKeys>['keep'] = async (...asked) => (await call(), listKeys!.keep(...asked));
    const vault = everyCall(scene.vault.vault, call);
    await scene
      .night({ ...scene.depsOf({}, vault), listKeys: { ...listKeys!, keep } }, { vault })
      .catch(() => undefined);
    const ids = await scene.depsOf().store.backupIds(shop, limit());
    for (const id of ids.slice(-2)) {
      const { manifest } = await scene.depsOf().store.readManifest(shop, id, limit());
      expect(await scene.problems(manifest)).toEqual([]);
    }
    const next = await scene.night();
    expect([nth, inCommon(next, last)]).toEqual([nth, [data]]);
    last = next;
  }
  expect(calls).toBeGreaterThan(10);
}, 300_000);
