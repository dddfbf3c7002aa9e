import { rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { run } from '../../../bin/cli/run.ts';
import { folderVault } from '../../../core/vaults/folder/folder.ts';
import { dailyIds, putBackup } from '../../support/vaults/history.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';

// No server listens anywhere here: verify needs none.
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-verify-'));
  await writeFile(
    join(folder, 'nightjar.yaml'),
    `vault: ./backups\nsources:\n  shop:\n    postgres: { host: 127.0.0.1, port: 9, user: u, database: shop, ` +
      `tls: off }\n`,
  );
});
afterEach(() => rm(folder, { recursive: true }));

const vault = () => folderVault(join(folder, 'backups'));
const [id = ''] = dailyIds(1);
const good = {
  postgres: `--\n-- PostgreSQL database dump\n--\nCOPY public.t (a) FROM stdin;\n1\n\\.\n`,
  mariadb: `-- MariaDB dump\nINSERT INTO \`t\` VALUES\n(1),\n(2);\n`,
};
/** What the manifest of such a part says; the fingerprints are XXH64 of `1`, and the sum of those of `(1)` and `(2)`. */
const tables = {
  postgres: [{ table: 'public.t', columns: 'a', rows: 1, fingerprint: 'b7b41276360564d4' }],
  mariadb: [{ table: '`t`', columns: '', rows: 2, fingerprint: 'bd7808ee2a575511' }],
};
const hostile = {
  postgres: `${good.postgres}\\! touch /tmp/owned\n`,
  mariadb: `${good.mariadb}DROP DATABASE mysql;\n`,
};

test.each(['postgres', 'mariadb'] as const)(
  'a data part of %s that a restore would refuse is not called intact by verify, though its sizes and checksums fit',
  async (engine) => {
    await putBackup(vault(), 'shop', id as never, { engine, rows: hostile[engine] });

    const { code, stdout, stderr } = await nightjarInProcess(['verify', 'shop'], { cwd: folder });

    expect({ code, stdout }).toEqual({ code: 3, stdout: `shop  ${id}  DAMAGED: data/0001.sql.zst (1 of 2 parts)\n` });
    expect(stderr).toMatch(
      /data\/0001\.sql\.zst holds at line \d+ (a command to the client|a statement that no data part holds)/,
    );
  },
);

test.each(['postgres', 'mariadb'] as const)(
  'a data part of %s that holds rows and nothing else is intact',
  async (engine) => {
    await putBackup(vault(), 'shop', id as never, { engine, rows: good[engine], tables: tables[engine] });

    expect(await nightjarInProcess(['verify', 'shop'], { cwd: folder })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('intact'),
    });
  },
);

test.each([
  ['postgres', { rows: 7 }, 'table public.t has 1 row instead of 7'],
  ['postgres', { fingerprint: 'b7b41276360564d5' }, 'table public.t has the right number of rows, and other content'],
  ['postgres', { table: 'public.u' }, 'table public.u is missing (1 row); table public.t is not in the backup'],
  ['mariadb', { rows: 7 }, 'table `t` has 2 rows instead of 7'],
] as const)(
  'a manifest of %s that says of its rows what its parts do not hold (%j) is damaged, though every sum is right',
  async (engine, change, said) => {
    const [table] = tables[engine];
    await putBackup(vault(), 'shop', id as never, { engine, rows: good[engine], tables: [{ ...table!, ...change }] });

    const { code, stdout, stderr } = await nightjarInProcess(['verify', 'shop'], { cwd: folder });

    expect({ code, stdout }).toEqual({ code: 3, stdout: `shop  ${id}  DAMAGED: manifest.json\n` });
    expect(stderr).toContain(`is not of these parts: ${said}`);
    expect((await nightjarInProcess(['list', 'shop'], { cwd: folder })).stdout).toMatch(
      new RegExp(`${id}.*damaged`, 'i'),
    );
  },
);

test('an engine that is not known here has no grammar: sizes and checksums are compared', async () => {
  await putBackup(vault(), 'shop', id as never, { engine: 'oracle', rows: hostile.postgres });

  expect(await nightjarInProcess(['verify', 'shop'], { cwd: folder })).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('intact'),
  });
});

test('a backup that rotation removes while all are verified is no fault', async () => {
  const ids = dailyIds(6);
  for (const each of ids) await putBackup(vault(), 'shop', each, { rows: good.postgres, tables: tables.postgres });
  let said = '';
  const write = (text: string): void => {
    if (said === '')
      for (const each of ids.slice(-3)) rmSync(join(folder, 'backups', 'shop', each), { recursive: true });
    said += text;
  };

  const starter = { stdout: { write }, stderr: { write }, env: process.env, cwd: folder };
  const code = await run(['verify', 'shop', '--all'], starter, AbortSignal.timeout(60_000));

  expect(said).toContain(`shop  ${ids.at(-1)}  removed since it was listed\n`);
  expect(said).not.toMatch(/DAMAGED|error/);
  expect(code).toBe(0);
});

test('an id that is not there is a failure all the same', async () => {
  await putBackup(vault(), 'shop', id as never, { rows: good.postgres, tables: tables.postgres });

  expect(await nightjarInProcess(['verify', 'shop', '20200101T000000Z-000000'], { cwd: folder })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no backup of shop'),
  });
});
