import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { cliScene } from '../../support/cli/scene.ts';
import type { CliScene } from '../../support/cli/scene.ts';

let scene: CliScene;
let id = '';

beforeAll(async () => {
  scene = await cliScene();
}, 20 * 60_000);
afterAll(() => scene.stop());

test('a vault without a backup is told as such, and is no empty list', async () => {
  expect(await scene.run(['list', 'shop'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('in a new vault, the first backup makes what is missing'),
  });
});

test('a backup prints one line: source, id, rows, size, stored, duration', async () => {
  const { code, stdout, stderr } = await scene.run(['backup', 'shop']);

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(
    /^shop {2}\d{8}T\d{6}Z-[0-9a-f]{6} {2}1,000 rows {2}[\d.]+ kB {2}[\d.]+ kB stored {2}[\d.]+ s\n$/,
  );
  id = stdout.split('  ')[1]!;
});

test('a listing shows each backup in a line that fits 80 columns', async () => {
  const { code, stdout } = await scene.run(['list', 'shop']);

  const [title, head, line] = stdout.split('\n');
  expect({ code, title }).toEqual({ code: 0, title: 'shop: 1 backup, times in UTC' });
  expect(head).toMatch(/^id +made +rows +stored +proven +tier$/);
  expect(line).toMatch(new RegExp(`^${id} +\\d\\d [A-Z][a-z]{2} \\d\\d:\\d\\d +1,000 +[\\d.]+ kB +- +yearly$`));
  expect(stdout.split('\n').every((text) => text.length <= 80)).toBe(true);
});

test('programs read the same as JSON', async () => {
  const { code, document } = await scene.json(['list']);

  expect(code).toBe(0);
  expect(document).toMatchObject({
    ok: true,
    backups: [{ source: 'shop', id, status: 'complete', engine: 'postgres', database: 'shop', rows: 1000, tables: 1 }],
  });
});

test('an intact backup is verified by its newest, by id, and with all the others', async () => {
  expect(await scene.run(['verify', 'shop'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(new RegExp(`^shop {2}${id} {2}intact: 4 parts, [\\d.]+ kB read again\n$`)),
  });
  expect(await scene.json(['verify', 'shop', id])).toMatchObject({
    code: 0,
    document: { ok: true, results: [{ status: 'intact', id, problems: [] }] },
  });
  expect(await scene.json(['verify', 'shop', '--all'])).toMatchObject({ code: 0, document: { results: [{ id }] } });
});

test('a source without a backup is a failure of verify, not nothing to do', async () => {
  const { code, document } = await scene.json(['verify']);

  expect(code).toBe(1);
  expect(document).toMatchObject({
    ok: false,
    results: [
      { source: 'shop', status: 'intact' },
      { source: 'big', status: 'failed', error: { code: 'backup-missing' } },
    ],
  });
});

test('a restore makes a new database named after the moment, and proves it equal', async () => {
  const database = `shop_${id.slice(0, 8)}_${id.slice(9, 15)}`;

  const { code, stdout, stderr } = await scene.run(['restore', 'shop']);

  expect(code).toBe(0);
  expect(stderr).toMatch(
    new RegExp(
      `^backup {2}shop ${id}, \\d+ (s|min) old: 1 table, 1,000 rows, [\\d.]+ kB\ninto ` +
        `{4}postgres://postgres@127.0.0.1:\\d+/${database} \\(a new database\\)\n$`,
    ),
  );
  expect(stdout).toMatch(/^restored shop .* in [\d.]+ s\nproven equal: 1 table, 1,000 rows, \d+ definitions\n$/);
  expect(await scene.sql(database, 'select count(*)::int as n from late')).toEqual([{ n: 100 }]);
});

test('a backup is chosen by a moment, or as the newest that is proven; two ways at once are refused', async () => {
  const moment = `${id.slice(0, 4)}-${id.slice(4, 6)}-${id.slice(6, 8)}T${id.slice(9, 11)}:${id.slice(11, 13)}Z`;

  expect(await scene.run(['restore', 'shop', '--at', moment, '--to', 'of_a_moment'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`restored shop ${id} into `),
    stderr: expect.stringContaining(`at      ${moment} is `),
  });
  expect(await scene.run(['restore', 'shop', 'latest-proven', '--to', 'other', '--plan'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`backup  shop ${id}, `),
  });
  expect(await scene.run(['restore', 'shop', '--at', '2001-01-01'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`the earliest is ${id} (`),
  });
  expect(await scene.run(['restore', 'shop', id, '--at', moment])).toMatchObject({ code: 2 });
});

test('a database that holds something is left alone', async () => {
  await scene.sql('shop', `update orders set note = 'changed' where id = 1`);

  const { code, stderr } = await scene.run(['restore', 'shop', '--to', 'shop']);

  expect(code).toBe(1);
  expect(stderr).toMatch(
    /error: postgres:.*\/shop is not empty: it holds 1 table.*\n {2}hint: name a new database with --to, or put the backup in its place with --replace\n$/,
  );
  expect(await scene.sql('shop', 'select note from orders where id = 1')).toEqual([{ note: 'changed' }]);
});

test('--replace is not enough where nobody can be asked; with --yes it restores in place', async () => {
  const refused = await scene.run(['restore', 'shop', id, '--to', 'shop', '--replace']);
  expect(refused).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('hint: to go on without being asked, add --yes'),
  });
  expect(refused.stderr).toContain('ALL OF IT WILL BE REPLACED');
  expect(await scene.sql('shop', 'select note from orders where id = 1')).toEqual([{ note: 'changed' }]);

  const { code, document } = await scene.json(['restore', 'shop', id, '--to', 'shop', '--replace', '--yes']);

  expect({ code, document }).toMatchObject({
    code: 0,
    document: {
      ok: true,
      result: { id, database: 'shop', proven: true, proof: { tables: 1, rows: 1000, differences: [] } },
    },
  });
  expect(await scene.sql('shop', 'select note from orders where id = 1')).not.toEqual([{ note: 'changed' }]);
});

