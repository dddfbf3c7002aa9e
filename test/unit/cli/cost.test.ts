import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import type { ObjectKey } from '../../../core/domain/keys.ts';
import { folderVault } from '../../../core/vaults/folder/folder.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';

let folder = '';
const run = (args: string[]) => nightjarInProcess(['-c', 'nightjar.yaml', ...args], { cwd: folder });
const golden = (name: string) => readFile(new URL(`../../golden/cost/${name}`, import.meta.url), 'utf8');

const text = (vault: string) => `vault: ${vault}
defaults: { timeZone: Europe/Amsterdam, schedule: "0 4 * * *" }
sources:
  shop:
    postgres: { host: db.example.com, database: shop, user: backup, password: { secret: nightjar/shop, field: password } }
    cloud: { size: 20GB }
  "a source with a long name":
    mariadb: { host: db.example.com, database: blog, user: backup, password: { secret: nightjar/blog, field: password } }
    schedule: "0 */6 * * *"
    retention: { count: 28 }
cloud: { email: [ops@acme.example] }
`;

/** As much of a manifest as a listing needs: three parts of 400 MB that hold 1 GB each, read in two minutes. */
const manifest: Manifest = {
  format: 1,
  id: '20261120T030000Z-7f3a9c',
  source: 'shop',
  engine: 'postgres',
  database: 'shop',
  server: { product: 'PostgreSQL', version: '18.1' },
  client: { program: 'pg_dump', version: '18.1' },
  nightjar: '0.1.0',
  run: '4f2a',
  start: '2026-11-20T03:00:00.000Z',
  end: '2026-11-20T03:02:00.000Z',
  timeZone: 'Europe/Amsterdam',
  tiers: ['daily'],
  compression: { method: 'zstd', level: 1 },
  encryption: null,
  parts: ['schema.pgdump', 'data/0001.sql.zst', 'data/0002.sql.zst'].map((file, index) => ({
    role: index === 0 ? 'schema' : 'data',
    file,
    bytes: 1e9,
    storedBytes: 4e8,
    sha256: 'a'.repeat(64),
  })),
  tables: [],
  sequences: {},
  objects: {},
  warnings: [],
  restore: [],
};

beforeAll(async () => {
  // what the command asks of the process itself
  process.env['AWS_REGION'] = 'eu-west-1';
  delete process.env['AWS_DEFAULT_REGION'];
  folder = await mkdtemp(join(tmpdir(), 'nightjar-cost-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('the estimate of a month is a table within 80 columns that says what it goes by', async () => {
  await writeFile(join(folder, 'nightjar.yaml'), text('s3://acme-backups/prod'));

  const { code, stdout, stderr } = await run(['cost', '--no-vault']);

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  expect(stdout).toBe(await golden('table.txt'));
});

test('where the vault can be read, sizes and times are those of the newest backup', async () => {
  await writeFile(join(folder, 'nightjar.yaml'), text('./backups'));
  await folderVault(join(folder, 'backups')).putIfAbsent(
    `shop/${manifest.id}/manifest.json` as ObjectKey,
    Buffer.from(JSON.stringify(manifest)),
    {},
    AbortSignal.timeout(10_000),
  );

  const { code, stdout } = await run(['cost', '--json']);

  const { ok, region: place, currency, pricesAsOf, sources, notes } = JSON.parse(stdout);
  expect({ code, ok, place, currency, pricesAsOf }).toEqual({
    code: 0,
    ok: true,
    place: 'eu-west-1',
    currency: 'USD',
    pricesAsOf: '2025-06',
  });
  expect(sources).toMatchObject([
    { source: 'shop', measured: true, bytes: 3e9, storedBytes: 1.2e9, objects: 4, seconds: 120, memoryMb: 1769 },
    { source: 'a source with a long name', measured: false, bytes: 1e9, kept: 28 },
  ]);
  expect(notes.join('\n')).toContain(
    'Not measured, but taken from the size of the source: a source with a long name (1.00 GB)',
  );
});

test('a vault that can’t be read is said, and the estimate goes by the configuration', async () => {
  await writeFile(join(folder, 'nightjar.yaml'), text('./missing/backups'));

  const { code, stdout, stderr } = await run(['cost']);

  expect(code).toBe(0);
  expect(stderr).toMatch(/^the vault can't be read, so sizes are those of the configuration \(/);
  expect(stdout).toContain('shop (20.0 GB)');
});

test('the sum of the document is that of its lines', async () => {
  const { stdout } = await run(['cost', '--no-vault', '--json']);
  const { dollars, afterFree, lines } = JSON.parse(stdout) as {
    dollars: number;
    afterFree: number;
    lines: { dollars: number; free: number }[];
  };

  expect(dollars).toBeCloseTo(
    lines.reduce((sum, line) => sum + line.dollars, 0),
    8,
  );
  expect(afterFree).toBeCloseTo(
    lines.reduce((sum, line) => sum + line.dollars - line.free, 0),
    8,
  );
});
