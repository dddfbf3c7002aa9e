import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, test } from '@jest/globals';
import type { Invocation } from '../lambda/sandbox/function.ts';
import { valueOf } from '../lambda/sandbox/outcome.ts';
import { s3Client } from '../../servers/s3/client.ts';
import { query } from './policy/signed.ts';
import { messagesOf, type World } from './world.ts';

type Started = { function: string; type: string; event: { source: string; scheduled?: string } };
const source = 'rds.tagged';
const roster = { Bucket: 'acme-backups', Key: 'prod/roster.json' };
const answerOf = (run: { attempts: Invocation[] }) => valueOf(run.attempts.at(-1)!) as Record<string, unknown>;

/** Before anything has the tag. */
export function nothingTagged(world: () => World): void {
  test('where no database has the tag, none is found, nothing is started and nobody is told', async () => {
    const { fire, told, started } = world();

    expect(answerOf(await fire('by-tag'))).toEqual({
      status: 'looked',
      sources: 0,
      gone: [],
      started: [],
      troubles: [],
      told: 0,
    });
    expect([await messagesOf(told), await started.take()]).toEqual([[], []]);
    // for the tests that come now, whose clocks run days ahead
    await edit(world(), (found) => ({ ...found, at: hoursFromNow(120) }));
  });
}

/** From a tag on a database to its backup, its restore, and to the tag's end. */
export function byTag(world: () => World): void {
  test('a database that gets the tag is told, backed up when it is due, watched and restored, by functions of its own', async () => {
    const { fire, fn, told, started } = world();
    await tagged(world());
    await told.take();

    const found = answerOf(await fire('by-tag'));
    const news = await messagesOf(told);
    const tooEarly = await started.take();
    await asIfFoundYesterday(world());
    const due = answerOf(await fire('by-tag'));
    const events = (await started.take()).map((one) => JSON.parse(one) as Started);
    const eventOf = (name: string) => events.find((one) => one.function === name)!.event;
    const [backup, rotate] = [eventOf('Nightjar-by-tag-backup'), eventOf('Nightjar-rotate')];
    const stored = answerOf(await fn('by-tag-backup').deliver(backup));
    const again = answerOf(await fn('by-tag-backup').deliver(backup));
    const rotated = answerOf(await fn('rotate').deliver(rotate));
    const restored = valueOf(await fn('by-tag-restore').invoke({ source, to: 'tagged_again' }));
    const checked = answerOf(await fire('check'));

    expect(found).toMatchObject({ status: 'looked', sources: 1, started: [], troubles: [], told: 1 });
    expect(news).toMatchObject([{ kind: 'by-tag', severity: 'info', subject: 'databases by tag: 1 new' }]);
    expect(tooEarly).toEqual([]);
    expect(due).toMatchObject({ started: [`backup ${source}`, `rotate ${source}`], told: 0 });
    expect(events.map((one) => [one.function, one.type, one.event.source]).toSorted()).toEqual([
      ['Nightjar-by-tag-backup', 'Event', source],
      ['Nightjar-rotate', 'Event', source],
    ]);
    expect(stored).toMatchObject({ status: 'stored', source, rows: 1000 });
    expect(again).toMatchObject({ status: 'stored', id: stored['id'] });
    expect(rotated).toMatchObject({ status: 'rotated', source, backups: 1, kept: 1 });
    expect(restored).toMatchObject({
      status: 'restored',
      source,
      proof: expect.stringContaining('1,000 rows') as unknown,
    });
    expect(checked['sources']).toContainEqual(
      expect.objectContaining({ source, backups: 1, newest: stored['id'], proven: stored['id'] }),
    );
    expect(JSON.stringify(checked)).not.toContain('is in no source');
  }, 120_000);

  test('a tag that is lost is told, the source is missed, nothing of it is started, and its backups stay', async () => {
    const { fire, fn, told, started } = world();
    await rds(world(), 'RemoveTagsFromResource', { 'TagKeys.member.1': 'nightjar' });
    const before = await keysOf(world(), source);
    await told.take();

    const lost = answerOf(await fire('by-tag'));
    const news = await messagesOf(told);
    await asIfFoundYesterday(world());
    const later = answerOf(await fire('by-tag'));
    const inTwoDays = valueOf(await fn('check').invoke({ hoursFromNow: 49 }, { handler: 'clock.handler' })) as {
      sources: { source: string; findings: { kind: string }[] }[];
    };

    expect(lost).toMatchObject({ sources: 1, gone: [source], told: 1 });
    expect(news).toMatchObject([{ kind: 'by-tag', severity: 'problem', subject: 'databases by tag: 1 gone' }]);
    expect(later).toMatchObject({ gone: [source], started: [], told: 0 });
    expect(await started.take()).toEqual([]);
    const missed = inTwoDays.sources.find((one) => one.source === source);
    expect(missed?.findings.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['missed']));
    expect(await keysOf(world(), source)).toEqual(
      expect.arrayContaining(before.filter((key) => key.includes('manifest.json'))),
    );
    expect(before.filter((key) => key.includes('manifest.json'))).toHaveLength(1);
    await told.take();
  }, 60_000);
}

/** An instance of RDS where the ledger is: its name leads to this machine. */
async function tagged({ shop, cloud: { aws, admin } }: World): Promise<void> {
  await query(aws, admin, 'rds', 'CreateDBInstance', {
    Version: '2014-10-31',
    DBInstanceIdentifier: 'tagged',
    Engine: 'postgres',
    DBInstanceClass: 'db.t4g.micro',
    AllocatedStorage: '20',
    MasterUsername: 'root',
    MasterUserPassword: 'not-a-secret-here',
    DBName: 'ledger',
    Port: String(shop.ledger.port),
    EnableIAMDatabaseAuthentication: 'true',
    'Tags.Tag.1.Key': 'nightjar',
    'Tags.Tag.1.Value': 'hourly',
  });
}

async function rds({ cloud: { aws, admin } }: World, action: string, input: Record<string, string>): Promise<void> {
  const ResourceName = 'arn:aws:rds:eu-central-1:123456789012:db:tagged';
  await query(aws, admin, 'rds', action, { Version: '2014-10-31', ResourceName, ...input });
}

type Written = { at: string; sources: { since: string }[]; startedUntil: string };

/** Whoever looks next believes that all of this was a day and an hour ago. */
async function asIfFoundYesterday(of: World): Promise<void> {
  const startedUntil = hoursFromNow(-25);
  await edit(of, ({ sources, ...found }) => ({
    ...found,
    startedUntil,
    sources: sources.map((one) => ({ ...one, since: startedUntil })),
  }));
}

async function edit({ cloud: { aws, admin } }: World, change: (found: Written) => Written): Promise<void> {
  const s3 = s3Client({ ...aws, ...admin });
  const { Body } = await s3.send(new GetObjectCommand(roster));
  const changed = change(JSON.parse(await Body!.transformToString()) as Written);
  await s3.send(new PutObjectCommand({ ...roster, Body: JSON.stringify(changed) }));
  s3.destroy();
}

function hoursFromNow(hours: number): string {
  return new Date(Date.now() + hours * 3_600_000).toISOString();
}

/** What the vault holds of a source. */
export async function keysOf({ cloud: { aws, admin } }: World, of: string): Promise<string[]> {
  const s3 = s3Client({ ...aws, ...admin });
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: roster.Bucket, Prefix: `prod/${of}/` }));
  s3.destroy();
  return Contents.map(({ Key = '' }) => Key);
}
