import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { S3Client } from '@aws-sdk/client-s3';
import { startCeph } from '../../servers/s3/ceph.ts';
import { s3Client } from '../../servers/s3/client.ts';
import { startMoto } from '../../servers/s3/moto.ts';
import type { S3Server } from '../../servers/server.ts';
import { start } from '../../support/cli/command.ts';
import { drawing } from '../../support/random/drawing.ts';
import { halfVisible, hashesOfBackups, manifestsIn, rawBucket, rawFolder, sha256 } from '../../support/vaults/raw.ts';
import type { RawFiles, RawPlace } from '../../support/vaults/raw.ts';
import { startProxy } from './proxy.ts';
import type { Proxy } from './proxy.ts';

/** How often each of the two is killed; `NIGHTJAR_KILLS=25` makes it 50 in all, and takes longer. */
const kills = Number(process.env['NIGHTJAR_KILLS'] ?? 6);
const ids = ['20261118T020000Z-000001', '20261119T020000Z-000002'];

let folder: string;
let ceph: S3Server;
let moto: S3Server;
let clients: S3Client[];
let original: RawFiles;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-copies-'));
  [ceph, moto] = await Promise.all([startCeph(), startMoto()]);
  clients = [ceph, moto].map(s3Client);
  for (const server of [ceph, moto]) await server.createBucket('backups');
  const first = rawBucket(clients[0]!, 'backups', 'prod');
  for (const id of ids) await makeBackup(id, [rawFolder(join(folder, 'b')), first]);
  original = await first.read();
  expect([manifestsIn(original).length, halfVisible(original)]).toEqual([2, []]);
}, 600_000);
afterAll(async () => {
  clients?.forEach((client) => client.destroy());
  await Promise.all([ceph?.stop(), moto?.stop()]);
  await rm(folder, { recursive: true });
});

/** Puts a backup of these sizes into places, as a run leaves it: one part is large enough to go up in pieces. */
async function makeBackup(id: string, places: RawPlace[]): Promise<void> {
  const bodies = [200_000, 12_000_000, 1, 400_000, 300_000].map((bytes) => randomBytes(bytes));
  const parts = bodies.map((body, index) => ({
    role: 'data',
    file: `data/000${index}.sql.zst`,
    bytes: body.length,
    storedBytes: body.length,
    sha256: sha256(body),
  }));
  const day = `${id.slice(0, 4)}-${id.slice(4, 6)}-${id.slice(6, 8)}`;
  const manifest = {
    ...{ format: 1, id, source: 'shop', engine: 'postgres', database: 'shop', nightjar: 'test', run: 'test' },
    server: { product: 'PostgreSQL', version: '18.1' },
    client: { program: 'pg_dump', version: '18.1' },
    ...{ start: `${day}T02:00:00Z`, end: `${day}T02:00:09Z`, timeZone: 'UTC', tiers: ['daily'] },
    ...{ compression: { method: 'zstd', level: 1 }, encryption: null, parts, tables: [], sequences: {} },
    ...{ objects: {}, warnings: [], restore: [] },
  };
  for (const { write } of places) {
    for (const [index, body] of bodies.entries()) await write(`shop/${id}/data/000${index}.sql.zst`, body);
    await write(`shop/${id}/manifest.json`, Buffer.from(JSON.stringify(manifest)));
  }
}

/** Kills a process once so many bytes have passed a proxy; the last ones come through, or not. */
type Killer = { proxy: Proxy; arm(after: number, kill: () => void, isPassed: boolean): void };

async function killerBefore(server: S3Server, way: 'up' | 'down'): Promise<Killer> {
  let left = Number.POSITIVE_INFINITY;
  let strike = (): 'cut' | undefined => undefined;
  const passing = (chunk: Buffer) => {
    left -= chunk.length;
    return (left <= 0 ? strike() : undefined) ?? chunk;
  };
  const proxy = await startProxy(server.endpoint, { [way]: passing });
  return {
    proxy,
    arm(after, kill, isPassed) {
      left = after;
      strike = () => {
        kill();
        return isPassed ? undefined : 'cut';
      };
    },
  };
}