test('--plan says what would be done and writes nothing; where it would fail, it ends with 1', async () => {
  const inPlace = ['restore', 'shop', id, '--to', 'shop', '--replace', '--plan'];
  const there = await scene.sql('postgres', 'select oid, datname from pg_database order by 1');

  const { code, stdout } = await scene.run(inPlace);
  const refused = await scene.json(['restore', 'shop', id, '--to', 'shop', '--plan']);

  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^backup .*\ninto .*\nthen {4}make a database beside it .*\nthen {4}rename database shop to shop_before_/,
  );
  expect(stdout).toMatch(/\nnothing was changed: --plan only looks\n$/);
  expect(refused).toMatchObject({
    code: 1,
    document: { ok: false, plan: { state: 'occupied', findings: [{ weight: 'fails' }] } },
  });
  expect(await scene.sql('postgres', 'select oid, datname from pg_database order by 1')).toEqual(there);
});

test('a restore goes to the server of another source, and without a proof says so', async () => {
  const { code, stdout } = await scene.run(['restore', 'shop', '--server', 'big', '--to', 'elsewhere', '--no-proof']);

  expect(code).toBe(0);
  expect(stdout).toContain('not proven: --no-proof left the comparison out');
  expect(await scene.sql('elsewhere', 'select count(*)::int as n from orders')).toEqual([{ n: 1000 }]);
});

test('what would go into production by a wrong argument is refused until production is named', async () => {
  const text = await readFile(join(scene.folder, 'nightjar.yaml'), 'utf8');
  const ranked = text
    .replace('  shop:\n', '  shop:\n    rank: staging\n')
    .replace('  big:\n', '  big:\n    rank: production\n');
  await writeFile(join(scene.folder, 'ranked.yaml'), ranked);
  const wrong = ['restore', 'shop', '--server', 'big', '--to', 'ranked', '--no-proof', '-c', 'ranked.yaml', '--yes'];

  expect(await scene.run(wrong)).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/the server of big is production, and nobody has said.*\n.*--into production/),
  });
  expect(await scene.run([...wrong, '--plan'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^rank {4}the server of big is production: .*--into production$/m),
  });
  expect(await scene.run([...wrong, '--into', 'staging'])).toMatchObject({ code: 2 });
  expect(await scene.sql('postgres', `select 1 from pg_database where datname = 'ranked'`)).toEqual([]);
  expect(await scene.run([...wrong, '--into', 'production'])).toMatchObject({ code: 0 });
});

test('an id that is none, and one that is not there, are told apart', async () => {
  expect(await scene.json(['restore', 'shop', 'yesterday'])).toMatchObject({
    code: 2,
    document: { error: { code: 'input-invalid' } },
  });
  expect(await scene.json(['restore', 'shop', '20200101T000000Z-000000'])).toMatchObject({
    code: 1,
    document: { error: { code: 'backup-missing' } },
  });
});

