import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { backup } from '../../../core/commands/backup.ts';
import { restore } from '../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { canaryFile } from '../../support/canary.ts';
import type { Canary } from '../../support/canary.ts';
import { forged } from '../../support/vaults/forged.ts';
import { limit, postgresScene } from '../../support/postgres.ts';
import type { PostgresScene } from '../../support/postgres.ts';

// Somebody who can write to the vault, and to nothing else, has put a command into a part, with sizes and checksums to
// match.
let scene: PostgresScene;
let canary: Canary;
let good: Manifest;

beforeAll(async () => {
  canary = await canaryFile();
  scene = await postgresScene(15);
  await scene.sql('postgres', 'create database shop');
  await scene.sql(
    'shop',
    `create table orders (id int primary key, note text); insert into orders select g, 'note ' || g from ` +
      'generate_series(1, 1000) g',
  );
}, 1_200_000);
afterAll(async () => {
  await canary?.remove();
  await scene?.stop();
});
beforeEach(async () => {
  await canary.quiet();
  await scene.sql('postgres', 'drop database if exists copy');
  good = await backup(scene.source('shop'), scene.deps(), limit());
});

const restored = (manifest: Manifest) =>
  restore(
    manifest,
    scene.source('copy').engine,
    { replace: false, owners: true, proof: true },
    { ...scene.deps(), parallel: 2 },
    limit(),
  );

test('museum: a line \\! in a data part runs no command on the machine that restores', async () => {
  const manifest = await forged(scene.folder, good, 'data/0002.sql.zst', (content) =>
    Buffer.from(content.toString().replace('\\.\n', `\\.\n\\! touch ${canary.path}\n`)),
  );

  const outcome = await restored(manifest).catch((error: unknown) => error);

  expect(canary.sings()).toBe(false);
  expect(outcome).toMatchObject({ code: 'part-corrupt', hint: expect.stringContaining('vault') });
  expect((outcome as Error).message).toMatch(
    /^data\/0002.sql.zst holds at line 10\d\d a command to the client: \\! touch \//,
  );
  expect(await scene.sql('postgres', `select datname from pg_database where datname = 'copy'`)).toEqual([]);
});

test('a \\! in the definitions runs no command either, where psql takes them from a newer pg_restore into an older server', async () => {
  const newer = { ...good, client: { ...good.client, version: '18.1' } };
  // a function's body is printed as it is: the quotes are closed, and a line of the client's follows
  await scene.sql('shop', `comment on table orders is 'PAYLOAD${'x'.repeat(200)}'`);
  const attacked = await backup(scene.source('shop'), scene.deps(), limit());
  const payload = `x';\n\\! touch ${canary.path}\nselect '`;
  const manifest = await forged(scene.folder, attacked, 'schema.pgdump', (archive) => {
    const at = archive.indexOf('PAYLOAD');
    const changed = Buffer.from(archive);
    changed.write(payload.padEnd(207, 'x'), at);
    return changed;
  });

  const outcome = await restored({ ...manifest, client: newer.client }).catch((error: unknown) => error);

  expect(canary.sings()).toBe(false);
  expect(outcome).toMatchObject({
    code: 'restore-failed',
    message: expect.stringContaining('backslash commands are restricted'),
  });
});
