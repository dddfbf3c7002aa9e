import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { planRestore } from '../../../core/commands/restore/plan.ts';
import { undo, planUndo } from '../../../core/commands/restore/undo.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { dbToolsLayer } from '../../../layers/db-tools/layer.ts';
import { filesScene } from '../../support/files/scene.ts';
import type { FilesScene } from '../../support/files/scene.ts';
import { bash, seenByStock } from '../../support/files/stock.ts';
import { limit } from '../../support/vaults/vault.ts';

// `find`, `sha256sum` and tar say whether two folders are the same

let scene: FilesScene;
let manifest: Manifest;

beforeAll(async () => {
  scene = await filesScene();
  await bash(oddTree, scene.media);
  manifest = await scene.backup();
});
afterAll(() => scene.close());

/** Whatever a folder may hold: names, times, modes, links, holes. */
const oddTree = `
  mkdir -p photos/2024 docs empty "with space"
  head -c 300000 /dev/urandom > photos/2024/a.jpg
  ln photos/2024/a.jpg docs/same.jpg
  ln -s ../photos docs/link; ln -s /nowhere/at/all docs/dangling; ln docs/link docs/second-link
  truncate -s 20M docs/sparse; printf end | dd of=docs/sparse bs=1 seek=15000000 conv=notrunc status=none
  printf latin1 > $'docs/caf\\xe9.txt'; printf utf8 > $'docs/caf\\xc3\\xa9.txt'; printf slash > 'docs/caf\\xe9.txt'
  printf nl > $'docs/new\\nline'; printf dash > docs/-rf; printf dots > docs/...; printf q > "docs/it's *\\"quoted\\"*"
  long=$(printf 'n%.0s' {1..200}); mkdir -p "docs/$long/$long"; printf deep > "docs/$long/$long/$long"
  printf top > top.txt; printf bang > '!top'; : > nothing
  chmod 4751 top.txt; chmod 0400 nothing; chmod 0555 empty; chmod 1777 docs
  touch -d '1965-03-04 05:06:07.123456789' docs/-rf; touch -h -d '2030-01-01 00:00:00.5' docs/link
  touch -d '2001-01-01 00:00:00.987654321' photos empty 'with space'
  [ "$(id -u)" != 0 ] || { chown 1234:4321 docs/...; chown -h 2000000:3000000 docs/dangling; chown 1:2 empty; }
`;

test('a folder comes back as it was, as stock programs see it, and is proven', async () => {
  const { proof } = await scene.restore(manifest, 'back');

  expect(proof).toMatchObject({ differences: [], exceptions: [] });
  expect(await seenByStock(scene.path('back'))).toEqual(await seenByStock(scene.media));
  expect(manifest.tables.map(({ table }) => table).toSorted()).toEqual([
    './',
    'docs/',
    'empty/',
    'photos/',
    'with space/',
  ]);
});

test('the folders of a part are made before tar sees it: two tars that make one at once fail', async () => {
  const { store } = scene.vault.deps();
  const packed = await store.readPackedCatalog(manifest, limit());
  const place = scene.engine('at-once');
  const target = await place.target({ manifest, catalog: {}, packed, owners: true }, limit());
  await target.prepare(false, limit());
  const [step] = target.stages[0]!;
  const tar = Buffer.concat(await Array.fromAsync(store.openPart(manifest, step!.part, limit())));
  const work = (await readdir(scene.top)).find((name) => name.startsWith('.at-once.nightjar-new'))!;
  let made: string[] = [];
  async function* held() {
    // no whole record: tar, which reads by records, has made nothing yet
    yield tar.subarray(0, 4096);
    made = await readdir(scene.path(work));
    yield tar.subarray(4096);
  }
  await step!.load(held(), limit());
  await target.discard(limit()).then(() => target.close());

  expect(made).toHaveLength(1);
});

test('holes stay holes', async () => {
  const { blocks, size } = await statOf(scene.path('back/docs/sparse'));

  expect(size).toBe(20 * 1024 ** 2);
  expect(blocks * 512).toBeLessThan(1024 ** 2);
});

