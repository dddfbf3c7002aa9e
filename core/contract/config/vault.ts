import * as z from 'zod';
import { always, countOf, expected, expectedUnseen, group, text } from './fields.ts';
import { secretReference } from './secret.ts';

const asText = 'the path of a folder, or s3://bucket/prefix (no keys in it)';
const bucketPattern = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const urlPattern = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([^?#\s@]*))?$/;
const bucketName = "a bucket's name (3 to 63 small letters, digits, - and .)";

const endpoint = text('the URL of a store').refine(isPlainUrl, {
  error: 'expected an http or https URL without user and password',
});

const s3 = group('a bucket', {
  bucket: z
    .string({ error: expectedUnseen(bucketName) })
    .regex(bucketPattern, { error: expectedUnseen(bucketName) })
    .describe('Name of the bucket. It must exist.'),
  prefix: text('a prefix').default('').describe('Where in the bucket everything lies.'),
  region: text('a region')
    .optional()
    .describe("The bucket's region; without it, that of the environment (`AWS_REGION`, profile)."),
  endpoint: endpoint.optional().describe('URL of an S3-compatible store. Not for AWS itself.'),
  kmsKey: text('a KMS key').optional().describe('KMS key to encrypt with; without it, what the bucket does by itself.'),
  checksums: z
    .enum(['when-supported', 'when-required'], { error: expected('when-supported or when-required') })
    .default('when-supported')
    .describe('`when-required` for stores that refuse the checksums of today’s S3.'),
  tags: z
    .boolean({ error: expected('true or false') })
    .default(true)
    .describe('`false` for stores without object tags.'),
  ca: text('the path of a PEM file')
    .optional()
    .describe('Certificate authority of the endpoint (a PEM file), where the public ones don’t do.'),
  accessKeyId: secretReference
    .optional()
    .describe('Access key; without it, what AWS programs use: environment, profile, role.'),
  secretAccessKey: secretReference.optional().describe('Secret of the access key.'),
}).superRefine((value, context) => {
  if (countOf(value, ['accessKeyId', 'secretAccessKey']) === 1)
    context.addIssue('accessKeyId and secretAccessKey go together');
}, always);

const longForm = group('a vault', {
  folder: text('the path of a folder').optional().describe('A folder, relative to this file. Its parent must exist.'),
  s3: s3.optional().describe('A bucket.'),
}).superRefine((value, context) => {
  if (countOf(value, ['folder', 's3']) !== 1) context.addIssue('expected exactly one of folder, s3');
}, always);

/** Where backups are kept; the short form is unfolded. */
export const vaultSchema = z
  .union([z.string().describe('Short form: a folder’s path, or `s3://bucket/prefix`.'), longForm], { error: firstOf })
  .superRefine((value, context) => {
    if (typeof value !== 'string' || unfolded(value) !== undefined) return;
    context.addIssue(
      value.startsWith('~') ? 'a path that begins with ~ is for shells: write the whole path' : `expected ${asText}`,
    );
  })
  .transform((value) => {
    const { folder, s3: bucket } = typeof value === 'string' ? (unfolded(value) ?? {}) : value;
    return bucket === undefined
      ? { kind: 'folder' as const, folder: folder ?? '' }
      : { kind: 's3' as const, ...bucket };
  });

export type VaultConfig = z.infer<typeof vaultSchema>;

function firstOf({ input }: { input?: unknown }): string {
  return input === undefined ? `is missing: ${asText}` : `expected ${asText}`;
}

function unfolded(value: string): z.infer<typeof longForm> | undefined {
  const [url, bucket, prefix = ''] = urlPattern.exec(value) ?? [];
  if (url !== undefined) return { s3: { bucket: bucket!, prefix, checksums: 'when-supported', tags: true } };
  return value.trim() === '' || /^[a-z0-9]+:\/\//i.test(value) || value.startsWith('~') ? undefined : { folder: value };
}

function isPlainUrl(value: string): boolean {
  const url = URL.parse(value);
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
}
