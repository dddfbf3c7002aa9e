import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { objectKey } from '../../../../core/domain/keys.ts';
import { s3Vault } from '../../../../core/vaults/s3/s3.ts';
import type { VaultUnderTest } from '../../../contract/vault/vault-contract.ts';
import { chunks, contentOf, contentOfPattern, keysOf, patterned } from '../../../contract/vault/vault-data.ts';
import { startCeph } from '../../../servers/s3/ceph.ts';
import type { S3Server } from '../../../servers/server.ts';
import type { ProxyOptions } from '../proxy.ts';
import { bucket, clientOf, openOn } from './servers.ts';
import { through } from './through.ts';

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

/** Loses the answer to the first request that fits. */
function losing(fits: RegExp): ProxyOptions['down'] {
  let lost = false;
  return (chunk, { request }) => {
    if (lost || !fits.test(request)) return chunk;
    lost = true;
    return 'cut';
  };
}

test.each([{ accessKeyId: 'nobody' }, { secretAccessKey: 'wrong-secret' }])(
  'a store that refuses %j is denied, not unreachable',
  async (wrong) => {
    const { accessKeyId, secretAccessKey } = server;
    const client = clientOf(server, { credentials: { accessKeyId, secretAccessKey, ...wrong } });
    const vault = s3Vault({ client, bucket, prefix: '' });

    const outcomes = await Promise.allSettled([
      keysOf(vault, ''),
      vault.put(objectKey('denied'), patterned(size, 65_536), tags, signal),
      vault.putIfAbsent(objectKey('denied'), Buffer.from('x'), tags, signal),
      vault.read(objectKey('denied'), signal),
    ]);

    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'vault-denied', hint: expect.any(String) } });
    expect(JSON.stringify(outcomes.map((outcome) => String((outcome as PromiseRejectedResult).reason)))).not.toContain(
      'secret',
    );
  },
);

test('a small put whose answer is lost is known to be ours', async () => {
  const key = objectKey('lost/lease.json');

  await through(server, { down: losing(/^PUT .*lease/) }, async (vault) => {
    const { version } = await vault.putIfAbsent(key, Buffer.from('run 1'), tags, signal);
    expect(await vault.read(key, signal)).toEqual({ body: Buffer.from('run 1'), version });
  });

  await through(server, { down: losing(/^PUT .*lease/) }, async (vault) => {
    await expect(vault.putIfAbsent(key, Buffer.from('run 2'), tags, signal)).rejects.toMatchObject({
      code: 'object-exists',
    });
  });
});

test('a replacement whose answer is lost is known to be ours', async () => {
  const key = objectKey('lost/replaced.json');
  const first = await direct.vault.putIfAbsent(key, Buffer.from('run 1'), tags, signal);

  await through(server, { down: losing(/^PUT .*replaced/) }, async (vault) => {
    const { version } = await vault.putIfUnchanged(key, Buffer.from('run 1, renewed'), first.version, signal);
    expect(await vault.read(key, signal)).toEqual({ body: Buffer.from('run 1, renewed'), version });
  });
});

test('an object whose answer is lost is known to be stored, and one that was there before is not taken for it', async () => {
  const key = objectKey('lost/small');

  await through(server, { down: losing(/^PUT .*small/) }, async (vault) => {
    expect(await vault.put(key, patterned(1000, 100), tags, signal)).toEqual({ bytes: 1000 });
  });
  await through(server, { down: losing(/^PUT .*small/) }, async (vault) => {
    const put = vault.put(key, chunks(Buffer.from('another')), tags, signal);
    await expect(put).rejects.toMatchObject({ code: 'object-exists' });
  });

  expect(await contentOf(direct.vault.get(key, signal))).toEqual(await contentOf(patterned(1000, 100)));
});

test('an upload in parts whose last answer is lost is known to be stored', async () => {
  const key = objectKey('lost/large');

  await through(server, { down: losing(/^POST .*uploadId=/) }, async (vault) => {
    expect(await vault.put(key, patterned(size, 65_536), tags, signal)).toEqual({ bytes: size });
  });

  expect(await contentOf(direct.vault.get(key, signal))).toEqual(await contentOfPattern(size));
});

