import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { cloudSchema } from '../../../core/contract/cloud/cloud.ts';
import type { ConfigProblem } from '../../../core/contract/config/problem.ts';
import { objectKey } from '../../../core/domain/keys.ts';
import { openSecrets } from '../../../core/secrets/index.ts';
import { surroundings } from '../../../core/surroundings.ts';
import { vaults } from '../../../core/vaults/index.ts';
import type { S3VaultConfig } from '../../../core/vaults/s3/descriptor.ts';
import { keysOf } from '../../contract/vault/vault-data.ts';
import { s3Store } from '../../support/s3-store/store.ts';

const { folder, s3 } = vaults;
const signal = new AbortController().signal;
const here = '/etc/nightjar';
const path = (written: string) => resolve(here, written);
const said = (problems: ConfigProblem[]) => problems.map(({ path: at, message }) => `${at.join('.')}: ${message}`);
const cloudOf = (keys: object = {}) => cloudSchema.parse({ email: ['ops@acme.example'], ...keys });
const bucketOf = (keys: object = {}): S3VaultConfig => s3.schema.parse({ bucket: 'acme', ...keys });

describe('a folder', () => {
  const config = folder.schema.parse('./backups');

  test.each([
    ['./backups', true],
    ['/srv/backups~', true],
    ['backups:/x', true],
    ['old s3://acme', true],
    ['', false],
    [' ', false],
    ['s3://acme', false],
    ['S3://acme', false],
    ['ftp://acme', false],
    ['~/backups', false],
  ])('may be written as a text: "%s" %p', (text, may) => {
    expect(folder.fromText(text)).toBe(may ? text : undefined);
  });

  test('is its path, from beside the configuration, and is reached by nothing else', () => {
    expect(config).toEqual({ kind: 'folder', folder: './backups' });
    expect(folder.place(config, path)).toBe('/etc/nightjar/backups');
    expect(folder.pathOf(config)).toBe('./backups');
    expect(folder.reach()).toEqual({ secrets: [], files: [] });
    expect(folder.about).toBe('A folder, relative to this file. Its parent must exist.');
    expect(folder.schema.safeParse('').error!.issues[0]!.message).toBe('expected the path of a folder');
  });

  test('is nothing that functions have', () => {
    expect(said(folder.cloudProblems())).toEqual([
      'vault: is a folder, which functions do not have: write a bucket, as s3://acme-backups/prod',
    ]);
    expect(folder.copyProblems()).toEqual([
      {
        path: [],
        message:
          'is a folder, which functions do not have: leave it out of copies here, and copy there from a machine, with ' +
          'a file of its own',
      },
    ]);
  });

  test('is opened at its path', async () => {
    const above = await mkdtemp(join(tmpdir(), 'nightjar-descriptors-'));
    const { vault, close } = await folder.open(
      config,
      'vault',
      surroundings(openSecrets({ env: {}, folder: above }), above),
    );

    expect(vault.place).toBe(join(above, 'backups'));
    close();
    await rm(above, { recursive: true });
  });
});

