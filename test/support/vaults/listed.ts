import { chooseBackup } from '../../../core/survey/choose.ts';
import { listBackups as listed } from '../../../core/commands/list.ts';
import type { ListedBackup } from '../../../core/commands/list.ts';
import { memoryOf } from '../../../core/survey/watched.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import type { Vault } from '../../../core/vault.ts';
import { openStore } from '../../../core/store/store.ts';

/** No backup of a test is of the future, whatever the machine's clock says. */
const clock = { now: () => new Date('2099-01-01T00:00:00Z') };

/** A source's backups, judged by the defaults. */
export async function listBackups(source: SourceName, vault: Vault, signal: AbortSignal): Promise<ListedBackup[]> {
  return (await listed(source, memoryOf(undefined), { store: openStore(vault), clock }, signal)).backups;
}

/** The manifest of the backup that is meant, judged by the defaults. */
export async function findManifest(
  source: SourceName,
  which: string,
  vault: Vault,
  signal: AbortSignal,
): Promise<Manifest> {
  return (await chooseBackup(source, which, memoryOf(undefined), { store: openStore(vault), clock }, signal)).manifest;
}
