import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { startCeph } from '../../servers/s3/ceph.ts';
import { s3Client } from '../../servers/s3/client.ts';
import { startMoto } from '../../servers/s3/moto.ts';
import type { S3Server } from '../../servers/server.ts';
import { cliScene } from '../../support/cli/scene.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';
import type { CliScene } from '../../support/cli/scene.ts';
import { halfVisible, hashesOfBackups, manifestsIn, rawBucket, rawFolder } from '../../support/vaults/raw.ts';
import type { RawFiles } from '../../support/vaults/raw.ts';

const digest = 'select count(*)::int as rows, md5(string_agg(id || note, $$,$$ order by id)) as digest from orders';

let scene: CliScene;
let stores: S3Server[] = [];
let env: Record<string, string> = {};

beforeAll(async () => {
  scene = await cliScene();
  stores = [await startCeph(), await startMoto()];
  for (const store of stores) await store.createBucket('backups');
  env = Object.fromEntries(
    stores.flatMap(({ accessKeyId, secretAccessKey }, index) => [
      [`KEY_${index}`, accessKeyId],
      [`SECRET_${index}`, secretAccessKey],
    ]),
  );
  const identity = await generateX25519Identity();
  await writeFile(join(scene.folder, 'identity.txt'), `${identity}\n`);
  const recipients = [await identityToRecipient(identity)];
  const [first, second] = stores.map(bucketOf);
  const nas = { folder: './nas' };
  await configure('first.yaml', { vault: first, vaults: { nas }, copies: ['nas'] }, { recipients });
  // whoever copies on has no key
  await configure('nas.yaml', { vault: nas, vaults: { second }, copies: ['second'] }, {});
  for (const [name, vault] of Object.entries({ 'of-nas': nas, 'of-second': second }))
    await configure(`${name}.yaml`, { vault, vaults: {}, copies: [] }, { identity: { file: 'identity.txt' } });
}, 600_000);
afterAll(async () => {
  for (const store of stores) await store.stop();
  await scene?.stop();
});

function bucketOf({ endpoint, region }: S3Server, index: number): object {
  const keys = { accessKeyId: { env: `KEY_${index}` }, secretAccessKey: { env: `SECRET_${index}` } };
  return { s3: { bucket: 'backups', prefix: 'prod', endpoint, region, ...keys } };
}

/** What lies in a store, read by Amazon's SDK alone. */
async function rawIn(store: S3Server): Promise<RawFiles> {
  const client = s3Client(store);
  return rawBucket(client, 'backups', 'prod')
    .read()
    .finally(() => client.destroy());
}

/** Records of looks are of the vault in which they were made. */
function withoutLooks(files: RawFiles): Record<string, string> {
  return hashesOfBackups(new Map([...files].filter(([path]) => !path.includes('/proofs/'))));
}

async function configure(
  name: string,
  { vault, vaults, copies }: { vault?: object | undefined; vaults: object; copies: (string | object)[] },
  encryption: object,
): Promise<void> {
  const { host, port, user } = scene.server;
  const postgres = { host, port, user, password: { env: 'SHOP_PASSWORD' }, database: 'shop' };
  const config = { vault, vaults, defaults: { copies, encryption }, sources: { shop: { postgres } } };
  await writeFile(join(scene.folder, name), JSON.stringify(config));
}

const run = (config: string, ...args: string[]) =>
  nightjarInProcess(['-c', config, ...args], { cwd: scene.folder, env: { ...scene.env, ...env } });

/** What is read of it, and what a real server makes of it. */
async function wellRestored(config: string, into: string): Promise<void> {
  expect(await run(config, 'verify', 'shop')).toMatchObject({ code: 0, stdout: expect.stringMatching(/ {2}intact: /) });
  expect(await run(config, 'restore', 'shop', '--to', into)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('proven equal'),
  });
  expect(await scene.sql(into, digest)).toEqual(await scene.sql('shop', digest));
}

