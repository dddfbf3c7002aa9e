import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readCatalog } from '../../../../../core/engines/postgres/catalog/catalog.ts';
import { postgresScene } from '../../../../support/postgres.ts';
import type { PostgresScene } from '../../../../support/postgres.ts';
import { makeTyped } from '../../../../support/typed.ts';
import { factPasses } from './fact-passes.ts';

describe.each([18, 13] as const)('PostgreSQL %i', (major) => {
  let scene: PostgresScene;

  beforeAll(async () => {
    scene = await postgresScene(major, { wal_level: 'logical' });
    await makeTyped(scene, 'each', 'one-of-each', major);
  }, 1_200_000);

  afterAll(() => scene?.stop());

  test('each single fact of an object that is changed changes what stands for it in the catalog, and nothing else', async () => {
    const passes = await factPasses(scene.login('each'), major, readCatalog);

    expect(passes.map(({ seen }) => seen)).toEqual(passes.map(({ expected }) => expected));
  }, 120_000);
});
