import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { S3Client } from '@aws-sdk/client-s3';
import { backup } from '../../../core/commands/backup.ts';
import { copyBackup } from '../../../core/commands/copy.ts';
import { restore } from '../../../core/commands/restore/restore.ts';
import { verify } from '../../../core/commands/proof/verify.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { isBackupError } from '../../../core/domain/errors.ts';
import type { BackupId, SourceName } from '../../../core/domain/keys.ts';
import type { Vault } from '../../../core/vault.ts';
import { folderVault } from '../../../core/vaults/folder/folder.ts';
import { s3Vault } from '../../../core/vaults/s3/s3.ts';
import { startCeph } from '../../servers/s3/ceph.ts';
import { s3Client } from '../../servers/s3/client.ts';
import type { S3Server } from '../../servers/server.ts';
import { drawing } from '../../support/random/drawing.ts';
import { postgresScene } from '../../support/postgres.ts';
import type { PostgresScene } from '../../support/postgres.ts';
import { halfVisible, hashesOfBackups, manifestsIn, rawBucket, rawFolder } from '../../support/vaults/raw.ts';
import type { RawFiles, RawPlace } from '../../support/vaults/raw.ts';
import { drawFault, faultyNetwork } from './network-faults.ts';
import { startProxy } from './proxy.ts';
import type { Proxy } from './proxy.ts';
import { clientOf } from './s3/servers.ts';

/** `NIGHTJAR_FAULTS=300` tries more, and takes minutes. */
const faults = Number(process.env['NIGHTJAR_FAULTS'] ?? 20);
const seed = Number(process.env['NIGHTJAR_SEED'] ?? 300);
const shop = 'shop' as SourceName;
const digest = `select count(*)::int as rows, md5(string_agg(id || item, ',' order by id)) as digest from orders`;

let scene: PostgresScene;
let store: S3Server;
let proxy: Proxy;
let raw: S3Client;
let client: S3Client;
/** For what has to go well: without the proxy, and with the usual patience. */
let calm: S3Client;
let folder: string;
let manifest: Manifest;
let original: RawFiles;
let rows: unknown;
/** A test that is tried again finds none of what it has left. */
let attempt = 0;
const network = faultyNetwork();

beforeAll(async () => {
  [scene, store] = await Promise.all([postgresScene(18), startCeph()]);
  folder = await mkdtemp(join(tmpdir(), 'nightjar-faults-'));
  await scene.sql('postgres', 'create database shop');
  await scene.sql(
    'shop',
    `create table orders (id int primary key, item text);
     insert into orders select g, md5(g::text) || md5((g * 7)::text) from generate_series(1, 20000) g`,
  );
  rows = await scene.sql('shop', digest);
  await store.createBucket('backups');
  proxy = await startProxy(store.endpoint, network.options);
  raw = s3Client(store);
  client = clientOf(store, { endpoint: proxy.endpoint, silenceMs: 1500 });
  calm = clientOf(store);
  manifest = await backup(scene.source('shop'), scene.deps(directly('first')), limit());
  original = await bucketAt('first').read();
  for (const [path, body] of original) {
    const bad = Buffer.from(body);
    if (path.endsWith('/data/0001.sql.zst')) bad[bad.length >> 1]! ^= 1;
    await bucketAt('damaged').write(path, bad);
  }
  expect(halfVisible(await bucketAt('damaged').read())).toHaveLength(1);
}, 600_000);
afterAll(async () => {
  client?.destroy();
  calm?.destroy();
  raw?.destroy();
  await proxy?.close();
  await Promise.all([store?.stop(), scene?.stop()]);
  await rm(folder, { recursive: true });
});

const limit = () => AbortSignal.timeout(120_000);
const bucketAt = (prefix: string): RawPlace => rawBucket(raw, 'backups', prefix);
const through = (prefix: string): Vault => s3Vault({ client, bucket: 'backups', prefix });
const directly = (prefix: string): Vault => s3Vault({ client: calm, bucket: 'backups', prefix });

type Ended = { error?: unknown; result?: unknown };
const ended = (work: Promise<unknown>): Promise<Ended> =>
  work.then(
    (result) => ({ result }),
    (error: unknown) => ({ error }),
  );

