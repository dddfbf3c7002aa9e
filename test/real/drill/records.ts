import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { backupPrefix } from '../../../core/domain/layout/places.ts';
import type { BackupId, SourceName } from '../../../core/domain/keys.ts';
import { proofOfPath } from '../../../core/domain/layout/records.ts';
import type { ProofRecord } from '../../../core/domain/layout/records.ts';
import type { Vault } from '../../../core/vault.ts';
import { limit } from '../../support/vaults/vault.ts';

/** What lies beside a backup of the looks at it, oldest first. */
export async function recordsOf(
  { source, id }: Pick<Manifest, 'source' | 'id'>,
  vault: Vault,
): Promise<(ProofRecord & { body: unknown })[]> {
  const prefix = backupPrefix(source as SourceName, id as BackupId);
  const keys = (await Array.fromAsync(vault.list(prefix, limit()))).map(({ key }) => key).sort();
  const found = keys.flatMap((key) => {
    const record = proofOfPath(key.slice(prefix.length));
    return record === undefined ? [] : [{ key, record }];
  });
  return Promise.all(
    found.map(async ({ key, record }) => ({
      ...record,
      body: JSON.parse(Buffer.from((await vault.read(key, limit())).body).toString()) as unknown,
    })),
  );
}
