import { lstat, readdir, readFile, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { restoreRecorded } from '../../../core/commands/restore/restore.ts';
import type { RestoreOptions } from '../../../core/commands/restore/restore.ts';
import { rotate } from '../../../core/commands/rotate.ts';
import { verify, verifyRecorded } from '../../../core/commands/proof/verify.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import type { BackupId, SourceName } from '../../../core/domain/keys.ts';
import { bytesTogether } from '../../../core/domain/verdict/history.ts';
import { damageOf } from '../../../core/domain/verdict/verdict.ts';
import { inspection } from '../../../core/engines/files/inspection.ts';
import type { RunEvent } from '../../../core/ports.ts';
import { openStore } from '../../../core/store/store.ts';
import { dbToolsLayer } from '../../../layers/db-tools/layer.ts';
import { filesScene } from '../../support/files/scene.ts';
import type { FilesScene } from '../../support/files/scene.ts';
import { bash, seenByStock } from '../../support/files/stock.ts';
import { copying } from '../../support/copying.ts';
import { everyCall } from '../../support/faults/every-call.ts';
import { policyOf } from '../../support/vaults/history.ts';
import { folderScene, limit, memoryScene } from '../../support/vaults/vault.ts';

// what `find`, `sha256sum`, tar and the numbers of inodes say of backups that have parts in common

const shop = 'shop' as SourceName;
const data = 'data/0001.tar.zst';
let told: string[];
const report = (event: RunEvent) => void (event.type === 'warning' && told.push(event.message));
let scene: FilesScene;

beforeEach(async () => {
  scene = await filesScene();
  told = [];
});
afterEach(() => scene.close());

/** Names that are no text, holes, links; and one large part. */
const tree = `
  mkdir -p photos "with space" empty; for n in {1..40}; do head -c 20000 /dev/urandom > photos/$n.jpg; done
  printf latin1 > $'photos/caf\\xe9.txt'; printf nl > $'photos/new\\nline'; printf back > 'photos/a\\\\b'
  truncate -s 2M sparse; printf end | dd of=sparse bs=1 seek=1500000 conv=notrunc status=none
  ln photos/1.jpg "with space/same.jpg"; ln photos/2.jpg photos/twin.jpg; ln -s nowhere dangling; : > nothing
`;

/** One night: changed, changed in place with its time put back, removed, renamed, new, another mode, one name less, another kind. */
const night = `
  printf changed >> photos/3.jpg
  touch -r photos/4.jpg ../time; printf X | dd of=photos/4.jpg conv=notrunc status=none; touch -r ../time photos/4.jpg
  rm photos/5.jpg $'photos/new\\nline'; mv photos/6.jpg photos/moved.jpg; head -c 5000 /dev/urandom > photos/new.jpg
  chmod 0600 photos/7.jpg; rm photos/twin.jpg; rm photos/8.jpg; ln -s 9.jpg photos/8.jpg
  mv photos/10.jpg photos/was; mkdir photos/10.jpg; mv photos/was photos/10.jpg/inside
`;

test('a folder without a file is backed up, before and after there was one', async () => {
  const nights = [await scene.night()];
  await bash('printf a > a', scene.media);
  nights.push(await scene.night());
  await bash('rm a; mkdir empty', scene.media);
  nights.push(await scene.night());

  for (const [night, manifest] of nights.entries())
    expect((await scene.restore(manifest, `back-${night}`)).proof).toMatchObject({ differences: [], exceptions: [] });
  expect(await seenByStock(scene.path('back-2'))).toEqual(await seenByStock(scene.media));
  expect(nights.map(({ parts }) => parts.some(({ role }) => role === 'data'))).toEqual([false, true, false]);
});

test('what has not changed is not stored again, and comes back with the rest as it was, also by hand', async () => {
  await bash(tree, scene.media);
  const first = await scene.night();
  await bash(night, scene.media);
  const second = await scene.night();

  expect(await sharedWith(second, first)).toEqual(['data/0001.tar.zst']);
  expect(storedAnew(second)).toBeLessThan(storedAnew(first) / 2);
  const { proof } = await scene.restore(second, 'back');
  expect(proof).toMatchObject({ differences: [], exceptions: [] });
  const seen = await seenByStock(scene.media);
  expect(await seenByStock(scene.path('back'))).toEqual(seen);
  expect(await problemsOf(second)).toEqual([]);
  await scene.restore(second, 'some', { tables: ['photos/9.jpg', 'photos/new.jpg'] });
  expect((await readdir(scene.path('some/photos'))).toSorted()).toEqual(['9.jpg', 'new.jpg']);
  await byHand(second, 'by-hand');
  expect(await seenByStock(scene.path('by-hand'))).toEqual(seen);
});

test('rows of a part that many folders share count in one table, though its first file is not needed', async () => {
  await bash('mkdir u{1000..2100}; printf x > u1000/file; printf y > u2000/file; printf z > u2100/file', scene.media);
  const first = await scene.night();
  await bash('rm u1000/file', scene.media);

  const second = await scene.night();

  expect(await sharedWith(second, first)).toHaveLength(1);
  expect(second.tables).toMatchObject([{ table: './', rows: 2 }]);
  expect(await problemsOf(second)).toEqual([]);
});

test('a backup is whole without the one that it has parts in common with, and a rotation frees what none needs', async () => {
  await bash(tree, scene.media);
  const first = await scene.night();
  await bash(night, scene.media);
  const second = await scene.night();
  const third = await scene.night();
  const { store } = scene.deps;
  const remove = (one: Manifest) => store.removeBackup(shop, one.id as BackupId, filesOf(one), limit());

  const removed = await remove(first);
  expect(removed).toMatchObject({ state: 'gone', failures: [] });
  expect(removed.bytes).toBeLessThan(storedAnew(second));
  for (const one of [second, third]) expect(await problemsOf(one)).toEqual([]);
  await remove(second);
  const { proof } = await scene.restore(third, 'back');
  expect(proof).toMatchObject({ differences: [] });
  expect(await seenByStock(scene.path('back'))).toEqual(await seenByStock(scene.media));
  await remove(third);
  expect((await scene.vault.files()).filter((path) => path.includes('/data/'))).toEqual([]);
});

test('a file that was changed just before it was read is read again the next night, and stored once if it is the same', async () => {
  await bash('printf 1 > young; printf 1 > old', scene.media);
  await scene.backup();
  const second = await scene.night();

  expect(second.parts.filter(({ role }) => role === 'data')).toMatchObject([{ rows: 2 }]);
  expect(await inodesOf(second)).toEqual([2]);
});

test('what is left out from now on does not stay in a part that is taken over', async () => {
  await bash('mkdir conf; printf TOPSECRET > conf/db.ini; head -c 40000 /dev/urandom > picture', scene.media);
  await scene.night();
  const second = await scene.night(undefined, ['/conf/']);

  const bytes = await readFile(join(scene.vault.folder, 'shop', second.id, 'data/0001.tar.zst'));
  expect(await inodesOf(second)).toEqual([1]);
  expect(zstdDecompressSync(bytes).includes('TOPSECRET')).toBe(false);
});

test('a part less than half of which is needed is not taken over', async () => {
  await bash('for n in {1..10}; do head -c 9000 /dev/urandom > $n; done', scene.media);
  const first = await scene.night();
  await bash('rm {1..6}', scene.media);
  const second = await scene.night();
  expect(await sharedWith(second, first)).toEqual([]);
});

test('a part that proves damaged is damage of every backup that has it, and of no other', async () => {
  await bash('printf 1 > a', scene.media);
  const whole = await scene.night();
  await bash('touch a', scene.media);
  const [second, third] = [await scene.night(), await scene.night()];
  expect(await sharedWith(third, second)).toEqual([data]);
  await spoil(third);

  const { problems } = await verifyRecorded(third, { ...scene.deps, report, ...inspection }, limit());

  expect(problems.map(({ file }) => file)).toEqual([data]);
  expect(await good()).toEqual([whole.id]);
  expect(told).toContain(`shop ${third.id} has what is damaged in common with ${second.id}: damaged, too`);
  const later = { now: () => new Date(Date.now() + 9 * 86_400_000) };
  const options = { dryRun: false, anyShare: true };
  await rotate(shop, policyOf({ count: 1 }), options, { ...scene.deps, clock: later }, limit());
  expect(await good()).toEqual([whole.id]);
  await scene.deps.store.removeBackup(shop, third.id as BackupId, filesOf(third), limit());
  const fourth = await scene.night();
  expect(await sharedWith(fourth, second)).toEqual([]);
  expect(await problemsOf(fourth)).toEqual([]);
});

test('a restore of some of it, and a pull, that meet a damaged part say so of every backup that has it', async () => {
  for (const [nth, meet] of [
    (of: Manifest) => restored(of, { tables: ['a'] }),
    (of: Manifest) => restored(of, {}),
    (of: Manifest) => copying(of.id as BackupId, scene.vault.vault, memoryScene().vault),
  ].entries()) {
    await bash(`printf ${nth} > a`, scene.media);
    const [first, second] = [await scene.night(), await scene.night()];
    expect(await sharedWith(second, first)).toEqual([data]);
    await spoil(first);

    await expect(meet(second)).rejects.toMatchObject({ code: 'part-corrupt' });

    expect(await good()).toEqual([]);
    expect(await problemsOf(await scene.night())).toEqual([]);
    for (const id of await scene.deps.store.backupIds(shop, limit()))
      await scene.deps.store.removeBackup(shop, id, [data], limit());
  }
});

test('nothing is taken over from a part that is damaged, as far as that is known', async () => {
  await bash('printf 1 > a', scene.media);
  const first = await scene.night();
  await spoil(first);
  const second = await scene.night();
  expect(await sharedWith(second, first)).toHaveLength(1);
  const { store } = scene.deps;
  const looked = { compared: 'all of it', differences: ['damaged'] };
  await store
    .withProofRecord(
      'verify',
      first,
      scene.deps,
      async () => undefined,
      () => looked,
    )
    .catch(() => undefined);

  const third = await scene.night();

  expect(await sharedWith(third, second)).toEqual([]);
  expect(await problemsOf(third)).toEqual([]);
});

test('where a part of the backup before is gone or cut, everything is stored again, and it is told', async () => {
  await bash('printf 1 > a', scene.media);
  const first = await scene.night();
  const path = join(scene.vault.folder, 'shop', first.id, 'data/0001.tar.zst');
  const told: string[] = [];
  const report = { ...scene.vault.deps(), report: (event: object) => void told.push(JSON.stringify(event)) };

  await writeFile(path, (await readFile(path)).subarray(1));
  const second = await scene.night(report);
  await unlink(join(scene.vault.folder, 'shop', second.id, 'data/0001.tar.zst'));
  const third = await scene.night(report);

  for (const one of [second, third]) expect(await sharedWith(one, first)).toEqual([]);
  expect(told.filter((line) => line.includes('everything is stored again'))).toHaveLength(2);
  expect(await problemsOf(third)).toEqual([]);
});

test('copies into another folder share what they have in common, and are whole alone', async () => {
  await bash(tree, scene.media);
  const made = [await scene.night(), await scene.night()];
  await bash(night, scene.media);
  const last = await scene.night();
  const to = await folderScene();

  for (const { id } of [last, ...made]) await copying(id as BackupId, scene.vault.vault, to.vault);

  const anew = storedAnew(made[0]!) + storedAnew(last);
  const { backups } = await openStore(to.vault).listSource(shop, limit());
  expect(bytesTogether(backups.flatMap(({ objects }) => objects))).toBeLessThan(anew + 20_000);
  await openStore(to.vault).removeBackup(shop, made[1]!.id as BackupId, filesOf(made[1]!), limit());
  for (const one of [made[0]!, last]) {
    const { problems } = await verify(one, { ...to.deps(), ...inspection }, limit());
    expect(problems).toEqual([]);
  }
  await to.remove();
});

test('a copy is whole though what it could share there is damaged, known or not', async () => {
  await bash('printf 1 > a', scene.media);
  const [first, second] = [await scene.night(), await scene.night()];
  const to = await folderScene();
  await copying(first.id as BackupId, scene.vault.vault, to.vault);
  await spoil(first, to.folder);

  await copying(second.id as BackupId, scene.vault.vault, to.vault);

  const { problems } = await verify(second, { ...to.deps(), ...inspection }, limit());
  expect(problems).toEqual([]);
  await to.remove();
});

test('a run that dies at any call to the vault leaves the backup before whole, and none of its own, or a whole one', async () => {
  await bash('printf 1 > a; printf 2 > b', scene.media);
  const first = await scene.night();
  const { store } = scene.deps;
  let calls = 0;
  for (let nth = 1; calls >= nth - 1; nth += 1) {
    await writeFile(join(scene.media, 'b'), `${nth}`);
    calls = 0;
    const dying = everyCall(scene.vault.vault, async () => {
      calls += 1;
      if (calls >= nth) throw new Error('killed');
    });
    const made = await scene.night(scene.vault.deps(dying)).catch(() => undefined);

    expect(await problemsOf(first)).toEqual([]);
    const ids = await store.backupIds(shop, limit());
    for (const id of ids) expect(await problemsOf((await store.readManifest(shop, id, limit())).manifest)).toEqual([]);
    if (made !== undefined) expect(ids).toContain(made.id);
  }
  expect(calls).toBeGreaterThan(10);
});

test('a backup is whole though the one before is removed at any moment of its run', async () => {
  await bash('printf 1 > a; printf 2 > b', scene.media);
  let before = await scene.night();
  let calls = Number.POSITIVE_INFINITY;
  for (let nth = 1; calls >= nth; nth += 1) {
    await writeFile(join(scene.media, 'b'), `${nth}`);
    const [id, files] = [before.id as BackupId, filesOf(before)];
    calls = 0;
    const busy = everyCall(scene.vault.vault, async () => {
      calls += 1;
      if (calls === nth) await scene.deps.store.removeBackup(shop, id, files, limit());
    });
    const made = await scene.night(scene.vault.deps(busy));

    expect(await problemsOf(made)).toEqual([]);
    before = made;
  }
  const { proof } = await scene.restore(before, 'back');
  expect(proof).toMatchObject({ differences: [] });
});

test('a copy is whole though the backup that it shares with is removed there at any moment', async () => {
  await bash('printf 1 > a; printf 2 > b', scene.media);
  const [first, second] = [await scene.night(), await scene.night()];
  const to = await folderScene();
  let calls = Number.POSITIVE_INFINITY;
  for (let nth = 1; calls >= nth; nth += 1) {
    const remove = (one: Manifest) => openStore(to.vault).removeBackup(shop, one.id as BackupId, filesOf(one), limit());
    await copying(first.id as BackupId, scene.vault.vault, to.vault);
    calls = 0;
    const busy = everyCall(to.vault, async () => {
      calls += 1;
      if (calls === nth) await remove(first);
    });
    await copying(second.id as BackupId, scene.vault.vault, busy);

    const { problems } = await verify(second, { ...to.deps(), ...inspection }, limit());
    expect(problems).toEqual([]);
    await remove(first);
    await remove(second);
  }
  await to.remove();
});

/** Other bytes, as many, under every name of it. */
async function spoil({ id }: Manifest, vault = scene.vault.folder): Promise<void> {
  const path = join(vault, 'shop', id, data);
  await writeFile(path, Buffer.alloc((await stat(path)).size));
}

/** The backups that nothing bad is known of. */
async function good(): Promise<string[]> {
  const { backups } = await scene.deps.store.listSource(shop, limit());
  return backups.filter((found) => damageOf(found, undefined) === undefined).map(({ id }) => id);
}

async function restored(manifest: Manifest, options: Partial<RestoreOptions>): Promise<void> {
  const all = { replace: false, owners: true, proof: true, ...options };
  await restoreRecorded(manifest, scene.engine('back'), all, { ...scene.deps, parallel: 2 }, limit());
}

const filesOf = ({ parts }: Manifest): string[] => parts.map(({ file }) => file);

async function problemsOf(manifest: Manifest): Promise<string[]> {
  const { problems } = await verify(manifest, { ...scene.deps, ...inspection }, limit());
  return problems.map(({ error }) => error.message);
}

/** The parts of a backup whose files are those of another one, too. */
async function sharedWith(manifest: Manifest, other: Manifest): Promise<string[]> {
  const inodes = async ({ id }: Manifest) => {
    const folder = join(scene.vault.folder, 'shop', id, 'data');
    const names = await readdir(folder).catch(() => []);
    return Promise.all(names.map(async (name) => [`data/${name}`, (await lstat(join(folder, name))).ino] as const));
  };
  const theirs = new Set((await inodes(other)).map(([, inode]) => inode));
  return (await inodes(manifest)).filter(([, inode]) => theirs.has(inode)).map(([file]) => file);
}

async function inodesOf({ id }: Manifest): Promise<number[]> {
  const folder = join(scene.vault.folder, 'shop', id, 'data');
  return Promise.all((await readdir(folder)).map(async (name) => (await lstat(join(folder, name))).nlink));
}

/** What a backup has taken of the disk, by the parts that were not there before. */
function storedAnew({ parts, restore }: Manifest): number {
  const older = restore.filter((line) => line.includes('--files-from')).join('\n');
  return parts.filter(({ file }) => !older.includes(`${file} |`)).reduce((sum, part) => sum + part.storedBytes, 0);
}

async function byHand({ id, restore }: Manifest, name: string): Promise<void> {
  const layer = await dbToolsLayer(process.arch === 'arm64' ? 'arm64' : 'x86_64', { rule: 'newer' }, () => {}, limit());
  const env = { FOLDER: scene.path(name), PATH: `${layer}/nightjar/bin:/usr/bin:/bin` };
  await bash(restore.join('\n'), join(scene.vault.folder, 'shop', id), env);
}

test('where backups are signed, nothing is taken over from one of before that', async () => {
  await bash('head -c 40000 /dev/urandom > picture', scene.media);
  const first = await scene.night();
  const signed = (isDue: (id: BackupId) => boolean) => {
    const signing = {
      rules: 'ours',
      isDue,
      isGenuine: () => true,
      signer: async () => async () => Buffer.from('ours'),
    };
    return { ...scene.deps, store: openStore(scene.vault.vault, undefined, () => signing) };
  };
  const since = signed((id) => id !== first.id);

  const second = await scene.night(since);
  const third = await scene.night(since);

  expect([await inodesOf(second), await inodesOf(third)]).toEqual([[2], [2]]);
  expect(await sharedWith(second, first)).toEqual([]);
  expect(await sharedWith(third, second)).toEqual(['data/0001.tar.zst']);
});