test('an encrypted backup goes from one store into a folder and into another store, and comes back from each', async () => {
  const made = await run('first.yaml', 'backup');
  expect(made).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/\nshop {2}nas {2}1 backup copied, /),
    stderr: '',
  });
  await wellRestored('of-nas.yaml', 'at_nas');
  const keyless = await run('first.yaml', 'pull', 'shop', '--sql');
  expect(keyless).toMatchObject({ code: 1, stderr: expect.stringContaining('identity') });
  expect(keyless.stdout).not.toContain('PostgreSQL database dump complete');
  expect((await run('of-nas.yaml', 'pull', 'shop', '--sql')).stdout).toMatch(/\n1000\t\w{32}\n.*dump complete\n--\n$/s);
  const stored = hashesOfBackups(await rawIn(stores[0]!));
  expect(withoutLooks(await rawFolder(join(scene.folder, 'nas')).read())).toEqual(stored);

  expect(await run('nas.yaml', 'copy')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^shop {2}second {2}1 backup copied, /),
  });
  await wellRestored('of-second.yaml', 'at_second');
  expect(withoutLooks(await rawIn(stores[1]!))).toEqual(stored);
  expect(await run('nas.yaml', 'copy')).toMatchObject({ code: 0, stdout: 'shop  second  nothing to copy\n' });
}, 120_000);

test('a store that is away for a day does not spoil the backups, and gets everything once it is back', async () => {
  const [first, second] = stores.map(bucketOf);
  const copies = [{ vault: 'second', retention: { count: 10 } }];
  await configure('both.yaml', { vault: first, vaults: { second }, copies }, {});
  const away = { s3: { ...(second as { s3: object }).s3, endpoint: 'http://127.0.0.1:9' } };
  await configure('away.yaml', { vault: first, vaults: { second: away }, copies }, {});

  const { code, document } = await (async () => {
    const ended = await run('away.yaml', 'backup', '--json');
    return { code: ended.code, document: JSON.parse(ended.stdout) as Record<string, unknown> };
  })();
  expect(code).toBe(1);
  expect(document).toMatchObject({
    results: [{ status: 'stored' }],
    copies: [{ status: 'failed', copies: [{ vault: 'second', failures: [{ code: 'vault-unreachable' }] }] }],
  });
  await scene.sql('shop', `update orders set note = 'a day later' where id = 7`);
  expect(await run('away.yaml', 'backup', '--json')).toMatchObject({ code: 1 });

  expect(await run('both.yaml', 'copy')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^shop {2}second {2}2 backups copied, /),
  });
  const [there, copied] = await Promise.all(stores.map(rawIn));
  expect(halfVisible(copied!)).toEqual([]);
  expect(withoutLooks(copied!)).toEqual(withoutLooks(there!));
  expect(await run('both.yaml', 'verify', 'shop', '--vault', 'second')).toMatchObject({ code: 0 });
}, 120_000);

test('what others have copied key by key, without tags and dates, is a vault: listed, verified, restored and gone on with', async () => {
  const [, moto] = stores;
  const elsewhere = s3Client(moto!);
  await moto!.createBucket('synced');
  for (const [path, body] of await rawIn(stores[0]!)) await rawBucket(elsewhere, 'synced', 'moved').write(path, body);
  await promisify(execFile)('cp', ['-r', join(scene.folder, 'nas'), join(scene.folder, 'carried')]);
  const there = { s3: { ...(bucketOf(moto!, 1) as { s3: object }).s3, bucket: 'synced', prefix: 'moved' } };
  const identity = { identity: { file: 'identity.txt' } };
  await configure('of-synced.yaml', { vault: there, vaults: {}, copies: [] }, identity);
  await configure('of-carried.yaml', { vault: { folder: './carried' }, vaults: {}, copies: [] }, identity);

  for (const config of ['of-synced.yaml', 'of-carried.yaml']) {
    const id = config.replace(/\W/g, '_');
    expect(await run(config, 'verify', 'shop', '--all')).toMatchObject({ code: 0 });
    expect(await run(config, 'restore', 'shop', '--to', id)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('proven equal'),
    });
    expect(await run(config, 'check', '--no-tell')).toMatchObject({ code: 0 });
    expect(await run(config, 'backup')).toMatchObject({ code: 0 });
  }
  const files = await rawBucket(elsewhere, 'synced', 'moved').read();
  elsewhere.destroy();
  expect(halfVisible(files)).toEqual([]);
  expect(manifestsIn(files).length).toBeGreaterThan(1);
}, 120_000);
