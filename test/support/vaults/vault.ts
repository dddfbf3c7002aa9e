import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BackupDeps } from '../../../core/commands/backup.ts';
import type { ObjectKey } from '../../../core/domain/keys.ts';
import type { Vault } from '../../../core/vault.ts';
import { folderVault } from '../../../core/vaults/folder/folder.ts';
import { openStore } from '../../../core/store/store.ts';
import { emptyState, memoryVault } from './memory-vault.ts';

export const limit = () => AbortSignal.timeout(180_000);

/** Puts something else in an object's place, as nothing of Nightjar does. */
export async function overwrite(vault: Vault, key: ObjectKey, body: string | Uint8Array): Promise<void> {
  await vault.delete(key, limit());
  await vault.putIfAbsent(key, Buffer.from(body), {}, limit());
}

/** A vault, and what else a backup takes. */
export type VaultScene = {
  vault: Vault;
  deps(other?: Vault): BackupDeps;
  /**
   * Everything that lies in it, unfinished things too; the lease, which is given back and not deleted, and the records
   * of starts aside.
   */
  files(): Promise<string[]>;
  remove(): Promise<void>;
};

/** What a backup into a vault takes, all real but for the name of who asks. */
export function depsOf(vault: Vault): BackupDeps {
  return {
    store: openStore(vault),
    clock: { now: () => new Date() },
    // a request that comes again is known by its run
    identity: { run: `test${String(Math.random()).slice(2)}`, holder: 'test', isGone: () => true },
    random: Math.random,
    version: 'test',
    report: () => {},
  };
}

/** A vault in memory; `date` makes an object look as if it had been written then. */
export type MemoryScene = VaultScene & { date(key: string, moment: string): void };

/** Memory as the vault: for what does not ask how a vault keeps things, and much faster. */
export function memoryScene(): MemoryScene {
  const state = emptyState();
  const vault = memoryVault(state);
  return {
    vault,
    deps: (other: Vault = vault) => depsOf(other),
    files: async () =>
      [...state.objects.keys(), ...state.uploads.keys()].filter((key) => !key.includes('/starts/')).sort(),
    date(key, moment) {
      state.objects.get(key as ObjectKey)!.modified = new Date(moment);
    },
    remove: async () => undefined,
  };
}

/** A folder as the vault. */
export async function folderScene() {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-test-'));
  const vault = folderVault(folder);
  return {
    folder,
    vault,
    deps: (other: Vault = vault) => depsOf(other),
    async files(): Promise<string[]> {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true });
      const paths = entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
      return paths.filter((path) => !path.includes('/starts/')).sort();
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  } satisfies VaultScene & { folder: string };
}

export type FolderScene = Awaited<ReturnType<typeof folderScene>>;
