import { expect, test } from '@jest/globals';
import { exampleConfig, resourcesOf, stackOf } from './synthesis.ts';
import type { Template } from './synthesis.ts';

const efs = 'arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-0123456789abcdef0';
const media = { files: { path: '/mnt/media/uploads', efs }, drillEvery: '8d', drill: { owners: false } };

function templateOf(): Template {
  const { app, stack } = stackOf({
    ...exampleConfig('plain'),
    sources: {
      shop: { postgres: { host: 'db.acme.example', user: 'b', password: { secret: 'shop' }, database: 'shop' } },
      media: { ...media, cloud: { network: 'main', databaseSecurityGroup: 'sg-0efs' } },
    },
    cloud: {
      region: 'eu-west-1',
      email: ['ops@acme.example'],
      networks: { main: { vpc: 'vpc-0a', subnets: ['subnet-0a'] } },
    },
  });
  return app.synth().getStackByName(stack.stackName).template as Template;
}

test('functions of a folder on Amazon EFS mount it, and the one that backs up may only read it', () => {
  const template = templateOf();
  const functions = Object.fromEntries(
    resourcesOf(template, 'AWS::Lambda::Function').map(([, { Properties }]) => [
      String(Properties['FunctionName']),
      Properties['FileSystemConfigs'],
    ]),
  );
  const statementsOf = (sid: string) =>
    Object.fromEntries(
      resourcesOf(template, 'AWS::IAM::Role').flatMap(([, { Properties }]) =>
        ((Properties['Policies'] as { PolicyDocument: { Statement: Record<string, unknown>[] } }[] | undefined) ?? [])
          .flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
          .filter(({ Sid }) => Sid === sid)
          .map((statement): [string, Record<string, unknown>] => [
            String(Properties['Description']).split(' ')[1]!,
            statement,
          ]),
      ),
    );
  const mounting = statementsOf('Mount');

  const mount = [{ Arn: efs, LocalMountPath: '/mnt/media' }];
  for (const [name, mounted] of Object.entries(functions))
    expect(mounted).toEqual(name.endsWith('-media') ? mount : undefined);
  const read = 'elasticfilesystem:ClientMount';
  const write = [read, 'elasticfilesystem:ClientWrite'];
  expect(
    Object.fromEntries(Object.entries(mounting).map(([name, { Action }]) => [name!.split('-')[1], Action])),
  ).toEqual({
    backup: read,
    restore: write,
    drill: write,
  });
  // without a policy of its own, a file system lets everybody write who reaches it
  expect(statementsOf('WriteNothing')).toEqual({
    [Object.keys(mounting).find((name) => name.includes('-backup-'))!]: expect.objectContaining({
      Effect: 'Deny',
      Action: ['elasticfilesystem:ClientWrite', 'elasticfilesystem:ClientRootAccess'],
      Resource: 'arn:aws:elasticfilesystem:eu-west-1:123456789012:file-system/*',
    }),
  });
  for (const { Resource, Condition } of Object.values(mounting))
    expect([Resource, Condition]).toEqual([
      'arn:aws:elasticfilesystem:eu-west-1:123456789012:file-system/*',
      { StringEquals: { 'elasticfilesystem:AccessPointArn': efs } },
    ]);
  const rules = resourcesOf(template, 'AWS::EC2::SecurityGroupIngress').map(([, { Properties }]) => Properties);
  expect(rules).toEqual([expect.objectContaining({ GroupId: 'sg-0efs', FromPort: 2049, ToPort: 2049 })]);
}, 60_000);

test('what backups of a folder share is written by its backup, read by its restores, and removed by rotation alone', () => {
  const may = Object.fromEntries(
    resourcesOf(templateOf(), 'AWS::IAM::Role').map(([, { Properties }]) => [
      String(Properties['Description']).split(' ')[1]!,
      ((Properties['Policies'] as { PolicyDocument: { Statement: Record<string, unknown>[] } }[] | undefined) ?? [])
        .flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
        .filter((statement) => JSON.stringify(statement['Resource']).includes('/packs/'))
        .flatMap(({ Action, Resource, Condition }) =>
          [Action].flat().map((action) => [action, JSON.stringify(Resource).match(/\w+\/packs\/\*/g), Condition]),
        ),
    ]),
  );
  const own = ['media/packs/*'];

  const allowed = Object.entries(may).filter(([, rights]) => rights.length > 0);
  expect(Object.fromEntries(allowed)).toEqual({
    'Nightjar-backup-media': [
      ['s3:PutObject', own, { Null: { 's3:if-none-match': 'false' } }],
      ['s3:PutObject', own, { Bool: { 's3:ObjectCreationOperation': 'false' } }],
      ['s3:AbortMultipartUpload', own, undefined],
      ['s3:GetObject', own, undefined],
    ],
    'Nightjar-restore-media': [['s3:GetObject', own, undefined]],
    'Nightjar-drill-media': [['s3:GetObject', own, undefined]],
    'Nightjar-rotate': [
      ['s3:DeleteObject', own, undefined],
      ['s3:AbortMultipartUpload', own, undefined],
    ],
  });
});
