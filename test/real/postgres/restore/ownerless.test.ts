import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { backup } from '../../../../core/commands/backup.ts';
import { restore } from '../../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../../core/contract/manifest/manifest.ts';
import { limit, postgresScene } from '../../../support/postgres.ts';
import type { PostgresScene } from '../../../support/postgres.ts';

/** What stands in quotes is no statement: the second comment reads like a grant. */
const remark = `about it;\nGRANT ALL ON LARGE OBJECT 4711 TO reader;\n`;
const world = `
  select lo_from_bytea(4711, 'first'), lo_from_bytea(4712, 'second'), lo_from_bytea(4713, 'third');
  comment on large object 4711 is 'the first'; comment on large object 4712 is '${remark}';
  alter large object 4711 owner to app; alter large object 4712 owner to "Other App";
  grant select on large object 4711 to reader with grant option; grant all on large object 4711 to public; revoke all on large object 4712 from "Other App";
  set role reader; grant select on large object 4711 to "Other App"; reset role`;
const state = `select m.oid::int, rolname as owner, lomacl::text as rights, convert_from(lo_get(m.oid), 'UTF8') as content, obj_description(m.oid, 'pg_largeobject') as comment
  from pg_largeobject_metadata m join pg_roles r on r.oid = lomowner order by 1`;
const roles = ['app', '"Other App"', 'reader'];

describe.each([17, 18] as const)(
  'PostgreSQL %i, whose dumps have owners and grants of large objects among the rows',
  (major) => {
    let scene: PostgresScene;
    let manifest: Manifest;

    beforeAll(async () => {
      scene = await postgresScene(major);
      for (const role of roles) await scene.sql('postgres', `create role ${role}`);
      await scene.sql('postgres', `create role nobody login createdb password 'nobody'`);
      await scene.sql('postgres', 'create database shop');
      await scene.sql('shop', world);
      manifest = await backup(scene.source('shop'), scene.deps(), limit());
    }, 1_200_000);

    afterAll(() => scene?.stop());

    const nobody = { user: 'nobody', password: 'nobody' };
    const restoring = (to: string, owners: boolean, { login = {}, keepGoing = false } = {}) =>
      restore(
        manifest,
        scene.source(to, { login }).engine,
        { replace: false, owners, proof: true, keepGoing },
        { ...scene.deps(), parallel: 2 },
        limit(),
      );
    const bare = [
      { oid: 4711, owner: 'nobody', rights: null, content: 'first', comment: 'the first' },
      { oid: 4712, owner: 'nobody', rights: null, content: 'second', comment: remark },
      { oid: 4713, owner: 'nobody', rights: null, content: 'third', comment: null },
    ];

    test('with owners they come back as they were, and are proven so', async () => {
      expect((await restoring('whole', true)).proof).toMatchObject({ differences: [] });
      expect(await scene.sql('whole', state)).toEqual(await scene.sql('shop', state));
    });

    test('without owners they belong to whoever restores, who needs no right but CREATEDB, and nobody else has rights', async () => {
      await expect(restoring('refused', true, { login: nobody })).rejects.toMatchObject({
        message: expect.stringMatching(/must be able to SET ROLE|must be owner|permission denied/),
      });
      expect((await restoring('bare', false, { login: nobody })).proof).toMatchObject({ differences: [] });
      expect(await restoring('kept', false, { login: nobody, keepGoing: true })).toMatchObject({
        failures: [],
        proof: { differences: [] },
      });

      for (const database of ['bare', 'kept']) expect(await scene.sql(database, state)).toEqual(bare);
    });

    test('without owners the roles need not be there', async () => {
      for (const database of ['shop', 'whole']) await scene.sql('postgres', `drop database if exists ${database}`);
      for (const role of roles) await scene.sql('postgres', `drop role ${role}`);

      await expect(restoring('lacking', true)).rejects.toMatchObject({
        message: expect.stringMatching(/role "(?:app|Other App|reader)" does not exist/),
        hint: expect.stringContaining('--no-owner'),
      });
      expect((await restoring('strange', false, { login: nobody })).proof).toMatchObject({ differences: [] });
      expect(await scene.sql('strange', state)).toEqual(bare);
    });
  },
);
