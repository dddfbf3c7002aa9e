import { afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { RegionInfo } from 'aws-cdk-lib/region-info';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rdsBundle, readAuthorities, strangersIn, writeCertificates } from '../../layers/db-tools/certificates.ts';
import { makeCertificate } from '../servers/certificate.ts';
import { temporaryFolder } from '../servers/folder.ts';
import { opensslProgram } from '../servers/root.ts';
import { buildLimitMs, nativeArchitecture, openLayer } from './native-layer.ts';

/** Announced, and without databases yet. */
const withoutRds = ['me-west-1'];
const before = { ...process.env };
let folder: string;
let stranger: string;
let server: Server | undefined;

beforeAll(async () => {
  const place = await temporaryFolder('authority');
  const openssl = await opensslProgram((line) => process.stderr.write(`${line}\n`), AbortSignal.timeout(buildLimitMs));
  stranger = await readFile((await makeCertificate(place.path, openssl, AbortSignal.timeout(buildLimitMs))).caFile, 'utf8');
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

test('an authority of each kind is pinned for every region of the commercial partition that the CDK knows', async () => {
  const pinned = Object.keys(await readAuthorities());
  const regions = RegionInfo.regions.filter(({ name, partition }) => partition === 'aws' && !withoutRds.includes(name)).map(({ name }) => name);

  expect(regions.length).toBeGreaterThan(30);
  const wanted = regions.flatMap((region) => ['RSA2048', 'RSA4096', 'ECC384'].map((kind) => `Amazon RDS ${region} Root CA ${kind} G1`));
  expect(wanted.filter((name) => !pinned.includes(name))).toEqual([]);
});

test('what is in the layer is pinned, and nothing of it has expired or will within a year', async () => {
  const { home } = await openLayer(nativeArchitecture);
  const pem = await readFile(join(home, rdsBundle), 'utf8');

  expect(strangersIn(pem, await readAuthorities())).toEqual([]);
  const all = certificates(pem);
  const soon = Date.now() + 366 * 86_400_000;
  expect(all.filter(({ validTo }) => new Date(validTo).getTime() < soon).map(({ subject }) => subject)).toEqual([]);
  expect(all.length).toBeGreaterThan(80);
}, buildLimitMs);

test('where AWS can’t be reached, the others are there, and the regions that miss theirs are named', async () => {
  process.env['NIGHTJAR_RDS_TRUSTSTORE'] = 'http://127.0.0.1:9/global-bundle.pem';

  const { pem, told } = await written();

  expect(told).toMatch(/21 authorities of Amazon RDS could not be fetched .*: sources in ap-east-2, .*il-central-1, mx-central-1 will need tls\.ca/);
  expect(certificates(pem).some(({ subject }) => subject.includes('Amazon RDS eu-central-1 Root CA RSA2048 G1'))).toBe(true);
});

test('an authority that is not pinned is not taken, whoever serves it', async () => {
  process.env['NIGHTJAR_RDS_TRUSTSTORE'] = await served(stranger);

  const { pem } = await written();

  expect(pem).not.toContain(stranger.trim());
  expect(strangersIn(`${pem}\n${stranger}`, await readAuthorities())).toHaveLength(1);
});

async function written(): Promise<{ pem: string; told: string }> {
  const told: string[] = [];
  const { home } = await openLayer(nativeArchitecture);
  const root = await mozillaRoot(home);
  await writeCertificates(root, folder, (line) => told.push(line), AbortSignal.timeout(60_000));
  return { pem: await readFile(join(folder, rdsBundle), 'utf8'), told: told.join('\n') };
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
  return (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map((block) => new X509Certificate(block));
}
