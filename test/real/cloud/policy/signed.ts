import { createHash, createHmac } from 'node:crypto';

export type Keys = { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
export type Place = { endpoint: string; region: string };
export type Asking = {
  service: string;
  method?: string;
  path?: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: string;
  limitMs?: number;
};

const usualLimitMs = 30_000;

/**
 * A request to AWS or an emulator, signed by hand (AWS Signature Version 4), for the services whose clients would be here for
 * a call or two. The answer's text, or an error with it.
 */
export async function signed(
  { endpoint, region }: Place,
  keys: Keys,
  { service, method = 'POST', path = '/', query = {}, headers = {}, body = '', limitMs = usualLimitMs }: Asking,
): Promise<string> {
  const time = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '');
  const scope = `${time.slice(0, 8)}/${region}/${service}/aws4_request`;
  const search = Object.entries(query)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .join('&');
  const token = keys.sessionToken === undefined ? {} : { 'x-amz-security-token': keys.sessionToken };
  const all: Record<string, string> = {
    ...headers,
    ...token,
    host: new URL(endpoint).host,
    'x-amz-content-sha256': sha256(body),
    'x-amz-date': time,
  };
  const names = Object.keys(all).sort();
  const canonical = [
    method,
    path.split('/').map(encode).join('/'),
    search,
    ...names.map((name) => `${name}:${all[name]}`),
    '',
    names.join(';'),
    sha256(body),
  ].join('\n');
  const key = ['aws4_request', service, region, time.slice(0, 8)].reduceRight(
    (secret: Buffer | string, part) => hmac(secret, part),
    `AWS4${keys.secretAccessKey}`,
  );
  const signature = hmac(key, ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n')).toString('hex');
  const authorization =
    `AWS4-HMAC-SHA256 Credential=${keys.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, ` +
    `Signature=${signature}`;
  const { host: _, ...sent } = all;
  const response = await fetch(`${endpoint}${path}${search === '' ? '' : `?${search}`}`, {
    method,
    headers: { ...sent, authorization },
    ...(body !== '' && { body }),
    signal: AbortSignal.timeout(limitMs),
  });
  const text = await response.text();
  if (!response.ok)
    throw new Error(
      `${service} ${method} ${path}?${search} ${body.slice(0, 200)} answered ${response.status}: ${text.slice(0, 500)}`,
    );
  return text;
}

/** A call of a service with the query protocol (IAM, STS, CloudFormation, SNS); the answer in XML. */
export async function query(
  place: Place,
  keys: Keys,
  service: string,
  action: string,
  input: Record<string, string>,
): Promise<string> {
  return signed(place, keys, {
    service,
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    body: new URLSearchParams({ Action: action, Version: versions[service] ?? '', ...input }).toString(),
  });
}

/** A call of a service with JSON and a target in the header (SQS, Logs). */
export async function json(place: Place, keys: Keys, service: string, target: string, input: object): Promise<unknown> {
  const text = await signed(place, keys, {
    service,
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target },
    body: JSON.stringify(input),
  });
  return text === '' ? {} : (JSON.parse(text) as unknown);
}

/** The texts of all elements of this name, in their order. */
export function elements(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([\\s\\S]*?)</${name}>`, 'g'))].map(([, text = '']) => unescaped(text));
}

const versions: Record<string, string> = {
  ec2: '2016-11-15',
  iam: '2010-05-08',
  sts: '2011-06-15',
  cloudformation: '2010-05-15',
  sns: '2010-03-31',
  monitoring: '2010-08-01',
};

function unescaped(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#34;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
