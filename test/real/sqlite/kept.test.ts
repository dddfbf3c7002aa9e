import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { openSqlite } from '../../../core/engines/sqlite/index.ts';
import { thisHolder } from '../../../core/holder.ts';
import type { Engine, Target, TargetOptions } from '../../../core/ports.ts';
import { sqliteShell } from '../../servers/databases/sqlite.ts';
import type { SqliteShell } from '../../servers/databases/sqlite.ts';
import { limit } from '../../support/vaults/vault.ts';

const dayMs = 86_400_000;
let shell: SqliteShell;
let folder = '';
let path = '';

beforeAll(async () => {
  shell = await sqliteShell();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-sqlite-kept-'));
  path = join(folder, 'app.db');
  await shell.ask(path, 'create table orders(id)');
});
afterAll(() => rm(folder, { recursive: true }));

function keeping(keepReplacedMs?: number): Engine {
  return openSqlite({ path, scratch: folder, waitMs: 10_000, keepReplacedMs }).engine;
}

/** An empty database that is to take the place of what is there. */
function targetOf(id: string, engine: Engine, proof = true): Promise<Target> {
  const manifest = { id, source: 'app', parts: [{ role: 'data', bytes: 0 }] };
  return engine.target({ manifest, catalog: {}, owners: true, proof } as unknown as TargetOptions, limit());
}

async function replace(id: string, engine: Engine, proof: boolean): Promise<string[]> {
  const target = await targetOf(id, engine, proof);
  await target.prepare(true, limit());
  await target.stages[0]![0]!.load((async function* () {})(), limit());
  const notes = await target.finish(limit());
  await target.close();
  await sleep(20); // what is replaced next is so much younger
  return notes;
}

/** Of a process of this boot that had the number of our parent, and began at another time. */
const goneHolder = () =>
  thisHolder()
    .replace(/ pid \d+ /, ` pid ${process.ppid} `)
    .replace(/\d+\)$/, '1)');

const kept = async () => (await readdir(folder)).filter((name) => name.includes('.before_')).sort();

test('what is kept is dropped by a replacement that is proven, and by no other', async () => {
  await replace('one', keeping(1), true);

  await replace('two', keeping(1), false);
  expect(await kept()).toEqual(['app.db.before_one', 'app.db.before_two']);

  const notes = await replace('three', keeping(1), true);
  expect(await kept()).toEqual(['app.db.before_three']);
  expect(notes.join()).toContain('dropped, as an earlier replacement had kept it: app.db.before_two');
});

test('with keepReplaced, what is kept is dropped behind its time, and not while somebody has it open', async () => {
  const notes = await replace('one', keeping(dayMs), true);
  expect(notes.join()).toContain('so does the first restore or drill after');
  expect(await keeping(dayMs).replaced!.dropOverdue!(limit())).toEqual([]);
  const user = await shell.opened(join(folder, 'app.db.before_one'), 'begin; select * from orders;');

  const refused = await keeping(1).replaced!.dropOverdue!(limit());

  expect(refused).toEqual([expect.stringMatching(/^app\.db\.before_one is kept for longer .* open in/)]);
  expect(await kept()).toEqual(['app.db.before_one']);
  const ended = new Promise((resolve) => user.once('exit', resolve));
  user.kill('SIGKILL');
  await ended;
  const dropped = await keeping(1).replaced!.dropOverdue!(limit());
  expect(dropped).toEqual([expect.stringMatching(/^dropped, as keepReplaced says: app\.db\.before_one/)]);
  expect(await kept()).toEqual([]);
  expect(keeping().replaced!.dropOverdue).toBeUndefined();
});

test('of two undos the second changes nothing, nor does it drop what the first has put back', async () => {
  await replace('one', keeping(), true);
  const replaced = keeping().replaced!;
  const [old] = await replaced.list(limit());
  await replaced.swapBack(old!, () => {}, limit());

  for (const again of [replaced.swapBack(old!, () => {}, limit()), replaced.drop(old!, limit())])
    await expect(again).rejects.toThrow('app.db.before_one is not what it was: somebody has used it meanwhile');

  expect(await shell.ask(path, 'select count(*) from orders')).toBe('0');
  expect((await readdir(folder)).sort()).toEqual(['app.db', 'app.db.undone_one']);
});

test('of two replacements at once the second says why, and leaves what the first has put there', async () => {
  const second = await targetOf('two', keeping());
  const first = await targetOf('one', keeping());
  await first.prepare(true, limit());

  await expect(second.prepare(true, limit())).rejects.toThrow(`another restore into sqlite:${path} is at work`);
  await expect(keeping().replaced!.swapBack({ name: 'any' }, () => {}, limit())).rejects.toThrow('is at work');
  await first.stages[0]![0]!.load((async function* () {})(), limit());
  await first.finish(limit()).then(() => first.close());
  // of a process that has died, and whose number is another's now
  await writeFile(`${path}.nightjar-claim-${hostname().replace(/\W|_/g, '_')}-${process.ppid}-0123abcd`, goneHolder());
  await expect(second.prepare(true, limit())).rejects.toThrow('somebody has replaced it meanwhile');
  await second.discard(limit()).then(() => second.close());

  expect((await readdir(folder)).sort()).toEqual(['app.db', 'app.db.before_one']);
  expect(await shell.ask(join(folder, 'app.db.before_one'), 'select count(*) from orders')).toBe('0');
});

test('a file that somebody else puts there while the new one is made stays', async () => {
  const target = await targetOf('one', keeping());
  await target.prepare(true, limit());
  await target.stages[0]![0]!.load((async function* () {})(), limit());
  // beside the old one first, whose number would be free again
  await writeFile(`${path}.theirs`, 'theirs');
  await rename(`${path}.theirs`, path);

  await expect(target.finish(limit())).rejects.toMatchObject({ code: 'target-not-empty' });
  await target.discard(limit());
  await target.close();

  expect(await readFile(path, 'utf8')).toBe('theirs');
  expect(await readdir(folder)).toEqual(['app.db']);
});
