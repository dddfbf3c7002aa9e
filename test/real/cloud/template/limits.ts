import {
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { expect, test } from '@jest/globals';
import { errorOf, valueOf } from '../../lambda/sandbox/outcome.ts';
import { postgresSql } from '../../lambda/sql.ts';
import { s3Client } from '../../../servers/s3/client.ts';
import { messagesOf, until, type World } from '../world.ts';

/** What happens to a function that can't be done in its time. */
export function limits(world: () => World): void {
  test('a function at its deadline leaves no upload and no backup, and is told', async () => {
    const { fn, fire, told, shop, alarm, cloud } = world();
    const noise = Array.from({ length: 6 }, (_, index) => `md5((g + ${index}e6)::text)`).join(' || ');
    await postgresSql(
      shop.shop,
      'shop',
      `create unlogged table events as select g as id, ${noise} as note from generate_series(1, 200000) g`,
    );
    await told.take();
    shop.link.slow(25_000_000);
    const before = await keysIn(world());
    const asked = cloud.gate.judged.length;

    // a slow machine may take its time to tidy up; how much there is to do is the same on each
    const [ended] = await Promise.all([
      fn('backup-shop').invoke({ source: 'shop' }, { timeoutMs: 22_000, patienceMs: 50_000 }),
      until(async () => (await uploadsIn(world())).length > 0),
    ]);
    const left = (await keysIn(world())).filter((key) => !before.includes(key));
    const calls = cloud.gate.judged.slice(asked).map(({ call }) => call.action);
    const tidying = calls.slice(calls.indexOf('s3:AbortMultipartUpload'));

    expect(calls).toContain('s3:AbortMultipartUpload');
    expect(tidying.length).toBeLessThan(100);
    expect(errorOf(ended)).toMatchObject({ errorType: 'deadline' });
    expect(await uploadsIn(world())).toEqual([]);
    expect(left.filter((key) => key.endsWith('manifest.json'))).toEqual([]);
    expect(left).toContainEqual(expect.stringMatching(/^prod\/shop\/failures\/\S+-deadline\.json$/));
    // single runs tell three messages an hour, and two were told before: that the webhook works again waits for a check
    const atOnce = await messagesOf(told);
    await fire('check');
    expect(atOnce).toMatchObject([{ kind: 'backup-failed', source: 'shop' }]);
    expect(await messagesOf(told)).toMatchObject([
      { kind: 'recovered', subject: 'webhook can be told again' },
      { kind: 'recovered', sources: ['shop', 'blog', 'ledger'] },
    ]);
    expect(await alarm('failed-shop')).toBe('ALARM');
    expect(
      cloud.gate.judged.filter(({ verdict }) => !verdict.allowed).map(({ role, call }) => `${role} ${call.action}`),
    ).toContain('backup shop s3:DeleteObject');
  });

  test('a function that is killed rings as too slow, and what it has left is ended by rotation once its grace is over', async () => {
    const { fn, shop, alarm } = world();

    const over = until(async () => (await uploadsIn(world())).length > 0);
    const ended = await fn('backup-shop').invoke({ source: 'shop' }, { handler: 'deaf.handler', over });
    const [killed, ...more] = await uploadsIn(world());
    const failure = (await keysIn(world())).filter((key) => key.startsWith('prod/shop/failures/'));
    await leave(world(), ['schema.pgdump', 'catalog.json.zst', 'after.sql.zst']);
    const early = valueOf(await fn('rotate').invoke({ source: 'shop' }));
    const between = await uploadsIn(world());
    shop.link.hasten();
    const next = valueOf(
      await fn('backup-shop').invoke({ source: 'shop', hoursFromNow: 1 }, { handler: 'clock.handler' }),
    );
    const late = valueOf(await fn('rotate').invoke({ source: 'shop', hoursFromNow: 48 }, { handler: 'clock.handler' }));

    expect(ended.status).toBe('timed-out');
    expect(await alarm('duration-shop')).toBe('ALARM');
    expect(more).toEqual([]);
    expect(early).toMatchObject({ status: 'rotated', swept: { state: 'spared' } });
    expect(between).toContain(killed);
    expect(next).toMatchObject({ status: 'stored' });
    expect(late).toMatchObject({ status: 'rotated', swept: { state: 'swept', uploads: 4 } });
    expect(await uploadsIn(world())).toEqual([]);
    const left = await keysIn(world());
    expect(failure).toEqual([expect.stringMatching(/-deadline\.json$/)]);
    // of the starts the newest stay, whatever their age, and with them the failures since
    expect(left.filter((key) => key.startsWith('prod/shop/failures/'))).toEqual(failure);
    expect(left.filter((key) => key.startsWith('prod/shop/starts/'))).toHaveLength(32);

    const isRequest = (key: string): boolean => key.startsWith('prod/shop/restores/');
    valueOf(await fn('rotate').invoke({ source: 'shop', hoursFromNow: 91 * 24 }, { handler: 'clock.handler' }));
    expect(left.some(isRequest)).toBe(true);
    expect((await keysIn(world())).some(isRequest)).toBe(false);
  });
}

const bucket = 'acme-backups';

async function uploadsIn(world: World): Promise<string[]> {
  const { Uploads = [] } = await withS3(world, (client) =>
    client.send(new ListMultipartUploadsCommand({ Bucket: bucket })),
  );
  return Uploads.map(({ Key = '' }) => Key);
}

async function keysIn(world: World): Promise<string[]> {
  const { Contents = [] } = await withS3(world, (client) => client.send(new ListObjectsV2Command({ Bucket: bucket })));
  return Contents.map(({ Key = '' }) => Key);
}

/** Uploads of a run that died long ago, a pin whose backup is gone, and what runs of a month have left word of. */
async function leave(world: World, files: readonly string[]): Promise<void> {
  const place = 'prod/shop/20260101T020000Z-dddddd';
  // begun by the function itself, as far as its rights go
  await asBackup(world, async (client) => {
    for (const file of files)
      await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: `${place}/${file}` }));
  });
  await withS3(world, async (client) => {
    const days = Array.from({ length: 31 }, (_, day) => `202512${String(day + 1).padStart(2, '0')}T020000Z`);
    const records = [
      'failures/20251130T020000Z-dddddddd-internal.json',
      ...days.map((day) => `starts/${day}-dddddd-dddddddd-unscheduled.json`),
    ];
    for (const key of [`${place}/pin.json`, ...records.map((record) => `prod/shop/${record}`)])
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: '{}' }));
  });
}

async function asBackup<T>({ cloud: { aws, gate, roles } }: World, use: (client: S3Client) => Promise<T>): Promise<T> {
  const { credentials } = roles.get('backup shop')!;
  const client = s3Client({ ...aws, endpoint: gate.endpoint, ...credentials });
  try {
    return await use(client);
  } finally {
    client.destroy();
  }
}

/** As somebody who may do everything. */
async function withS3<T>({ cloud: { aws, admin } }: World, use: (client: S3Client) => Promise<T>): Promise<T> {
  const client = s3Client({ ...aws, ...admin });
  try {
    return await use(client);
  } finally {
    client.destroy();
  }
}
