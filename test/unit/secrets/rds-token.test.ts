import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { rdsRegion } from '../../../core/domain/tools/rds-endpoint.ts';
import { rdsToken } from '../../../core/secrets/rds-token.ts';
import { refusalOf } from '../../support/iam/token.ts';

const limit = () => AbortSignal.timeout(10_000);
const before = { ...process.env };
const role = {
  accessKeyId: 'ASIAEXAMPLE',
  secretAccessKey: 'secret/of+the=role',
  sessionToken: 'session+token/of==the role',
};
const host = 'shop.c1x2y3.eu-west-1.rds.amazonaws.com';
const asRole = {
  AWS_ACCESS_KEY_ID: role.accessKeyId,
  AWS_SECRET_ACCESS_KEY: role.secretAccessKey,
  AWS_SESSION_TOKEN: role.sessionToken,
};
/** No file of this machine's user, and no metadata service, may say who we are. */
const nobody = {
  AWS_SHARED_CREDENTIALS_FILE: '/nonexistent',
  AWS_CONFIG_FILE: '/nonexistent',
  AWS_EC2_METADATA_DISABLED: 'true',
};

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  Object.assign(process.env, nobody);
});
afterEach(() => {
  process.env = { ...before };
});

test('a token is what RDS takes for this server, port and user, signed by the role and for the region of the host', async () => {
  Object.assign(process.env, asRole, { AWS_REGION: 'us-east-1' });
  const wanted = { host, port: 5432, user: 'backup+1@shop', region: 'eu-west-1', now: new Date() };

  const token = await rdsToken(wanted).make(limit());

  expect(refusalOf(token, wanted, role)).toBeUndefined();
  expect(refusalOf(token, { ...wanted, now: new Date(Date.now() + 901_000) }, role)).toMatch(/s old, good for 900/);
  expect(refusalOf(token, { ...wanted, port: 5433 }, role)).toMatch('made for');
  expect(refusalOf(token, wanted, { ...role, secretAccessKey: 'another' })).toBe('wrongly signed');
});

test('for a host with a name of its own the region is that of the environment', async () => {
  Object.assign(process.env, asRole, { AWS_REGION: 'eu-north-1' });

  const token = await rdsToken({ host: 'db.internal', port: 3306, user: 'backup' }).make(limit());

  expect(
    refusalOf(token, { host: 'db.internal', port: 3306, user: 'backup', region: 'eu-north-1', now: new Date() }, role),
  ).toBeUndefined();
});

test.each([
  ['shop.c1x2.eu-west-1.rds.amazonaws.com', 'eu-west-1'],
  ['Shop.cluster-ro-c1x2.US-GOV-WEST-1.rds.amazonaws.com', 'us-gov-west-1'],
  ['shop.proxy-c1x2.ap-southeast-5.rds.amazonaws.com', 'ap-southeast-5'],
  ['shop.c1x2.cn-north-1.rds.amazonaws.com.cn', 'cn-north-1'],
  ['shop.c1x2.rds.cn-northwest-1.amazonaws.com.cn', 'cn-northwest-1'],
  ['eu-west-1.rds.amazonaws.com.evil.example', undefined],
  ['db.internal', undefined],
])('the region of %s is %p', (name, region) => {
  expect(rdsRegion(name)).toBe(region);
});

test('without credentials there is no token, and the remedy is told', async () => {
  await expect(rdsToken({ host, port: 5432, user: 'backup' }).make(limit())).rejects.toMatchObject({
    code: 'secret-missing',
    message: expect.stringContaining(
      `no token of IAM database authentication could be made for backup@${host}:5432: Could not load credentials`,
    ),
    hint: expect.stringContaining('log in to AWS'),
  });
});

test('without a region there is no token, and the remedy is told', async () => {
  Object.assign(process.env, asRole);

  await expect(rdsToken({ host: 'db.internal', port: 5432, user: 'backup' }).make(limit())).rejects.toMatchObject({
    code: 'secret-missing',
    hint: expect.stringContaining('set AWS_REGION'),
  });
});

test('who is asked to stop makes no token', async () => {
  Object.assign(process.env, asRole);

  await expect(rdsToken({ host, port: 5432, user: 'backup' }).make(AbortSignal.abort())).rejects.toMatchObject({
    code: 'aborted',
  });
});

test.each([
  [host, 'arn:aws:rds-db:eu-west-1:<account>:dbuser:db-ABC/backup'],
  ['shop.c1x2.rds.cn-north-1.amazonaws.com.cn', 'arn:aws-cn:rds-db:cn-north-1:<account>:dbuser:db-ABC/backup'],
])('when %s refuses a token, what to allow is told: %s', (name, arn) => {
  expect(rdsToken({ host: name, port: 5432, user: 'backup', resourceId: 'db-ABC' }).refusedHint).toContain(
    `rds-db:connect on ${arn}`,
  );
});
