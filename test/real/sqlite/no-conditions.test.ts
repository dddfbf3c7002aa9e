import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { nightjarInProcess } from '../../support/cli/in-process.ts';
import { failed, s3Store } from '../../support/s3-store/store.ts';
import type { S3Store } from '../../support/s3-store/store.ts';

const conditions = ['if-none-match', 'if-match'];
let folder: string;
let store: S3Store;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-no-conditions-'));
  const database = new DatabaseSync(join(folder, 'shop.db'));
  database.exec("CREATE TABLE orders (id INTEGER PRIMARY KEY, what TEXT); INSERT INTO orders VALUES (1, 'a hat')");
  database.close();
});
beforeEach(async () => {
  store = await s3Store({ pageSize: 100 });
});
afterEach(() => store.close());
afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function configured(more: string) {
  const keys = 'accessKeyId: { env: KEY }, secretAccessKey: { env: SECRET }';
  const bucket = `bucket: ${store.bucket}, prefix: n, endpoint: "${store.endpoint}"`;
  await writeFile(
    join(folder, 'nightjar.yaml'),
    `vault: { s3: { ${bucket}, ${keys}${more} } }
vaults: { disk: ./copies }
sources: { shop: { sqlite: { path: ./shop.db }, copies: [disk] } }
`,
  );
}
const run = (...args: string[]) => nightjarInProcess(args, { cwd: folder, env: { KEY: 'key', SECRET: 'secret' } });
const isConditional = ({ method, headers }: S3Store['asked'][number]) =>
  method !== 'GET' && conditions.some((name) => name in headers);

test.each(['ignores', 'refuses'])(
  'a store that %s conditions is refused at the first run, and told how it serves',
  async (how) => {
    store.state.spoil = (one, usual) => {
      if (how === 'refuses' && isConditional(one)) return failed(501, 'NotImplemented');
      for (const name of isConditional(one) ? conditions : []) delete one.headers[name];
      return usual();
    };
    await configured('');

    const { code, stderr } = await run('backup', 'shop');

    expect(code).toBe(1);
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain(
      'write conditionalWrites: false in the vault, which keeps runs apart in a weaker way',
    );
    expect([...store.objects.keys()].filter((key) => key.endsWith('manifest.json'))).toEqual([]);

    await configured(', conditionalWrites: false');
    const made = await run('backup', 'shop');
    expect(made).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('warning: shop: the store has no conditional writes'),
    });
    for (const args of [
      ['verify', 'shop'],
      ['check'],
      ['copy'],
      ['restore', 'shop', '--to', './again.db'],
      ['backup', 'shop'],
      ['rotate', 'shop'],
    ])
      expect({ args, ...(await run(...args)) }).toMatchObject({ args, code: 0 });
    const again = new DatabaseSync(join(folder, 'again.db'));
    expect(again.prepare('SELECT what FROM orders').all()).toMatchObject([{ what: 'a hat' }]);
    again.close();
    await rm(join(folder, 'again.db'));
    const doctor = JSON.parse((await run('doctor', '--json')).stdout) as {
      results: { what: string; outcome: string; said: string }[];
    };
    expect(doctor.results).toContainEqual(
      expect.objectContaining({
        what: 'written once',
        outcome: 'warning',
        said: expect.stringContaining('no conditional writes'),
      }),
    );
    expect(doctor.results.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
    expect([...store.objects.keys()].filter((key) => key.includes('.claims/'))).toEqual([]);
    await rm(join(folder, 'copies'), { recursive: true });
  },
);

test('a store that heeds them is refused where the configuration says that it does not', async () => {
  await configured(', conditionalWrites: false');

  expect(await run('backup', 'shop')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('leave conditionalWrites out of the vault'),
  });
});
