import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { BackupError } from '../../../domain/errors.ts';

/** The root element of each command's answer. */
const roots: Readonly<Record<string, string>> = {
  ListObjectsV2Command: 'ListBucketResult',
  ListMultipartUploadsCommand: 'ListMultipartUploadsResult',
};
const shownCharacters = 40;

/**
 * Refuses answers that are no listings, whatever their status: a login page, an empty body, a truncated document. The
 * SDK takes what it recognises from an answer; from these it takes nothing, which would look like an empty vault. They
 * are retried like other transient failures.
 */
export function requireListings(client: S3Client): void {
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const result = await next(args);
      const root = roots[context.commandName ?? ''];
      const response = result.response as { statusCode?: number; body?: unknown };
      if (root === undefined || response.statusCode !== 200) return result;
      const body = Buffer.concat(await Array.fromAsync(response.body as AsyncIterable<Uint8Array>));
      requireRoot(body.toString(), root);
      response.body = Readable.from([body]);
      return result;
    },
    { step: 'deserialize', name: 'requireListings', priority: 'low' },
  );
}

/**
 * Throws `vault-failed` unless a page says that it is a page of the requested listing. For an access point, `Name` is
 * not the bucket's.
 */
export function requirePage(
  page: { bucket: string | undefined; prefix: string | undefined; truncated: boolean | undefined },
  { bucket }: { bucket: string },
  prefix: string,
  what: string,
): void {
  const isAccessPoint = bucket.startsWith('arn:') || bucket.endsWith('-s3alias');
  const of = isAccessPoint ? bucket : page.bucket;
  if (page.truncated !== undefined && of === bucket && (page.prefix ?? '') === prefix) return;
  const said =
    page.truncated === undefined
      ? 'it does not say whether there is more'
      : `it is of ${JSON.stringify(page.prefix ?? '')} in bucket ${JSON.stringify(page.bucket)}`;
  throw new BackupError('vault-failed', `${what}: the answer is no listing of that: ${said}`, { hint: endpointHint });
}

/** What to check if something other than a store answers. */
export const endpointHint =
  "is the vault's endpoint that of an S3 store? A proxy or a login page may answer in its place";

function requireRoot(text: string, root: string): void {
  const document = text.replace(/^\s*(?:<\?xml[^>]*\?>)?\s*/, '');
  if (new RegExp(`^<${root}[\\s>]`).test(document) && new RegExp(`</${root}>\\s*$`).test(document)) return;
  const shown = document.slice(0, shownCharacters).replace(/[^\w .,:;<>/="'?!-]/g, '?');
  throw Object.assign(new Error(`the answer is no listing: ${shown === '' ? 'it is empty' : shown}`), {
    name: 'NotAListing',
    $retryable: {},
  });
}