describe('a bucket', () => {
  test.each([
    ['s3://acme', { bucket: 'acme' }],
    ['s3://acme/', { bucket: 'acme' }],
    ['s3://my.acme-1/a/b', { bucket: 'my.acme-1', prefix: 'a/b' }],
    [`s3://${'a'.repeat(63)}`, { bucket: 'a'.repeat(63) }],
    [`s3://${'a'.repeat(64)}`, undefined],
    ['s3://ab', undefined],
    ['s3://Acme', undefined],
    ['s3://-acme', undefined],
    ['s3://acme-', undefined],
    ['s3://acme?x=1', undefined],
    ['s3://acme/a#b', undefined],
    ['s3://acme/a b', undefined],
    ['s3://AKIA:secret@acme', undefined],
    ['s3://acme/user@host', undefined],
    ['xs3://acme', undefined],
    ['https://acme', undefined],
    ['acme', undefined],
  ])('may be written as a text: %s', (text, own) => {
    expect(s3.fromText(text)).toEqual(own);
  });

  test('has defaults that any S3 store of today does with', () => {
    expect(bucketOf()).toEqual({
      kind: 's3',
      bucket: 'acme',
      prefix: '',
      checksums: 'when-supported',
      tags: true,
      conditionalWrites: true,
    });
  });

  const name = "a bucket's name (3 to 63 small letters, digits, - and .)";
  test.each([
    [{ bucket: undefined }, `bucket: is missing: ${name}`],
    [{ bucket: 'ab' }, `bucket: expected ${name}`],
    [{ bucket: 'acme/prod' }, `bucket: expected ${name}`],
    [{ bucket: '-acme' }, `bucket: expected ${name}`],
    [{ bucket: 'acme-' }, `bucket: expected ${name}`],
    [{ prefix: '' }, 'prefix: expected a prefix'],
    [{ region: '' }, 'region: expected a region'],
    [{ kmsKey: '' }, 'kmsKey: expected a KMS key'],
    [{ ca: '' }, 'ca: expected the path of a PEM file'],
    [{ endpoint: undefined, ca: 7 }, 'ca: expected the path of a PEM file: put it in quotes'],
    [{ endpoint: 7 }, 'endpoint: expected the URL of a store: put it in quotes'],
    [{ endpoint: 'store:9000' }, 'endpoint: expected an http or https URL without user and password'],
    [{ endpoint: 'xhttp://store' }, 'endpoint: expected an http or https URL without user and password'],
    [{ endpoint: 'https2://store' }, 'endpoint: expected an http or https URL without user and password'],
    [{ endpoint: 'no URL' }, 'endpoint: expected an http or https URL without user and password'],
    [{ endpoint: 'https://user@store' }, 'endpoint: expected an http or https URL without user and password'],
    [{ endpoint: 'https://:word@store' }, 'endpoint: expected an http or https URL without user and password'],
    [{ checksums: 'none' }, 'checksums: expected when-supported or when-required, got "none"'],
    [{ tags: 'no' }, 'tags: expected true or false, got "no"'],
    [{ conditionalWrites: 0 }, 'conditionalWrites: expected true or false, got 0'],
    [{ objectLock: {} }, 'objectLock.mode: is missing: governance or compliance'],
    [
      { objectLock: { mode: 'governance', daily: 0 } },
      'objectLock.daily: expected a whole number from 1 to 36500, got 0',
    ],
    [
      { objectLock: { mode: 'governance', yearly: 36_501 } },
      'objectLock.yearly: expected a whole number from 1 to 36500, got 36501',
    ],
    [{ accessKeyId: { env: 'ID' } }, ': accessKeyId and secretAccessKey go together'],
    [{ secretAccessKey: { env: 'KEY' } }, ': accessKeyId and secretAccessKey go together'],
  ])('%j is refused', (keys, problem) => {
    const { error } = s3.schema.safeParse({ bucket: 'acme', ...keys });

    expect(error!.issues.map(({ path: at, message }) => `${at.join('.')}: ${message}`)).toEqual([problem]);
  });

  const keys = { accessKeyId: { env: 'ID' }, secretAccessKey: { file: 'key' } };
  test.each(['http://127.0.0.1:9000', 'https://minio.internal/s3'])('%s is the URL of a store', (endpoint) => {
    expect(bucketOf({ endpoint, ...keys })).toMatchObject({ endpoint, ...keys });
  });

  test.each([
    [{}, 's3://acme', ' acme/'],
    [{ prefix: 'a/b' }, 's3://acme/a/b', ' acme/a/b'],
    [{ endpoint: 'https://store' }, 's3://acme', 'https://store acme/'],
  ])('%j is called, and known from others', (given, place, of) => {
    expect([s3.place(bucketOf(given)), s3.pathOf(bucketOf(given))]).toEqual([place, of]);
  });

  test('is asked as whoever asks, or by keys, at AWS or elsewhere', () => {
    const own = { prefix: 'p', region: 'eu-west-1', kmsKey: 'k' };

    expect(s3.reach(bucketOf(own))).toEqual({ secrets: [], files: [], bucket: { name: 'acme', ...own } });
    const { accessKeyId, secretAccessKey } = keys;
    expect(s3.reach(bucketOf({ ...keys, ca: 'ca.pem' }))).toEqual({
      secrets: [accessKeyId, secretAccessKey],
      files: ['ca.pem'],
    });
    expect(s3.reach(bucketOf({ endpoint: 'https://store' }))).toEqual({ secrets: [], files: [] });
  });
});

