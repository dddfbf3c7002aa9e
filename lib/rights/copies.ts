import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Stack } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { CopySettings } from '../../core/contract/config/vaults/copies.ts';
import { vaultDescriptor } from '../../core/contract/config/vaults/vault.ts';
import type { SourceConfig } from '../../core/contract/config/config.ts';
import type { Deployable } from '../read-config.ts';
import { allow, beforeItIsThere, keysBelow, keyStatement, listing, manifests } from './grants.ts';
import { notReleased, onlyNew, parts, remembering } from './grants.ts';
import type { VaultPlace } from './grants.ts';
import { namesIn } from './secrets.ts';

/** The further vaults that backups are copied into, as far as functions need something for them. */
export type FurtherVaults = {
  /** Whether any source is copied. */
  readonly any: boolean;
  /** Buckets that are accessed by the function's own role. */
  readonly buckets: readonly (VaultPlace & {
    readonly name: string;
    readonly kmsKey?: string | undefined;
    readonly region: string;
  })[];
  /** Names or ARNs of the secrets that open the others. */
  readonly secrets: readonly string[];
  /** Certificates that lie beside the configuration. */
  readonly files: readonly string[];
};

/** The further vaults that sources are copied into; leaves out vaults that no source names. */
export function furtherVaults(
  scope: Construct,
  { vaults, sources }: Pick<Deployable, 'vaults'> & { sources: readonly Pick<SourceConfig, 'copies'>[] },
) {
  const within = new Construct(scope, 'Copies');
  const used = new Set(sources.flatMap(({ copies }) => copies.map(({ vault }) => vault)));
  const reached = [...used].map((name) => ({ name, ...vaultDescriptor(vaults[name]!).reach(vaults[name]!) }));
  return {
    any: used.size > 0,
    buckets: reached.flatMap(({ name, bucket }) => {
      if (bucket === undefined) return [];
      const prefix = bucket.prefix.replace(/^\/+|\/+$/g, '');
      return [
        {
          name,
          bucket: Bucket.fromBucketName(within, name, bucket.name),
          prefix: prefix === '' ? '' : `${prefix}/`,
          kmsKey: bucket.kmsKey,
          region: bucket.region ?? Stack.of(scope).region,
        },
      ];
    }),
    secrets: namesIn(reached.flatMap(({ secrets }) => secrets)),
    files: reached.flatMap(({ files }) => files),
  } satisfies FurtherVaults;
}

/**
 * For copying: reads the backups of every source, and adds what is missing to further buckets. Overwrites and deletes
 * nothing there.
 */
export function copyStatements(vault: VaultPlace, { buckets }: FurtherVaults): PolicyStatement[] {
  const own = keysBelow(vault, '');
  const there = (...patterns: string[]) => buckets.flatMap((one) => keysBelow(one, '')(...patterns));
  const reading = [
    listing(vault, ''),
    remembering(vault),
    allow('ReadAllBackups', ['s3:GetObject'], own(manifests, '*/ledger.json', ...parts)),
  ];
  if (buckets.length === 0) return reading;
  return [
    ...reading,
    ...listCopiesStatements({ buckets }),
    allow('HoldLeasesOfCopies', ['s3:GetObject', 's3:GetObjectTagging', 's3:PutObject'], there('*/lease.json')),
    allow('AddParts', ['s3:PutObject'], there(...parts), onlyNew),
    allow('UploadCopies', ['s3:PutObject'], there(...parts), beforeItIsThere),
    allow('CompareCopies', ['s3:AbortMultipartUpload', 's3:GetObject'], there(...parts)),
    allow('AddManifests', ['s3:PutObject'], there(manifests), onlyNew),
    allow('ReadCopies', ['s3:GetObject'], there(manifests)),
    allow('TagCopies', ['s3:PutObjectTagging'], there(manifests, ...parts), notReleased),
    ...keyStatements(buckets, ['kms:Decrypt', 'kms:GenerateDataKey']),
  ];
}

/**
 * For a restore or drill of one source from a copy: reads the source's place there and writes nothing, so its proof
 * leaves no record there.
 */
export function readCopiesStatements(
  { buckets }: FurtherVaults,
  below: string,
  copies: readonly Pick<CopySettings, 'vault'>[],
): PolicyStatement[] {
  const own = buckets.filter(({ name }) => copies.some(({ vault }) => vault === name));
  if (own.length === 0) return [];
  const keys = own.flatMap((one) => keysBelow(one, below)(manifests, 'ledger.json', ...parts));
  return [
    ...listCopiesStatements({ buckets: own.map((one) => ({ ...one, prefix: `${one.prefix}${below}` })) }),
    allow('ReadCopies', ['s3:GetObject'], keys),
    ...keyStatements(own, ['kms:Decrypt']),
  ];
}

/** The secrets that open the further vaults of one source. */
export function secretsOfCopies(
  { vaults }: Pick<Deployable, 'vaults'>,
  copies: readonly Pick<CopySettings, 'vault'>[],
): Parameters<typeof namesIn>[0] {
  return copies.flatMap(({ vault }) => vaultDescriptor(vaults[vault]!).reach(vaults[vault]!).secrets);
}

function keyStatements(
  buckets: FurtherVaults['buckets'],
  actions: Parameters<typeof keyStatement>[2],
): PolicyStatement[] {
  return buckets.flatMap(({ kmsKey, region }, index) =>
    kmsKey === undefined
      ? []
      : [keyStatement(`UseKeyOfCopies${index + 1}`, [kmsKey], actions, `s3.${region}.amazonaws.com`)],
  );
}

/** For judging copies: their names and sizes. */
export function listCopiesStatements({ buckets }: Pick<FurtherVaults, 'buckets'>): PolicyStatement[] {
  return buckets.map(({ bucket, prefix }, index) =>
    allow(
      `ListCopies${index + 1}`,
      ['s3:ListBucket'],
      [bucket.bucketArn],
      prefix === '' ? undefined : { StringLike: { 's3:prefix': `${prefix}*` } },
    ),
  );
}
