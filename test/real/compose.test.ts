import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { compose } from '../../core/compose.ts';
import type { Host } from '../../core/compose.ts';
import { parseConfig } from '../../core/config-file.ts';
import { thisIdentity } from '../../core/holder.ts';
import { backupId } from '../../core/domain/keys.ts';
import type { SourceName } from '../../core/domain/keys.ts';
import { findLayer } from '../../bin/cli/setup/machine-layer.ts';

const limit = () => AbortSignal.timeout(20 * 60_000);
let folder = '';
let asked = 0;

const host = (env: Host['env'] = {}): Host => ({
  env,
  folder,
  identity: thisIdentity(),
  async layer(signal) {
    asked += 1;
    return findLayer(process.env, undefined, (line) => void process.stderr.write(`${line}\n`), signal);
  },
});

const config = (text: string) => parseConfig(text, 'nightjar.yaml');
const shop = (keys: string) =>
  config(`vault: backups\nsources: { shop: { postgres: { host: db.internal, database: shop, ${keys} } } }`);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-compose-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('paths are relative to the file, wherever the command runs', async () => {
  const nightjar = await compose(shop('user: app'), host(), limit());

  expect(nightjar.store.place).toBe(join(folder, 'backups'));
});

test('a bucket keeps its place, and its keys are read by reference', async () => {
  await writeFile(join(folder, 'key'), 'hunter2\n');
  const text =
    'vault: { s3: { bucket: abc, prefix: nightly, endpoint: "http://127.0.0.1:1", accessKeyId: { env: KEY_ID }, ' +
    'secretAccessKey: { file: key } } }\nsources: { shop: { postgres: { host: h, database: d, user: u } } }';

  const nightjar = await compose(config(text), host({ KEY_ID: 'AKIA' }), limit());

  expect(nightjar.store.place).toBe('s3://abc/nightly');
  nightjar.close();
  await expect(compose(config(text), host(), limit())).rejects.toMatchObject({
    code: 'secret-missing',
    message: 'vault.s3.accessKeyId: the environment variable KEY_ID is not set',
  });
});

test('keys to lists are those of one vault, also where buckets of one name lie in several stores', async () => {
  const one = { id: backupId('20261120T020000Z-00000a'), manifest: '1'.repeat(64), identity: 'AGE-SECRET-KEY-1A' };
  const nameOf = 'shop' as SourceName;
  async function keysIn(vault: string) {
    const text = `vault: ${vault}\nsources: { shop: { files: { path: media } } }`;
    const nightjar = await compose(config(text), { ...host(), keysFolder: async () => folder }, limit());
    nightjar.close();
    return nightjar.listKeys!;
  }
  const store = (port: number) => `{ s3: { bucket: abc, endpoint: "http://127.0.0.1:${port}" } }`;
  await (await keysIn(store(1))).keep(nameOf, [one]);
  await (await keysIn('./backups')).keep(nameOf, [one]);

  const kept = async (vault: string) => {
    const read = await (await keysIn(vault)).read(nameOf);
    return 'keys' in read && read.keys.length;
  };
  expect([await kept(store(1)), await kept(store(2)), await kept('s3://abc')]).toEqual([1, 0, 0]);
  expect([await kept(join(folder, 'backups')), await kept('./other')]).toEqual([1, 0]);
});

test('a source knows its place, and another database on its server', async () => {
  await writeFile(join(folder, 'user'), 'backup');
  const nightjar = await compose(
    shop('user: { file: user }, password: { env: PASSWORD }'),
    host({ PASSWORD: 'hunter2' }),
    limit(),
  );

  const [own, other] = [
    await nightjar.source('shop', {}, limit()),
    await nightjar.source('shop', { database: 'copy' }, limit()),
  ];

  expect([own.engine.place, other.engine.place]).toEqual([
    'postgres://backup@db.internal:5432/shop',
    'postgres://backup@db.internal:5432/copy',
  ]);
  expect(own).toMatchObject({
    name: 'shop',
    engine: { name: 'postgres' },
    database: 'shop',
    timeZone: 'UTC',
    compressionLevel: 1,
    parallel: 2,
  });
  expect(JSON.stringify([own, other])).not.toContain('hunter2');
});

test('the layer is asked for once, and only when a database program is needed', async () => {
  asked = 0;
  const nightjar = await compose(shop('user: app'), host(), limit());
  expect(asked).toBe(0);

  await nightjar.source('shop', {}, limit());
  await nightjar.source('shop', {}, limit());

  expect(asked).toBe(1);
});

test('a source that is not configured is an error with what was meant', async () => {
  const nightjar = await compose(shop('user: app'), host(), limit());

  await expect(nightjar.source('shpo', {}, limit())).rejects.toMatchObject({
    code: 'input-invalid',
    message: 'there is no source shpo in the configuration, did you mean "shop"?',
    hint: 'configured are: shop',
  });
});

test('a missing password is told before anything is connected to', async () => {
  const nightjar = await compose(shop('user: app, password: { env: PASSWORD }'), host(), limit());

  await expect(nightjar.source('shop', {}, limit())).rejects.toMatchObject({ code: 'secret-missing' });
});
