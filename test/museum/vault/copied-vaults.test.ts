import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { findStuckLease, unlock } from '../../../core/commands/unlock.ts';
import { leaseKey, ledgerKey } from '../../../core/domain/layout/places.ts';
import { withLease } from '../../../core/store/lease/lease.ts';
import { nightsIn } from '../../support/worlds/nights.ts';
import { shop } from '../../support/vaults/seen.ts';
import { depsOf, folderScene, limit } from '../../support/vaults/vault.ts';

// A folder vault kept the first state of its memory in the plain files, and every later one where a copy loses it.
const sh = (script: string) => (folder: string) => execFileSync('sh', ['-euc', script, 'sh', folder]);
const instead = 'rm -r "$1"; mv "$1.copy" "$1"';
const moves: [name: string, move: (folder: string) => unknown][] = [
  ['cp -r', sh(`cp -r "$1" "$1.copy"; ${instead}`)],
  ['tar', sh(`mkdir "$1.copy"; tar -C "$1" -cf - . | tar -C "$1.copy" -xf -; ${instead}`)],
  ['touch', sh('find "$1" -type f -exec touch {} +')],
  ['rm -rf .nightjar', sh('rm -rf "$1/.nightjar"')],
];
const inFolder = async (count: number) => nightsIn(await folderScene(), { count });
let scene: Awaited<ReturnType<typeof inFolder>> | undefined;
afterEach(() => scene?.remove());

test.each(moves)('museum: backups that are lost after %s are told, and nothing is told twice', async (_, move) => {
  scene = await inFolder(10);
  const made = scene;
  const ids = [];
  for (let night = 1; night <= 5; night += 1) ids.push((await made.night({ rows: 1000 + night })).id!);
  await made.night({ rows: 0 });

  await move(made.folder);

  expect((await made.night({ rows: 0 })).kinds).toEqual(['shrunk']);
  await made.checking();
  await made.drop(ids[3]!);
  expect((await made.checking()).judgements[0]!.findings.map(({ kind }) => kind)).toEqual(['gone', 'shrunk']);
  expect(made.heard.map(({ night, severity, kind }) => [night, severity, kind])).toEqual([
    [6, 'problem', 'shrunk'],
    [7, 'reminder', 'shrunk'],
    [7, 'problem', 'gone'],
  ]);
});

test.each(moves)('museum: after %s, rotation still holds the last full backup', async (_, move) => {
  scene = await inFolder(3);
  const made = scene;
  // the memory of the first check knows of 500 rows alone
  for (let night = 1; night <= 2; night += 1) await made.night({ rows: 500 });
  let full;
  for (let night = 3; night <= 7; night += 1) full = (await made.night({ rows: 100_000 })).id;
  for (let night = 8; night <= 9; night += 1) await made.night({ rows: 500 });

  await move(made.folder);
  for (let night = 10; night <= 13; night += 1) expect((await made.night({ rows: 500 })).kinds).toEqual(['shrunk']);

  expect(await made.ids()).toContain(full);
});

test.each(moves)(
  'museum: after %s, a lease that was freed is free, and what was accepted is accepted',
  async (_, move) => {
    scene = await inFolder(10);
    const made = scene;
    const deps = { ...depsOf(made.vault), clock: made.clock };
    for (let night = 1; night <= 4; night += 1) await made.night({ rows: 1000 });
    await made.night({ rows: 0 });
    await made.accept();
    await made.vault.putIfAbsent(leaseKey(shop), Buffer.from('{"broken'), {}, limit());
    await unlock(shop, (await findStuckLease(shop, deps, limit()))!, deps, limit());

    await move(made.folder);

    expect(await findStuckLease(shop, deps, limit())).toBeUndefined();
    expect((await made.checking()).judgements[0]!.findings).toEqual([]);
    const file = await readFile(join(made.folder, ledgerKey(shop)));
    expect(JSON.parse(file.toString())).toMatchObject({ accepted: { by: 'ann@web' } });
  },
);

test('museum: a lease that is touched lets no second run in, and the first goes on', async () => {
  scene = await inFolder(10);
  const { folder, vault } = scene;
  const deps = (run: string) => ({ ...depsOf(vault), identity: { run, holder: run, isGone: () => false } });
  const times = { holdMs: 60_000, renewMs: 40 };

  const second = withLease(
    vault,
    shop,
    deps('first'),
    async (signal, confirm) => {
      await wait(200, undefined, { signal });
      sh('touch "$1"')(join(folder, leaseKey(shop)));
      const refused = await withLease(vault, shop, deps('second'), async () => 'ran', limit()).catch(
        (error) => error.code,
      );
      await confirm();
      return refused;
    },
    limit(),
    times,
  );

  expect(await second).toBe('lease-held');
});
