import './one-realm.ts';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { objectKey } from '../../core/domain/keys.ts';
import type { S3ClientOptions } from '../../core/vaults/s3-client.ts';
import { s3Vault } from '../../core/vaults/s3.ts';
import type { Vault } from '../../core/ports.ts';
import { chunks, contentOf, keysOf, patterned } from '../contract/vault-data.ts';
import type { VaultUnderTest } from '../contract/vault-contract.ts';
import { startCeph } from '../servers/ceph.ts';
import { makeCertificate } from '../servers/certificate.ts';
import { temporaryFolder } from '../servers/folder.ts';
import { opensslProgram } from '../servers/root.ts';
import type { S3Server } from '../servers/server.ts';
import { startProxy, type Passing, type Proxy, type ProxyOptions } from './proxy.ts';
import { bucket, clientOf, openOn } from './s3-servers.ts';

const MiB = 1024 * 1024;
const size = 20 * MiB;
const tags = { tier: 'daily' };
const signal = new AbortController().signal;

let server: S3Server;
let direct: VaultUnderTest;

beforeAll(async () => {
  server = await startCeph();
  direct = await openOn(server);
}, 600_000);
afterAll(() => direct?.close(), 60_000);

/** Runs with a vault that reaches the store through a proxy. */
async function through(faults: ProxyOptions, use: (vault: Vault, proxy: Proxy) => Promise<void>, options: S3ClientOptions = {}): Promise<void> {
  const proxy = await startProxy(server.endpoint, faults);
  const client = clientOf(server, { endpoint: proxy.endpoint, ...options });
  try {
    await use(s3Vault({ client, bucket, prefix: 'team/backups' }), proxy);
  } finally {
    client.destroy();
    await proxy.close();
  }
}

/** Flips one bit in the body of a part, of as many parts as given. */
function flipping(times: number): ProxyOptions['up'] {
  let left = times;
  return (chunk, passing) => {
    if (left === 0 || !isPart(passing) || passing.up < 100_000 || chunk.length < 1000) return chunk;
    left -= 1;
    passing.request = '';
    const changed = Buffer.from(chunk);
    changed[500]! ^= 1;
    return changed;
  };
}

const isPart = ({ request }: Passing): boolean => request.includes('partNumber=');

/** Loses the answer to the first request that fits. */
function losing(fits: RegExp): ProxyOptions['down'] {
  let lost = false;
  return (chunk, { request }) => {
    if (lost || !fits.test(request)) return chunk;
    lost = true;
    return 'cut';
  };
}

test.each([{ accessKeyId: 'nobody' }, { secretAccessKey: 'wrong-secret' }])('a store that refuses %j is denied, not unreachable', async (wrong) => {
  const { accessKeyId, secretAccessKey } = server;
  const client = clientOf(server, { credentials: { accessKeyId, secretAccessKey, ...wrong } });
  const vault = s3Vault({ client, bucket, prefix: '' });

  const outcomes = await Promise.allSettled([
    keysOf(vault, ''),
    vault.put(objectKey('denied'), patterned(size, 65_536), tags, signal),
    vault.putIfAbsent(objectKey('denied'), Buffer.from('x'), tags, signal),
    vault.read(objectKey('denied'), signal),
  ]);

  for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'vault-denied', hint: expect.any(String) } });
  expect(JSON.stringify(outcomes.map((outcome) => String((outcome as PromiseRejectedResult).reason)))).not.toContain('secret');
});

test('a bit flipped once on the way is refused by the store, and the part is sent again', async () => {
  const key = objectKey('flipped/once');

  await through({ up: flipping(1) }, async (vault) => {
    await vault.put(key, patterned(size, 65_536), tags, signal);
  });

  expect(await contentOf(direct.vault.get(key, signal))).toEqual(await contentOf(patterned(size, 65_536)));
});

test('a network that flips bits all the time stores nothing', async () => {
  await through({ up: flipping(Infinity) }, async (vault) => {
    const put = vault.put(objectKey('flipped/always'), patterned(size, 65_536), tags, signal);
    await expect(put).rejects.toMatchObject({ code: 'vault-failed', message: expect.stringContaining('flipped/always') });
  });

  expect(await keysOf(direct.vault, 'flipped/always')).toEqual([]);
  expect(await direct.leftovers()).toEqual([]);
});

test('over TLS, where bodies are not signed, a flipped bit is refused by its checksum', async () => {
  const folder = await temporaryFolder('certificate');
  const made = await makeCertificate(folder.path, await opensslProgram(() => undefined, AbortSignal.timeout(120_000)), AbortSignal.timeout(20_000));
  const tls = { cert: await readFile(made.certificateFile, 'utf8'), key: await readFile(made.keyFile, 'utf8') };
  const ca = await readFile(made.caFile, 'utf8');
  await folder.remove();
  const small = objectKey('tls/small');

  await through({ tls, up: flipping(Infinity) }, async (vault, proxy) => {
    await vault.put(small, patterned(1000, 100), tags, signal);
    const put = vault.put(objectKey('tls/flipped'), patterned(size, 65_536), tags, signal);
    await expect(put).rejects.toMatchObject({ code: 'vault-failed', cause: { name: expect.stringMatching(/BadDigest|Checksum/) } });
    expect(proxy.requests.filter((request) => /^PUT/.test(request)).every((request) => request.includes('UNSIGNED-PAYLOAD'))).toBe(true);
  }, { ca });

  expect(await keysOf(direct.vault, 'tls/')).toEqual([small]);
  expect(await direct.leftovers()).toEqual([]);
});

