import { createHash, createHmac } from 'node:crypto';

export type Credentials = { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
export type Wanted = { host: string; port: number; user: string; region: string; now: Date };

/**
 * Why a server of RDS would refuse this token; nothing where it would not. Written from the definition of Signature
 * Version 4 (AWS IAM user guide, "Create a signed AWS API request"), without the SDK.
 */
export function refusalOf(
  token: string,
  { host, port, user, region, now }: Wanted,
  { accessKeyId, secretAccessKey, sessionToken }: Credentials,
): string | undefined {
  const [address = '', query = ''] = token.split('/?');
  const fields = new URLSearchParams(query);
  const field = (name: string): string => fields.get(`X-Amz-${name}`) ?? '';
  const stamp = field('Date');
  const scope = `${stamp.slice(0, 8)}/${region}/rds-db/aws4_request`;
  if (address !== `${host}:${port}`) return `made for ${address}`;
  if (fields.get('Action') !== 'connect' || fields.get('DBUser') !== user)
    return `made for user ${fields.get('DBUser')}`;
  if (field('Credential') !== `${accessKeyId}/${scope}`) return `made with ${field('Credential')}`;
  if ((fields.get('X-Amz-Security-Token') ?? undefined) !== sessionToken) return 'without the token of the session';
  const age = (now.getTime() - timeOf(stamp).getTime()) / 1000;
  if (age < -300 || age > Number(field('Expires')) || field('Expires') !== '900')
    return `${age} s old, good for ${field('Expires')}`;
  const canonical = ['GET', '/', canonicalQuery(fields), `host:${address}`, '', 'host', sha256('')].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', stamp, scope, sha256(canonical)].join('\n');
  const key = scope.split('/').reduce<Buffer | string>((secret, part) => hmac(secret, part), `AWS4${secretAccessKey}`);
  return hmac(key, toSign).toString('hex') === field('Signature') ? undefined : 'wrongly signed';
}

function canonicalQuery(fields: URLSearchParams): string {
  const encode = (text: string): string =>
    encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const signed = [...fields]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${encode(name)}=${encode(value)}`);
  return signed.sort().join('&');
}

/** `20261121T033000Z`. */
function timeOf(stamp: string): Date {
  return new Date(stamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