describe('in a bucket, functions on AWS can’t keep backups', () => {
  const lock = { mode: 'governance', daily: 7 };
  const arn = 'arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/1234-ab';
  const alias = 'expected the ARN of a key (arn:aws:kms:…:key/…): rights are given on it, and an alias has none';
  const characters =
    'may hold letters, digits and . / _ = + @ , ~ - here: it stands in the rights of the functions, where others mean ' +
    'something';

  test.each([
    [{}, {}, []],
    [{ prefix: 'a/b_c.d=e+f@g,h~i-1', kmsKey: arn, region: 'eu-west-1' }, { region: 'eu-west-1' }, []],
    [
      { endpoint: 'https://store', ca: 'ca.pem', conditionalWrites: false },
      {},
      [
        'vault.s3.endpoint: is a store outside of AWS: functions write into a bucket of S3; leave it out',
        'vault.s3.conditionalWrites: is false, and S3 on AWS heeds conditional writes: leave it out',
        'vault.s3.ca: goes with endpoint: leave it out',
      ],
    ],
    [
      { accessKeyId: { env: 'ID' }, secretAccessKey: { env: 'KEY' } },
      {},
      [
        'vault.s3.accessKeyId: functions have a role of their own, and need no keys: leave accessKeyId and ' +
          'secretAccessKey out',
      ],
    ],
    [{ prefix: 'a*' }, {}, [`vault.s3.prefix: ${characters}`]],
    [{ prefix: '*a' }, {}, [`vault.s3.prefix: ${characters}`]],
    ...['alias/backups', `${arn}/x`, `x${arn}`, arn.replace('123456789012', '1'), arn.replace('key/', 'alias/')].map(
      (kmsKey): [object, object, string[]] => [{ kmsKey }, {}, [`vault.s3.kmsKey: ${alias}`]],
    ),
    [
      { region: 'eu-west-1' },
      { region: 'us-east-1' },
      ['vault.s3.region: the stack makes the bucket in its own region: write cloud.region: eu-west-1'],
    ],
    [
      { region: 'eu-west-1' },
      {},
      ['vault.s3.region: the stack makes the bucket in its own region: write cloud.region: eu-west-1'],
    ],
    [{ region: 'eu-west-1' }, { region: 'us-east-1', bucket: 'existing' }, []],
    [{}, { region: 'us-east-1' }, []],
    [
      { objectLock: lock },
      {},
      [
        'vault.s3.objectLock: needs a bucket with Object Lock: write cloud.objectLock, too, with mode: governance and ' +
          'some days for everything',
      ],
    ],
    [
      { objectLock: lock },
      { objectLock: { mode: 'compliance', days: 7 } },
      ['vault.s3.objectLock: has another mode than the bucket: cloud.objectLock says compliance'],
    ],
    [{ objectLock: lock }, { objectLock: { mode: 'governance', days: 7 } }, []],
    [{ objectLock: lock }, { bucket: 'existing' }, []],
    [
      { kmsKey: arn },
      { encryption: 's3' },
      ['cloud.encryption: is s3, and vault.s3.kmsKey names a key: leave one of the two out'],
    ],
    [{}, { encryption: 's3' }, []],
    [
      {},
      { objectLock: { mode: 'governance', days: 7 }, bucket: 'existing' },
      ['cloud.objectLock: is for a bucket that the stack makes: set it on the existing one yourself'],
    ],
    [{}, { objectLock: { mode: 'governance', days: 7 } }, []],
  ])('%j with the cloud %j', (bucket, cloud, problems) => {
    expect(said(s3.cloudProblems(bucketOf(bucket), cloudOf(cloud)))).toEqual(problems);
  });

  const secrets = { accessKeyId: { secret: 'v', field: 'id' }, secretAccessKey: { secret: 'v', field: 'key' } };
  const endpoint = 'https://store';
  const remedy =
    'is of one machine: functions read secrets from AWS Secrets Manager; write { secret: name or ARN, field: name }';
  test.each([
    [{}, []],
    [{ endpoint, ...secrets, prefix: 'a*', kmsKey: 'alias/x' }, []],
    [
      { endpoint },
      [
        's3.accessKeyId: is missing: a store outside of AWS knows no role of the functions; write accessKeyId and ' +
          'secretAccessKey, each as { secret: name or ARN, field: name }',
      ],
    ],
    [
      { accessKeyId: { env: 'ID' }, secretAccessKey: { file: 'key' } },
      [`s3.accessKeyId: a variable ${remedy}`, `s3.secretAccessKey: a file ${remedy}`],
    ],
    [{ prefix: 'a*', kmsKey: 'alias/x' }, [`s3.prefix: ${characters}`, `s3.kmsKey: ${alias}`]],
  ])('and copies into %j', (bucket, problems) => {
    expect(said(s3.copyProblems(bucketOf(bucket)))).toEqual(problems);
  });
});