function bucketAt({ region, accessKeyId, secretAccessKey }: S3Server, endpoint: string) {
  const keys = { accessKeyId: { env: 'KEY' }, secretAccessKey: { env: 'SECRET' } };
  return {
    vault: { s3: { bucket: 'backups', prefix: 'prod', endpoint, region, ...keys } },
    env: { KEY: accessKeyId, SECRET: secretAccessKey },
  };
}

type Hop = { name: string; vault: object; copy: object; env: Record<string, string>; to: RawPlace; killer: Killer };

/** `nightjar copy` again and again, killed each time after another number of bytes, and once to its end. */
async function killedOften({ name, vault, copy, env, to, killer }: Hop, random: () => number) {
  const config = {
    vault,
    vaults: { copy },
    sources: { shop: { postgres: { host: 'db', database: 'shop', user: 'app' } } },
  };
  await writeFile(join(folder, `${name}.yaml`), JSON.stringify({ ...config, defaults: { copies: ['copy'] } }));
  const begin = () => start(['-c', `${name}.yaml`, 'copy'], { cwd: folder, env });
  const total = [...original.values()].reduce((sum, { length }) => sum + length, 0);
  const seen = { killed: 0, half: 0, whole: 0 };
  for (let round = 0; round < kills; round += 1) {
    const before = await to.read();
    const there = Object.values(Object.fromEntries(before)).reduce((sum, { length }) => sum + length, 0);
    const copying = begin();
    killer.arm(1 + Math.floor(random() * Math.max(1, total - there)), () => copying.kill('SIGKILL'), random() < 0.5);
    const { code } = await copying.ended;
    const files = await to.read();

    expect([name, round, halfVisible(files)]).toEqual([name, round, []]);
    expect([name, round, othersIn(files)]).toEqual([name, round, []]);
    if (code === null) seen.killed += 1;
    if (manifestsIn(files).length < ids.length) seen.half += 1;
    else {
      seen.whole += 1;
      for (const path of files.keys()) await to.remove(path);
    }
  }
  killer.arm(Number.POSITIVE_INFINITY, () => undefined, true);
  expect(await begin().ended).toMatchObject({ code: 0, stderr: '' });
  expect(hashesOfBackups(await to.read())).toEqual(hashesOfBackups(original));
  return seen;
}

/** What has another content than in the first vault, by its hash. */
function othersIn(files: RawFiles): string[] {
  const wanted = hashesOfBackups(original);
  return Object.entries(hashesOfBackups(files)).flatMap(([path, hash]) => (wanted[path] === hash ? [] : [path]));
}

test(
  'copies that are killed at random moments are whole or none, and go on byte for byte',
  async () => {
    const [fromCeph, toMoto] = await Promise.all([killerBefore(ceph, 'down'), killerBefore(moto, 'up')]);
    const [store, further] = [bucketAt(ceph, fromCeph.proxy.endpoint), bucketAt(moto, toMoto.proxy.endpoint)];
    const down: Hop = {
      ...{ name: 'down', vault: store.vault, copy: { folder: './nas' }, env: store.env },
      ...{ to: rawFolder(join(folder, 'nas')), killer: fromCeph },
    };
    const up: Hop = {
      ...{ name: 'up', vault: { folder: './b' }, copy: further.vault, env: further.env },
      ...{ to: rawBucket(clients[1]!, 'backups', 'prod'), killer: toMoto },
    };

    const seen = await Promise.all([down, up].map((hop, index) => killedOften(hop, drawing(50 + index))));
    await Promise.all([fromCeph.proxy.close(), toMoto.proxy.close()]);

    for (const { killed, half } of seen) {
      expect(killed).toBeGreaterThan(0);
      expect(half).toBeGreaterThan(0);
    }
  },
  240_000 + kills * 10_000,
);
