import { expect, test } from '@jest/globals';
import { stateOf, type Alarm } from '../../real/cloud/template/alarms.ts';
import { embeddedFigures, type Figure } from '../../real/cloud/template/metrics.ts';
import { judge, matches, type Rule, type Statement } from '../../real/cloud/policy/policy.ts';
import { s3Asked } from '../../real/cloud/policy/requests-s3.ts';

const me = 'arn:aws:iam::123456789012:role/me';
const rule = (statement: Omit<Statement, 'Effect'> & { Effect?: Statement['Effect'] }, id = 'own'): Rule => ({
  id,
  statement: { Effect: 'Allow', ...statement },
});
const call = (action: string, resource: string, context = {}) => ({ action, resource, context });
const may = (identity: Rule[], asked: ReturnType<typeof call>, resource: Rule[] = []): boolean =>
  judge(asked, { identity, resource, principal: me, mustDelegate: asked.action.startsWith('kms:') }).allowed;

test.each([
  ['arn:aws:s3:::b/p/*/manifest.json', 'arn:aws:s3:::b/p/a/b/manifest.json', true],
  ['arn:aws:s3:::b/p/*', 'arn:aws:s3:::b/p', false],
  ['secret:rds/shop-??????', 'secret:rds/shop-AbC123', true],
  ['secret:rds/shop-??????', 'secret:rds/shop-2-AbC123', false],
  ['a.b', 'axb', false],
  ['a+(b)', 'a+(b)', true],
])('the pattern %s and the text %s', (pattern, text, fits) => {
  expect(matches(pattern, text)).toBe(fits);
});

test('an explicit denial wins over everything, and what nobody allows is refused', () => {
  const allowing = rule({ Action: 's3:*', Resource: '*' });
  const denying = rule({ Effect: 'Deny', Action: 's3:Delete*', Resource: '*' }, 'no');

  expect([
    may([allowing], call('s3:DeleteObject', 'x')),
    may([allowing, denying], call('s3:DeleteObject', 'x')),
    may([allowing, denying], call('s3:GetObject', 'x')),
    may([], call('s3:GetObject', 'x')),
  ]).toEqual([true, false, true, false]);
  expect(
    may([allowing], call('s3:GetObject', 'x'), [
      rule({ Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: '*' }),
    ]),
  ).toBe(false);
  expect(may([], call('s3:GetObject', 'x'), [rule({ Principal: { AWS: me }, Action: 's3:*', Resource: '*' })])).toBe(
    true,
  );
  expect(
    may([], call('s3:GetObject', 'x'), [
      rule({ Principal: { AWS: 'arn:aws:iam::123456789012:root' }, Action: 's3:*', Resource: '*' }),
    ]),
  ).toBe(false);
});

test('a key is used by those whom its own policy lets in, or hands on to', () => {
  const own = rule({ Action: 'kms:Decrypt', Resource: '*' });
  const root = rule({ Principal: { AWS: 'arn:aws:iam::123456789012:root' }, Action: 'kms:*', Resource: '*' }, 'key');

  expect([
    may([own], call('kms:Decrypt', 'k')),
    may([own], call('kms:Decrypt', 'k'), [root]),
    may([], call('kms:Decrypt', 'k'), [root]),
  ]).toEqual([false, true, false]);
});

test.each([
  ['StringLike', { 's3:prefix': 'prod/*' }, { 's3:prefix': 'prod/shop/' }, true],
  ['StringLike', { 's3:prefix': 'prod/*' }, {}, false],
  ['StringLikeIfExists', { 's3:prefix': 'prod/*' }, {}, true],
  ['StringEquals', { 'KMS:ViaService': ['a', 's3'] }, { 'kms:ViaService': 's3' }, true],
  ['StringNotEquals', { tag: 'released' }, { tag: 'released' }, false],
  ['StringNotEquals', { tag: 'released' }, {}, true],
  ['Bool', { 'aws:SecureTransport': 'false' }, { 'aws:SecureTransport': 'true' }, false],
  ['NumericLessThan', { 's3:TlsVersion': 1.2 }, { 's3:TlsVersion': '1.3' }, false],
  ['Null', { 's3:if-none-match': 'false' }, { 's3:if-none-match': '*' }, true],
  ['Null', { 's3:if-none-match': 'false' }, {}, false],
  ['ForAllValues:StringEquals', { keys: ['a', 'b'] }, { keys: ['a', 'c'] }, false],
  ['ForAnyValue:StringEquals', { keys: ['a', 'b'] }, { keys: ['a', 'c'] }, true],
])('a condition by %s on %j, given %j', (operator, keys, context, met) => {
  expect(
    may(
      [rule({ Action: '*', Resource: '*', Condition: { [operator]: keys as Record<string, string> } })],
      call('s3:ListBucket', 'b', context),
    ),
  ).toBe(met);
});