describe('a bucket is opened', () => {
  afterEach(() => {
    for (const variable of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) delete process.env[variable];
  });
  const fromEnv = (env: Record<string, string>) => surroundings(openSecrets({ env, folder: here }), here);
  const keys = { accessKeyId: { env: 'ID' }, secretAccessKey: { env: 'KEY' } };
  const opening = (given: object, env: Record<string, string> = {}) =>
    s3.open(bucketOf(given), 'vaults.far', fromEnv(env), signal);

  test.each([
    ['with the keys that the configuration names', keys, 'OURS'],
    ['with what AWS programs use', {}, 'THEIRS'],
  ])('%s', async (_, given, id) => {
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'THEIRS', AWS_SECRET_ACCESS_KEY: 'secret' });
    const store = await s3Store();
    const { bucket, endpoint } = store;

    const { vault, close } = await opening(
      { bucket, prefix: 'prod', endpoint, ...given },
      { ID: 'OURS', KEY: 'secret' },
    );
    await vault.putIfAbsent(objectKey('lease'), Buffer.from('text'), {}, signal);

    expect(vault.place).toBe('s3://acme-backups/prod');
    expect([...store.objects.keys()]).toEqual(['prod/lease']);
    for (const { headers } of store.asked) expect(headers.authorization).toContain(`Credential=${id}/`);
    close();
    await store.close();
  });

  test('by nobody who lacks a key, or the certificate of the authority', async () => {
    await expect(opening(keys)).rejects.toMatchObject({
      code: 'secret-missing',
      message: expect.stringMatching(/^vaults\.far\.s3\.accessKeyId: /),
    });
    await expect(opening(keys, { ID: 'id' })).rejects.toMatchObject({
      code: 'secret-missing',
      message: expect.stringMatching(/^vaults\.far\.s3\.secretAccessKey: /),
    });
    await expect(opening({ ca: 'none.pem' })).rejects.toMatchObject({
      code: 'config-invalid',
      message: 'vaults.far.s3.ca: the file /etc/nightjar/none.pem is not there',
    });
  });

  test('and lets go of its connections', async () => {
    let socket: Socket | undefined;
    const page =
      '<ListBucketResult><Name>acme</Name><Prefix></Prefix><IsTruncated>false</IsTruncated></ListBucketResult>';
    const server = createServer((_, response) => response.end(page)).on('connection', (one) => (socket = one));
    // it closes none by itself
    server.keepAliveTimeout = 0;
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' });
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { vault, close } = await opening({ endpoint });
    expect(await keysOf(vault, '')).toEqual([]);

    const closed = once(socket!, 'close');
    close();

    await closed;
    await new Promise((done) => server.close(done));
  });
});
