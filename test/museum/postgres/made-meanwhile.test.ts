import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startPostgres } from '../../servers/databases/postgres.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';
import { runSql } from '../../support/postgres.ts';
import { layerRoot } from '../../support/tools.ts';

// Scripts that list the databases once and dump them one after the other lose the night when one is dropped meanwhile,
// and never speak of one that was made.
let server: DatabaseServer;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-meanwhile-'));
  server = await startPostgres({ major: 18 });
  await writeFile(join(folder, 'pw'), server.password, { mode: 0o600 });
  // the first run that ends waits for what the test does meanwhile
  await writeFile(
    join(folder, 'wait.sh'),
    'touch begun; for i in $(seq 300); do [ -e done ] && exit 0; sleep 0.1; done; exit 1\n',
  );
  await writeFile(
    join(folder, 'nightjar.yaml'),
    `vault: ./backups
hooks: [{ command: [sh, -c, 'cd ${folder} && sh wait.sh'] }]
sources:
  main: { postgres: { host: ${server.host}, port: ${server.port}, user: ${server.user}, password: { file: pw }, databases: all } }\n`,
  );
  for (const database of ['kept', 'short']) {
    await runSql(server, 'postgres', `create database ${database} template template0`);
    await runSql(server, database, 'create table t as select 1 as i');
  }
}, 600_000);

afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

test('a database that is made during the run is covered by the next one; one that is dropped fails alone, and is gone in the next', async () => {
  const place = { cwd: folder, env: { NIGHTJAR_TOOLS: await layerRoot(), NIGHTJAR_LAYER_NEWS: 'off' } };
  const first = nightjarInProcess(['backup'], place);
  while (
    await access(join(folder, 'begun')).then(
      () => false,
      () => true,
    )
  )
    await sleep(20);
  await runSql(server, 'postgres', 'create database made template template0');
  await runSql(server, 'made', 'create table t as select 1 as i');
  await runSql(server, 'postgres', 'drop database short');
  await writeFile(join(folder, 'done'), '');

  const { code, stdout, stderr } = await first;
  const next = await nightjarInProcess(['backup'], place);

  expect(code).toBe(1);
  expect(stderr).toMatch(/database "short" does not exist/);
  expect(stdout).toMatch(/^main\.kept {2}2/m);
  expect(stdout).not.toContain('made');
  expect(next.code).toBe(0);
  expect(next.stdout).toContain('main  new: database made is backed up as main.made');
  expect(next.stdout).toContain('main  gone: database short');
  expect(next.stdout).toMatch(/^main\.made {2}2/m);
}, 240_000);
