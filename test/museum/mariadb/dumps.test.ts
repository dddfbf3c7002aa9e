import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { backup } from '../../../core/commands/backup.ts';
import { listBackups } from '../../support/vaults/listed.ts';
import { restore } from '../../../core/commands/restore/restore.ts';
import { verify } from '../../../core/commands/proof/verify.ts';
import type { Source } from '../../../core/ports.ts';
import type { Vault } from '../../../core/vault.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import { mariadbEngine } from '../../../core/engines/mariadb/index.ts';
import { compress, decompress } from '../../../core/pipeline/zstd.ts';
import type { Tools } from '../../../core/tools.ts';
import { connect, loginTo } from '../../support/mariadb/mariadb.ts';
import { layerTools } from '../../support/tools.ts';
import { startMariadb } from '../../servers/databases/mariadb.ts';
import { startMoto } from '../../servers/s3/moto.ts';
import { startLimitMs } from '../../servers/server.ts';
import type { DatabaseServer, S3Server } from '../../servers/server.ts';
import { s3Scene } from '../../support/vaults/s3.ts';
import type { S3Scene } from '../../support/vaults/s3.ts';
import { folderScene, limit } from '../../support/vaults/vault.ts';
import type { FolderScene } from '../../support/vaults/vault.ts';

const shop = 'shop' as SourceName;
let server: DatabaseServer;
let tools: Tools;
let scene: FolderScene;
let store: S3Server;
let bucket: S3Scene;
let good: Manifest;

beforeAll(async () => {
  [server, tools, scene] = [await startMariadb({ series: '11.8' }), await layerTools(), await folderScene()];
  const admin = await connect(server);
  await admin.query(`create database shop; use shop;
    create table customers (id int primary key, name varchar(100)); insert into customers select seq, concat('customer ', seq) from seq_1_to_20000;
    create table orders (id int primary key, item text); insert into orders select seq, to_base64(random_bytes(600)) from seq_1_to_20000;
    create function answer() returns int deterministic return 42; create trigger guard before delete on orders for each row set @gone = old.id;
    create user reader@'%' identified by 'pw'; grant select, show view, trigger, event on shop.* to reader@'%'`);
  await admin.end();
  store = await startMoto();
  bucket = await s3Scene(store, 'cut');
  good = await backup(source(), scene.deps(), limit());
}, startLimitMs);

afterAll(async () => {
  await bucket.remove();
  await store.stop();
  await server.stop();
  await scene.remove();
});

function source(
  more: { tools?: Tools; database?: string; user?: string; password?: string; idleLimitMs?: number } = {},
): Source {
  const { tools: programs = tools, database = 'shop', ...login } = more;
  return {
    name: shop,
    engine: mariadbEngine(loginTo(server, database, { idleLimitMs: 30_000, ...login }), programs),
    timeZone: 'UTC',
    retention: { count: 1 },
    compressionLevel: 1,
    parallel: 2,
  };
}

/** The real programs; but of the dump of rows, this is made by the shell: `"$@"` is the real one's command. */
function spoiled(script: string): Tools {
  return {
    ...tools,
    program(name, major) {
      const real = tools.program(name, major);
      if (name !== 'mariadb-dump') return real;
      const choose = `case "$*" in *--no-create-info*--complete-insert*) ${script};; *) exec "$@";; esac`;
      return { ...real, command: '/bin/sh', args: ['-c', choose, 'sh', real.command, ...real.args] };
    },
  };
}

