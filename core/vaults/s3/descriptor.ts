import * as z from 'zod';
import { always, countOf, expected, expectedUnseen, group, text, wholeNumber } from '../../contract/config/fields.ts';
import { problem } from '../../contract/config/problem.ts';
import type { ConfigProblem } from '../../contract/config/problem.ts';
import { secretReference } from '../../contract/config/secret.ts';
import type { CloudConfig } from '../../contract/cloud/cloud.ts';
import { asSecret, secretProblem } from '../../contract/cloud/secret-problem.ts';
import type { VaultDescriptor } from '../descriptor.ts';

const urlPattern = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([^?#\s@]*))?$/;
const bucketPattern = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const bucketName = "a bucket's name (3 to 63 small letters, digits, - and .)";

const endpoint = text('the URL of a store').refine(isPlainUrl, {
  error: 'expected an http or https URL without user and password',
});

const locked = (what: string) =>
  wholeNumber(1, 36_500)
    .optional()
    .describe(`Days, from its start, of a backup that counts for a ${what} which is over.`);

const objectLock = group('objectLock', {
  mode: z
    .enum(['governance', 'compliance'], { error: expected('governance or compliance') })
    .describe('That of the bucket: `governance` can be lifted by a special right, `compliance` by nobody.'),
  daily: locked('day'),
  weekly: locked('week'),
  monthly: locked('month'),
  yearly: locked('year'),
});

const schema = group('a bucket', {
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
  conditionalWrites: z
    .boolean({ error: expected('true or false') })
    .default(true)
    .describe(
      '`false` for stores that do not heed `If-None-Match` and `If-Match`: runs are kept apart by claims, which is weaker ' +
        '([stores.md](stores.md#without-conditional-writes)).',
    ),
  objectLock: objectLock
    .optional()
    .describe(
      'In a bucket with Object Lock: rotation locks backups for longer than the bucket does, by what they count for; ' +
        'nobody can take that back.',
    ),
  ca: text('the path of a PEM file')
    .optional()
    .describe('Certificate authority of the endpoint (a PEM file), where the public ones don’t do.'),
  accessKeyId: secretReference
    .optional()
    .describe('Access key; without it, what AWS programs use: environment, profile, role.'),
  secretAccessKey: secretReference.optional().describe('Secret of the access key.'),
})
  .superRefine((value, context) => {
    if (countOf(value, ['accessKeyId', 'secretAccessKey']) === 1)
      context.addIssue('accessKeyId and secretAccessKey go together');
  }, always)
  .transform((bucket) => ({ kind: 's3' as const, ...bucket }));

/** The configuration of a bucket. */
export type S3VaultConfig = z.output<typeof schema>;

export const s3 = {
  about: 'A bucket.',
  schema,
  fromText(value) {
    const [, bucket, prefix] = urlPattern.exec(value) ?? [];
    return bucket === undefined ? undefined : { bucket, ...(prefix && { prefix }) };
  },
  place: ({ bucket, prefix }) => `s3://${[bucket, prefix].filter((part) => part !== '').join('/')}`,
  pathOf: ({ endpoint: store = '', bucket, prefix }) => `${store} ${bucket}/${prefix}`,
  cloudProblems: bucketProblems,
  copyProblems,
  reach: ({ endpoint: store, bucket, prefix, region, kmsKey, ca, accessKeyId, secretAccessKey }) => ({
    secrets: [accessKeyId ?? [], secretAccessKey ?? []].flat(),
    files: [ca ?? []].flat(),
    ...(store === undefined && accessKeyId === undefined && { bucket: { name: bucket, prefix, region, kmsKey } }),
  }),
  async open({ kind: _, accessKeyId: id, secretAccessKey: secret, ca, ...bucket }, key, from, signal) {
    const credentials = id &&
      secret && {
        accessKeyId: await from.read(`${key}.s3.accessKeyId`, id, signal),
        secretAccessKey: await from.read(`${key}.s3.secretAccessKey`, secret, signal),
      };
    const authority = ca === undefined ? undefined : await from.authority(`${key}.s3.ca`, ca);
    const { openBucket } = await import('./open.ts');
    return openBucket({ ...bucket, ca: authority, ...(credentials && { credentials }) });
  },
} satisfies VaultDescriptor<typeof schema>;

function bucketProblems(vault: S3VaultConfig, cloud: CloudConfig): ConfigProblem[] {
  const at = (key: string): ConfigProblem['path'] => ['vault', 's3', key];
  return [
    ...problem(
      at('endpoint'),
      vault.endpoint && 'is a store outside of AWS: functions write into a bucket of S3; leave it out',
    ),
    ...problem(
      at('conditionalWrites'),
      vault.conditionalWrites ? undefined : 'is false, and S3 on AWS heeds conditional writes: leave it out',
    ),
    ...problem(at('ca'), vault.ca && 'goes with endpoint: leave it out'),
    ...problem(
      at('accessKeyId'),
      vault.accessKeyId &&
        'functions have a role of their own, and need no keys: leave accessKeyId and secretAccessKey out',
    ),
    ...problem(at('prefix'), prefixProblem(vault)),
    ...problem(at('kmsKey'), keyProblem(vault)),
    ...problem(
      at('region'),
      cloud.bucket === 'create' && vault.region !== undefined && vault.region !== cloud.region
        ? `the stack makes the bucket in its own region: write cloud.region: ${vault.region}`
        : undefined,
    ),
    ...problem(at('objectLock'), lockProblem(vault, cloud)),
    ...problem(
      ['cloud', 'encryption'],
      cloud.encryption === 's3' && vault.kmsKey !== undefined
        ? 'is s3, and vault.s3.kmsKey names a key: leave one of the two out'
        : undefined,
    ),
    ...problem(
      ['cloud', 'objectLock'],
      cloud.objectLock && cloud.bucket === 'existing'
        ? 'is for a bucket that the stack makes: set it on the existing one yourself'
        : undefined,
    ),
  ];
}

/** A bucket made by the stack has locks only if the stack's configuration asks for them, and in one mode. */
function lockProblem({ objectLock: days }: S3VaultConfig, { bucket, objectLock: made }: CloudConfig) {
  if (days === undefined || bucket === 'existing' || days.mode === made?.mode) return undefined;
  return made === undefined
    ? `needs a bucket with Object Lock: write cloud.objectLock, too, with mode: ${days.mode} and some days for everything`
    : `has another mode than the bucket: cloud.objectLock says ${made.mode}`;
}

/** A store of another vendor needs keys; AWS needs none, because the function has a role. */
function copyProblems(vault: S3VaultConfig): ConfigProblem[] {
  const { endpoint: store, accessKeyId, secretAccessKey } = vault;
  const at = (key: string): ConfigProblem['path'] => ['s3', key];
  return [
    ...problem(
      at('accessKeyId'),
      store !== undefined && accessKeyId === undefined
        ? 'is missing: a store outside of AWS knows no role of the functions; write accessKeyId and ' +
            `secretAccessKey, each as ${asSecret}`
        : accessKeyId && secretProblem(accessKeyId),
    ),
    ...problem(at('secretAccessKey'), secretAccessKey && secretProblem(secretAccessKey)),
    ...problem(at('prefix'), accessKeyId === undefined ? prefixProblem(vault) : undefined),
    ...problem(at('kmsKey'), accessKeyId === undefined ? keyProblem(vault) : undefined),
  ];
}

function prefixProblem({ prefix }: S3VaultConfig): string | undefined {
  if (/^[\w./=+@,~-]*$/.test(prefix)) return undefined;
  return (
    'may hold letters, digits and . / _ = + @ , ~ - here: it stands in the rights of the functions, where ' +
    'others mean something'
  );
}

function keyProblem({ kmsKey }: S3VaultConfig): string | undefined {
  if (kmsKey === undefined || /^arn:[\w-]+:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/.test(kmsKey)) return undefined;
  return 'expected the ARN of a key (arn:aws:kms:…:key/…): rights are given on it, and an alias has none';
}

function isPlainUrl(value: string): boolean {
  const url = URL.parse(value);
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
}