/** Copies the first backup into another place; `problems`: what is not as it must be, whatever the end was. */
async function copied(first: Vault, to: Vault, place: RawPlace, isSure = false) {
  const { store: from, ...deps } = scene.deps(first);
  const end = await ended(
    copyBackup(shop, manifest.id as BackupId, { ...deps, from, to: scene.deps(to).store }, limit()),
  );
  network.arm(undefined);
  const files = await place.read();
  const wanted = hashesOfBackups(original);
  const others = Object.entries(hashesOfBackups(files)).filter(([path, hash]) => wanted[path] !== hash);
  const isWhole = Object.keys(hashesOfBackups(files)).length === Object.keys(wanted).length;
  const problems = [
    ...halfVisible(files),
    ...others.map(([path]) => `${path} has other bytes`),
    ...((isSure || end.error === undefined) && !isWhole ? ['told as copied, and is not'] : []),
  ];
  return { ...end, problems };
}

/** What each does under a fault, and what is wrong then. */
const verbs: Record<string, (round: number) => Promise<Ended & { problems: string[] }>> = {
  async backup(round) {
    const end = await ended(backup(scene.source('shop'), scene.deps(through(`made-${attempt}-${round}`)), limit()));
    network.arm(undefined);
    const files = await bucketAt(`made-${attempt}-${round}`).read();
    const count = manifestsIn(files).length;
    const isFalse = end.error === undefined ? count !== 1 : count > 1;
    return { ...end, problems: [...halfVisible(files), ...(isFalse ? [`${count} backups are there`] : [])] };
  },
  async copy(round) {
    const place = bucketAt(`copy-${attempt}-${round}`);
    const first = await copied(through('first'), through(`copy-${attempt}-${round}`), place);
    const next = await copied(directly('first'), directly(`copy-${attempt}-${round}`), place, true);
    return { ...first, problems: [...first.problems, ...next.problems.map((one) => `run again: ${one}`)] };
  },
  async pull(round) {
    const to = join(folder, `${attempt}-${round}`);
    const first = await copied(through('first'), folderVault(to), rawFolder(to));
    const next = await copied(directly('first'), folderVault(to), rawFolder(to), true);
    return { ...first, problems: [...first.problems, ...next.problems.map((one) => `run again: ${one}`)] };
  },
  async verify(round) {
    const isDamaged = round % 2 === 0;
    const deps = scene.deps(through(isDamaged ? 'damaged' : 'first'));
    const end = await ended(verify(manifest, deps, limit()));
    network.arm(undefined);
    const found = (end.result as { problems: unknown[] } | undefined)?.problems.length;
    return { ...end, problems: isDamaged && found === 0 ? ['a damaged backup is told as intact'] : [] };
  },
  async restore(round) {
    const database = `back_${round}`;
    const deps = { ...scene.deps(through('first')), parallel: 2 };
    const options = { replace: false, owners: true, proof: true };
    const end = await ended(restore(manifest, scene.source(database).engine, options, deps, limit()));
    network.arm(undefined);
    const there = await scene.sql('postgres', `select 1 from pg_database where datname = '${database}'`);
    const isThere = there.length > 0;
    const isEqual = isThere && JSON.stringify(await scene.sql(database, digest)) === JSON.stringify(rows);
    if (isThere) await scene.sql('postgres', `drop database ${database}`);
    if (end.error === undefined) return { ...end, problems: isEqual ? [] : ['told as restored, and is not'] };
    return { ...end, problems: isThere ? ['it failed, and the database is there'] : [] };
  },
};

/** What is alive, in megabytes. What waits for a turn to be let go, as compressors do, is not. */
async function aliveMegabytes(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  await sleep(20);
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1e6;
}

test('whatever goes wrong on the way to a store, nothing half is to be seen, and no success is false', async () => {
  attempt += 1;
  const random = drawing(seed);
  const problems: string[] = [];
  const seen = { failed: 0, done: 0 };
  let early = 0;
  for (let round = 0; round < faults; round += 1) {
    const [verb, doing] = Object.entries(verbs)[round % 5]!;
    const fault = drawFault(random);
    network.arm(fault);
    const { error, problems: found } = await doing(round);
    const name = `${round} ${verb}: ${fault.kind}, request ${fault.nth}, ${fault.times} times, at ${fault.at}`;
    problems.push(...found.map((one) => `${name}: ${one}`));
    if (error !== undefined && !isBackupError(error)) problems.push(`${name}: ${String(error)}`);
    seen[error === undefined ? 'done' : 'failed'] += 1;
    if (round === Math.floor(faults / 3)) early = await aliveMegabytes();
  }
  const late = await aliveMegabytes();

  if (faults > 20) process.stderr.write(`${JSON.stringify({ ...seen, struck: network.struckInAll(), early, late })}\n`);
  expect(problems).toEqual([]);
  expect(Math.min(seen.done, seen.failed, network.struckInAll())).toBeGreaterThan(0);
  // 3 were seen, over twenty rounds
  expect(late - early).toBeLessThan(30);
}, 3_600_000);
