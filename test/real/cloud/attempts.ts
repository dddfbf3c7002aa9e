import { signed, type Asking, type Keys, type Place } from './policy/signed.ts';

/**
 * One thing that somebody with a role's credentials could try. `{own}` is what the function of `shop` has, `{other}`
 * what that of `blog` has.
 */
export type Attempt = { what: string; asking: Asking };

type Deed = [name: string, asking: Omit<Asking, 'service' | 'path'>];

const bucket = '/acme-backups';
const further = '/acme-offsite';
const id = '20260101T020000Z-aaaaaa';
const policy = '{"Version":"2012-10-17","Statement":[]}';

const objects: [name: string, key: string][] = [
  ['a part of shop', `prod/shop/${id}/data/0001.sql.zst`],
  ['a manifest of shop', `prod/shop/${id}/manifest.json`],
  ['a proof of shop', `prod/shop/${id}/proofs/20260101T030000Z-restore-passed.json`],
  ['a pin of shop', `prod/shop/${id}/pin.json`],
  ['a failure of shop', 'prod/shop/failures/20260101T020000Z-aaaaaaaa-internal.json'],
  ['the lease of shop', 'prod/shop/lease.json'],
  ['a start of shop', 'prod/shop/starts/20260101T020000Z-aaaaaa-aaaaaaaa-unscheduled.json'],
  ['a request of shop', 'prod/shop/restores/0123456789abcdef-1-begun.json'],
  ['the ledger of shop', 'prod/shop/ledger.json'],
  ['another file of shop', 'prod/shop/photo.jpg'],
  ['a part of blog', `prod/blog/${id}/data/0001.sql.zst`],
  ['a manifest of blog', `prod/blog/${id}/manifest.json`],
  ['the lease of blog', 'prod/blog/lease.json'],
  ['a part of shop2', `prod/shop2/${id}/data/0001.sql.zst`],
  ['the ledger of all', 'prod/ledger.json'],
  ['what was told', 'prod/.outbox/checkers.json'],
  ['a part outside of the prefix', `other/shop/${id}/data/0001.sql.zst`],
];

/** Of the copies, in the bucket that is not the stack's. */
const copied: [name: string, key: string][] = [
  ['a part of a copy', `prod/shop/${id}/data/0001.sql.zst`],
  ['a manifest of a copy', `prod/shop/${id}/manifest.json`],
  ['a proof of a copy', `prod/shop/${id}/proofs/20260101T030000Z-restore-failed.json`],
  ['the lease of copies', 'prod/shop/lease.json'],
];

export const deeds: Deed[] = [
  ['read', { method: 'GET' }],
  ['write new', { method: 'PUT', headers: { 'if-none-match': '*' }, body: 'x' }],
  ['write over', { method: 'PUT', body: 'x' }],
  ['begin an upload of', { method: 'POST', query: { uploads: '' } }],
  ['send a piece of', { method: 'PUT', query: { partNumber: '1', uploadId: 'none' }, body: 'x' }],
  ['put together over', { method: 'POST', query: { uploadId: 'none' }, body: '<CompleteMultipartUpload/>' }],
  ['read tags of', { method: 'GET', query: { tagging: '' } }],
  [
    'tag',
    {
      method: 'PUT',
      query: { tagging: '' },
      body: '<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>',
    },
  ],
  [
    'release',
    {
      method: 'PUT',
      query: { tagging: '' },
      body: '<Tagging><TagSet><Tag><Key>nightjar-tier</Key><Value>released</Value></Tag></TagSet></Tagging>',
    },
  ],
  ['end an upload of', { method: 'DELETE', query: { uploadId: 'none' } }],
  ['delete', { method: 'DELETE' }],
];

