import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { backup } from '../../../core/commands/backup.ts';
import { BackupError } from '../../../core/domain/errors.ts';
import type { Vault } from '../../../core/vault.ts';
import { folderVault } from '../../../core/vaults/folder/folder.ts';
import { startPostgres } from '../../servers/databases/postgres.ts';
import { acting, makeShop, stoppedOften } from '../../support/faults/kills.ts';
import { limit, postgresScene } from '../../support/postgres.ts';
import type { PostgresScene } from '../../support/postgres.ts';

let scene: PostgresScene;

beforeAll(async () => {
  scene = await postgresScene(17);
  await makeShop(scene, 30_000);
}, 1_200_000);

afterAll(() => scene.stop());

test('12 runs stopped by SIGTERM or SIGKILL at any moment leave complete backups or none', async () => {
  await stoppedOften(12, scene, { vault: scene.folder, env: {} }, scene);
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
      put: (key, body, tags, signal) =>
        original.put(key, key.includes('/data/') ? acting(body, () => server.kill()) : body, tags, signal),
    };

    const error = await backup(source, scene.deps(vault), limit()).then(
      () => undefined,
      (caught: unknown) => caught as BackupError,
    );

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
    put: (key, body, tags, signal) =>
      scene.vault.put(
        key,
        key.includes('/data/')
          ? acting(body, () => {
              throw full;
            })
          : body,
        tags,
        signal,
      ),
  };

  await expect(backup(scene.source('shop'), scene.deps(vault), limit())).rejects.toBe(full);

  expect(await scene.files()).toEqual(before);
});

test('a vault that is removed under a run is an error, not a success', async () => {
  const other = await mkdtemp(join(tmpdir(), 'nightjar-gone-'));
  const vault: Vault = {
    ...folderVault(other),
    put: (key, body, tags, signal) =>
      folderVault(other).put(
        key,
        key.includes('/data/') ? acting(body, () => rename(other, `${other}.away`)) : body,
        tags,
        signal,
      ),
  };

  await expect(backup(scene.source('shop'), scene.deps(vault), limit())).rejects.toMatchObject({
    code: expect.stringMatching(/^vault-/),
  });

  await rm(`${other}.away`, { recursive: true });
});
