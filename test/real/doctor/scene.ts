import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ListObjectsV2Command, PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import { dbToolsLayer } from '../../../layers/db-tools/layer.ts';
import { startMariadb } from '../../servers/databases/mariadb.ts';
import { startPostgres, startStandby } from '../../servers/databases/postgres.ts';
import { startCeph } from '../../servers/s3/ceph.ts';
import { startMoto } from '../../servers/s3/moto.ts';
import { s3Client } from '../../servers/s3/client.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';
import { asPostgres, asRoot, at } from '../mistakes/support/servers.ts';

/** A line of `nightjar doctor --json`. */
export type Line = { about: string; what: string; outcome: string; said: string; remedy?: string; code?: string };

/** What a stranger may do in a bucket of the same name. */
const allowed: Record<string, string[]> = {
  'read-only': ['s3:ListBucket', 's3:GetObject'],
  'no-tags': ['s3:ListBucket', 's3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:ListBucketMultipartUploads'],
  'add-only': ['s3:ListBucket', 's3:GetObject', 's3:PutObject', 's3:GetObjectTagging', 's3:PutObjectTagging'],
};

/** A server of each kind, a standby, a strict store, and a configuration in which all is well. */
export async function doctorScene() {
  const [postgres, mariadb, store, lenient] = await Promise.all([
    startPostgres({ major: 18 }),
    startMariadb({ series: '11.8' }),
    startCeph(),
    startMoto(),
  ]);
  await lenient.createBucket('backups');
  await asPostgres(postgres, 'postgres', 'create database shop', "create role reader login password 'hunter2'");
  await asPostgres(
    postgres,
    'shop',
    'create table orders (id int)',
    'create table notes (id int)',
    'grant select on orders to reader',
  );
  await asRoot(mariadb, 'create database blog; create table blog.posts (id int primary key)');
  await asRoot(mariadb, "create user app@'%' identified by 'hunter2'; grant select on blog.* to app@'%'");
  const standby = await startStandby(postgres, { major: 18 });
  const stranger = await store.addUser('stranger');
  await store.createBucket('backups');
  const client = s3Client(store);
  for (const [bucket, Action] of Object.entries(allowed)) {
    await store.createBucket(bucket);
    const Principal = { AWS: ['arn:aws:iam:::user/stranger'] };
    const Resource = [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`];
    // whoever has written an object may tag it there, unless that is denied
    const denied = { Effect: 'Deny', Principal, Resource, Action: ['s3:PutObjectTagging'] };
    const Statement = [
      { Effect: 'Allow', Principal, Resource, Action },
      ...(Action.includes('s3:PutObjectTagging') ? [] : [denied]),
    ];
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
    await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
  }
  const folder = await mkdtemp('/tmp/nightjar-doctor-');
  await chmod(folder, 0o755);
  const layer = await dbToolsLayer(
    process.arch === 'arm64' ? 'arm64' : 'x86_64',
    { rule: 'newer' },
    () => {},
    AbortSignal.timeout(20 * 60_000),
  );
  const env = {
    PG: postgres.password,
    MY: mariadb.password,
    WEAK: 'hunter2',
    WRONG: 'hunter3',
    KEY: store.accessKeyId,
    SECRET: store.secretAccessKey,
    OTHER_KEY: stranger.accessKeyId,
    OTHER_SECRET: stranger.secretAccessKey,
    NIGHTJAR_TOOLS: layer,
  };
  const bucket = (name = 'backups', { endpoint = store.endpoint, as = '' } = {}) =>
    `{ s3: { bucket: ${name}, endpoint: "${endpoint}", accessKeyId: { env: ${as}KEY }, secretAccessKey: { env: ` +
    `${as}SECRET } } }`;
  const parts = {
    vault: './backups',
    offsite: bucket(),
    defaults: '{ copies: [offsite], schedule: "0 2 * * *" }',
    shop: `{ ${at(postgres)}, user: postgres, password: { env: PG }, database: shop }`,
    blog: `{ ${at(mariadb)}, user: root, password: { env: MY }, database: blog }`,
  };
  const configured = (changed: Partial<typeof parts>) => {
    const { vault, offsite, defaults, shop, blog } = { ...parts, ...changed };
    return `vault: ${vault}\nvaults: { offsite: ${offsite} }\ndefaults: ${defaults}\nsources:\n  shop:\n    postgres: ${shop}\n  blog:\n    mariadb: ${blog}\n`;
  };
  return {
    postgres,
    mariadb,
    standby,
    store,
    lenient,
    folder,
    layer,
    env,
    bucket,
    parts,
    configure: (changed: Partial<typeof parts> = {}) => writeFile(join(folder, 'nightjar.yaml'), configured(changed)),
    run: (args: readonly string[], more = {}) => nightjarInProcess(args, { cwd: folder, env: { ...env, ...more } }),
    /** Everything in a bucket. */
    async keysIn(name: string): Promise<string[]> {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: name }));
      return Contents.map(({ Key }) => Key ?? '');
    },
    /** The same layer without the programs of this major of PostgreSQL. */
    async olderLayer(major: number): Promise<string> {
      const older = join(folder, 'older/nightjar');
      await mkdir(older, { recursive: true });
      const home = join(layer, 'nightjar');
      for (const name of await readdir(home)) await symlink(join(home, name), join(older, name));
      const index = JSON.parse(await readFile(join(home, 'db-tools.json'), 'utf8'));
      index.programs = index.programs.filter((one: { major: number }) => one.major !== major);
      await rm(join(older, 'db-tools.json'));
      await writeFile(join(older, 'db-tools.json'), JSON.stringify(index));
      return join(folder, 'older');
    },
    async stop(): Promise<void> {
      client.destroy();
      await Promise.all([standby.stop(), mariadb.stop(), store.stop(), lenient.stop()]);
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export type DoctorScene = Awaited<ReturnType<typeof doctorScene>>;
