import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { access, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { readLock, shippedLock } from '../../../../layers/db-tools/lock.ts';
import { nightjarInProcess } from '../../../support/cli/in-process.ts';
import { startMariadb } from '../../../servers/databases/mariadb.ts';
import { startMysql } from '../../../servers/databases/mysql.ts';
import { startPostgres } from '../../../servers/databases/postgres.ts';
import type { DatabaseServer } from '../../../servers/server.ts';
import { startMirror, type Mirror, type MirrorPackage } from './debian-mirror.ts';
import { buildLimitMs, nativeArchitecture } from '../native-layer.ts';
import { realPackages } from './real-packages.ts';

/** What the mirror has in a newer version than the pinned one, and in which suite; two are security fixes. */
const newer = {
  zstd: 'trixie-security',
  tar: undefined,
  'postgresql-client-15': 'bookworm-security',
  'postgresql-client-17': undefined,
  'postgresql-client-18': undefined,
  'mariadb-client': undefined,
  'mariadb-client-core': undefined,
};
const makeShop = [
  'create table orders (id int primary key, note text, amount numeric(12,3), paid_at timestamp null)',
  "insert into orders values (1, 'Grüße, ''quoted'' \\\\ and 🦉', -1234567.125, '2026-03-29 02:30:00'), (2, " +
    "null, 0.001, null), (3, '', 99.9, '1999-12-31 23:59:59')",
];

type Document = {
  ok: boolean;
  notices?: string[];
  moves?: { name: string; to: string }[];
  pins?: { shipped: boolean; file: string };
  layers?: { architecture: string; state: string }[];
  built?: { folder: string; zip: string }[];
};

let mirror: Mirror;
let folder: string;
let updated: MirrorPackage[];
const servers: Record<string, DatabaseServer> = {};
const before = { ...process.env };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-update-'));
  mirror = await startMirror('amd64', 'arm64');
  const releases = [await realPackages('x86_64', newer), await realPackages('arm64', newer)];
  await mirror.publish(releases.flatMap(({ before }) => before));
  updated = releases.flatMap(({ after }) => after);
  Object.assign(servers, {
    pg15: await startPostgres({ major: 15 }),
    pg18: await startPostgres({ major: 18 }),
    maria: await startMariadb({ series: '11.8' }),
    mysql: await startMysql(),
  });
  const passwords = Object.entries(servers).map(([name, { password }]) => [name.toUpperCase(), password]);
  const sources = Object.entries(servers).map(
    ([name, { host, port, user }]) =>
      `  ${name}: { ${name.startsWith('pg') ? 'postgres' : 'mariadb'}: { host: ${host}, port: ${port}, user: ` +
      `${user}, password: { env: ${name.toUpperCase()} }, database: shop } }\n`,
  );
  await writeFile(
    join(folder, 'listen'),
    '#!/bin/sh\ncat >> "$(dirname "$0")/told"; echo >> "$(dirname "$0")/told"\n',
    { mode: 0o755 },
  );
  await writeFile(
    join(folder, 'nightjar.yaml'),
    `vault: ./backups\nnotify: [{ command: [./listen] }]\nsources:\n${sources.join('')}`,
  );
  for (const name of Object.keys(servers)) {
    await sql(name, undefined, 'create database shop');
    for (const text of makeShop) await sql(name, 'shop', name.startsWith('pg') ? text.replaceAll('\\\\', '\\') : text);
  }
  // from here on this process has another cache and another Debian
  Object.assign(process.env, mirror.env, Object.fromEntries(passwords), {
    NIGHTJAR_RDS_TRUSTSTORE: 'http://127.0.0.1:9/bundle.pem',
  });
}, buildLimitMs);

afterAll(async () => {
  process.env = before;
  for (const server of Object.values(servers)) await server.stop();
  await mirror?.close();
  await rm(folder, { recursive: true, force: true });
});