const neverDone: Deed[] = [
  ['read an older version of', { method: 'GET', query: { versionId: 'v1' } }],
  ['delete a version of', { method: 'DELETE', query: { versionId: 'v1' } }],
  [
    'delete a locked version of',
    { method: 'DELETE', query: { versionId: 'v1' }, headers: { 'x-amz-bypass-governance-retention': 'true' } },
  ],
  ['change the lock of', { method: 'PUT', query: { retention: '' }, body: '<Retention/>' }],
  [
    'lift the legal hold of',
    { method: 'PUT', query: { 'legal-hold': '' }, body: '<LegalHold><Status>OFF</Status></LegalHold>' },
  ],
  ['make public', { method: 'PUT', query: { acl: '' }, headers: { 'x-amz-acl': 'public-read' } }],
];

const ofBucket: Deed[] = [
  ['list the backups of shop', { method: 'GET', query: { 'list-type': '2', prefix: 'prod/shop/' } }],
  ['list the backups of blog', { method: 'GET', query: { 'list-type': '2', prefix: 'prod/blog/' } }],
  ['list the backups of shop2', { method: 'GET', query: { 'list-type': '2', prefix: 'prod/shop2/' } }],
  ['list all backups', { method: 'GET', query: { 'list-type': '2', prefix: 'prod/' } }],
  ['list the whole bucket', { method: 'GET', query: { 'list-type': '2' } }],
  ['list unfinished uploads', { method: 'GET', query: { uploads: '', prefix: 'prod/shop/' } }],
  ['list older versions', { method: 'GET', query: { versions: '', prefix: 'prod/shop/' } }],
  ['read the policy of the bucket', { method: 'GET', query: { policy: '' } }],
  ['change the policy of the bucket', { method: 'PUT', query: { policy: '' }, body: policy }],
  ['delete the policy of the bucket', { method: 'DELETE', query: { policy: '' } }],
  [
    'change the lifecycle of the bucket',
    { method: 'PUT', query: { lifecycle: '' }, body: '<LifecycleConfiguration/>' },
  ],
  [
    'stop versions in the bucket',
    {
      method: 'PUT',
      query: { versioning: '' },
      body: '<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>',
    },
  ],
  [
    'change the encryption of the bucket',
    { method: 'PUT', query: { encryption: '' }, body: '<ServerSideEncryptionConfiguration/>' },
  ],
  [
    'change the lock of the bucket',
    { method: 'PUT', query: { 'object-lock': '' }, body: '<ObjectLockConfiguration/>' },
  ],
  ['open the bucket to the public', { method: 'DELETE', query: { publicAccessBlock: '' } }],
  ['delete the bucket', { method: 'DELETE' }],
];

const json = (service: string, target: string, input: object): Asking => ({
  service,
  headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target },
  body: JSON.stringify(input),
});
const form = (service: string, input: Record<string, string>): Asking => ({
  service,
  headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
  body: new URLSearchParams(input).toString(),
});
const secret = (name: string): Asking => json('secretsmanager', 'secretsmanager.GetSecretValue', { SecretId: name });

