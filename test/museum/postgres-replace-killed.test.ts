import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { makeShop, replacedOften } from '../support/kills.ts';
import { postgresScene } from '../support/postgres.ts';
import type { PostgresScene } from '../support/postgres.ts';

// The old database was dropped, and only then the new one renamed: killed in between, neither was there under its name. What killed runs left
// blocked every run behind them.
let scene: PostgresScene;

beforeAll(async () => {
  scene = await postgresScene(17);
  await makeShop(scene, 2000);
}, 1_200_000);

afterAll(() => scene.stop());

test('museum: --replace killed at any moment leaves a whole database under the name, and blocks no run behind it', async () => {
  const { old, replaced } = await replacedOften(8, scene, { vault: scene.folder, env: {} });

  expect(old + replaced).toBe(8);
}, 240_000);
