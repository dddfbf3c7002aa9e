import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { folderVault } from '../../../core/vaults/folder/folder.ts';
import { dailyIds, putBackup } from '../../support/vaults/history.ts';
import { nightjar } from '../../support/cli/command.ts';

// No server listens anywhere here: verify needs none.
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-verify-'));
  await writeFile(
    join(folder, 'nightjar.yaml'),
    `vault: ./backups\nsources:\n  shop:\n    postgres: { host: 127.0.0.1, port: 9, user: u, database: shop, tls: off }\n`,
  );
});
afterEach(() => rm(folder, { recursive: true }));

const vault = () => folderVault(join(folder, 'backups'));
const [id = ''] = dailyIds(1);
const good = {
  postgres: `--\n-- PostgreSQL database dump\n--\nCOPY public.t (a) FROM stdin;\n1\n\\.\n`,
  mariadb: `-- MariaDB dump\nINSERT INTO \`t\` VALUES\n(1),\n(2);\n`,
};
const hostile = {
  postgres: `${good.postgres}\\! touch /tmp/owned\n`,
  mariadb: `${good.mariadb}DROP DATABASE mysql;\n`,
};

test.each(['postgres', 'mariadb'] as const)(
  'a data part of %s that a restore would refuse is not called intact by verify, though its sizes and checksums fit',
  async (engine) => {
    await putBackup(vault(), 'shop', id as never, { engine, rows: hostile[engine] });

    const { code, stdout, stderr } = await nightjar(['verify', 'shop'], { cwd: folder });

    expect({ code, stdout }).toEqual({ code: 3, stdout: `shop  ${id}  DAMAGED: data/0001.sql.zst (1 of 2 parts)\n` });
    expect(stderr).toMatch(
      /data\/0001\.sql\.zst holds at line \d+ (a command to the client|a statement that no data part holds)/,
    );
  },
);

test.each(['postgres', 'mariadb'] as const)(
  'a data part of %s that holds rows and nothing else is intact',
  async (engine) => {
    await putBackup(vault(), 'shop', id as never, { engine, rows: good[engine] });

    expect(await nightjar(['verify', 'shop'], { cwd: folder })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('intact'),
    });
  },
);

test('an engine that is not known here has no grammar: sizes and checksums are compared', async () => {
  await putBackup(vault(), 'shop', id as never, { engine: 'oracle', rows: hostile.postgres });

  expect(await nightjar(['verify', 'shop'], { cwd: folder })).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('intact'),
  });
});

test('a backup that rotation removes while all are verified is no fault', async () => {
  const ids = dailyIds(150);
  for (const each of ids) await putBackup(vault(), 'shop', each, { rows: good.postgres });
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('../../../bin/nightjar', import.meta.url)), 'verify', 'shop', '--all'],
    { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const closed = once(child, 'close');
  let said = '';
  let removed: Promise<unknown> | undefined;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      removed ??= Promise.all(
        ids.slice(-30).map((each) => rm(join(folder, 'backups', 'shop', each), { recursive: true })),
      );
    });
  }
  const [code] = await closed;
  await removed;

  expect(said).toContain(`shop  ${ids.at(-1)}  removed since it was listed\n`);
  expect(said).not.toMatch(/DAMAGED|error/);
  expect(code).toBe(0);
});

test('an id that is not there is a failure all the same', async () => {
  await putBackup(vault(), 'shop', id as never, { rows: good.postgres });

  expect(await nightjar(['verify', 'shop', '20200101T000000Z-000000'], { cwd: folder })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no backup of shop'),
  });
});
