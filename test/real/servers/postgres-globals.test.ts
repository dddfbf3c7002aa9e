import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { backup } from '../../../core/commands/backup.ts';
import { drill } from '../../../core/commands/proof/drill.ts';
import { restore } from '../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { postgresGlobalsEngine } from '../../../core/engines/postgres/globals/index.ts';
import { startPostgres } from '../../servers/databases/postgres.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { limit, postgresScene, runSql } from '../../support/postgres.ts';
import type { PostgresScene } from '../../support/postgres.ts';
import { dumpedAll, twentyRoles } from '../../support/servers/roles.ts';

const drillOptions = { owners: true, tablespaces: false, assert: [] };
const settingsOfAll = 'select setconfig from pg_db_role_setting where setrole = 0 and setdatabase = 0';
const options = { replace: false, owners: true, proof: true };

describe.each([18, 13] as const)('roles of PostgreSQL %s', (major) => {
  let scene: PostgresScene;
  let other: DatabaseServer;
  let manifest: Manifest;
  const globals = () => dumpedAll(scene.server, major, ['--globals-only']);
  const ofOther = () => dumpedAll(other, major, ['--globals-only']);
  const engineOf = (server: DatabaseServer, more: { user?: string; password?: string } = {}) =>
    postgresGlobalsEngine(scene.login('postgres', { host: server.host, port: server.port, ...more }), scene.tools);
  const restoring = (server: DatabaseServer, more: { keepGoing?: true; replace?: true } = {}) =>
    restore(manifest, engineOf(server), { ...options, ...more }, { ...scene.deps(), parallel: 2 }, limit());

  const contents = async () => ({ manifest, catalog: await scene.deps().store.readCatalog(manifest, limit()) });

  beforeAll(async () => {
    scene = await postgresScene(major, major >= 15 ? { allow_in_place_tablespaces: 'on' } : {});
    other = await startPostgres({ major, settings: major >= 15 ? { allow_in_place_tablespaces: 'on' } : {} });
    await scene.sql('postgres', twentyRoles(major));
    if (major >= 15) await scene.sql('postgres', `create tablespace fast owner app location ''`);
    manifest = await backup({ ...scene.source('postgres'), engine: engineOf(scene.server) }, scene.deps(), limit());
  }, 1_200_000);

  afterAll(async () => {
    await other?.stop();
    await scene?.stop();
  });

  test('come back on an empty server as the stock pg_dumpall prints them, and log in again', async () => {
    const { proof, notes } = await restoring(other);

    expect(await ofOther()).toBe(await globals());
    // pg_dumpall says nothing of these
    expect(await runSql(other, 'postgres', settingsOfAll)).toEqual(await scene.sql('postgres', settingsOfAll));
    expect(proof).toMatchObject({ rows: 21, differences: [], exceptions: [] });
    expect(notes).toEqual([]);
    const client = new pg.Client({
      host: other.host,
      port: other.port,
      user: 'app',
      password: "app's secret",
      database: 'postgres',
    });
    await client.connect();
    await client.end();
  });

  test('that they hold hashes, and are not encrypted, is said', () => {
    expect(manifest.warnings).toEqual([
      'hashes of passwords are in this backup, and it is not encrypted: see docs/encryption.md',
    ]);
  });

  test('no hash stands in the manifest, nor in the catalog', async () => {
    const catalog = await scene.deps().store.readCatalog(manifest, limit());

    const hashes = await scene.sql(
      'postgres',
      'select rolpassword as hash from pg_authid where rolpassword is not null',
    );
    expect(hashes.length).toBeGreaterThan(12);
    for (const { hash } of hashes) expect(JSON.stringify([manifest, catalog])).not.toContain(String(hash).slice(0, 12));
  });

  test('what is there is left as it is, and told; what is missing is made', async () => {
    await runSql(
      other,
      'postgres',
      `alter role app password 'another'; drop role person_7; alter role person_8 createdb`,
    );
    const before = await ofOther();

    const { proof } = await restoring(other);

    const after = await ofOther();
    expect(proof!.differences).toEqual([]);
    expect(proof!.exceptions).toEqual([
      'password app: is another one on this server, and was left as it is',
      'role person_8: is another one on this server, and was left as it is',
    ]);
    const added = after.split('\n').filter((line) => !before.includes(line));
    expect(added).toEqual([
      'CREATE ROLE person_7;',
      expect.stringMatching(/^ALTER ROLE person_7 WITH .* LOGIN .*PASSWORD 'SCRAM/),
      expect.stringMatching(/^GRANT readers TO person_7/),
    ]);
    await expect(restoring(other, { replace: true })).rejects.toMatchObject({ code: 'input-invalid' });
    expect(await ofOther()).toBe(after);
  });

  test('a user who is no superuser backs up all but passwords, and makes what it may', async () => {
    await scene.sql(
      'postgres',
      `create role master login createrole createdb password 'm'; grant pg_monitor to master with admin option`,
    );
    const limited = await backup(
      { ...scene.source('postgres'), engine: engineOf(scene.server, { user: 'master', password: 'm' }) },
      scene.deps(),
      limit(),
    );
    expect(limited.warnings.join()).toMatch(/passwords are not in this backup: master may not read pg_authid/);
    expect(limited.objects).not.toHaveProperty('password');
    await runSql(
      other,
      'postgres',
      `create role master login createrole createdb password 'm'; grant pg_monitor, readers to master with admin option`,
    );
    for (const name of ['person_4', 'person_5']) await runSql(other, 'postgres', `drop role ${name}`);

    const { notes, proof, failures } = await restore(
      limited,
      engineOf(other, { user: 'master', password: 'm' }),
      { ...options, keepGoing: true },
      { ...scene.deps(), parallel: 2 },
      limit(),
    );

    expect(proof).toMatchObject({ differences: [] });
    expect(failures).toEqual([]);
    expect(notes).toEqual([expect.stringMatching(/holds no passwords: set those of .*person_4, person_5/)]);
  });

  test('a drill leaves nothing on its scratch server, nor does the next one of one that was killed', async () => {
    if (major >= 15) await runSql(other, 'postgres', 'drop tablespace fast');
    await runSql(other, 'postgres', `drop owned by app; drop role app, person_1, person_2`);
    const before = await ofOther();
    const drilling = () => drill(manifest, engineOf(other), drillOptions, { ...scene.deps(), parallel: 2 }, limit());

    const { proof } = await drilling();

    expect(proof).toMatchObject({ rows: 21, differences: [] });
    expect(await ofOther()).toBe(before);
    const target = await engineOf(other).target({ ...(await contents()), owners: true, drill: true }, limit());
    await target.prepare(false, limit());
    for (const { part, load } of target.stages.flat())
      await load(scene.deps().store.openPart(manifest, part, limit()), limit());
    await target.close(); // as a kill does: nothing is dropped
    expect(await ofOther()).toContain('CREATE ROLE app;');
    await drilling();
    expect(await ofOther()).toBe(before);
  });
});
