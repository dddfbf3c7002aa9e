import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { objectKey } from '../../../../core/domain/keys.ts';
import type { VaultUnderTest } from '../../../contract/vault/vault-contract.ts';
import { contentOf, contentOfPattern, keysOf, patterned } from '../../../contract/vault/vault-data.ts';
import { startCeph } from '../../../servers/s3/ceph.ts';
import { makeCertificate } from '../../../servers/certificate.ts';
import { temporaryFolder } from '../../../servers/folder.ts';
import { opensslProgram } from '../../../servers/root.ts';
import type { S3Server } from '../../../servers/server.ts';
import type { Passing, ProxyOptions } from '../proxy.ts';
import { openOn } from './servers.ts';
import { through } from './through.ts';

const MiB = 1024 * 1024;
const size = 20 * MiB;
const tags = { tier: 'daily' };
const signal = new AbortController().signal;
/** Each silence is waited for sixteen times over, until it is an error. On a slow machine one more is the same. */
const silenceMs = 500;

let server: S3Server;
let direct: VaultUnderTest;

beforeAll(async () => {
  server = await startCeph();
  direct = await openOn(server);
}, 600_000);
afterAll(() => direct?.close(), 60_000);

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

test('a bit flipped once on the way is refused by the store, and the part is sent again', async () => {
  const key = objectKey('flipped/once');

  await through(server, { up: flipping(1) }, async (vault) => {
    await vault.put(key, patterned(size, 65_536), tags, signal);
  });

  expect(await contentOf(direct.vault.get(key, signal))).toEqual(await contentOfPattern(size));
});

test('a network that flips bits all the time stores nothing', async () => {
  await through(server, { up: flipping(Infinity) }, async (vault) => {
    const put = vault.put(objectKey('flipped/always'), patterned(size, 65_536), tags, signal);
    await expect(put).rejects.toMatchObject({
      code: 'vault-failed',
      message: expect.stringContaining('flipped/always'),
    });
  });

  expect(await keysOf(direct.vault, 'flipped/always')).toEqual([]);
  expect(await direct.leftovers()).toEqual([]);
});

test('over TLS, where bodies are not signed, a flipped bit is refused by its checksum', async () => {
  const folder = await temporaryFolder('certificate');
  const made = await makeCertificate(
    folder.path,
    await opensslProgram(() => undefined, AbortSignal.timeout(120_000)),
    AbortSignal.timeout(20_000),
  );
  const tls = { cert: await readFile(made.certificateFile, 'utf8'), key: await readFile(made.keyFile, 'utf8') };
  const ca = await readFile(made.caFile, 'utf8');
  await folder.remove();
  const small = objectKey('tls/small');

  await through(
    server,
    { tls, up: flipping(Infinity) },
    async (vault, proxy) => {
      await vault.put(small, patterned(1000, 100), tags, signal);
      const put = vault.put(objectKey('tls/flipped'), patterned(size, 65_536), tags, signal);
      await expect(put).rejects.toMatchObject({
        code: 'vault-failed',
        cause: { name: expect.stringMatching(/BadDigest|Checksum/) },
      });
      expect(
        proxy.requests
          .filter((request) => /^PUT/.test(request))
          .every((request) => request.includes('UNSIGNED-PAYLOAD')),
      ).toBe(true);
    },
    { ca },
  );

  expect(await keysOf(direct.vault, 'tls/')).toEqual([small]);
  expect(await direct.leftovers()).toEqual([]);
});

test('over plain HTTP only parts, whose SHA-256 is in the manifest, go unsigned; what is small, as a manifest is, is signed', async () => {
  await through(server, {}, async (vault, proxy) => {
    await vault.put(objectKey('plain/large'), patterned(size, 65_536), tags, signal);
    await vault.putIfAbsent(objectKey('plain/manifest.json'), Buffer.from('{}'), tags, signal);

    const puts = proxy.requests.filter((request) => /^PUT/.test(request));
    const unsigned = puts.filter((request) => request.includes('UNSIGNED-PAYLOAD'));
    expect(unsigned.length).toBeGreaterThan(1);
    expect(unsigned).toEqual(puts.filter((request) => request.includes('partNumber=')));
    expect(puts.some((request) => request.includes('manifest.json'))).toBe(true);
  });
});

test('a download whose connection breaks again and again comes whole', async () => {
  const key = objectKey('broken/download');
  await direct.vault.put(key, patterned(size, 65_536), tags, signal);

  await through(server, { down: (chunk, { down }) => (down > 3 * MiB ? 'cut' : chunk) }, async (vault, proxy) => {
    expect(await contentOf(vault.get(key, signal))).toEqual(await contentOfPattern(size));
    expect(proxy.requests.length).toBeGreaterThan(5);
  });
});

test('a download that stands still is an error within a limit', async () => {
  const key = objectKey('still/download');
  await direct.vault.put(key, patterned(size, 65_536), tags, signal);

  await through(
    server,
    { down: (chunk, { down }) => (down > 50_000 ? 'hold' : chunk) },
    async (vault) => {
      await expect(contentOf(vault.get(key, signal))).rejects.toMatchObject({ code: 'vault-unreachable' });
    },
    { silenceMs },
  );
});

test('an upload that stands still is an error within a limit, and leaves nothing', async () => {
  await through(
    server,
    { up: (chunk, passing) => (isPart(passing) && passing.up > 1_000_000 ? 'hold' : chunk) },
    async (vault) => {
      const put = vault.put(objectKey('still/upload'), patterned(size, 65_536), tags, signal);
      await expect(put).rejects.toMatchObject({
        code: 'vault-unreachable',
        message: expect.stringMatching(/still\/upload: .*TimeoutError/),
      });
    },
    { silenceMs },
  );

  expect(await keysOf(direct.vault, 'still/upload')).toEqual([]);
  expect(await direct.leftovers()).toEqual([]);
});
