import { CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { App } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { Runtime } from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';
import * as rds from 'aws-cdk-lib/aws-rds';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { join } from 'node:path';

const { BURSTABLE4_GRAVITON: small } = ec2.InstanceClass;
/** Gone with the stack, and no snapshot of them stays. */
const throwAway = { removalPolicy: RemovalPolicy.DESTROY, storageEncrypted: true } as const;

/**
 * What a user of Nightjar has: a private network with a PostgreSQL, a MariaDB and an Aurora PostgreSQL with two readers,
 * a queue that listens to alarms, and a function that runs SQL in them, by which Nightjar's work is judged.
 */
export function databasesStack(app: App, name: string): Stack {
  const stack = new Stack(app, name, { description: 'Databases that npm run aws:prove tries Nightjar on' });
  const vpc = new ec2.Vpc(stack, 'Network', {
    maxAzs: 2,
    natGateways: 0,
    subnetConfiguration: [{ name: 'private', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
  }) as ec2.IVpc;
  // Nightjar makes the other endpoints itself
  vpc.addInterfaceEndpoint('Secrets', { service: ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER });
  const databases = new ec2.SecurityGroup(stack, 'Databases', { vpc, allowAllOutbound: false });
  const judge = new ec2.SecurityGroup(stack, 'Judge', { vpc });
  for (const port of [5432, 3306]) databases.addIngressRule(judge, ec2.Port.tcp(port));
  const placed = { vpc, vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED }, securityGroups: [databases] };
  const single = {
    ...throwAway,
    ...placed,
    instanceType: ec2.InstanceType.of(small, ec2.InstanceSize.MICRO),
    allocatedStorage: 20,
    backupRetention: Duration.days(0),
    deleteAutomatedBackups: true,
    credentials: rds.Credentials.fromGeneratedSecret('nightjar'),
  };
  const shop = new rds.DatabaseInstance(stack, 'ShopDatabase', {
    ...single,
    engine: rds.DatabaseInstanceEngine.postgres({ version: rds.PostgresEngineVersion.VER_17 }),
    databaseName: 'shop',
  });
  const blog = new rds.DatabaseInstance(stack, 'BlogDatabase', {
    ...single,
    engine: rds.DatabaseInstanceEngine.mariaDb({ version: rds.MariaDbEngineVersion.VER_11_4_10 }),
    databaseName: 'blog',
  });
  const medium = { instanceType: ec2.InstanceType.of(small, ec2.InstanceSize.MEDIUM) };
  const ledger = new rds.DatabaseCluster(stack, 'LedgerDatabase', {
    ...throwAway,
    ...placed,
    engine: rds.DatabaseClusterEngine.auroraPostgres({ version: rds.AuroraPostgresEngineVersion.VER_16_11 }),
    writer: rds.ClusterInstance.provisioned('writer', medium),
    readers: ['one', 'two'].map((reader) => rds.ClusterInstance.provisioned(reader, medium)),
    credentials: rds.Credentials.fromGeneratedSecret('nightjar'),
    defaultDatabaseName: 'ledger',
  });
  const told = new Queue(stack, 'Told', { removalPolicy: RemovalPolicy.DESTROY });
  told.grantSendMessages(new ServicePrincipal('sns.amazonaws.com'));
  const sql = new NodejsFunction(stack, 'SqlFunction', {
    entry: join(import.meta.dirname, 'sql.ts'),
    runtime: Runtime.NODEJS_24_X,
    timeout: Duration.minutes(1),
    vpc,
    vpcSubnets: placed.vpcSubnets,
    securityGroups: [judge],
    bundling: { format: OutputFormat.CJS, externalModules: ['pg-native'] },
  });
  for (const { secret } of [shop, blog, ledger]) secret!.grantRead(sql);
  const outputs = {
    Vpc: vpc.vpcId,
    Subnets: vpc.isolatedSubnets.map(({ subnetId }) => subnetId).join(' '),
    RouteTables: vpc.isolatedSubnets.map(({ routeTable }) => routeTable.routeTableId).join(' '),
    Group: databases.securityGroupId,
    Shop: shop.instanceEndpoint.hostname,
    ShopSecret: shop.secret!.secretArn,
    Blog: blog.instanceEndpoint.hostname,
    BlogSecret: blog.secret!.secretArn,
    Ledger: ledger.clusterEndpoint.hostname,
    LedgerReaders: ledger.clusterReadEndpoint.hostname,
    LedgerSecret: ledger.secret!.secretArn,
    ToldArn: told.queueArn,
    ToldUrl: told.queueUrl,
    Sql: sql.functionName,
  };
  for (const [key, value] of Object.entries(outputs)) new CfnOutput(stack, key, { value });
  return stack;
}

/** What a stack's outputs say, by their names. */
export type Outputs = Record<string, string>;

/** The `nightjar.yaml` for them: PostgreSQL and MariaDB directly, Aurora by the name of its readers. */
export function configurationFor(
  at: Outputs,
  { run, account, region }: { run: string; account: string; region: string },
): object {
  const login = (secret: string) => ({ user: { secret, field: 'username' }, password: { secret, field: 'password' } });
  const cloud = { network: 'main', databaseSecurityGroup: at['Group'], size: '1GB' };
  return {
    vault: `s3://${bucketOf({ run, account })}/prove`,
    notify: 'none', // a queue is subscribed to the topic of the stack once it is there
    defaults: { schedule: '0 3 * * *', timeZone: 'UTC', cloud, drillEvery: '8d' },
    sources: {
      shop: { postgres: { host: at['Shop'], database: 'shop', ...login(at['ShopSecret']!) } },
      blog: { mariadb: { host: at['Blog'], database: 'blog', ...login(at['BlogSecret']!) } },
      ledger: {
        postgres: { host: at['LedgerReaders'], database: 'ledger', ...login(at['LedgerSecret']!) },
        drill: { server: { host: at['Ledger'], ...login(at['LedgerSecret']!) } },
        cloud: { restoreHost: at['Ledger'] },
      },
    },
    cloud: {
      stack: run,
      mustCover: 'all',
      account,
      region,
      networks: {
        main: {
          vpc: at['Vpc'],
          subnets: at['Subnets']!.split(' '),
          routeTables: at['RouteTables']!.split(' '),
          endpoints: ['sns'],
          endpointSubnets: at['Subnets']!.split(' '),
        },
      },
    },
  };
}

export function bucketOf({ run, account }: { run: string; account: string }): string {
  return `${run.toLowerCase()}-${account}`;
}
