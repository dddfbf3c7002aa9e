import { afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { RegionInfo } from 'aws-cdk-lib/region-info';
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compose, type Nightjar } from '../../../core/compose.ts';
import { parseConfig } from '../../../core/config-file.ts';
import { tlsChoice } from '../../../core/contract/config/sources/server.ts';
import { authoritiesOf } from '../../../core/domain/tools/rds-endpoint.ts';
import { thisIdentity } from '../../../core/holder.ts';
import { readToolsFacts } from '../../../core/tools.ts';
import {
  bundleOf,
  canComplete,
  lackingLine,
  rdsBundle,
  readAuthorities,
  requireRegions,
  strangersIn,
  writeCertificates,
} from '../../../layers/db-tools/certificates.ts';
import { makeCertificate } from '../../servers/certificate.ts';
import { temporaryFolder } from '../../servers/folder.ts';
import { opensslProgram } from '../../servers/root.ts';
import { buildLimitMs, nativeArchitecture, openLayer } from './native-layer.ts';

/** Partitions whose authorities are pinned; and a region of them that was announced, and has no databases yet. */
const partitions = ['aws', 'aws-cn', 'aws-us-gov'];
const withoutRds = ['me-west-1'];
const before = { ...process.env };
let folder: string;
let stranger: string;
let server: Server | undefined;

beforeAll(async () => {
  const place = await temporaryFolder('authority');
  const openssl = await opensslProgram((line) => process.stderr.write(`${line}\n`), AbortSignal.timeout(buildLimitMs));
  stranger = await readFile(
    (await makeCertificate(place.path, openssl, AbortSignal.timeout(buildLimitMs))).caFile,
    'utf8',
  );
  await place.remove();
}, buildLimitMs);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-certs-'));
});
afterEach(async () => {
  process.env = { ...before };
  server?.close();
  await rm(folder, { recursive: true });
});

const allRegions = RegionInfo.regions.map(({ name, partition, domainSuffix }) => ({
  name,
  partition: partition ?? '',
  host: `shop.c1x2.${name}.rds.${domainSuffix}`,
}));
const covered = allRegions.filter(
  ({ name, partition }) => partitions.includes(partition) && !withoutRds.includes(name),
);

test.each(covered)(
  'authorities of each kind are pinned for $name, and its hosts are verified by them unless told otherwise',
  async ({ name, host }) => {
    const pinned = Object.keys(await readAuthorities()).map((one) => ({ name: one, until: new Date() }));

    expect(tlsChoice({ host })).toEqual({ mode: 'verify', ca: 'rds' });
    expect(authoritiesOf(name, pinned).map((one) => one.name)).toEqual(
      ['ECC384', 'RSA2048', 'RSA4096'].map((kind) => `Amazon RDS ${name} Root CA ${kind} G1`),
    );
  },
);

test.each(allRegions.filter(({ partition }) => partition === 'aws-cn'))(
  'a source in $name is verified by the authorities that came with Nightjar, whether AWS can be reached or not',
  async ({ name, host }) => {
    process.env['NIGHTJAR_RDS_TRUSTSTORE'] = 'http://127.0.0.1:9/global-bundle.pem';
    const { pem } = await written();

    await expect(requireRegions(pem, [name], AbortSignal.timeout(60_000))).resolves.toBeUndefined();
    const nightjar = await composed(host);
    await expect(nightjar.source('shop', {}, AbortSignal.timeout(60_000))).resolves.toBeDefined();
    expect(await nightjar.toolsNotices(AbortSignal.timeout(60_000))).toEqual([]);
  },
  buildLimitMs,
);

test('China’s authorities are, byte for byte, the bundle that AWS publishes there', async () => {
  const bundle = await readFile(new URL('../../../layers/db-tools/authorities-china.pem', import.meta.url));

  // as another project has recorded it of the bundle that it fetched from AWS on 2026-09-21
  expect(createHash('sha256').update(bundle).digest('hex')).toBe(
    'd10db458b3b428b963a764a78694690d3af80616cd047de7ab56db53fb760a4e',
  );
});

test.each(allRegions.filter((one) => !covered.includes(one)))(
  '$name is not covered: a source there is refused by name before anybody connects, until tls.ca names its bundle',
  async ({ name, host }) => {
    const nightjar = await composed(host);

    await expect(nightjar.source('shop', {}, AbortSignal.timeout(60_000))).rejects.toMatchObject({
      code: 'tools-missing',
      message: `${host} can't be verified: the layer has no authority of Amazon RDS for ${name}`,
      hint: expect.stringContaining('tls: { ca:'),
    });
    expect((await nightjar.toolsNotices(AbortSignal.timeout(60_000)))?.map(({ text }) => text)).toContainEqual(
      `shop: the layer has no authority of Amazon RDS for ${name}: its server can't be verified`,
    );

    await writeFile(join(folder, 'own.pem'), stranger);
    const named = await composed(host, ', tls: { ca: own.pem }');
    await expect(named.source('shop', {}, AbortSignal.timeout(60_000))).resolves.toBeDefined();
    expect(await named.toolsNotices(AbortSignal.timeout(60_000))).toEqual([]);
  },
  buildLimitMs,
);

test('every region that AWS’s SDK knows is one of the two', () => {
  expect(covered.length).toBeGreaterThan(34);
  expect(allRegions.length - covered.length).toBeLessThan(12);
});