test('what it does not know it does not pass over', () => {
  expect(() =>
    may(
      [rule({ Action: '*', Resource: '*', Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } } })],
      call('s3:GetObject', 'x'),
    ),
  ).toThrow('IpAddress is not known here');
  expect(() => may([rule({ Action: '*', Resource: '${aws:username}' })], call('s3:GetObject', 'x'))).toThrow(
    'policy variables',
  );
  expect(() =>
    may([rule({ Action: '*', NotResource: 'x' } as unknown as Statement)], call('s3:GetObject', 'x')),
  ).toThrow('NotResource is not known here');
});

test('a request to S3 asks for all that comes with it', () => {
  const world = {
    region: 'eu-central-1',
    account: '123456789012',
    encryption: () => ({ keyArn: 'key', bucketKey: true }),
  };
  const asked = (method: string, path: string, query = '', headers = {}) =>
    s3Asked({ method, path, query: new URLSearchParams(query), headers, body: '' }, world).needed.map(
      ({ action }) => action,
    );

  expect(asked('PUT', '/b/k', '', { 'x-amz-tagging': 'a=b', 'if-match': 'e' })).toEqual([
    's3:PutObject',
    's3:PutObjectTagging',
    's3:GetObject',
    'kms:GenerateDataKey',
  ]);
  expect(asked('PUT', '/b/k', 'partNumber=1&uploadId=u')).toEqual(['s3:PutObject', 'kms:Decrypt']);
  expect([asked('GET', '/b/k'), asked('HEAD', '/b/k'), asked('GET', '/b', 'list-type=2&prefix=p')]).toEqual([
    ['s3:GetObject', 'kms:Decrypt'],
    ['s3:GetObject'],
    ['s3:ListBucket'],
  ]);
  expect(
    s3Asked({ method: 'GET', path: '/b', query: new URLSearchParams('uploads&prefix=p'), headers: {}, body: '' }, world)
      .needed[0]!.context,
  ).not.toHaveProperty('s3:prefix');
  expect(() => asked('POST', '/b', 'delete')).toThrow('no action is known');
});

test.each([
  ['breaching', [], 'ALARM'],
  ['breaching', [1, 2, 3], 'OK'],
  ['breaching', [3], 'OK'],
  ['notBreaching', [], 'OK'],
  ['missing', [], 'INSUFFICIENT_DATA'],
  ['ignore', [], 'ALARM'],
] as const)(
  'an alarm of three hours without a check, missing data %s, checks %j hours ago: %s',
  (missing, hoursAgo, state) => {
    const now = new Date('2026-11-21T12:00:00Z');
    const alarm: Alarm = {
      AlarmName: 'silent',
      Namespace: 'N',
      MetricName: 'Checks',
      Dimensions: [{ Name: 'F', Value: 'f' }],
      Statistic: 'Sum',
      Period: 3600,
      EvaluationPeriods: 3,
      Threshold: 1,
      ComparisonOperator: 'LessThanThreshold',
      TreatMissingData: missing,
    };
    const figures = hoursAgo.map(
      (hours): Figure => ({
        namespace: 'N',
        name: 'Checks',
        dimensions: { F: 'f' },
        value: 1,
        at: new Date(now.getTime() - hours * 3_600_000 + 1000),
      }),
    );

    expect(stateOf(alarm, figures, now, 'ALARM')).toBe(state);
    expect(
      stateOf(
        alarm,
        figures.map((one) => ({ ...one, dimensions: { F: 'f', G: 'g' } })),
        now,
        'ALARM',
      ),
    ).toBe(stateOf(alarm, [], now, 'ALARM'));
  },
);

test('a line of figures in a log is as many metrics as it says, by the dimensions that it says', () => {
  const line = JSON.stringify({
    _aws: {
      Timestamp: 1000,
      CloudWatchMetrics: [{ Namespace: 'N', Dimensions: [['F']], Metrics: [{ Name: 'A' }, { Name: 'B' }] }],
    },
    F: 'f',
    A: 1,
    B: 2,
    C: 3,
  });

  expect(embeddedFigures(['{"level":"INFO"}', line])).toEqual(
    [
      ['A', 1],
      ['B', 2],
    ].map(([name, value]) => ({ namespace: 'N', name, dimensions: { F: 'f' }, value, at: new Date(1000) })),
  );
});
