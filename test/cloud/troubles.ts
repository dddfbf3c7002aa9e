import { expect, test } from '@jest/globals';
import { CreateMultipartUploadCommand, ListMultipartUploadsCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { errorOf, valueOf } from '../lambda/outcome.ts';
import { postgresSql } from '../lambda/sql.ts';
import { s3Client } from '../servers/s3-client.ts';
import { json } from './signed.ts';
import { messagesOf, until, type World } from './world.ts';

const hourMs = 3_600_000;

/** What goes wrong, and who hears of it. */
export function troubles(world: () => World): void {
  test('a backup that fails to the end lies in the dead-letter queue with its event, is told each time, and two alarms ring', async () => {
    const { fire, told, alarm, deadLetters, cloud: { aws, admin }, shop } = world();
    const login = (password: string): Promise<unknown> => json(aws, admin, 'secretsmanager', 'secretsmanager.PutSecretValue', { SecretId: 'rds/blog', SecretString: JSON.stringify({ username: shop.blog.user, password }) });
    await login('not the password');
    await told.take();

    const { attempts, event } = await fire('backup-blog', { environment: 3 });
    const rings = [await alarm('failed-blog'), await alarm('dead-letters')];
    const letters = (await deadLetters.take()).map((body) => JSON.parse(body) as Record<string, unknown>);
    await login(shop.blog.password);
    const later = await fire('backup-blog', { environment: 3 });

    expect(attempts.map(({ status }) => status)).toEqual(['failed', 'failed', 'failed']);
    expect(letters).toMatchObject([{ requestPayload: event, requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 3 }, responsePayload: { errorType: 'source-unreachable' } }]);
    expect(JSON.stringify(letters)).not.toContain('not the password');
    expect((await messagesOf(told)).map(({ kind }) => kind)).toEqual(['backup-failed', 'backup-failed', 'backup-failed']);
    expect(rings).toEqual(['ALARM', 'ALARM']);
    expect(later.attempts.map(({ status }) => status)).toEqual(['returned']);
    expect(await alarm('dead-letters')).toBe('ALARM');
    expect(await alarm('dead-letters', new Date(Date.now() + 6 * 60_000))).toBe('OK');
  }, 90_000);

  test('an event that the Scheduler can\'t hand over goes to the same queue, in its own name', async () => {
    const { cloud: { gate, aws, roles, deployed }, deadLetters } = world();
    const { credentials } = roles.get('scheduler')!;
    const dead = deployed.all('AWS::Scheduler::Schedule').map(({ properties }) => (properties['Target'] as { DeadLetterConfig: { Arn: string } }).DeadLetterConfig.Arn);

    await json({ ...aws, endpoint: gate.endpoint }, credentials, 'sqs', 'AmazonSQS.SendMessage', { QueueUrl: `${gate.endpoint}/123456789012/Nightjar-dead-letters`, MessageBody: '{}' });

    expect(new Set(dead)).toEqual(new Set([deadLetters.arn]));
    expect(await deadLetters.take()).toEqual(['{}']);
  });

  test('a backup that grows old is told once, the alarm rings, and both are over with the next backup', async () => {
    const { fn, fire, told, alarm } = world();
    await told.take();
    const check = (hoursFromNow: number) => fn('check').invoke({ hoursFromNow }, { handler: 'clock.handler' });

    const stale = valueOf(await check(30));
    const again = valueOf(await check(31));
    const rings = [await alarm('stale', new Date(Date.now() + 30 * hourMs)), await alarm('checker-silent', new Date(Date.now() + 31 * hourMs))];
    const messages = await messagesOf(told);
    const fresh = valueOf((await fire('check')).attempts.at(-1)!);

    expect(stale).toMatchObject({ status: 'problems', told: 3 });
    expect(again).toMatchObject({ status: 'problems', told: 0 });
    expect(messages.map(({ kind, severity }) => [kind, severity])).toEqual([['stale', 'problem'], ['stale', 'problem'], ['stale', 'problem']]);
    expect(rings).toEqual(['ALARM', 'OK']);
    expect(fresh).toMatchObject({ status: 'fresh', told: 3 });
  }, 60_000);

  test('a check that can\'t tell somebody fails, tells the others, and leaves no figures; after three hours of that the alarm rings', async () => {
    const { fn, told, shop, alarm } = world();
    await told.take();
    const figures = fn('check').figures.filter(({ name }) => name === 'Checks').length;
    shop.pager.works = false;

    const failed = await fn('check').invoke({ hoursFromNow: 60 }, { handler: 'clock.handler' });
    shop.pager.works = true;

    expect(errorOf(failed)).toMatchObject({ errorType: 'notify-failed' });
    expect((await messagesOf(told)).map(({ kind }) => kind)).toEqual(expect.arrayContaining(['stale', 'notifier-failed']));
    expect(fn('check').figures.filter(({ name }) => name === 'Checks')).toHaveLength(figures);
    expect(await Promise.all([0, 2, 32, 35].map((hours) => alarm('checker-silent', new Date(Date.now() + hours * hourMs))))).toEqual(['OK', 'OK', 'OK', 'ALARM']);
  }, 60_000);

  test('a function at its deadline leaves no upload and no backup, and is told', async () => {
    const { fn, told, shop, alarm, cloud } = world();
    const noise = Array.from({ length: 6 }, (_, index) => `md5((g + ${index}e6)::text)`).join(' || ');
    await postgresSql(shop.shop, 'shop', `create unlogged table events as select g as id, ${noise} as note from generate_series(1, 200000) g`);
    await told.take();
    shop.link.slow(25_000_000);
    const before = await keysIn(world());

    const [ended] = await Promise.all([fn('backup-shop').invoke({ source: 'shop' }, { timeoutMs: 12_000 }), until(async () => (await uploadsIn(world())).length > 0)]);
    const left = (await keysIn(world())).filter((key) => !before.includes(key));

    expect(errorOf(ended)).toMatchObject({ errorType: 'deadline' });
    expect(await uploadsIn(world())).toEqual([]);
    expect(left.filter((key) => key.endsWith('manifest.json'))).toEqual([]);
    expect(left).toContainEqual(expect.stringMatching(/^prod\/shop\/failures\/\S+-deadline\.json$/));
    expect(await messagesOf(told)).toMatchObject([{ kind: 'backup-failed', source: 'shop' }]);
    expect(await alarm('failed-shop')).toBe('ALARM');
    expect(cloud.gate.judged.filter(({ verdict }) => !verdict.allowed).map(({ role, call }) => `${role} ${call.action}`)).toContain('backup shop s3:DeleteObject');
  }, 90_000);

  test('a function that is killed rings as too slow, and what it has left is ended by rotation once its grace is over', async () => {
    const { fn, shop, alarm } = world();

    const ended = await fn('backup-shop').invoke({ source: 'shop' }, { timeoutMs: 9_000, handler: 'deaf.handler' });
    const [killed, ...more] = await uploadsIn(world());
    await leave(world(), ['schema.pgdump', 'catalog.json.zst', 'after.sql.zst']);
    const early = valueOf(await fn('rotate').invoke({ source: 'shop' }));
    const between = await uploadsIn(world());
    shop.link.hasten();
    const next = valueOf(await fn('backup-shop').invoke({ source: 'shop', hoursFromNow: 1 }, { handler: 'clock.handler' }));
    const late = valueOf(await fn('rotate').invoke({ source: 'shop', hoursFromNow: 48 }, { handler: 'clock.handler' }));

    expect(ended.status).toBe('timed-out');
    expect(await alarm('duration-shop')).toBe('ALARM');
    expect(more).toEqual([]);
    expect(early).toMatchObject({ status: 'rotated', swept: { state: 'spared' } });
    expect(between).toContain(killed);
    expect(next).toMatchObject({ status: 'stored' });
    expect(late).toMatchObject({ status: 'rotated', swept: { state: 'swept', uploads: 4 } });
    expect(await uploadsIn(world())).toEqual([]);
    expect((await keysIn(world())).filter((key) => key.startsWith('prod/shop/failures/'))).toEqual([]);
  }, 90_000);
}

const bucket = 'acme-backups';

async function uploadsIn({ cloud: { aws, admin } }: World): Promise<string[]> {
  const client = s3Client({ ...aws, ...admin });
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  client.destroy();
  return Uploads.map(({ Key = '' }) => Key);
}

/** Uploads of a run that died long ago, and a pin whose backup is gone. */
async function leave({ cloud: { aws, admin } }: World, files: readonly string[]): Promise<void> {
  const client = s3Client({ ...aws, ...admin });
  for (const file of files) await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: `prod/shop/20260101T020000Z-dddddd/${file}` }));
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'prod/shop/20260101T020000Z-dddddd/pin.json', Body: '{}' }));
  client.destroy();
}

async function keysIn({ cloud: { aws, admin } }: World): Promise<string[]> {
  const client = s3Client({ ...aws, ...admin });
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
  client.destroy();
  return Contents.map(({ Key = '' }) => Key);
}