test('before: the shipped pins are shown for both architectures, nothing is in the cache, and verify says so', async () => {
  const { document } = await asked('layer', 'show');

  expect(document.pins).toMatchObject({ shipped: true, file: shippedLock });
  expect(document.layers).toEqual(['x86_64', 'arm64'].map((architecture) => ({ architecture, state: 'not built' })));
  expect((await run('layer', 'show')).stdout).toMatch(
    /^pins: those that came with Nightjar, chosen on \S+ \(.*\)\n[^]*\nzstd +trixie\S* +\S+ +the same$/m,
  );
  expect(await run('layer', 'verify')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('nightjar layer build'),
  });
});

test('an archive without fixes is no news, and one that is down is none either', async () => {
  expect((await asked('check', '--no-tell')).document.notices).toBeUndefined();
  mirror.fault((path) => (path.includes('/dists/') ? { status: 503 } : undefined));
  await rm(join(mirror.cache, 'debian'), { recursive: true, force: true });

  const { code, document } = await asked('check', '--no-tell');

  mirror.fault(undefined);
  expect({ code, notices: document.notices }).toEqual({ code: 4, notices: undefined });
}, 120_000);

test('a fix in the security archive is shown by the check, and what is newer elsewhere is not', async () => {
  await mirror.publish(updated);
  await rm(join(mirror.cache, 'debian'), { recursive: true, force: true });

  const { stdout } = await run('check', '--no-tell');

  expect(stdout.replace(/\s+/g, ' ')).toMatch(
    /note: the distribution has security fixes for what the database clients are made of: postgresql-client-15 \S+ → \S+\+nightjar1, zstd \S+ → \S+\+nightjar1 hint: nightjar layer update/,
  );
}, 120_000);

test(
  'an update pins what is newer in a file beside the configuration, for both architectures, and leaves the ' +
    'shipped pins alone',
  async () => {
    const before = await readFile(shippedLock, 'utf8');

    const { stdout, code, stderr } = await run('layer', 'update');

    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    for (const name of Object.keys(newer))
      expect(stdout).toMatch(new RegExp(`^${name} +\\S+ +\\S+\\+nightjar1 +x86_64, arm64$`, 'm'));
    expect(stdout.match(/x86_64, arm64$/gm)).toHaveLength(Object.keys(newer).length);
    expect(await readFile(shippedLock, 'utf8')).toBe(before);
    const lock = await readLock(join(folder, 'nightjar.lock.json'));
    for (const { name, version, architecture, suite, deb } of updated.filter((one) => one.name in newer)) {
      expect(deb).toBeDefined();
      expect(lock.packages[architecture!].find((pin) => pin.name === name)).toMatchObject({ version, suite });
    }
  },
  buildLimitMs,
);

test('an update that could not be written down is refused before anything is fetched', async () => {
  const { code, stderr } = await run('layer', 'update', '--config', '/nonexistent/nightjar.yaml');

  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: expect.stringMatching(/nightjar\.lock\.json can't be written into \/nonexistent: .*\n {2}hint: .*--config/),
  });
});

test(
  'what was updated is built, byte for byte as it was pinned, as a folder and a zip file, and verified; what ' +
    'was changed afterwards is told',
  async () => {
    const { document } = await asked('layer', 'build');

    const [{ folder: layer, zip }] = document.built as [{ folder: string; zip: string }];
    const index = JSON.parse(await readFile(join(layer, 'nightjar/db-tools.json'), 'utf8')) as {
      pinnedAt: string;
      programs: { name: string; packageVersion: string }[];
    };
    expect(index.programs.filter(({ packageVersion }) => !packageVersion.endsWith('+nightjar1'))).toEqual([]);
    expect(index.pinnedAt).toBe((await readLock(join(folder, 'nightjar.lock.json'))).at);
    expect((await stat(zip)).size).toBeGreaterThan(10_000_000);
    expect((await asked('layer', 'show')).document).toMatchObject({
      pins: { shipped: false },
      layers: expect.arrayContaining([expect.objectContaining({ architecture: nativeArchitecture, state: 'whole' })]),
    });
    expect(await run('layer', 'verify')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('which is the pinned one'),
    });

    const lock = join(folder, 'nightjar.lock.json');
    const pinned = await readFile(lock, 'utf8');
    await writeFile(lock, pinned.replace(/"builder": "[^"]*"/, '"builder": "another"'));
    expect(await run('layer', 'verify')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('the pins come from another builder'),
    });
    await writeFile(lock, pinned);

    const program = join(layer, 'nightjar/mariadb/program/mariadb');
    const whole = await readFile(program);
    await writeFile(program, 'evil');
    expect(await run('layer', 'verify')).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('mariadb/program/mariadb was changed'),
      stderr: expect.stringContaining('is not what was built'),
    });
    await writeFile(program, whole);
    expect((await asked('check', '--no-tell')).document.notices).toBeUndefined();
  },
  buildLimitMs,
);

