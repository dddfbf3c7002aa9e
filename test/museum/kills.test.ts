import { spawn } from 'node:child_process';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { backup } from '../../core/commands/backup.ts';
import { listBackups } from '../../core/commands/list.ts';
import { verify } from '../../core/commands/verify.ts';
import { BackupError } from '../../core/domain/errors.ts';
import type { SourceName } from '../../core/domain/keys.ts';
import type { Vault } from '../../core/ports.ts';
import { folderVault } from '../../core/vaults/folder.ts';
import { startPostgres } from '../servers/postgres.ts';
import { limit, postgresScene } from '../support/postgres.ts';
import type { PostgresScene } from '../support/postgres.ts';

const shop = 'shop' as SourceName;
const nightjar = join(import.meta.dirname, '../../bin/nightjar.ts');
const someRows = `create table orders (id int primary key, item text);
  insert into orders select g, 'item ' || g || ' of a long list of things ' || md5(g::text) from generate_series(1, 120000) g;`;

let scene: PostgresScene;
let settings: string;
let folder: string;

beforeAll(async () => {
  scene = await postgresScene(17);
  await scene.sql('postgres', 'create database shop');
  await scene.sql('shop', someRows);
  folder = await mkdtemp(join(tmpdir(), 'nightjar-kills-'));
  settings = join(folder, 'nightjar.yaml');
  const { host, port, user } = scene.server;
  await writeFile(settings, JSON.stringify({
    vault: scene.folder,
    sources: { shop: { postgres: { host, port, user, database: 'shop', password: { env: 'SHOP_PASSWORD' } } } },
  }));
}, 1_200_000);

afterAll(async () => {
  await scene.stop();
  await rm(folder, { recursive: true, force: true });
});

/** `nightjar backup shop`, sent a signal after so long (never, where that is undefined). */
function run(signal?: NodeJS.Signals, afterMs?: number): Promise<{ code: number | null; killed: string | null; said: string; tookMs: number }> {
  const began = Date.now();
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [nightjar, '--config', settings, 'backup', 'shop'], { env: { PATH: process.env['PATH'], SHOP_PASSWORD: scene.server.password, HOME: folder } });
    let said = '';
    child.stdout.on('data', (chunk) => (said += chunk));
    child.stderr.on('data', (chunk) => (said += chunk));
    if (signal !== undefined) setTimeout(() => child.kill(signal), afterMs);
    child.on('close', (code, killed) => resolve({ code, killed, said, tookMs: Date.now() - began }));
  });
}

/** What lies in the vault, but for the records of failures, which are meant to stay. */
const copies = async () => (await scene.files()).filter((path) => !path.includes('/failures/'));

test('50 runs stopped by SIGTERM or SIGKILL at any moment leave complete backups or none', async () => {
  const whole = await run();
  expect(whole.said).toContain('shop');
  expect(whole.code).toBe(0);
  let known = (await listBackups(shop, scene.vault, limit())).length;
  const ends = { complete: known, none: 0 };

  for (let round = 0; round < 50; round += 1) {
    const signal = round % 2 === 0 ? 'SIGKILL' : 'SIGTERM';
    const filesBefore = await copies();
    const result = await run(signal, whole.tookMs * (0.1 + (1.1 * ((round * 37) % 50)) / 50));
    const backups = await listBackups(shop, scene.vault, limit());

    expect(backups.length - known).toBeLessThanOrEqual(1);
    if (backups.length > known) {
      const newest = backups.at(-1)!;
      if (newest.status !== 'complete') throw new Error(newest.why);
      expect((await verify(newest.manifest, scene.deps(), limit())).problems).toEqual([]);
      ends.complete += 1;
    } else {
      ends.none += 1;
      if (signal === 'SIGTERM' && result.killed === null) {
        expect({ code: result.code, said: result.said }).toEqual({ code: 143, said: expect.stringMatching(/stopped/i) });
        expect(await copies()).toEqual(filesBefore);
      }
    }
    known = backups.length;
  }

  expect(ends.none).toBeGreaterThan(10);
  const after = await run();
  expect(after).toMatchObject({ code: 0 });
}, 240_000);

test('a server that is killed while it is dumped stores nothing, and the message says so', async () => {
  const server = await startPostgres({ major: 17 });
  try {
    const source = scene.source('postgres', { login: { port: server.port, password: server.password } });
    const original = scene.vault;
    const before = await scene.files();
    const vault: Vault = {
      ...original,
      // the data arrives slowly; meanwhile the server goes
      put: (key, body, tags, signal) => original.put(key, key.includes('/data/') ? then(body, () => server.kill()) : body, tags, signal),
    };

    const error = await backup(source, scene.deps(vault), limit()).then(() => undefined, (caught: unknown) => caught as BackupError);

    expect(error?.code).toMatch(/dump-failed|source-unreachable/);
    expect(await scene.files()).toEqual(before);
  } finally {
    await server.stop();
  }
});

test('a vault that fails midway stores nothing, and its own error is told', async () => {
  const before = await scene.files();
  const full = new BackupError('vault-full', 'no space left');
  const vault: Vault = {
    ...scene.vault,
    put: (key, body, tags, signal) => scene.vault.put(key, key.includes('/data/') ? then(body, () => { throw full; }) : body, tags, signal),
  };

  await expect(backup(scene.source('shop'), scene.deps(vault), limit())).rejects.toBe(full);

  expect(await scene.files()).toEqual(before);
});

test('a vault that is removed under a run is an error, not a success', async () => {
  const other = await mkdtemp(join(tmpdir(), 'nightjar-gone-'));
  const vault: Vault = {
    ...folderVault(other),
    put: (key, body, tags, signal) => folderVault(other).put(key, key.includes('/data/') ? then(body, () => rename(other, `${other}.away`)) : body, tags, signal),
  };

  await expect(backup(scene.source('shop'), scene.deps(vault), limit())).rejects.toMatchObject({ code: expect.stringMatching(/^vault-/) });

  await rm(`${other}.away`, { recursive: true });
});

/** Hands a stream on, and does something once a little of it has passed. */
async function* then(body: AsyncIterable<Uint8Array>, act: () => Promise<void> | void): AsyncIterable<Uint8Array> {
  let acted = false;
  for await (const chunk of body) {
    yield chunk;
    if (!acted) await act();
    acted = true;
  }
}
