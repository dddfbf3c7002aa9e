import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import type { Invocation } from '../lambda/sandbox/function.ts';
import { errorOf } from '../lambda/sandbox/outcome.ts';
import { expectGolden } from '../../support/golden.ts';
import { attemptsOn, tried } from './attempts.ts';
import { tableOf } from './policy/table.ts';
import { judge, listOf, type Statement } from './policy/policy.ts';
import { signed } from './policy/signed.ts';
import { messagesOf, type World } from './world.ts';

const columns = ['backup shop', 'restore shop', 'rotate', 'copy', 'check', 'scheduler', 'slack'] as const;

/** What each role may do and what not, tried with its own credentials. */
export function forbidden(world: () => World): void {
  test('each role may do what its work takes, and nothing else of a long list', async () => {
    const {
      cloud: { gate, aws, admin, roles, deployed, signingKey },
    } = world();
    const topic = deployed.all('AWS::SNS::Topic')[0]!.id;
    const ofVault = deployed.all('AWS::KMS::Key').find(({ properties }) => properties['KeyUsage'] === undefined)!;
    const key = `arn:aws:kms:eu-central-1:123456789012:key/${ofVault.id}`;
    const names = columns.map((name) => ({
      ...roles.get(name)!,
      log: `/aws/lambda/Nightjar-${name.replace(' ', '-')}`,
    }));
    // what is written over, tagged or deleted must be there
    for (const path of ['shop', 'blog'])
      await signed(aws, admin, {
        service: 's3',
        method: 'PUT',
        path: `/acme-backups/prod/${path}/20260101T020000Z-aaaaaa/manifest.json`,
        body: '{}',
      });

    const rows: [string, string[]][] = [];
    for (const object of ['data/0001.sql.zst', 'manifest.json'])
      await signed(aws, admin, {
        service: 's3',
        method: 'PUT',
        path: `/acme-offsite/prod/shop/20260101T020000Z-aaaaaa/${object}`,
        headers: { 'content-md5': createHash('md5').update('{}').digest('base64') },
        body: '{}',
      });

    const own = gate.judged.length;
    for (const { what, asking } of attemptsOn({ ...aws, endpoint: gate.endpoint }, { topic, key, signingKey })) {
      const answers = await Promise.all(
        names.map(({ role, credentials, log }) => {
          const body = asking.body
            ?.replaceAll('{log}', log)
            .replaceAll('%7Brole%7D', role.arn.split('/').at(-1)!)
            .replaceAll('%7Brotation%7D', encodeURIComponent(roles.get('rotate')!.role.arn));
          return tried(
            { ...asking, ...(body !== undefined && { body }) },
            { ...aws, endpoint: gate.endpoint },
            credentials,
          );
        }),
      );
      rows.push([what, answers]);
    }
    // what is tried here is no use of a statement
    gate.judged.splice(own);

    await expectGolden('cloud/rights.txt', tableOf(columns, rows));
    expect(gate.disputed).toEqual([]);
    expect(gate.strange).toEqual([]);
  }, 120_000);

  test('nobody comes without TLS: bucket, topic and queue refuse it to everybody', () => {
    const {
      cloud: { deployed },
    } = world();
    const policies = ['AWS::S3::BucketPolicy', 'AWS::SNS::TopicPolicy', 'AWS::SQS::QueuePolicy'].flatMap((type) =>
      deployed.all(type),
    );

    for (const { logicalId, properties } of policies) {
      const statements = (properties['PolicyDocument'] as { Statement: Statement[] }).Statement;
      const denials = statements.filter(({ Effect }) => Effect === 'Deny');
      const [first] = denials;
      const call = {
        action: listOf(first!.Action)[0]!.replace('*', 'Anything'),
        resource: listOf(first!.Resource)[0]!,
      };
      const verdict = (secure: string) =>
        judge(
          { ...call, context: { 'aws:SecureTransport': secure, 's3:TlsVersion': '1.3' } },
          {
            identity: [],
            resource: statements.map((statement, index) => ({ id: `${logicalId}#${index}`, statement })),
            principal: 'arn:aws:iam::123456789012:role/any',
          },
        );
      expect([verdict('false').denying.length, verdict('true').denying.length]).toEqual([1, 0]);
    }
    expect(policies).toHaveLength(3);
  });

  test('every function takes its own kind of event alone; whoever is to be told hears of it, and the event is kept', async () => {
    const {
      cloud: { functions },
      told,
      deadLetters,
    } = world();
    await Promise.all([told.take(), deadLetters.take()]);

    // one after the other: sixteen cold starts at once would be the machine's limit, not the functions'
    const ends: [string, Invocation[]][] = [];
    // rotation first: single runs tell three messages an hour, and what comes later another function tells for them
    const late = (name: string): number => (name.endsWith('-rotate') ? 0 : name.includes('-drill-') ? 2 : 1);
    const inOrder = [...functions].sort(([a], [b]) => late(a) - late(b));
    // hours after the last one that was told, and drills hours after the others
    // before the first message that has no room, a function waits for those of others: 20 s, or a quarter of what it has
    const wrong = (name: string) => ({ sorce: 'shop', hoursFromNow: late(name) === 2 ? 104 : 100, secondsLeft: 24 });
    for (const [name, fn] of inOrder)
      ends.push([name, (await fn.deliver(wrong(name), { handler: 'clock.handler' })).attempts]);
    const letters = (await deadLetters.take()).map((body) =>
      (JSON.parse(body) as { requestContext: { functionArn: string } }).requestContext.functionArn.split(':').at(-2),
    );

    expect(ends.map(([name, attempts]) => [name, attempts.map((one) => errorOf(one).errorType)])).toEqual(
      inOrder.map(([name]) => [name, Array.from({ length: tries(name) }, () => 'input-invalid')]),
    );
    // functions of one kind that fail at the same moment are told each, or once
    expect(new Set((await messagesOf(told)).map(({ kind, severity }) => `${severity} ${kind}`))).toEqual(
      new Set(
        ['backup', 'restore', 'rotation', 'check', 'discovery', 'drill', 'copy'].map(
          (verb) => `problem ${verb}-failed`,
        ),
      ),
    );
    expect(letters.sort()).toEqual([...functions.keys()].sort());
  });
}

/** How often Lambda lets a function try: a restore is somebody's own wish, and is not repeated behind his back, nor a drill. */
function tries(name: string): number {
  return /-(backup|copy)(-|$)/.test(name) ? 3 : /-(restore|drill)(-|$)/.test(name) ? 1 : 2;
}