test.each(['pg15', 'pg18', 'maria', 'mysql'])(
  'with what was updated, %s is dumped, restored and proven equal, and the server says so, too',
  async (name) => {
    expect(await run('backup', name)).toMatchObject({ code: 0 });

    const restored = await run('restore', name, '--to', 'copy');

    expect(restored).toMatchObject({ code: 0 });
    expect(await rows(name, 'copy')).toEqual(await rows(name, 'shop'));
    expect((await rows(name, 'copy')).length).toBe(3);
  },
  120_000,
);

test('pins that can’t be understood, or whose words could be options of apt, are refused with the file’s name', async () => {
  const file = join(folder, 'nightjar.lock.json');
  const before = await readFile(file, 'utf8');
  for (const text of ['{', before.replace('"name": "zstd"', '"name": "-oAPT::Get::AllowUnauthenticated=true"')]) {
    await writeFile(file, text);
    expect(await run('layer', 'show')).toMatchObject({ code: 1, stderr: expect.stringContaining(file) });
  }
  await writeFile(file, before.replace(/"at": "[^"]*"/, '"at": "2020-01-01"'));

  expect((await asked('layer', 'show')).document.pins).toMatchObject({ shipped: true });
  await rm(file);
  await expect(access(`${file}.new`)).rejects.toThrow();
});

test('whoever goes back to old pins is told of the fixes, by one message however often it is checked', async () => {
  for (let times = 0; times < 3; times += 1) await run('check');

  const told = (await readFile(join(folder, 'told'), 'utf8'))
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { kind: string; severity: string });
  expect(told.filter(({ kind }) => kind === 'tools-outdated')).toEqual([expect.objectContaining({ severity: 'info' })]);
});

const run = (...args: string[]) => nightjarInProcess(args, { cwd: folder, env: { NIGHTJAR_LAYER_NEWS: 'on' } });

async function asked(...args: string[]): Promise<{ code: number | null; document: Document }> {
  const { code, stdout, stderr } = await run(...args, '--json');
  if (stdout === '') throw new Error(`nothing was printed: ${stderr}`);
  return { code, document: JSON.parse(stdout) as Document };
}

/** Every value as the server writes it in hexadecimal digits. */
async function rows(name: string, database: string): Promise<unknown[]> {
  const columns = ['id', 'note', 'amount', 'paid_at'];
  const hex = (column: string): string =>
    name.startsWith('pg') ? `encode(convert_to(${column}::text, 'UTF8'), 'hex')` : `hex(cast(${column} as binary))`;
  return sql(
    name,
    database,
    `select ${columns.map((column) => `${hex(column)} as ${column}`).join(', ')} from orders order by id`,
  );
}

async function sql(name: string, database: string | undefined, text: string): Promise<unknown[]> {
  const { host, port, user, password } = servers[name]!;
  if (name.startsWith('pg')) {
    const client = new pg.Client({ host, port, user, password, database: database ?? 'postgres' });
    await client.connect();
    return client
      .query(text)
      .then(({ rows: found }) => found as unknown[])
      .finally(() => client.end());
  }
  const connection = await mysql.createConnection({
    host,
    port,
    user,
    password,
    ...(database !== undefined && { database }),
  });
  return connection
    .query(text)
    .then(([found]) => (Array.isArray(found) ? found : []))
    .finally(() => connection.end());
}