test('the commands of the manifest restore it without Nightjar', async () => {
  const folder = join(scene.vault.folder, 'shop', manifest.id);
  const processor = process.arch === 'arm64' ? 'arm64' : 'x86_64';
  const layer = await dbToolsLayer(processor, { rule: 'newer' }, () => {}, limit());
  const env = { FOLDER: scene.path('by-hand'), PATH: `${layer}/nightjar/bin:/usr/bin:/bin` };

  await bash(manifest.restore.join('\n'), folder, env);

  expect(await seenByStock(scene.path('by-hand'))).toEqual(await seenByStock(scene.media));
});

test('extended attributes come back as far as the file system has any, and a proof looks at them', async () => {
  const held = await filesScene();
  const make = `printf a > a; tar --create --format=posix --pax-option='SCHILY.xattr.user.color:=blue' -f ../a.tar a`;
  await bash(`${make}; rm a; tar --extract --xattrs --xattrs-include='user.*' -f ../a.tar`, held.media);
  const show = `tar --create --xattrs --format=posix -f - a | { grep -a -o 'SCHILY.xattr.*' || echo none; }`;

  const { proof } = await held.restore(await held.backup(), 'back');

  expect(await bash(show, held.path('back'))).toBe(await bash(show, held.media));
  expect(proof).toMatchObject({ differences: [] });
  await held.close();
});

test('what is replaced is kept, and comes back; what was restored is kept then', async () => {
  await bash('mkdir old; printf mine > old/mine', scene.top);

  const { notes } = await scene.restore(manifest, 'old', { replace: true });

  const kept = `old.before_${manifest.id}`;
  expect(notes).toEqual([`the old folder is kept as ${kept}: --undo puts it back, --drop-old drops it`]);
  expect(await seenByStock(scene.path('old'))).toEqual(await seenByStock(scene.media));
  expect(await readFile(scene.path(`${kept}/mine`), 'utf8')).toBe('mine');

  const engine = scene.engine('old');
  await undo(engine, await planUndo(engine, 'old', limit()), limit());
  expect(await readdir(scene.path('old'))).toEqual(['mine']);
  expect(await seenByStock(scene.path(kept))).toEqual(await seenByStock(scene.media));
});

test('a second replacement by the same backup keeps what it replaces, too, and all of it is dropped when told', async () => {
  await bash('mkdir twice; printf first > twice/mine', scene.top);
  await scene.restore(manifest, 'twice', { replace: true });
  await bash('chmod u+w twice; printf second > twice/mine', scene.top);

  const { notes } = await scene.restore(manifest, 'twice', { replace: true });

  const [first, second] = [`twice.before_${manifest.id}`, `twice.before_${manifest.id}.2`];
  expect(notes[0]).toContain(`kept as ${second}`);
  expect(await readFile(scene.path(`${first}/mine`), 'utf8')).toBe('first');
  expect(await readFile(scene.path(`${second}/mine`), 'utf8')).toBe('second');

  await scene.restore(manifest, 'twice', { replace: true, dropOld: true });
  expect((await readdir(scene.top)).filter((name) => name.includes('twice'))).toEqual(['twice']);
});

test('what exclude leaves out is named before a replacement takes it away, and is not dropped with it', async () => {
  async function foreseen(name: string, dropOld: boolean) {
    const engine = scene.engine(name, ['/docs/', '*.txt', '/nowhere/']);
    const options = { replace: true, owners: true, proof: true, dropOld };
    const { findings, target } = await planRestore(manifest, engine, options, scene.deps, limit());
    await target.close();
    return findings;
  }
  const left = 'exclude leaves out of backups what is there now: docs/, top.txt';
  const kept = `media.before_${manifest.id}`;

  expect(await foreseen('media', false)).toEqual([
    { weight: 'note', what: `${left}; it will not be in the new folder, but in ${kept}` },
  ]);
  expect(await foreseen('media', true)).toEqual([
    {
      weight: 'fails',
      what: `${left}; --drop-old would remove it`,
      remedy: `leave out --drop-old: ${kept} keeps it`,
    },
  ]);
  await bash('mkdir -p other/docs', scene.top);
  expect(await foreseen('other', true)).toEqual([]);
});

test('of two undos the second changes nothing, nor does it drop what stood there before the first', async () => {
  await bash('mkdir undone; printf mine > undone/mine', scene.top);
  await scene.restore(manifest, 'undone', { replace: true });
  const replaced = scene.engine('undone').replaced!;
  const [kept] = await replaced.list(limit());
  await replaced.swapBack(kept!, () => {}, limit());

  for (const again of [replaced.swapBack(kept!, () => {}, limit()), replaced.drop(kept!, limit())])
    await expect(again).rejects.toThrow('is not what it was: somebody has used it meanwhile');

  expect(await readdir(scene.path('undone'))).toEqual(['mine']);
  expect(await seenByStock(scene.path(kept!.name))).toEqual(await seenByStock(scene.media));
});

