import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { SourceConfig } from '../../core/contract/config/config.ts';
import { factsOf } from '../../core/contract/config/sources/source-facts.ts';
import type { SourceName } from '../../core/domain/keys.ts';
import type { FurtherVaults } from './copies.ts';
import { allow, beforeItIsThere, keysBelow, onlyNew, placeOf } from './grants.ts';
import type { VaultPlace } from './grants.ts';

// What backups of a source have in common lies beside them, below `packs/` (docs/backup-format.md).

/** A source and its configuration. */
type SourceNamed = readonly [source: SourceName, config: SourceConfig];

/** For backups that may share parts with others: adds packs, overwriting nothing, where there are no locks. */
export function storePacksStatements(vault: VaultPlace, named: SourceNamed): PolicyStatement[] {
  const keys = packsIn([vault], [named]);
  if (keys.length === 0) return [];
  return [
    allow('AskForLocks', ['s3:GetBucketObjectLockConfiguration'], [vault.bucket.bucketArn]),
    allow('StorePacks', ['s3:PutObject'], keys, onlyNew),
    allow('UploadPacks', ['s3:PutObject'], keys, beforeItIsThere),
    allow('ConfirmPacks', ['s3:AbortMultipartUpload', 's3:GetObject'], keys),
  ];
}

/** For a restore or drill of such a source, from any vault. */
export function readPacksStatements(vaults: readonly VaultPlace[], named: SourceNamed): PolicyStatement[] {
  const keys = packsIn(vaults, [named]);
  return keys.length === 0 ? [] : [allow('ReadPacks', ['s3:GetObject'], keys)];
}

/** For the rotation of such sources: only rotation removes packs. */
export function removePacksStatements(vault: VaultPlace, sources: Iterable<SourceNamed>): PolicyStatement[] {
  const keys = packsIn([vault], [...sources]);
  return keys.length === 0 ? [] : [allow('RemovePacks', ['s3:DeleteObject', 's3:AbortMultipartUpload'], keys)];
}

/** For copying such sources: reads packs here and adds them there, overwriting nothing. */
export function copyPacksStatements(
  vault: VaultPlace,
  { buckets }: Pick<FurtherVaults, 'buckets'>,
  sources: Iterable<SourceNamed>,
): PolicyStatement[] {
  const copied = [...sources].filter(([, { copies }]) => copies.length > 0);
  const [here, there] = [packsIn([vault], copied), packsIn(buckets, copied)];
  if (here.length === 0) return [];
  const reading = allow('ReadPacks', ['s3:GetObject'], here);
  if (there.length === 0) return [reading];
  const asked = buckets.map(({ bucket }) => bucket.bucketArn);
  return [
    reading,
    allow('AskForLocksOfCopies', ['s3:GetBucketObjectLockConfiguration'], asked),
    allow('AddPacks', ['s3:PutObject'], there, onlyNew),
    allow('UploadPacksOfCopies', ['s3:PutObject'], there, beforeItIsThere),
    allow('ComparePacks', ['s3:AbortMultipartUpload', 's3:GetObject'], there),
  ];
}

function packsIn(vaults: readonly VaultPlace[], sources: readonly SourceNamed[]): string[] {
  const sharing = sources.filter(([, config]) => factsOf(config).shares === true);
  return vaults.flatMap((vault) => sharing.flatMap(([source]) => keysBelow(vault, placeOf(source))('packs/*')));
}