test.each([1000, size])(
  'an object of %d bytes of which the store says another size is removed, and an error',
  async (bytes) => {
    const lying: ProxyOptions['down'] = (chunk, { request }) =>
      request.startsWith('HEAD')
        ? Buffer.from(chunk.toString('latin1').replace(/(content-length: )\d/i, '$19'), 'latin1')
        : chunk;

    await through(server, { down: lying }, async (vault) => {
      const put = vault.put(objectKey('lying/object'), patterned(bytes, 65_536), tags, signal);
      await expect(put).rejects.toMatchObject({
        code: 'vault-failed',
        message: expect.stringMatching(/holds 9\d+ of \d+ bytes; it has been removed/),
      });
    });

    expect(await keysOf(direct.vault, 'lying/')).toEqual([]);
  },
);

test('an endpoint where nobody listens is unreachable, with what to check', async () => {
  const vault = s3Vault({ client: clientOf(server, { endpoint: 'http://127.0.0.1:9' }), bucket, prefix: '' });

  await expect(vault.put(objectKey('a'), chunks(Buffer.from('x')), tags, signal)).rejects.toMatchObject({
    code: 'vault-unreachable',
    message: expect.stringContaining('ECONNREFUSED'),
    hint: expect.stringContaining('endpoint'),
  });
  await expect(keysOf(vault, '')).rejects.toMatchObject({ code: 'vault-unreachable' });
});

/** Answers a listing with this, in place of what the store says; `of` makes it of the store's answer. */
function answering(of: (body: string) => string, times = Infinity): ProxyOptions['down'] {
  let answered = 0;
  return (chunk, { request, down }) => {
    if (!/^GET \S*(list-type=2|[?&]uploads)/.test(request) || answered >= times) return chunk;
    if (down > chunk.length) return Buffer.alloc(0);
    answered += 1;
    const body = Buffer.from(of(unchunked(chunk.toString())));
    return Buffer.concat([
      Buffer.from(
        `HTTP/1.1 200 OK\r\ncontent-type: application/xml\r\ncontent-length: ${body.length}\r\nconnection: ` +
          `close\r\n\r\n`,
      ),
      body,
    ]);
  };
}

/** The document in an answer. */
function unchunked(answer: string): string {
  return /<\?xml[^]*>|<List[^]*>/.exec(answer)?.[0] ?? '';
}

const notListings: [string, (body: string) => string][] = [
  ['a login page', () => '<!DOCTYPE html><html><head><title>Sign in</title></head><body>Welcome</body></html>'],
  ['an empty body', () => ''],
  ['words', () => 'OK'],
  ['JSON', () => '{"ok":true}'],
  [
    'a document of another root',
    (body) => body.replace(/List(BucketResult|MultipartUploadsResult)/g, 'ListVersionsResult'),
  ],
  ['an error document', () => '<?xml version="1.0"?><Error><Code>InternalError</Code></Error>'],
  ['an empty listing of nothing', (body) => body.replace(/(<List\w+Result[^>]*>)[^]*(<\/List)/, '$1$2')],
  ['a listing of another bucket', (body) => body.replace(`>${bucket}<`, '>other-bucket<')],
  ['a listing of another prefix', (body) => body.replace(/<Prefix>[^<]*</, '<Prefix>team/other/<')],
  ['a listing that does not say whether it is whole', (body) => body.replace(/<IsTruncated>\w+<\/IsTruncated>/, '')],
  ['half a listing', (body) => body.slice(0, body.length / 2)],
  ['a listing without its last byte', (body) => body.slice(0, -1)],
  ['a listing of a cut object', (body) => body.replace(/<Size>\d+<\/Size>/, '')],
];
test.each(notListings)('museum: %s in place of a listing, with status 200, is no empty vault', async (what, of) => {
  await direct.vault.delete(objectKey('listed/1/a'), signal);
  await direct.vault.put(objectKey('listed/1/a'), patterned(1000, 500), tags, signal);

  await through(server, { down: answering(of) }, async (vault) => {
    await expect(keysOf(vault, 'listed/')).rejects.toMatchObject({
      code: 'vault-failed',
      message: expect.stringMatching(/^list s3:\/\/nightjar-vault\/team\/backups\/listed\/: /),
    });
    if (/object/.test(what)) return;
    await expect(Array.fromAsync(vault.unfinished('listed/', signal))).rejects.toMatchObject({
      code: 'vault-failed',
    });
  });
});

test('a wrong answer that comes once is asked for again', async () => {
  await through(server, { down: answering(() => '<html>', 1) }, async (vault) => {
    expect(await keysOf(vault, 'listed/')).toEqual(['listed/1/a']);
  });
});
