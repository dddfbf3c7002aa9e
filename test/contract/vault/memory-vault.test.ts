import { BackupError } from '../../../core/domain/errors.ts';
import { emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';
import { backupContract } from './backup-contract.ts';
import { tamperingContract } from './tampering-contract.ts';
import { vaultContract } from './vault-contract.ts';

// what simulations hold for a vault has to be one
vaultContract('memory', async () => {
  const state = emptyState();
  const gone = async () => {
    throw new BackupError('vault-unreachable', 'not-there: there is nothing');
  };
  return {
    vault: memoryVault(state),
    missing: memoryVault(emptyState(), { place: 'not-there', turn: gone }),
    leftovers: async () => [...state.uploads.keys()],
    tagsOf: async (key) => new Map<string, { tags: object }>(state.objects).get(key)!.tags as Record<string, string>,
    close: async () => undefined,
  };
});

backupContract('memory', async () => memoryVault(emptyState()));

tamperingContract('memory', async () => memoryVault(emptyState()));
