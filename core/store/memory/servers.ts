import { serversSchema } from '../../contract/memory/servers.ts';
import type { ServerDatabases } from '../../contract/memory/servers.ts';
import { BackupError, isBackupError } from '../../domain/errors.ts';
import { objectKey } from '../../domain/keys.ts';
import type { Vault } from '../../vault.ts';
import { readJson, writeJson } from '../json.ts';

/** Sources are folders: none can have this name. */
const serversKey = objectKey('servers.json');
const tries = 5;

/**
 * Reads which databases whole servers have. Throws where the vault can't be read, and `vault-failed` where what lies
 * there can't be understood: to forget databases would be to forget that they are missed.
 */
export async function readServers(vault: Vault, signal: AbortSignal): Promise<ServerDatabases[]> {
  return (await read(vault, signal)).servers;
}

/** Writes what `edit` makes of what is known of a server; done again when somebody else has written meanwhile. */
export async function editServer(
  vault: Vault,
  name: string,
  edit: (before: ServerDatabases | undefined) => ServerDatabases,
  signal: AbortSignal,
): Promise<ServerDatabases> {
  for (let left = tries; ; left -= 1) {
    const { servers, version } = await read(vault, signal).catch(ofNewVault);
    const own = edit(servers.find((one) => one.name === name));
    const others = servers.filter((one) => one.name !== name);
    const document = serversSchema.parse({ version: 1, servers: [...others, own] });
    try {
      await writeJson(vault, serversKey, document, { version }, signal);
      return own;
    } catch (error) {
      if (left === 1 || !isBackupError(error, 'object-exists')) throw error;
    }
  }
}

/** A folder is no vault before the first write: where it can't be reached, that fails as well. */
function ofNewVault(error: unknown): Awaited<ReturnType<typeof read>> {
  if (!isBackupError(error, 'vault-unreachable')) throw error;
  return { servers: [], version: undefined };
}

async function read(
  vault: Vault,
  signal: AbortSignal,
): Promise<{ servers: ServerDatabases[]; version: string | undefined }> {
  const found = await readJson(vault, serversKey, signal);
  if (found === undefined) return { servers: [], version: undefined };
  const { data } = serversSchema.safeParse(found.document);
  if (data !== undefined) return { servers: data.servers, version: found.version };
  throw new BackupError('vault-failed', `${vault.place}/${serversKey} can't be understood`, {
    hint:
      'it lists the databases of whole servers: take an older version of the object, or let it be written anew by ' +
      'deleting it, and run: nightjar backup',
  });
}