test('a download whose connection breaks again and again comes whole', async () => {
  const key = objectKey('broken/download');
  await direct.vault.put(key, patterned(size, 65_536), tags, signal);

  await through({ down: (chunk, { down }) => (down > 3 * MiB ? 'cut' : chunk) }, async (vault, proxy) => {
    expect(await contentOf(vault.get(key, signal))).toEqual(await contentOf(patterned(size, 65_536)));
    expect(proxy.requests.length).toBeGreaterThan(5);
  });
});

test('a download that stands still is an error within a limit', async () => {
  const key = objectKey('still/download');
  await direct.vault.put(key, patterned(size, 65_536), tags, signal);

  await through({ down: (chunk, { down }) => (down > 50_000 ? 'hold' : chunk) }, async (vault) => {
    await expect(contentOf(vault.get(key, signal))).rejects.toMatchObject({ code: 'vault-unreachable' });
  }, { silenceMs: 500 });
});

test('an upload that stands still is an error within a limit, and leaves nothing', async () => {
  await through({ up: (chunk, passing) => (isPart(passing) && passing.up > 1_000_000 ? 'hold' : chunk) }, async (vault) => {
    const put = vault.put(objectKey('still/upload'), patterned(size, 65_536), tags, signal);
    await expect(put).rejects.toMatchObject({ code: 'vault-unreachable', message: expect.stringMatching(/still\/upload: .*TimeoutError/) });
  }, { silenceMs: 500 });

  expect(await keysOf(direct.vault, 'still/upload')).toEqual([]);
  expect(await direct.leftovers()).toEqual([]);
});

test('a small put whose answer is lost is known to be ours', async () => {
  const key = objectKey('lost/lease.json');

  await through({ down: losing(/^PUT .*lease/) }, async (vault) => {
    const { version } = await vault.putIfAbsent(key, Buffer.from('run 1'), tags, signal);
    expect(await vault.read(key, signal)).toEqual({ body: Buffer.from('run 1'), version });
  });

  await through({ down: losing(/^PUT .*lease/) }, async (vault) => {
    await expect(vault.putIfAbsent(key, Buffer.from('run 2'), tags, signal)).rejects.toMatchObject({ code: 'object-exists' });
  });
});

test('a replacement whose answer is lost is known to be ours', async () => {
  const key = objectKey('lost/replaced.json');
  const first = await direct.vault.putIfAbsent(key, Buffer.from('run 1'), tags, signal);

  await through({ down: losing(/^PUT .*replaced/) }, async (vault) => {
    const { version } = await vault.putIfUnchanged(key, Buffer.from('run 1, renewed'), first.version, signal);
    expect(await vault.read(key, signal)).toEqual({ body: Buffer.from('run 1, renewed'), version });
  });
});

test('an upload in parts whose last answer is lost is known to be stored', async () => {
  const key = objectKey('lost/large');

  await through({ down: losing(/^POST .*uploadId=/) }, async (vault) => {
    expect(await vault.put(key, patterned(size, 65_536), tags, signal)).toEqual({ bytes: size });
  });

  expect(await contentOf(direct.vault.get(key, signal))).toEqual(await contentOf(patterned(size, 65_536)));
});

test.each([1000, size])('an object of %d bytes of which the store says another size is removed, and an error', async (bytes) => {
  const lying: ProxyOptions['down'] = (chunk, { request }) =>
    request.startsWith('HEAD') ? Buffer.from(chunk.toString('latin1').replace(/(content-length: )\d/i, '$19'), 'latin1') : chunk;

  await through({ down: lying }, async (vault) => {
    const put = vault.put(objectKey('lying/object'), patterned(bytes, 65_536), tags, signal);
    await expect(put).rejects.toMatchObject({ code: 'vault-failed', message: expect.stringMatching(/holds 9\d+ of \d+ bytes; it has been removed/) });
  });

  expect(await keysOf(direct.vault, 'lying/')).toEqual([]);
});

test('an endpoint where nobody listens is unreachable, with what to check', async () => {
  const vault = s3Vault({ client: clientOf(server, { endpoint: 'http://127.0.0.1:9' }), bucket, prefix: '' });

  await expect(vault.put(objectKey('a'), chunks(Buffer.from('x')), tags, signal)).rejects.toMatchObject({
    code: 'vault-unreachable',
    message: expect.stringContaining('ECONNREFUSED'),
    hint: expect.stringContaining('endpoint'),
  });
  await expect(keysOf(vault, '')).rejects.toMatchObject({ code: 'vault-unreachable' });
});
