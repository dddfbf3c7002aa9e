import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, describe, expect, test } from '@jest/globals';
import { abortError, BackupError } from '../../../../core/domain/errors.ts';
import { s3Client } from '../../../../core/vaults/s3/client.ts';
import type { S3ClientOptions } from '../../../../core/vaults/s3/client.ts';
import { call, finishing } from '../../../../core/vaults/s3/request.ts';
import { keysOf } from '../../../contract/vault/vault-data.ts';
import { key, spoiledStore } from '../../../support/s3-store/spoiled.ts';

const signal = new AbortController().signal;
const { under, vaultOf } = spoiledStore();
/** What the SDK's own handler says of itself. */
type NodeHttpHandler = { httpHandlerConfigs(): object };
const opened: { destroy(): void }[] = [];
afterEach(() => {
  for (const client of opened.splice(0)) client.destroy();
});
const clientOf = (options: S3ClientOptions) => {
  const client = s3Client(options);
  opened.push(client);
  return client;
};
const credentials = { accessKeyId: 'id', secretAccessKey: 'secret', sessionToken: 'token' };

describe('a client', () => {
  test('of another store than AWS has buckets in its paths, and a region where none is said', async () => {
    const { config } = clientOf({ endpoint: 'https://minio.internal:9000', credentials });

    expect(await config.region()).toBe('us-east-1');
    expect([config.forcePathStyle, config.followRegionRedirects]).toEqual([true, false]);
    expect(await config.endpoint!()).toMatchObject({ hostname: 'minio.internal', port: 9000 });
    expect(await clientOf({ endpoint: 'https://s.example.com', region: 'fr-par', credentials }).config.region()).toBe(
      'fr-par',
    );
  });

  test('of AWS follows a bucket to its region, and tries four times', async () => {
    const { config } = clientOf({ region: 'eu-west-1', credentials });

    expect(await config.region()).toBe('eu-west-1');
    expect([config.forcePathStyle, config.followRegionRedirects, await config.maxAttempts()]).toEqual([false, true, 4]);
    expect(await config.credentials()).toMatchObject(credentials);
  });

  test('of AWS without a region goes by that of the environment', async () => {
    process.env['AWS_REGION'] = 'eu-north-1';
    try {
      expect(await clientOf({ credentials }).config.region()).toBe('eu-north-1');
    } finally {
      delete process.env['AWS_REGION'];
    }
  });

  test('leaves what it writes unsigned over TLS, which guards it; nothing else, and nothing over plain HTTP', async () => {
    const digestOf = async (endpoint: string, command: PutObjectCommand | GetObjectCommand) => {
      const client = clientOf({ endpoint, credentials });
      let digest: string | undefined;
      client.config.requestHandler = {
        ...client.config.requestHandler,
        handle: async ({ headers }) => {
          digest = headers['x-amz-content-sha256'];
          throw new Error('not sent');
        },
      };
      await expect(client.send(command as PutObjectCommand)).rejects.toThrow('not sent');
      return digest;
    };
    const object = { Bucket: 'acme', Key: 'a' };

    expect(await digestOf('https://store', new PutObjectCommand({ ...object, Body: '1' }))).toBe('UNSIGNED-PAYLOAD');
    expect(await digestOf('https://store', new GetObjectCommand(object))).toMatch(/^[0-9a-f]{64}$/);
    expect(await digestOf('http://store', new PutObjectCommand({ ...object, Body: '1' }))).toMatch(/^[0-9a-f]{64}$/);
  });

  test('adds checksums of its own where they are required alone, if the store is old', async () => {
    const asked = async (checksums?: S3ClientOptions['checksums']) => {
      const { config } = clientOf({ region: 'eu-west-1', credentials, checksums });
      return [await config.requestChecksumCalculation(), await config.responseChecksumValidation()];
    };

    expect(await asked('when-required')).toEqual(['WHEN_REQUIRED', 'WHEN_REQUIRED']);
    expect(await asked('when-supported')).toEqual(['WHEN_SUPPORTED', 'WHEN_REQUIRED']);
    expect(await asked()).toEqual(['WHEN_SUPPORTED', 'WHEN_REQUIRED']);
  });

  test('waits for a connection and for silence so long, and uses connections again', async () => {
    const settingsOf = async (options: S3ClientOptions) => {
      const client = under.store.client(options);
      opened.push(client);
      await keysOf(vaultOf({ client }), '');
      const { httpsAgent, httpAgent, ...settings } = (
        client.config.requestHandler as unknown as NodeHttpHandler
      ).httpHandlerConfigs() as unknown as {
        httpsAgent: { options: object };
        httpAgent: { options: object };
      };
      return { ...settings, httpAgent: httpAgent.options, httpsAgent: httpsAgent.options };
    };
    const agent = { keepAlive: true, maxSockets: 50 };

    expect(await settingsOf({ ca: 'PEM', silenceMs: 5000 })).toMatchObject({
      connectionTimeout: 10_000,
      socketTimeout: 5000,
      throwOnRequestTimeout: true,
      httpAgent: agent,
      httpsAgent: { ...agent, ca: 'PEM' },
    });
    const plain = await settingsOf({});
    expect(plain).toMatchObject({ socketTimeout: 60_000, httpsAgent: agent });
    expect(plain.httpsAgent).not.toHaveProperty('ca');
  });
});

describe('a request', () => {
  const damage = Object.assign(new Error('damaged'), { name: 'BadDigest', $metadata: { httpStatusCode: 400 } });

  test('has a minute, and longer for what is sent', async () => {
    expect(await call('write', async (options) => options, signal)).toEqual({
      abortSignal: signal,
      requestTimeout: 60_000,
    });
    expect(await call('write', async ({ requestTimeout }) => requestTimeout, signal, 1_000_000)).toBe(70_000);
  });

  test('is not sent for who is stopped, and what fails then is the stop', async () => {
    const sent: string[] = [];
    await expect(call('write', async () => sent.push('one'), AbortSignal.abort())).rejects.toMatchObject({
      code: 'aborted',
    });
    expect(sent).toEqual([]);

    const stop = new AbortController();
    const failing = async () => {
      stop.abort();
      throw damage;
    };
    await expect(call('write', failing, stop.signal)).rejects.toEqual(abortError(stop.signal));
  });

  test('that arrived damaged is sent three times, and no more; any other failure once', async () => {
    let sent = 0;
    const failing = (error: Error) => async () => {
      sent += 1;
      throw error;
    };
    await expect(call('write a', failing(damage), signal)).rejects.toThrow('write a: BadDigest');
    expect(sent).toBe(3);
    await expect(call('write a', failing(new Error('odd')), signal)).rejects.toBeInstanceOf(BackupError);
    expect(sent).toBe(4);
  });

  test('that is to be finished has its time, too', async () => {
    const hanging = (own: AbortSignal) =>
      new Promise<never>((_, reject) => own.addEventListener('abort', () => reject(own.reason)));

    await expect(finishing(`write ${key}`, hanging, signal, 20)).rejects.toMatchObject({
      code: 'vault-unreachable',
      message: `write ${key}: not done after 0.02 s`,
      hint: "check the vault's endpoint and the network, then run again",
    });
  });
});