test(
  'what is in the layer is pinned, and nothing of it has expired or will within a year',
  async () => {
    const { home } = await openLayer(nativeArchitecture);
    const pem = await readFile(join(home, rdsBundle), 'utf8');

    expect(strangersIn(pem, await readAuthorities())).toEqual([]);
    const all = certificates(pem);
    const soon = Date.now() + 366 * 86_400_000;
    expect(all.filter(({ validTo }) => new Date(validTo).getTime() < soon).map(({ subject }) => subject)).toEqual([]);
    expect(all.length).toBeGreaterThan(80);
  },
  buildLimitMs,
);

test('where AWS can’t be reached, the others are there, and who builds a layer is told for which regions not', async () => {
  process.env['NIGHTJAR_RDS_TRUSTSTORE'] = 'http://127.0.0.1:9/global-bundle.pem';

  const { pem, layer } = await written();

  expect(await lackingLine(layer, AbortSignal.timeout(60_000))).toMatch(
    /^it has no authorities of Amazon RDS for ap-east-2, [^(]*il-central-1, mx-central-1, us-gov-east-1, us-gov-west-1 \(http:\/\/127\.0\.0\.1:9\S* .+\): sources there need tls: \{ ca: … \}, or a build where .*NIGHTJAR_RDS_TRUSTSTORE/,
  );
  expect(certificates(pem).some(({ subject }) => subject.includes('Amazon RDS eu-central-1 Root CA RSA2048 G1'))).toBe(
    true,
  );
});

test('no layer is published that lacks the authorities of a source’s region, and the reason is told', async () => {
  process.env['NIGHTJAR_RDS_TRUSTSTORE'] = 'http://127.0.0.1:9/global-bundle.pem';
  const { pem } = await written();
  const signal = AbortSignal.timeout(60_000);

  await expect(requireRegions(pem, ['eu-central-1', 'us-east-1'], signal)).resolves.toBeUndefined();
  await expect(requireRegions(pem, ['eu-central-1', 'il-central-1', 'us-gov-west-1'], signal)).rejects.toMatchObject({
    code: 'tools-missing',
    message: expect.stringMatching(
      /no authority of Amazon RDS for il-central-1, us-gov-west-1 \(http:\/\/127\.0\.0\.1:9\S* .+\)/,
    ),
    hint: expect.stringMatching(/NIGHTJAR_RDS_TRUSTSTORE.*tls: \{ ca:/),
  });
});

test('an authority that is not pinned is not taken, whoever serves it', async () => {
  process.env['NIGHTJAR_RDS_TRUSTSTORE'] = await served(stranger);

  const { pem } = await written();

  expect(pem).not.toContain(stranger.trim());
  expect(strangersIn(`${pem}\n${stranger}`, await readAuthorities())).toHaveLength(1);
});

test('an answer that does not end is no bundle, and the reason is told', async () => {
  server = createServer((_, response) => {
    const more = setInterval(() => response.write('x'.repeat(1_000_000)), 1);
    response.on('close', () => clearInterval(more));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.env['NIGHTJAR_RDS_TRUSTSTORE'] = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

  const { layer } = await written();

  expect(await lackingLine(layer, AbortSignal.timeout(60_000))).toMatch(/ap-east-2.* is larger than 5000000 bytes/);
});

test('a bundle that lacks what can be fetched by now is one to complete, and no other is', async () => {
  const limit = AbortSignal.timeout(60_000);
  const { home } = await openLayer(nativeArchitecture);
  const pem = await readFile(join(home, rdsBundle), 'utf8');
  const without = certificates(pem)
    .filter(({ subject }) => !subject.includes('eu-west-1'))
    .map(String)
    .join('\n');

  process.env['NIGHTJAR_RDS_TRUSTSTORE'] = await served(pem);
  expect({ without: await canComplete(without, limit), with: await canComplete(pem, limit) }).toEqual({
    without: true,
    with: false,
  });
  process.env['NIGHTJAR_RDS_TRUSTSTORE'] = 'http://127.0.0.1:9/global-bundle.pem';
  expect(await canComplete(without, limit)).toBe(false);
});

/** Nightjar with a source on `host`, and the layer of this machine. */
async function composed(host: string, more = ''): Promise<Nightjar> {
  const { folder: layer } = await openLayer(nativeArchitecture);
  const config = parseConfig(
    `vault: backups\nsources: { shop: { postgres: { host: ${host}, database: d, user: u${more} } } }`,
    'nightjar.yaml',
  );
  const hosted = {
    env: {},
    folder,
    identity: thisIdentity(),
    layer: async () => layer,
    toolsFacts: () => readToolsFacts(layer),
  };
  return compose(config, hosted, AbortSignal.timeout(60_000));
}

async function written(): Promise<{ pem: string; layer: string }> {
  const { home } = await openLayer(nativeArchitecture);
  await writeCertificates(await mozillaRoot(home), join(folder, 'nightjar'), AbortSignal.timeout(60_000));
  return { pem: await bundleOf(folder), layer: folder };
}

/** A root whose public authorities are those of the layer. */
async function mozillaRoot(home: string): Promise<string> {
  const mozilla = join(folder, 'root/usr/share/ca-certificates/mozilla');
  await mkdir(mozilla, { recursive: true });
  await cp(join(home, 'certs/public-ca.pem'), join(mozilla, 'all.crt'));
  return join(folder, 'root');
}

async function served(text: string): Promise<string> {
  server = createServer((_, response) => response.end(text)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/global-bundle.pem`;
}

function certificates(pem: string): X509Certificate[] {
  return (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
    (block) => new X509Certificate(block),
  );
}
