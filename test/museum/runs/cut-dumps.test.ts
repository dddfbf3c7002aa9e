import { chmod, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { backup } from '../../../core/commands/backup.ts';
import { listBackups } from '../../support/vaults/listed.ts';
import { restore } from '../../../core/commands/restore/restore.ts';
import { verify } from '../../../core/commands/proof/verify.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import { compress, decompress } from '../../../core/pipeline/zstd.ts';
import { startMoto } from '../../servers/s3/moto.ts';
import type { S3Server } from '../../servers/server.ts';
import { brokenTools, limit, postgresScene } from '../../support/postgres.ts';
import type { PostgresScene } from '../../support/postgres.ts';
import { s3Scene } from '../../support/vaults/s3.ts';
import type { S3Scene } from '../../support/vaults/s3.ts';

// What happened to others, by the numbers of docs/museum.md: each row must end well here.
let scene: PostgresScene;
let store: S3Server;
let bucket: S3Scene;
let good: Manifest;

beforeAll(async () => {
  scene = await postgresScene(18);
  await scene.sql('postgres', 'create database shop');
  await scene.sql(
    'shop',
    `create table orders (id int primary key, item text);
    insert into orders select g, 'item ' || g || ' of a long list of things ' || md5(g::text) from generate_series(1, 60000) g;
    create table customers (id int primary key, name text); insert into customers select g, 'customer ' || g from generate_series(1, 500) g;
    create index on orders (item); create view recent as select * from orders where id > 59000;`,
  );
  store = await startMoto();
  bucket = await s3Scene(store, 'cut');
  good = await backup(scene.source('shop'), scene.deps(), limit());
}, 1_200_000);

afterAll(async () => {
  await scene.stop();
  await bucket.remove();
  await store.stop();
});

type Program = 'pg_dump' | 'psql';
type Where = 'a folder' | 'S3';
const placeOf = (where: Where) => (where === 'S3' ? bucket : scene);
const broken = (which: Program, where: Where, how: string, idleLimitMs = 30_000) =>
  backup(
    scene.source('shop', { tools: brokenTools(scene.tools, which, how), login: { idleLimitMs } }),
    placeOf(where).deps(),
    limit(),
  );
const everywhere: [Program, Where][] = [
  ['pg_dump', 'a folder'],
  ['psql', 'a folder'],
  ['pg_dump', 'S3'],
  ['psql', 'S3'],
];

describe.each(everywhere)('a %s that goes wrong leaves nothing behind in %s', (which, where) => {
  const ways: [string, string, RegExp][] = [
    [
      '1: dies after a valid header and thirteen megabytes',
      'dies',
      /(pg_dump|psql) failed with exit status 1: .*connection to server was lost/,
    ],
    ['2: is killed after all its output was read', 'killed', /killed by SIGKILL/],
    ['3: is the first of a pipeline, and fails', 'dies', /exit status 1/],
    ['hangs past its limit', 'hangs', /did nothing for 1.5 s/],
    ['exits with 0 after it was cut within the rows', 'lies-in-rows', /ended without its end marker/],
    ['exits with 0 after it was cut before the end marker', 'lies-before-marker', /ended without its end marker/],
    ['exits with 0 and says nothing at all', 'silent', /ended without its end marker|said nothing/],
    [
      'exits with 0 and prints other tables than it was asked for',
      'whole',
      /lacks the tables \[public\.customers\]|printed public\.orders, though it was told to leave that out/,
    ],
  ];
  test.each(ways)('%s', async (_, how, message) => {
    const place = placeOf(where);
    const before = await place.files();

    await expect(broken(which, where, how, how === 'hangs' ? 1500 : undefined)).rejects.toThrow(message);

    expect(await place.files()).toEqual(before);
    expect((await listBackups('shop' as SourceName, place.vault, limit())).map(({ id }) => id)).toEqual(
      where === 'S3' ? [] : [good.id],
    );
  });
});

test.each([
  ['pg_dump', 'data/0001.sql.zst'],
  ['psql', 'data/0002.sql.zst'],
] as const)(
  'what a %s sends before it dies is an upload in parts, which has begun and is ended',
  async (which, part) => {
    bucket.uploads.length = 0;

    await expect(broken(which, 'S3', 'dies')).rejects.toThrow('connection to server was lost');

    expect(bucket.uploads).toEqual([expect.stringMatching(`/${part}$`)]);
    expect(await bucket.files()).toEqual([]);
  },
);

test.each([
  ['pg_dump', 'a folder'],
  ['psql', 'S3'],
] as const)(
  'a hundred megabytes on stderr of a %s is no reason to fall over, nor to leave anything in %s',
  async (which, where) => {
    const before = await placeOf(where).files();

    await expect(broken(which, where, 'floods-stderr 100000000')).rejects.toThrow(/and these were its last words$/);

    expect(await placeOf(where).files()).toEqual(before);
  },
);

describe('4: a backup that was cut or changed in the vault is refused by verify and by restore, naming the part', () => {
  const parts = ['schema.pgdump', 'data/0001.sql.zst', 'catalog.json.zst'];
  const harms: [string, (bytes: Buffer) => Buffer][] = [
    ['lost its last byte', (bytes) => bytes.subarray(0, -1)],
    ['lost everything behind 60 %', (bytes) => bytes.subarray(0, bytes.length * 0.6)],
    ['has one bit flipped in the middle', (bytes) => flipped(bytes, Math.floor(bytes.length / 2))],
    ['has one bit flipped in its last byte', (bytes) => flipped(bytes, bytes.length - 1)],
    ['is empty', () => Buffer.alloc(0)],
    ['has one byte more', (bytes) => Buffer.concat([bytes, Buffer.from('x')])],
  ];
  test.each(parts.flatMap((part) => harms.map(([what, harm]) => [part, what, harm] as const)))(
    '%s %s',
    async (part, _, harm) => {
      const path = join(scene.folder, 'shop', good.id, part);
      const whole = await readFile(path);
      await overwrite(path, harm(whole));
      try {
        const { problems } = await verify(good, scene.deps(), limit());
        const restored = restore(
          good,
          scene.source('copy').engine,
          { replace: false, owners: true, proof: true },
          { ...scene.deps(), parallel: 2 },
          limit(),
        );

        await expect(restored).rejects.toMatchObject({ code: 'part-corrupt', message: expect.stringContaining(part) });
        expect(problems).toMatchObject([
          { file: part, error: { code: 'part-corrupt', message: expect.stringContaining(part) } },
        ]);
        expect(await scene.sql('postgres', `select datname from pg_database where datname = 'copy'`)).toEqual([]);
      } finally {
        await overwrite(path, whole);
      }
    },
  );

  test('a part that is gone is named, and the others are read all the same', async () => {
    const path = join(scene.folder, 'shop', good.id, 'data/0001.sql.zst');
    await rename(path, `${path}.away`);
    try {
      const { problems } = await verify(good, scene.deps(), limit());

      expect(problems).toMatchObject([{ file: 'data/0001.sql.zst', error: { code: 'object-missing' } }]);
    } finally {
      await rename(`${path}.away`, path);
    }
  });
});

test('5: rows that were cut inside COPY, and packed again by somebody else, are never committed', async () => {
  const path = join(scene.folder, 'shop', good.id, 'data/0001.sql.zst');
  const whole = await readFile(path);
  async function* stream(bytes: Buffer) {
    yield bytes;
  }
  const text = Buffer.concat(await Array.fromAsync(decompress(stream(whole), 'data')));
  await overwrite(path, Buffer.concat(await Array.fromAsync(compress(stream(text.subarray(0, text.length / 2)), 1))));
  await scene.sql('postgres', 'create database existing');
  const restoring = () =>
    restore(
      good,
      scene.source('existing').engine,
      { replace: false, owners: true, proof: false },
      { ...scene.deps(), parallel: 2 },
      limit(),
    );
  // who is connected keeps the restore from emptying the database again: what is there by then is seen
  const { host, port, user, password } = scene.server;
  const witness = new pg.Client({ host, port, user, password, database: 'existing' });
  await witness.connect();
  try {
    await expect(restoring()).rejects.toMatchObject({
      code: 'part-corrupt',
      message: expect.stringMatching(/data\/0001\.sql\.zst.*the next restore into it empties it/s),
    });
    expect(await scene.sql('existing', 'select count(*)::int from orders')).toEqual([{ count: 0 }]);
    await witness.end();
    await expect(restoring()).rejects.toMatchObject({ code: 'part-corrupt' });
    expect(await scene.sql('existing', `select to_regclass('orders') as there`)).toEqual([{ there: null }]);
  } finally {
    await witness.end();
    await overwrite(path, whole);
  }

  await restoring();
  expect(await scene.sql('existing', 'select count(*)::int from orders')).toEqual([{ count: 60_000 }]);
});

function flipped(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[at]! ^= 4;
  return changed;
}

/** A backup's files can't be written to by mistake: this is no mistake. */
async function overwrite(path: string, bytes: Uint8Array): Promise<void> {
  await chmod(path, 0o600);
  await writeFile(path, bytes);
}