test('of two replacements at once by one backup the second says why, and takes nothing from the first', async () => {
  await bash('mkdir both; printf mine > both/mine', scene.top);
  const target = async () => {
    const options = { replace: true, owners: true, proof: true };
    return (await planRestore(manifest, scene.engine('both'), options, scene.deps, limit())).target;
  };
  const [first, second] = [await target(), await target()];
  await first.prepare(true, limit());
  for (const { part, load } of first.stages.flat())
    await load(scene.deps.store.openPart(manifest, part, limit()), limit());

  await expect(second.prepare(true, limit())).rejects.toThrow('is at work');
  await expect(scene.engine('both').replaced!.drop({ name: 'any' }, limit())).rejects.toThrow('is at work');
  await first.finish(limit()).then(() => first.close());
  await expect(second.prepare(true, limit())).rejects.toThrow('is not what it was a moment ago');
  await second.discard(limit()).then(() => second.close());

  expect(await seenByStock(scene.path('both'))).toEqual(await seenByStock(scene.media));
  expect((await readdir(scene.top)).filter((name) => name.includes('both')).sort()).toEqual([
    'both',
    `both.before_${manifest.id}`,
  ]);
});

test('a folder that somebody exchanges while the new one is made is left as it is', async () => {
  await bash('mkdir theirs; printf mine > theirs/mine', scene.top);
  const options = { replace: true, owners: true, proof: true };
  const { target } = await planRestore(manifest, scene.engine('theirs'), options, scene.deps, limit());
  await target.prepare(true, limit());
  for (const { part, load } of target.stages.flat())
    await load(scene.deps.store.openPart(manifest, part, limit()), limit());
  await bash('mv theirs first; mkdir theirs; printf another > theirs/mine', scene.top);

  await expect(target.finish(limit())).rejects.toThrow('is not what it was a moment ago');
  await target.discard(limit()).then(() => target.close());

  expect(await bash('cat theirs/mine', scene.top)).toBe('another');
  expect((await readdir(scene.top)).filter((name) => name.includes('theirs'))).toEqual(['theirs']);
});

test('a folder that is exchanged while it is read makes no backup of some of both', async () => {
  await bash('mkdir turned; printf mine > turned/mine', scene.top);
  const plan = await scene.engine('turned').plan({}, limit());
  await bash('mv turned aside; mkdir turned; printf another > turned/mine', scene.top);

  await expect(plan.confirm([], [], limit())).rejects.toMatchObject({ code: 'source-changed' });
});

test('a folder that holds something is refused, and a replacement of a damaged backup leaves it as it is', async () => {
  await bash('mkdir held; printf mine > held/mine', scene.top);
  const [part] = manifest.parts;
  const damaged = { ...manifest, parts: [{ ...part!, sha256: '0'.repeat(64) }, ...manifest.parts.slice(1)] };

  await expect(scene.restore(manifest, 'held')).rejects.toMatchObject({ code: 'target-not-empty' });
  await expect(scene.restore(damaged, 'held', { replace: true })).rejects.toMatchObject({ code: 'part-corrupt' });

  expect(await readdir(scene.path('held'))).toEqual(['mine']);
  expect((await readdir(scene.top)).filter((name) => name.includes('held'))).toEqual(['held']);
});

test('a folder that the disk has no room for is refused before anything is unpacked, and so is its drill', async () => {
  const huge = { ...manifest, parts: manifest.parts.map((part) => ({ ...part, bytes: 2 ** 70 })) };

  for (const drill of [false, true]) {
    const options = { manifest: huge, catalog: {}, owners: false, drill };
    const target = await scene.engine('roomless').target(options, limit());
    const refused = target.prepare(false, limit());
    await expect(refused).rejects.toMatchObject({ code: 'machine-failed', hint: 'free some space there' });
    await target.close();
  }

  expect((await readdir(scene.top)).filter((name) => name.includes('roomless'))).toEqual([]);
});

test('a place in which nothing can be made is told with what to do', async () => {
  await bash('printf x > no-folder', scene.top);

  const refused = scene.restore(manifest, scene.path('no-folder/back'));

  await expect(refused).rejects.toMatchObject({ code: 'machine-failed', hint: expect.stringContaining('write there') });
});

