import { createPublicKey } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DisableKeyCommand,
  GetPublicKeyCommand,
  KMSClient,
} from '@aws-sdk/client-kms';
import type { KeySpec } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { backup } from '../../../core/commands/backup.ts';
import { signingExaminations } from '../../../core/commands/doctor/signing.ts';
import { checkConfig } from '../../../core/contract/config/config.ts';
import type { Settings } from '../../../core/contract/config/settings/settings.ts';
import { backupId, objectKey } from '../../../core/domain/keys.ts';
import type { Engine } from '../../../core/ports.ts';
import { opensslProgram } from '../../servers/root.ts';
import type { S3Server } from '../../servers/server.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';
import { signedStore } from '../../support/keys/signed.ts';
import { pasted } from '../../support/pasted.ts';
import { toyEngine, toySource } from '../../support/worlds/toy-engine.ts';
import { emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';
import type { MemoryState } from '../../support/vaults/memory-vault.ts';
import { shop } from '../../support/vaults/seen.ts';
import { depsOf, limit } from '../../support/vaults/vault.ts';

/** Keys of AWS KMS that sign, on moto. */
export function kmsCases(moto: () => S3Server): void {
  let client: KMSClient;
  let folder: string;
  let arn: string;
  /** As the service gives it, and by a way that shares nothing with ours. */
  let publicKey: string;
  let state: MemoryState;
  const engine = toyEngine(new Map([['shop', { orders: ['1', '2'] }]]), 'shop');
  const made = async (spec: KeySpec, usage: 'SIGN_VERIFY' | 'ENCRYPT_DECRYPT' = 'SIGN_VERIFY') =>
    (await client.send(new CreateKeyCommand({ KeySpec: spec, KeyUsage: usage }))).KeyMetadata!.Arn!;
  const backingUp = (kms: string, line = publicKey, of: Engine = engine) => {
    const store = signedStore(memoryVault(state), { publicKeys: [line], privateKey: { kms } });
    const clock = { now: () => new Date('2026-11-20T02:00:00Z') };
    return backup(toySource(of), { ...depsOf(memoryVault(state)), store, clock }, limit());
  };
  const bodyOf = (id: string, file: string) => state.objects.get(objectKey(`shop/${id}/${file}`))!;

  beforeAll(async () => {
    process.env['AWS_ENDPOINT_URL_KMS'] = moto().endpoint;
    client = new KMSClient({});
    folder = await mkdtemp(join(tmpdir(), 'nightjar-kms-'));
    arn = await made('ECC_NIST_P256');
    const answer = await client.send(new GetPublicKeyCommand({ KeyId: arn }));
    publicKey = Buffer.from(answer.PublicKey!).toString('base64');
    state = emptyState();
  });
  afterAll(async () => {
    client.destroy();
    await rm(folder, { recursive: true });
  });

  test('a key of KMS signs a backup, whose signature stock openssl verifies, and readers ask KMS nothing', async () => {
    const { id } = await backingUp(arn);
    for (const file of ['manifest.json', 'manifest.sig']) await writeFile(join(folder, file), bodyOf(id, file).body);
    const env = { PATH: `${dirname(await opensslProgram(() => {}, limit()))}:/usr/bin:/bin`, LINE: publicKey };
    await pasted('signing.md', 'public', folder, env);

    expect(await pasted('signing.md', 'verify-kms', folder, env)).toBe('Verified OK\n');
    await writeFile(join(folder, 'manifest.json'), `${bodyOf(id, 'manifest.json').body} `);
    await expect(pasted('signing.md', 'verify-kms', folder, env)).rejects.toMatchObject({ code: 1 });

    process.env['AWS_ENDPOINT_URL_KMS'] = 'http://127.0.0.1:9';
    const reader = signedStore(memoryVault(state), { publicKeys: [publicKey] });
    expect((await reader.readManifest(shop, backupId(id), limit())).manifest.id).toBe(id);
    process.env['AWS_ENDPOINT_URL_KMS'] = moto().endpoint;
  });

  test.each(['manifest.json', 'manifest.sig'])('every changed byte of %s is refused', async (file) => {
    const [first] = [...state.objects.keys()].filter((key) => key.endsWith('/manifest.json'));
    const id = first!.split('/')[1]!;
    const object = bodyOf(id, file);
    const reader = signedStore(memoryVault(state), { publicKeys: [publicKey] });
    const codes = new Set<string>();
    for (let at = 0; at < object.body.length; at += 1) {
      const body = Buffer.from(object.body);
      body[at]! ^= 1 << (at % 8);
      state.objects.set(objectKey(`shop/${id}/${file}`), { ...object, body });
      codes.add(await codeOf(reader.readManifest(shop, backupId(id), limit())));
    }
    for (const body of [Buffer.concat([object.body, Buffer.alloc(1)]), Buffer.alloc(0)]) {
      state.objects.set(objectKey(`shop/${id}/${file}`), { ...object, body });
      codes.add(await codeOf(reader.readManifest(shop, backupId(id), limit())));
    }
    state.objects.set(objectKey(`shop/${id}/${file}`), object);

    expect(codes).toEqual(new Set(['manifest-unsigned']));
  });

  test('a key that can not sign, or is not the one of the public key, ends a backup before anything is dumped', async () => {
    const never: Engine = { ...engine, plan: () => Promise.reject(new Error('was dumped')) };
    const [other, disabled] = [await made('ECC_NIST_P256'), await made('ECC_NIST_P256')];
    await client.send(new DisableKeyCommand({ KeyId: disabled.split('/').at(-1)! }));
    const nobody = arn.replace(/key\/.*/, 'key/00000000-0000-4000-8000-000000000000');

    const ends: [string, string][] = [];
    for (const [name, key] of Object.entries({
      another: other,
      disabled,
      'one that encrypts': await made('SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT'),
      none: nobody,
    }))
      ends.push([name, await codeOf(backingUp(key, publicKey, never))]);

    expect(ends).toEqual([
      ['another', 'key-missing'],
      ['disabled', 'key-missing'],
      ['one that encrypts', 'key-missing'],
      ['none', 'secret-missing'],
    ]);
  });

  test('doctor has KMS sign as a backup does, and tells who backs up and has no key', async () => {
    const looked = async (words: Parameters<typeof signedStore>[1] & object, here?: boolean) => {
      const settings = { signing: { since: undefined, privateKey: undefined, ...words } } as unknown as Settings;
      const [one] = signingExaminations(shop, settings, signedStore(memoryVault(state), words), here);
      return one?.look(limit()).then(
        ([{ said } = { said: '' }]) => said,
        ({ code }: { code: string }) => code,
      );
    };
    const publicKeys = [publicKey];

    expect(await looked({ publicKeys, privateKey: { kms: arn } })).toBe('new backups can be signed, by AWS KMS');
    expect(await looked({ publicKeys, privateKey: { kms: await made('ECC_NIST_P256') } })).toBe('key-missing');
    expect(await looked({ publicKeys }, true)).toBe('secret-missing');
    expect(await looked({ publicKeys })).toBeUndefined();
  });

  test('nightjar key kms prints what the configuration takes, by alias or ARN, and refuses another kind of key', async () => {
    await client.send(new CreateAliasCommand({ AliasName: 'alias/nightjar/signing', TargetKeyId: arn }));

    for (const name of [arn, 'alias/nightjar/signing']) {
      const { code, stdout } = await nightjarInProcess(['key', 'kms', name, '--json'], { cwd: folder });
      expect({ code, ...JSON.parse(stdout) }).toEqual({ code: 0, ok: true, public: publicKey, kms: arn });
    }
    expect(createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' })).toMatchObject({
      asymmetricKeyType: 'ec',
      asymmetricKeyDetails: { namedCurve: 'prime256v1' },
    });
    const wrong = await nightjarInProcess(['key', 'kms', await made('ECC_NIST_P384')], { cwd: folder });
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('ECC_NIST_P384') });
  });

  test('what stands in a configuration in place of an ARN, or beside it, is refused', () => {
    const problems = (privateKey: object, line = publicKey) => {
      const result = checkConfig({
        vault: './b',
        sources: {
          shop: { postgres: { host: 'h', user: 'u', database: 'd' }, signing: { publicKeys: [line], privateKey } },
        },
      });
      return 'problems' in result ? result.problems.map(({ path, message }) => [path.slice(3).join('.'), message]) : [];
    };

    expect(problems({ kms: arn })).toEqual([]);
    expect(problems({ kms: 'alias/mine' })).toEqual([
      ['privateKey.kms', expect.stringContaining('expected the ARN of a key')],
    ]);
    expect(problems({ kms: arn, file: 'a.pem' })).toEqual([['privateKey', expect.stringContaining('exactly one of')]]);
    expect(problems({ kms: arn }, publicKey.slice(4))).toEqual([
      ['publicKeys.0', expect.stringContaining('a public key of')],
    ]);
  });
}

function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'taken',
    (error: { code?: string }) => error.code ?? String(error),
  );
}
