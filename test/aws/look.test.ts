import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { accountNotice } from '../../core/domain/watch/account.ts';
import { askAws } from '../../functions/account/aws.ts';
import { lookAtAccount } from '../../functions/account/look.ts';
import type { AccountWatch } from '../../functions/account/look.ts';
import { elements, query, signed } from '../real/cloud/policy/signed.ts';
import { startMoto } from '../servers/s3/moto.ts';
import type { S3Server } from '../servers/server.ts';

let moto: S3Server;
let replica = '';

beforeAll(async () => {
  moto = await startMoto();
  await Promise.all([makeSchedules(), makeDatabases()]);
}, 20 * 60_000);
afterAll(() => moto?.stop());

async function makeSchedules(): Promise<void> {
  const make = (path: string, body: object) =>
    signed(moto, moto, { service: 'scheduler', path, body: JSON.stringify(body) });
  const target = {
    Arn: 'arn:aws:lambda:eu-central-1:123456789012:function:f',
    RoleArn: 'arn:aws:iam::123456789012:role/r',
  };
  const schedule = { ScheduleExpression: 'rate(1 day)', FlexibleTimeWindow: { Mode: 'OFF' }, Target: target };
  for (const group of ['Nightjar', 'Nightjar-1', 'Other']) {
    await make(`/schedule-groups/${group}`, {});
    await make(`/schedules/backup-${group}`, { ...schedule, GroupName: group });
    await make(`/schedules/rotate-${group}`, { ...schedule, GroupName: group, State: 'DISABLED' });
  }
}

async function makeDatabases(): Promise<void> {
  const rds = (action: string, input: Record<string, string>) =>
    query(moto, moto, 'rds', action, { Version: '2014-10-31', ...input });
  const instance = (id: string, engine: string, more: Record<string, string> = {}) =>
    rds('CreateDBInstance', {
      DBInstanceIdentifier: id,
      Engine: engine,
      DBInstanceClass: 'db.t4g.micro',
      AllocatedStorage: '20',
      MasterUsername: 'root',
      MasterUserPassword: 'not-a-secret-here',
      ...more,
    });
  const tagged = (key: string, value: string) => ({ 'Tags.Tag.1.Key': key, 'Tags.Tag.1.Value': value });
  await instance('shop', 'postgres', tagged('backup', 'nightly'));
  await instance('blog', 'mysql', tagged('team', 'a <b> & c'));
  await instance('scratch', 'postgres', tagged('nightjar', 'ignore'));
  const answer = await rds('CreateDBInstanceReadReplica', {
    DBInstanceIdentifier: 'shop-replica',
    SourceDBInstanceIdentifier: 'shop',
    DBInstanceClass: 'db.t4g.micro',
  });
  [replica = ''] = elements(answer, 'Address');
  await rds('CreateDBCluster', {
    DBClusterIdentifier: 'ledger',
    Engine: 'aurora-postgresql',
    MasterUsername: 'root',
    MasterUserPassword: 'not-a-secret-here',
    ...tagged('backup', 'weekly'),
  });
  await instance('ledger-1', 'aurora-postgresql', { DBClusterIdentifier: 'ledger' });
}

async function looking(watch: Partial<AccountWatch>, endpoint = moto.endpoint) {
  const env = {
    AWS_REGION: moto.region,
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: moto.accessKeyId,
    AWS_SECRET_ACCESS_KEY: moto.secretAccessKey,
  };
  const all = { schedules: [], meant: [], mustCover: undefined, hosts: [], ...watch };
  return lookAtAccount(all, askAws(env), AbortSignal.timeout(60_000));
}

test('a schedule of the stack that is switched off is found, and no other', async () => {
  const { judged, found } = await looking({ schedules: ['Nightjar', 'Nightjar-1'] });

  expect(found.map(({ what }) => what)).toEqual(['Nightjar/rotate-Nightjar', 'Nightjar-1/rotate-Nightjar-1']);
  expect(judged).toEqual(['account-unseen', 'schedule-disabled', 'schedule-missing']);
});

test('a schedule that somebody has deleted is found by its name, in whichever group it was', async () => {
  const schedules = ['Nightjar', 'Nightjar-1'];
  const meant = ['backup-Nightjar', 'rotate-Nightjar', 'backup-Nightjar-1', 'backup-Other', 'drill-shop'];

  const { found } = await looking({ schedules, meant });

  const missing = found.filter(({ kind }) => kind === 'schedule-missing');
  expect(missing.map(({ what }) => what)).toEqual(['backup-Other', 'drill-shop']);
  expect(missing[1]!.subject).toBe('the schedule drill-shop is not there: nothing starts what it is for');
});

test('databases that no source reaches are found: a cluster once, a replica as its primary, none that is to be ignored', async () => {
  const names = async (watch: Partial<AccountWatch>) => (await looking(watch)).found.map(({ what }) => what).sort();

  expect(await names({ mustCover: 'all' })).toEqual(['cluster ledger', 'instance blog', 'instance shop']);
  expect(replica).toMatch(/^shop-replica\./);
  expect(await names({ mustCover: 'all', hosts: [replica.toUpperCase()] })).toEqual([
    'cluster ledger',
    'instance blog',
  ]);
  expect(await names({ mustCover: 'tag:backup' })).toEqual(['cluster ledger', 'instance shop']);
  expect(await names({ mustCover: 'tag:backup=nightly' })).toEqual(['instance shop']);
  expect(await names({ mustCover: 'tag:team=a <b> & c' })).toEqual(['instance blog']);
  const { found } = await looking({ mustCover: 'tag:backup=weekly' });
  const member = await query(moto, moto, 'rds', 'DescribeDBInstances', {
    Version: '2014-10-31',
    DBInstanceIdentifier: 'ledger-1',
  });
  expect(found).toMatchObject([{ subject: expect.stringContaining('(aurora-postgresql) is in no source') }]);
  expect(await names({ mustCover: 'tag:backup=weekly', hosts: elements(member, 'Address') })).toEqual([]);
});

test('what can’t be looked at is found, with the rights that it takes, and taken for neither good nor bad', async () => {
  const look = await looking({ schedules: ['Nightjar'], mustCover: 'all' }, 'http://127.0.0.1:9');

  expect(look.judged).toEqual(['account-unseen']);
  expect(look.found.map(({ kind }) => kind)).toEqual(['account-unseen', 'account-unseen']);
  expect(look.found.map(accountNotice)).toEqual([
    expect.stringMatching(/^the schedules of the account can't be looked at: ./),
    expect.stringMatching(/^the databases of RDS of the account can't be looked at: ./),
  ]);
  expect(look.found.map(({ hint }) => hint)).toEqual([
    expect.stringContaining('scheduler:ListSchedules'),
    expect.stringContaining('rds:DescribeDBInstances and rds:DescribeDBClusters'),
  ]);
});