describe.each(['a folder', 'S3'] as const)('a mariadb-dump that goes wrong leaves nothing behind in %s', (where) => {
  const placeOf = () => (where === 'S3' ? bucket : scene);

  const ways: [string, string, RegExp][] = [
    [
      'dies after a valid header and megabytes of rows',
      '"$@" | head -c 14000000; echo "mariadb-dump: Error 2013: Lost connection" >&2; exit 3',
      /Lost connection/,
    ],
    ['is killed', '"$@" | head -c 14000000; kill -9 $$', /killed by SIGKILL/],
    ['hangs past its limit', '"$@" | head -c 14000000; exec sleep 600', /did nothing for 3\.0 s/],
    ['exits with 0 after a cut within the rows', '"$@" | head -c 14000000; exit 0', /end marker|cut/],
    [
      'exits with 0 after a cut between statements, the later tables missing',
      `"$@" | sed '/^-- Dumping data for table .orders/,$d'; exit 0`,
      /orders|end marker|cut/,
    ],
    [
      'exits with 0 and a whole dump that lacks a table',
      `"$@" | sed '/^-- Dumping data for table .orders/,/^commit/Id'; exit 0`,
      /orders/,
    ],
    ['exits with 0 and says nothing', 'exit 0', /end marker|nothing|cut|customers/],
  ];
  test.each(ways)('%s', async (_, script, message) => {
    const place = placeOf();
    const before = await place.files();
    bucket.uploads.length = 0;

    await expect(
      backup(
        source({ tools: spoiled(script), ...(script.endsWith('sleep 600') && { idleLimitMs: 3000 }) }),
        place.deps(),
        limit(),
      ),
    ).rejects.toThrow(message);

    expect(await place.files()).toEqual(before);
    expect((await listBackups(shop, place.vault, limit())).map(({ id }) => id)).toEqual(
      where === 'S3' ? [] : [good.id],
    );
    if (script.includes('head -c 14000000'))
      expect(bucket.uploads).toEqual(where === 'S3' ? [expect.stringMatching(/data\/0001\.sql\.zst$/)] : []);
  });
});

test('a gigabyte on stderr of mariadb-dump is no reason to fall over', async () => {
  const before = await scene.files();
  const tools = spoiled('"$@" | head -c 300000; head -c 1073741824 /dev/zero >&2; echo "last words" >&2; exit 2');

  // a busy machine takes its time for a gigabyte
  const patient = source({ tools, idleLimitMs: 150_000 });
  await expect(backup(patient, scene.deps(), limit())).rejects.toThrow(/last words$/);

  expect(await scene.files()).toEqual(before);
});

test('14: routines missing for want of a privilege are refused, with the GRANT to run', async () => {
  const before = await scene.files();

  await expect(backup(source({ user: 'reader', password: 'pw' }), scene.deps(), limit())).rejects.toMatchObject({
    code: 'privilege-missing',
    hint: expect.stringMatching(/GRANT .* TO/),
  });

  expect(await scene.files()).toEqual(before);
});

test('a part that was cut between statements in the vault, and packed again, is refused by verify and by restore', async () => {
  const path = join(scene.folder, 'shop', good.id, 'data/0001.sql.zst');
  const whole = await readFile(path);
  async function* stream(bytes: Buffer) {
    yield bytes;
  }
  const text = Buffer.concat(await Array.fromAsync(decompress(stream(whole), 'data')));
  const cut = text.subarray(0, text.indexOf('-- Dumping data for table `orders`'));
  await writeFile(path, Buffer.concat(await Array.fromAsync(compress(stream(cut), 1))));
  try {
    const { problems } = await verify(good, scene.deps(), limit());
    const restored = restore(
      good,
      source({ database: 'copy' }).engine,
      { replace: false, owners: true, proof: true },
      { ...scene.deps(), parallel: 2 },
      limit(),
    );

    await expect(restored).rejects.toMatchObject({
      code: 'part-corrupt',
      message: expect.stringContaining('data/0001.sql.zst'),
    });
    expect(problems).toMatchObject([{ file: 'data/0001.sql.zst' }]);
    const admin = await connect(server);
    expect((await admin.query(`show databases like 'copy'`))[0]).toEqual([]);
    await admin.end();
  } finally {
    await writeFile(path, whole);
  }
});

test('where our role may not delete, what a failed run has stored stays, and counts for nothing', async () => {
  const vault: Vault = { ...scene.vault, delete: () => Promise.reject(new Error('access denied')) };

  const oneAfterAnother = { ...source({ tools: spoiled('"$@" | head -c 1000000; exit 3') }), parallel: 1 };

  await expect(backup(oneAfterAnother, scene.deps(vault), limit())).rejects.toMatchObject({ code: 'dump-failed' });

  expect((await scene.files()).filter((path) => path.endsWith('schema.sql.zst'))).toHaveLength(2);
  expect((await listBackups(shop, scene.vault, limit())).map(({ id }) => id)).toEqual([good.id]);
});
