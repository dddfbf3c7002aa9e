import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { backup } from '../../../core/commands/backup.ts';
import { restore } from '../../../core/commands/restore/restore.ts';
import { postgresGlobalsEngine } from '../../../core/engines/postgres/globals/index.ts';
import { startPostgres } from '../../servers/databases/postgres.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { limit, postgresScene, runSql } from '../../support/postgres.ts';
import type { PostgresScene } from '../../support/postgres.ts';
import { twentyRoles } from '../../support/servers/roles.ts';

let scene: PostgresScene;
let newer: DatabaseServer;

beforeAll(async () => {
  [scene, newer] = await Promise.all([postgresScene(13), startPostgres({ major: 18 })]);
  await scene.sql('postgres', twentyRoles(13));
}, 600_000);

afterAll(async () => {
  await newer?.stop();
  await scene?.stop();
});

test('roles of PostgreSQL 13 log in on 18, and are members as before; what 18 prints otherwise is excepted by name', async () => {
  const engineOf = ({ host, port, password }: DatabaseServer) =>
    postgresGlobalsEngine(scene.login('postgres', { host, port, password }), scene.tools);
  const manifest = await backup({ ...scene.source('postgres'), engine: engineOf(scene.server) }, scene.deps(), limit());

  const options = { replace: false, owners: true, proof: true };
  const { proof } = await restore(manifest, engineOf(newer), options, { ...scene.deps(), parallel: 1 }, limit());

  expect(proof!.differences).toEqual([]);
  expect(proof!.exceptions.every((line) => /^(membership|password postgres)/.test(line))).toBe(true);
  const { host, port } = newer;
  const app = new pg.Client({ host, port, user: 'app', password: "app's secret", database: 'postgres' });
  await app.connect();
  await app.end();
  const members = `select roleid::regrole::text, member::regrole::text, admin_option from pg_auth_members
    where member::regrole::text not in ('postgres', 'pg_monitor') order by 1, 2`;
  const before = await scene.sql('postgres', members);
  expect(before.length).toBeGreaterThan(12);
  expect(await runSql(newer, 'postgres', members)).toEqual(before);
}, 120_000);