test('files are chosen by pattern, with the folders they lie in and the first name of each', async () => {
  const { proof } = await scene.restore(manifest, 'some', { tables: ['photos/**', 'top.txt'] });

  expect(proof).toMatchObject({ differences: [], rows: 3 });
  expect((await bash('find . -printf "%P\\n" | sort', scene.path('some'))).trim().split('\n')).toEqual([
    'docs',
    'docs/same.jpg',
    'photos',
    'photos/2024',
    'photos/2024/a.jpg',
    'top.txt',
  ]);
  const stat = 'stat -c "%a %u:%g %.9Y" docs docs/same.jpg photos/2024/a.jpg top.txt';
  expect(await bash(stat, scene.path('some'))).toBe(await bash(stat, scene.media));
  await expect(scene.restore(manifest, 'none', { tables: ['nope'] })).rejects.toMatchObject({ code: 'input-invalid' });
});

test('patterns leave out what .gitignore would, and what no backup can hold is told', async () => {
  await mkdir(scene.path('app'));
  const tree = `mkdir -p cache/deep logs src/cache; touch cache/a cache/deep/b logs/a.log logs/keep.log src/cache/c A.LOG`;
  await bash(`${tree}; mkfifo src/pipe`, scene.path('app'));

  const made = await scene.backup(scene.engine('app', ['/cache/', '*.log', '!keep.log']));
  await scene.restore(made, 'app_back');

  expect((await bash('find . -printf "%P\\n" | sort', scene.path('app_back'))).trim().split('\n')).toEqual([
    'A.LOG',
    'logs',
    'logs/keep.log',
    'src',
    'src/cache',
    'src/cache/c',
  ]);
  expect(made.warnings).toEqual(['src/pipe is a socket, a pipe or a device: it is not in the backup']);
});

test('more folders at the top than a manifest can name are one table', async () => {
  await mkdir(scene.path('many'));
  await bash('mkdir u{1..1100}; printf x > u7/file', scene.path('many'));

  const made = await scene.backup(scene.engine('many'));
  const { proof } = await scene.restore(made, 'many_back');

  expect(made.tables).toMatchObject([{ table: './', rows: 1 }]);
  expect(proof).toMatchObject({ differences: [], tables: 1, rows: 1 });
  expect((await readdir(scene.path('many_back'))).length).toBe(1100);
});

test('a folder that holds a vault is not backed up into itself', async () => {
  await mkdir(scene.path('held/backups/.nightjar'), { recursive: true });

  await expect(scene.backup(scene.engine('held'))).rejects.toMatchObject({
    code: 'config-invalid',
    hint: 'leave it out: exclude: [/backups/]',
  });
  const made = await scene.backup(scene.engine('held', ['/backups/']));
  expect(made.tables).toMatchObject([{ table: './', rows: 1 }]);
});

test('a path that is longer than the system takes fails the run with a sentence', async () => {
  const deep = `for n in {1..25}; do d=$(printf 'd%.0s' {1..200}); mkdir $d; cd -P $d; done; : > file`;
  await bash(`mkdir deep; cd deep; ${deep}`, scene.top);

  await expect(scene.backup(scene.engine('deep'))).rejects.toMatchObject({
    code: 'privilege-missing',
    message: expect.stringMatching(/ddd… \(ENAMETOOLONG: name too long\)$/),
    hint: expect.stringContaining('leave it out by exclude'),
  });
  await bash('rm -rf deep', scene.top);
});

test('a link is not replaced by a folder: what it leads to would stay as it is', async () => {
  await bash('mkdir real; printf mine > real/mine; ln -s real leads', scene.top);

  await expect(scene.restore(manifest, 'leads', { replace: true })).rejects.toMatchObject({
    code: 'restore-failed',
    hint: `name the folder itself: --to ${scene.path('real')} --replace`,
  });

  expect(await bash('readlink leads; ls real', scene.top)).toBe('real\nmine\n');
});

test('a folder that is not there is no empty one', async () => {
  await expect(scene.backup(scene.engine('gone'))).rejects.toMatchObject({ code: 'source-unreachable' });
});

async function statOf(path: string): Promise<{ blocks: number; size: number }> {
  const { stat } = await import('node:fs/promises');
  return stat(path);
}
