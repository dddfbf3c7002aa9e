import { Sha256 } from '@smithy/core/checksum';
import { HttpRequest } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import { BackupError } from '../../core/domain/errors.ts';

export type AwsRequest = {
  service: 'scheduler' | 'rds' | 'lambda';
  method: 'GET' | 'POST';
  path: string;
  query?: Record<string, string>;
  /** A form, unless `headers` are given. */
  body?: string;
  headers?: Record<string, string>;
};
/** Asks a service and returns its answer. Throws `internal` with the beginning of any other answer. */
export type AskAws = (request: AwsRequest, signal: AbortSignal) => Promise<string>;

const limitMs = 20_000;
const shownCharacters = 300;

/**
 * Asks AWS services in the function's region, by its role, whose credentials Lambda puts into the environment. SDK
 * clients for these two calls would double the size of the bundle.
 */
export function askAws(env: Readonly<Record<string, string | undefined>>): AskAws {
  const region = env['AWS_REGION'] ?? '';
  const credentials = {
    accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '',
    ...(env['AWS_SESSION_TOKEN'] !== undefined && { sessionToken: env['AWS_SESSION_TOKEN'] }),
  };
  return async ({ service, method, path, query = {}, body, headers: own }, signal) => {
    const { protocol, hostname, port, host, origin } = new URL(
      env['AWS_ENDPOINT_URL'] ?? `https://${service}.${region}.amazonaws.com`,
    );
    const form =
      body === undefined || own !== undefined
        ? own
        : { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
    const unsigned = new HttpRequest({
      method,
      protocol,
      hostname,
      ...(port !== '' && { port: Number(port) }),
      path,
      query,
      headers: { host, ...form },
      body,
    });
    const { headers } = await new SignatureV4({ service, region, credentials, sha256: Sha256 }).sign(unsigned);
    const search = new URLSearchParams(query).toString().replaceAll('+', '%20');
    const response = await fetch(`${origin}${path}${search === '' ? '' : `?${search}`}`, {
      method,
      headers,
      ...(body !== undefined && { body }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(limitMs)]),
    });
    const text = await response.text();
    if (response.ok) return text;
    const said = text
      .replace(/<[^>]*>|\s+/g, ' ')
      .trim()
      .slice(0, shownCharacters);
    throw new BackupError('internal', `${service} answered ${response.status}: ${said}`);
  };
}
