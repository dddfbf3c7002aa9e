import { chmod, copyFile, cp, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ListMultipartUploadsCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { keptBundle, type FunctionName } from '../../../functions/bundle.ts';
import { dbToolsLayer } from '../../../layers/db-tools/layer.ts';
import { temporaryFolder } from '../../servers/folder.ts';
import { startMoto } from '../../servers/s3/moto.ts';
import { s3Client } from '../../servers/s3/client.ts';
import type { DatabaseServer, S3Server } from '../../servers/server.ts';
import { lambdaFunction, type FunctionSettings, type LambdaFunction } from './sandbox/function.ts';

export type SceneSource = {
  server: DatabaseServer;
  engine: 'postgres' | 'mariadb';
  database: string;
  secret?: string;
  rank?: string;
};

/** Our functions as they would be deployed: bundles, the layer, a bucket, a secret for each database server. */
export type Scene = {
  /**
   * A function with the configuration of `sources`, and whatever `config` adds to it, and `files` (name and text)
   * beside it; a `handler` of another file than `index` is one of the fixtures.
   */
  deploy(
    name: FunctionName,
    sources: Record<string, SceneSource>,
    settings?: Partial<FunctionSettings> & { config?: object; files?: Record<string, string> },
  ): Promise<LambdaFunction>;
  /** The AWS services. */
  aws: S3Server;
  /** Keys of everything in the bucket. */
  keys(): Promise<string[]>;
  /** Puts a document into the bucket, as somebody who may do everything. */
  store(key: string, document: object): Promise<void>;
  /** Multipart uploads that have begun and not ended. */
  openUploads(): Promise<number>;
  close(): Promise<void>;
};

const bucket = 'vault';

/** Starts the AWS services; bundles are made when they are first deployed. */
export async function openScene(): Promise<Scene> {
  const layer = await dbToolsLayer(
    process.arch === 'arm64' ? 'arm64' : 'x86_64',
    { rule: 'newer' },
    (line) => process.stderr.write(`${line}\n`),
    AbortSignal.timeout(20 * 60_000),
  );
  const folder = await temporaryFolder('bundles');
  const aws = await startMoto();
  await aws.createBucket(bucket);
  const s3 = s3Client(aws);
  const secrets = new SecretsManagerClient({ endpoint: aws.endpoint, region: aws.region, credentials: aws });
  const deployed: LambdaFunction[] = [];
  const bundles = new Map<FunctionName, Promise<string>>();
  const kept = new Map<string, Promise<unknown>>();

  function bundle(name: FunctionName): Promise<string> {
    const made = bundles.get(name) ?? keptBundle(name, process.env['NIGHTJAR_BUNDLES'] ?? folder.path);
    bundles.set(name, made);
    return made;
  }

  function keepSecret(name: string, { user: username, password }: DatabaseServer): Promise<unknown> {
    const made =
      kept.get(name) ??
      secrets.send(new CreateSecretCommand({ Name: name, SecretString: JSON.stringify({ username, password }) }));
    kept.set(name, made);
    return made;
  }

  async function configuration(sources: Record<string, SceneSource>): Promise<object> {
    const entries = Object.entries(sources).map(
      async ([name, { server, engine, database, secret = `${engine}-${server.port}`, rank }]) => {
        if (secret !== 'missing') await keepSecret(secret, server);
        const login = { user: { secret, field: 'username' }, password: { secret, field: 'password' } };
        const at = { host: server.host, port: server.port, database, ...login };
        return [name, { [engine]: at, ...(rank !== undefined && { rank }) }];
      },
    );
    return {
      vault: { s3: { bucket, region: aws.region, endpoint: aws.endpoint } },
      sources: Object.fromEntries(await Promise.all(entries)),
    };
  }

  return {
    aws,
    async deploy(name, sources, { config = {}, files = {}, ...settings } = {}) {
      const task = await mkdtemp(join(folder.path, 'task-'));
      await chmod(task, 0o755);
      await cp(await bundle(name), task, { recursive: true });
      const [file = 'index'] = settings.handler?.split('.') ?? [];
      if (file !== 'index')
        await copyFile(join(import.meta.dirname, 'fixtures', `${file}.mjs`), join(task, `${file}.mjs`));
      await writeFile(join(task, 'nightjar.yaml'), JSON.stringify({ ...(await configuration(sources)), ...config }));
      for (const [file, text] of Object.entries(files)) await writeFile(join(task, file), text);
      const environment = {
        NIGHTJAR_LAYER_NEWS: 'off',
        AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.endpoint,
        ...settings.environment,
      };
      const made = lambdaFunction({
        task,
        layer,
        name: `nightjar-${name}`,
        region: aws.region,
        ...settings,
        environment,
      });
      deployed.push(made);
      return made;
    },
    async keys() {
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }));
      return Contents.map(({ Key = '' }) => Key);
    },
    async store(key, document) {
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: JSON.stringify(document) }));
    },
    async openUploads() {
      const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
      return Uploads.length;
    },
    async close() {
      // a bundle that is still being made would make the folder anew
      await Promise.allSettled(bundles.values());
      await Promise.all(deployed.map((one) => one.stop()));
      s3.destroy();
      secrets.destroy();
      await aws.stop();
      await folder.remove();
    },
  };
}
