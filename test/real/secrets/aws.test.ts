import {
  CreateSecretCommand,
  DeleteSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { SecretReference } from '../../../core/ports.ts';
import { openSecrets } from '../../../core/secrets/index.ts';
import { secretsContract } from '../../contract/secrets/secrets-contract.ts';
import { signingKms, startMoto } from '../../servers/s3/moto.ts';
import type { S3Server } from '../../servers/server.ts';
import { kmsCases } from './kms.ts';

const limit = () => AbortSignal.timeout(30_000);
const before = { ...process.env };
let moto: S3Server;
let client: SecretsManagerClient;
let arn = '';

beforeAll(async () => {
  moto = await startMoto({ preludes: [signingKms] });
  // the adapter has no other way in than the SDK's own: what is set here is what an AWS host sets
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_SECRETS_MANAGER: moto.endpoint,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: moto.accessKeyId,
    AWS_SECRET_ACCESS_KEY: moto.secretAccessKey,
  });
  client = new SecretsManagerClient({});
  const made = await client.send(
    new CreateSecretCommand({
      Name: 'rds-blog',
      SecretString: JSON.stringify({ username: 'app', password: 'hunter2', port: 3306, tags: ['hunter3'], empty: '' }),
    }),
  );
  arn = made.ARN!;
  await client.send(new CreateSecretCommand({ Name: 'plain', SecretString: 'hunter4' }));
  await client.send(new CreateSecretCommand({ Name: 'bytes', SecretBinary: Buffer.from('hunter5') }));
}, 20 * 60_000);

afterAll(async () => {
  client.destroy();
  process.env = before;
  await moto.stop();
});

secretsContract('AWS Secrets Manager', async () => ({
  open: () => openSecrets({ env: {}, folder: '/' }),
  keep: async (name, value) => {
    // the service keeps no empty secret, but an empty field of one
    const text = JSON.stringify({ value });
    await client.send(new CreateSecretCommand({ Name: name, SecretString: text }));
  },
  reference: (name) => ({ secret: name, field: 'value' }),
  close: async () => undefined,
}));

test.each([
  ['a field by the name of the secret', () => ({ secret: 'rds-blog', field: 'password' }), 'hunter2'],
  ['a field by the ARN of the secret', () => ({ secret: arn, field: 'username' }), 'app'],
  ['a number', () => ({ secret: 'rds-blog', field: 'port' }), '3306'],
  ['the whole secret', () => ({ secret: 'plain' }), 'hunter4'],
])('reads %s', async (_, reference: () => SecretReference, expected) => {
  expect(await openSecrets({ env: {}, folder: '/' }).get(reference(), limit())).toBe(expected);
});

test('an ARN is looked for in its own region', async () => {
  const elsewhere = arn.replace('eu-central-1', 'us-west-2');

  await expect(openSecrets({ env: {}, folder: '/' }).get({ secret: elsewhere }, limit())).rejects.toMatchObject({
    code: 'secret-missing',
  });
});

test.each([
  [
    { secret: 'rds-blgo' },
    "the secret rds-blgo in AWS Secrets Manager can't be read: Secrets Manager can't find the specified secret.",
  ],
  [
    { secret: 'rds-blog', field: 'pasword' },
    'the secret rds-blog in AWS Secrets Manager has no field pasword, did you mean "password"?',
  ],
  [{ secret: 'rds-blog', field: 'tags' }, 'the secret rds-blog in AWS Secrets Manager has no field tags that is text'],
  [
    { secret: 'rds-blog', field: 'empty' },
    'the secret rds-blog in AWS Secrets Manager has no field empty that is text',
  ],
  [
    { secret: 'plain', field: 'password' },
    'the secret plain in AWS Secrets Manager is no JSON object, so it has no field password',
  ],
  [{ secret: 'bytes' }, 'the secret bytes in AWS Secrets Manager holds bytes, not text'],
])('what is not there is an error that names the reference and no value: %p', async (reference, message) => {
  const error: unknown = await openSecrets({ env: {}, folder: '/' })
    .get(reference, limit())
    .catch((reason: unknown) => reason);

  expect(error).toMatchObject({ code: 'secret-missing', message });
  expect(`${JSON.stringify(error)}${String((error as Error).cause)}`).not.toMatch(/hunter/);
});

test('a secret is fetched once in a run, and anew after a failure', async () => {
  const secrets = openSecrets({ env: {}, folder: '/' });
  await expect(secrets.get({ secret: 'late' }, limit())).rejects.toMatchObject({ code: 'secret-missing' });
  await client.send(new CreateSecretCommand({ Name: 'late', SecretString: '{"user":"a","password":"first"}' }));

  expect(await secrets.get({ secret: 'late', field: 'user' }, limit())).toBe('a');
  await client.send(new PutSecretValueCommand({ SecretId: 'late', SecretString: '{"user":"b","password":"second"}' }));
  expect(await secrets.get({ secret: 'late', field: 'password' }, limit())).toBe('first');

  await client.send(new DeleteSecretCommand({ SecretId: 'late', ForceDeleteWithoutRecovery: true }));
});

kmsCases(() => moto);

test('whoever asked first and is stopped takes nobody else along', async () => {
  const secrets = openSecrets({ env: {}, folder: '/' });
  const stop = new AbortController();
  process.kill(moto.pid, 'SIGSTOP');
  const first = secrets.get({ secret: 'plain' }, stop.signal);
  const others = [secrets.get({ secret: 'plain' }, limit()), secrets.get({ secret: 'plain' }, limit())];
  setTimeout(() => stop.abort(), 200);
  await expect(first).rejects.toMatchObject({ code: 'aborted' });
  process.kill(moto.pid, 'SIGCONT');

  expect(await Promise.all(others)).toEqual(['hunter4', 'hunter4']);
});

test('a service that does not answer is given up when asked to stop', async () => {
  process.kill(moto.pid, 'SIGSTOP');
  try {
    const stopped = openSecrets({ env: {}, folder: '/' }).get({ secret: 'plain' }, AbortSignal.timeout(500));

    await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
  } finally {
    process.kill(moto.pid, 'SIGCONT');
  }
});