test('a source that has left the configuration can still be listed and restored', async () => {
  const text = await readFile(join(scene.folder, 'nightjar.yaml'), 'utf8');
  await writeFile(join(scene.folder, 'later.yaml'), text.replace(/ {2}shop:\n.*\n/, ''));
  const later = ['-c', 'later.yaml'];

  expect(await scene.json(['list', 'shop', ...later])).toMatchObject({ code: 0, document: { backups: [{ id }] } });
  expect(await scene.run(['restore', 'shop', ...later])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('hint: say on whose server to restore: --server big'),
  });
  expect(await scene.json(['restore', 'shop', '--server', 'big', '--to', 'rescued', ...later])).toMatchObject({
    code: 0,
    document: { result: { proven: true } },
  });
});

test('a flipped bit is found by verify, which names the part and exits 3; restore refuses it, too', async () => {
  const part = `shop/${id}/data/0001.sql.zst`;
  const path = join(scene.folder, 'backups', part);
  const bytes = await readFile(path);
  bytes[Math.floor(bytes.length / 2)]! ^= 1;
  await writeFile(path, bytes);

  const verified = await scene.run(['verify', 'shop']);
  const latest = await scene.run(['restore', 'shop', '--to', 'from_damaged']);
  const restored = await scene.run(['restore', 'shop', id, '--to', 'from_damaged']);

  expect(verified).toMatchObject({
    code: 3,
    stdout: `shop  ${id}  DAMAGED: data/0001.sql.zst (1 of 4 parts)\n`,
    stderr: expect.stringContaining(`${part} is damaged`),
  });
  expect(await scene.json(['verify', 'shop'])).toMatchObject({
    code: 3,
    document: {
      ok: false,
      results: [{ status: 'damaged', problems: [{ file: 'data/0001.sql.zst', code: 'part-corrupt' }] }],
    },
  });
  expect(latest).toMatchObject({
    code: 3,
    stderr: expect.stringContaining(`the only one is not good: ${id}: its verify of `),
  });
  expect(restored).toMatchObject({
    code: 3,
    stderr: expect.stringMatching(
      new RegExp(`^warning ${id}: earlier, its verify of .* failed\n[^]*${part} is damaged`),
    ),
  });
  expect(await scene.sql('postgres', `select 1 from pg_database where datname = 'from_damaged'`)).toEqual([]);
});

test('a manifest that is no manifest is listed as what it is', async () => {
  await writeFile(join(scene.folder, 'backups', 'shop', id, 'manifest.json'), '{}');

  const { code, stdout } = await scene.run(['list', 'shop']);

  expect(code).toBe(0);
  expect(stdout).toMatch(new RegExp(`${id} .*unreadable\n {2}.*manifest.json can't be read`));
});

test('an older backup takes the place of what is there only by its id, and into a new database its last sentence says what it is', async () => {
  const idOf = async () => (await scene.run(['backup', 'shop'])).stdout.split('  ')[1]!;
  const older = await idOf();
  await scene.sql('shop', `update orders set note = 'newer'`);
  await setTimeout(1100);
  const newest = await idOf();
  await writeFile(join(scene.folder, 'backups', 'shop', newest, 'data', '0001.sql.zst'), 'cut');
  const said = `not the newest: ${newest} was passed over: `;

  const inPlace = await scene.run(['restore', 'shop', '--to', 'shop', '--replace', '--yes']);
  const copied = await scene.run(['restore', 'shop', '--to', 'as_it_was']);
  const told = await scene.json(['restore', 'shop', '--to', 'as_it_was_too']);

  expect(inPlace).toMatchObject({ code: 2, stderr: expect.stringContaining(said) });
  expect(inPlace.stderr).toContain(`name it: nightjar restore shop ${older} --to shop --replace (`);
  expect(copied).toMatchObject({ code: 0, stdout: expect.stringMatching(new RegExp(`proven equal: .*; ${said}`)) });
  expect(told).toMatchObject({
    code: 0,
    document: { result: { id: older, notNewest: expect.stringContaining(said) } },
  });
  expect(await scene.sql('shop', 'select note from orders where id = 1')).toEqual([{ note: 'newer' }]);
});
