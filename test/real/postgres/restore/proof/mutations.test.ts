import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { backup } from '../../../../../core/commands/backup.ts';
import { prove } from '../../../../../core/commands/proof/prove.ts';
import type { Proof } from '../../../../../core/commands/proof/prove.ts';
import { restore } from '../../../../../core/commands/restore/restore.ts';
import type { Catalog } from '../../../../../core/contract/manifest/catalog.ts';
import type { Manifest } from '../../../../../core/contract/manifest/manifest.ts';
import { own } from '../../../../../core/engines/postgres/catalog/definition.ts';
import { definitions } from '../../../../../core/engines/postgres/catalog/definitions.ts';
import { openStore } from '../../../../../core/store/store.ts';
import { limit, postgresScene } from '../../../../support/postgres.ts';
import type { PostgresScene } from '../../../../support/postgres.ts';
import { makeTyped } from '../../../../support/typed.ts';
import { mutations } from './mutations.ts';

/** What a server lets nobody change, and what is compared otherwise. */
const withoutMutation = [
  'database',
  'database catalog',
  'extension version',
  'extension members',
  'database option',
  'tablespace',
];

describe.each([18, 15] as const)('PostgreSQL %i', (major) => {
  const known = mutations.filter(({ since = 13 }) => since <= major);
  let scene: PostgresScene;
  let manifest: Manifest;
  let catalog: Catalog;

  beforeAll(async () => {
    scene = await postgresScene(major, { wal_level: 'logical' });
    await makeTyped(scene, 'each', 'one-of-each', major);
    await scene.sql('postgres', `alter database each set work_mem to '4MB'; comment on database each is 'one'`);
    manifest = await backup(scene.source('each'), scene.deps(), limit());
    catalog = await openStore(scene.vault).readCatalog(manifest, limit());
    await restore(
      manifest,
      scene.source('changed').engine,
      { replace: false, owners: true, proof: false },
      { ...scene.deps(), parallel: 2 },
      limit(),
    );
  }, 1_200_000);

  afterAll(() => scene?.stop());

  const proving = (): Promise<Proof> =>
    prove(
      scene.source('changed').engine,
      { manifest, catalog, owners: true },
      { ...scene.deps(), parallel: 2 },
      limit(),
    );

  test('what nobody has changed is equal', async () => {
    expect(await proving()).toMatchObject({
      differences: [],
      exceptions: ['rows of materialized views, which a restore computes anew: s.filled'],
    });
  });

  test('each entry of the table of definitions has an object, and each kind a change', async () => {
    const counts = await Promise.all(
      definitions(major).map(async ({ from, where = 'true' }) => {
        const [row] = await scene.sql(
          'each',
          `select count(*)::int as n from pg_catalog.${from} o where ${own(from)} and ${where}`,
        );
        return { entry: `${from} ${where}`, n: Number(row!['n']) };
      }),
    );
    const kindOf = (line: string) =>
      Object.keys(catalog)
        .filter((kind) => line.startsWith(`${kind} `))
        .toSorted((a, b) => b.length - a.length)[0];
    const changed = new Set(known.flatMap(({ found }) => found.map(kindOf)));

    expect(counts.filter(({ n }) => n === 0)).toEqual([]);
    expect(Object.keys(catalog).filter((kind) => !changed.has(kind) && !withoutMutation.includes(kind))).toEqual([]);
  });

  test('every change is found and named, and nothing else is', async () => {
    for (const { sql } of known) await scene.sql('changed', sql.replaceAll(':db', 'changed'));

    const { differences } = await proving();

    expect(differences.sort()).toEqual(known.flatMap(({ found }) => found).sort());
  }, 120_000);
});
