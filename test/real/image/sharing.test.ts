import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { startRegistry } from '../../servers/images/registry.ts';
import type { RegistryServer } from '../../servers/images/registry.ts';
import { pushImage } from '../../support/image/images.ts';
import { startLiar } from '../../support/image/liar.ts';
import type { Liar } from '../../support/image/liar.ts';
import { fetchDocument, sha256Of } from '../../support/image/pushing.ts';
import { imageScene } from '../../support/image/scene.ts';
import { folderScene } from '../../support/vaults/vault.ts';

let registry: RegistryServer;
/** Only listens to what is asked. */
let ear: Liar;
let vault: Awaited<ReturnType<typeof folderScene>>;

beforeAll(async () => {
  registry = await startRegistry();
  ear = await startLiar(registry.url);
  vault = await folderScene();
}, 300_000);
afterAll(async () => {
  await ear.stop();
  await registry.stop();
  await vault.remove();
});

const to = () => ({ url: registry.url, repository: 'shop' });
const base = Buffer.alloc(100_000, 'base');
const dataOf = ({ parts }: Manifest) => parts.filter(({ role }) => role === 'data');
const pulled = () => ear.heard.flatMap(({ path }) => /\/blobs\/(sha256:\w+)$/.exec(path)?.[1] ?? []);

test('of the next release, only what is new is pulled and stored; it is counted and restored whole', async () => {
  const { backup, restore } = imageScene(`${ear.host}/shop:1`, {}, vault);
  await pushImage(to(), '1', { 'linux/amd64': [base, base, 'one'], 'linux/arm64': [base] });
  const first = await backup();
  ear.heard.length = 0;
  const next = await pushImage(to(), '1', { 'linux/riscv64': [base, base, 'two'], 'linux/arm64': [base, 'three'] });

  const second = await backup();
  const asked = pulled();
  const { proof } = await restore(second, 'again');

  expect(dataOf(first).every(({ live }) => live === undefined)).toBe(true);
  expect(asked).toContain(sha256Of('two'));
  expect(asked).not.toContain(sha256Of(base));
  expect(
    dataOf(second)
      .filter(({ live }) => live !== undefined)
      .map(({ rows, tables }) => [rows, tables?.toSorted()]),
  ).toContainEqual([3, ['linux/arm64', 'linux/riscv64']]);
  expect(second.tables.map(({ table, rows }) => [table, rows])).toEqual([
    ['linux/riscv64', 3],
    ['linux/arm64', 2],
  ]);
  expect(proof).toMatchObject({ differences: [], tables: 2, rows: 5 });
  expect((await fetchDocument(to(), 'again'))!.digest).toBe(next.digest);
});
