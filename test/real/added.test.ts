import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { nightjar } from '../support/cli/command.ts';

// An engine and a vault of test/fixtures/house are added to a copy of the house, each by its folder and one line of a
// registry, and are then what the others are. The engine is not told from SQL servers by anything outside of it, and
// its part may be called as no part may be, which once left backups behind that no rotation removed.

const top = join(import.meta.dirname, '../..');
const copied = [
  'bin',
  'core',
  'functions',
  'lib',
  'docs',
  'layers/db-tools',
  'test/contract',
  'test/data',
  'test/servers',
  'test/support',
];
const files = ['package.json', 'tsconfig.json', 'jest.config.mjs', 'jest.fast.config.mjs', 'nightjar.example.yaml'];
const copyLimitMs = 60_000;
const rows = ['one', "it's two", 'drei €'];
let house = '';
let work = '';

beforeAll(async () => {
  house = await mkdtemp(join(tmpdir(), 'nightjar-house-'));
  await mkdir(join(house, '.ci'));
  for (const path of [...copied, ...files, '.ci/slowest-first.mjs', '.ci/unstable.mjs', '.ci/dependency-rules.cjs'])
    await cp(join(top, path), join(house, path), { recursive: true, filter: (file) => !file.endsWith('/build') });
  await cp(join(top, 'test/fixtures/house'), house, { recursive: true });
  await symlink(join(top, 'node_modules'), join(house, 'node_modules'));
  await register('core/engines/index.ts', 'jotter', 'engines = { postgres');
  await register('core/vaults/index.ts', 'crate', 'vaults = { folder, s3');

  work = join(house, 'work');
  await mkdir(work);
  const lines = [
    'vault: { crate: ./backups.crate }',
    'sources:',
    '  shop: { jotter: { file: ./shop.sqlite }, retention: { count: 1 } }',
    '  odd: { jotter: { file: ./shop.sqlite, part: database.sqlite } }',
  ];
  await writeFile(join(work, 'nightjar.yaml'), `${lines.join('\n')}\n`);
  opened(join(work, 'shop.sqlite'), (shop) => {
    shop.exec('create table orders (line text); create table none (line text)');
    for (const row of rows) shop.prepare('insert into orders values (?)').run(row);
  });
}, copyLimitMs);
afterAll(() => rm(house, { recursive: true }));

/** The one line of a registry, and the import that it needs. */
async function register(registry: string, name: string, line: string): Promise<void> {
  const text = await readFile(join(house, registry), 'utf8');
  expect(text).toContain(line);
  const added = text.replace(line, `${line}, ${name}`);
  await writeFile(join(house, registry), `import { ${name} } from './${name}/descriptor.ts';\n${added}`);
}

async function inHouse(...line: string[]): Promise<string> {
  const run = promisify(execFile)(process.execPath, line, { cwd: house, maxBuffer: 2 ** 26 });
  return run
    .then(({ stdout, stderr }) => stdout + stderr)
    .catch((error: { stdout: string; stderr: string }) => `${error.stdout}${error.stderr}`);
}

async function run(...args: string[]): Promise<string> {
  const ended = await nightjar(args, { cwd: work, program: join(house, 'bin/nightjar') });
  expect([args, ended.code]).toEqual([args, 0]);
  return ended.stdout;
}

function opened<T>(file: string, work: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(file);
  try {
    return work(database);
  } finally {
    database.close();
  }
}

/** What lies in the vault, by SQLite's own word. */
function objects(prefix: string): string[] {
  const all = opened(join(work, 'backups.crate'), (crate) => crate.prepare('select key from objects').all());
  return all.map(({ key }) => String(key)).filter((key) => key.startsWith(prefix));
}

test('their types are right', async () => {
  const own = { extends: './tsconfig.json', include: ['core', 'bin', 'functions', 'lib', 'test/added'] };
  await writeFile(join(house, 'tsconfig.added.json'), JSON.stringify(own));

  expect(await inHouse('node_modules/.bin/tsc', '--noEmit', '--project', 'tsconfig.added.json')).toBe('');
});

test('no wall stands in their way', async () => {
  const walls = ['--config', '.ci/dependency-rules.cjs', 'core', 'bin', 'functions', 'lib'];

  expect(await inHouse('node_modules/.bin/depcruise', ...walls)).toContain('no dependency violations found');
});

test('its keys appear in the documentation and in the schema for editors by themselves', async () => {
  await inHouse('bin/build-docs.ts');

  const docs = await readFile(join(house, 'docs/configuration.md'), 'utf8');
  const schema = await readFile(join(house, 'docs/nightjar.schema.json'), 'utf8');
  for (const text of [docs, schema]) {
    expect(text).toContain('The file of the database; others lie beside it.');
    expect(text).toContain('A crate, which is one file.');
  }
});

test('they pass the contract of engines and that of vaults', async () => {
  const jest = ['node_modules/.bin/jest', '--config', 'jest.fast.config.mjs'];

  const told = await inHouse(...jest, '--testMatch', '<rootDir>/test/added/*.ts');

  expect(told).toMatch(/Test Suites: 2 passed, 2 total/);
  expect(told).not.toMatch(/failed|skipped/);
});

test('the command line backs up, lists, verifies, restores, checks and rotates with them', async () => {
  const [older, newer] = [await backedUp(), await backedUp()];
  expect(await run('list', 'shop')).toMatch(new RegExp(`${older}.*3.*\n${newer}.*3.*`));
  expect(await run('verify', 'shop')).toContain(`${newer}  intact: 3 parts`);

  const told = await run('restore', 'shop', '--to', 'shop_back');
  expect(told).toContain('proven equal: 2 tables, 3 rows, 2 definitions');
  const restored = opened(join(work, 'shop_back.sqlite'), (back) => back.prepare('select line from orders').all());
  expect(restored.map(({ line }) => line)).toEqual(rows);

  expect(await run('check', 'shop')).toMatch(/shop +fresh/);
  expect(await run('rotate', 'shop', '--any-share')).toMatch(new RegExp(`removed +${older}`));
  expect(objects(`shop/${older}/`)).toEqual([]);
  expect(objects(`shop/${newer}/`)).toContain(`shop/${newer}/data/0001.jsonl.zst`);
});

test('a part that is called as none may be is refused before it is stored, and leaves nothing behind', async () => {
  const ended = await nightjar(['backup', 'odd'], { cwd: work, program: join(house, 'bin/nightjar') });

  expect(ended.code).toBe(1);
  expect(ended.stderr).toContain('the engine jotter calls a data part database.sqlite, as no such part may be');
  expect(objects('odd/').filter((key) => /schema|catalog|database|manifest/.test(key))).toEqual([]);
});

async function backedUp(): Promise<string> {
  const told = await run('backup', 'shop');
  expect(told).toMatch(/^shop {2}\S+ {2}3 rows/);
  return told.split('  ')[1]!;
}