/** Everything that is tried. The last of them change what the ones before need. */
export function attemptsOn(
  { endpoint }: Place,
  { topic, key, signingKey }: { topic: string; key: string; signingKey: string },
): Attempt[] {
  const queue = `${endpoint}/123456789012/Nightjar-dead-letters`;
  return [
    ...ofBucket.map(([what, asking]) => ({ what, asking: { service: 's3', path: bucket, ...asking } })),
    ...onObjects(deeds, bucket, objects),
    ...onObjects(neverDone, bucket, objects.slice(0, 2)),
    {
      what: 'list the copies',
      asking: { service: 's3', method: 'GET', path: further, query: { 'list-type': '2', prefix: 'prod/shop/' } },
    },
    ...onObjects(deeds, further, copied),
    ...onObjects(neverDone, further, copied.slice(0, 2)),
    ...['rds/shop', 'rds/blog', 'pager/key'].map((name) => ({ what: `read the secret ${name}`, asking: secret(name) })),
    {
      what: 'change the secret rds/shop',
      asking: json('secretsmanager', 'secretsmanager.PutSecretValue', { SecretId: 'rds/shop', SecretString: '{}' }),
    },
    {
      what: 'tell the topic',
      asking: form('sns', { Action: 'Publish', Version: '2010-03-31', TopicArn: topic, Message: 'hello' }),
    },
    {
      what: 'subscribe to the topic',
      asking: form('sns', {
        Action: 'Subscribe',
        Version: '2010-03-31',
        TopicArn: topic,
        Protocol: 'email',
        Endpoint: 'x@y.example',
      }),
    },
    {
      what: 'put an event onto the bus',
      asking: json('events', 'AWSEvents.PutEvents', {
        Entries: [{ Source: 'somebody', DetailType: 'x', Detail: '{}' }],
      }),
    },
    {
      what: 'send to the dead-letter queue',
      asking: json('sqs', 'AmazonSQS.SendMessage', { QueueUrl: queue, MessageBody: 'x' }),
    },
    { what: 'read the dead-letter queue', asking: json('sqs', 'AmazonSQS.ReceiveMessage', { QueueUrl: queue }) },
    { what: 'empty the dead-letter queue', asking: json('sqs', 'AmazonSQS.PurgeQueue', { QueueUrl: queue }) },
    {
      what: 'decrypt with the key, not through S3',
      asking: json('kms', 'TrentService.Decrypt', { KeyId: key, CiphertextBlob: 'eA==' }),
    },
    ...['DIGEST', 'RAW'].map((type) => ({
      what: `have ${type === 'RAW' ? 'another text' : 'a manifest'} signed by the key`,
      asking: json('kms', 'TrentService.Sign', {
        KeyId: signingKey,
        Message: Buffer.alloc(32, 'x').toString('base64'),
        MessageType: type,
        SigningAlgorithm: 'ECDSA_SHA_256',
      }),
    })),
    {
      what: 'delete the key that signs',
      asking: json('kms', 'TrentService.ScheduleKeyDeletion', { KeyId: signingKey }),
    },
    { what: 'delete the key', asking: json('kms', 'TrentService.ScheduleKeyDeletion', { KeyId: key }) },
    {
      what: 'write into its own log group',
      asking: json('logs', 'Logs_20140328.CreateLogStream', { logGroupName: '{log}', logStreamName: 'x' }),
    },
    {
      what: 'write into another log group',
      asking: json('logs', 'Logs_20140328.CreateLogStream', {
        logGroupName: '/aws/lambda/another',
        logStreamName: 'x',
      }),
    },
    {
      what: 'delete its own log group',
      asking: json('logs', 'Logs_20140328.DeleteLogGroup', { logGroupName: '{log}' }),
    },
    {
      what: 'start the restore of shop',
      asking: { service: 'lambda', path: '/2015-03-31/functions/Nightjar-restore-shop/invocations', body: '{}' },
    },
    {
      what: 'change the code of a function',
      asking: { service: 'lambda', method: 'PUT', path: '/2015-03-31/functions/Nightjar-check/code', body: '{}' },
    },
    {
      what: 'give itself rights',
      asking: form('iam', {
        Action: 'PutRolePolicy',
        Version: '2010-05-08',
        RoleName: '{role}',
        PolicyName: 'x',
        PolicyDocument: policy,
      }),
    },
    {
      what: 'take on the role of rotation',
      asking: form('sts', { Action: 'AssumeRole', Version: '2011-06-15', RoleArn: '{rotation}', RoleSessionName: 'x' }),
    },
  ];
}

export function onObjects(of: readonly Deed[], place: string, them: readonly [name: string, key: string][]): Attempt[] {
  return of.flatMap(([deed, asking]) =>
    them.map(([name, key]) => ({
      what: `${deed} ${name}`,
      asking: { service: 's3', path: `${place}/${key}`, ...asking },
    })),
  );
}

/** Whether a role may do it. Everything but a refusal is a yes: what is asked for may not be there. */
export async function tried(asking: Asking, place: Place, keys: Keys): Promise<'yes' | '–'> {
  try {
    await signed(place, keys, asking);
    return 'yes';
  } catch (error) {
    return /answered 403|AccessDenied/.test(String(error)) ? '–' : 'yes';
  }
}
