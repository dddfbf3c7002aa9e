import { serverSchema } from '../../contract/memory/servers.ts';
import type { ServerDatabases } from '../../contract/memory/servers.ts';
import { BackupError, isBackupError } from '../../domain/errors.ts';
import type { SourceName } from '../../domain/keys.ts';
import { serverKey } from '../../domain/layout/places.ts';
import type { Vault } from '../../vault.ts';
import { readJson, writeJson } from '../json.ts';

type ServerRead = { known: ServerDatabases | undefined; version: string | undefined };

const tries = 5;

/**
 * Reads the known databases of a whole server; undefined if nobody has looked yet, or if the list is cut or garbled: it
 * is lost then, and the backups tell which databases there were. Throws if the vault can't be read, and `vault-failed`
 * for a list that says something else: somebody has written it so.
 */
export async function readServer(
  vault: Vault,
  server: SourceName,
  signal: AbortSignal,
): Promise<ServerDatabases | undefined> {
  return (await read(vault, server, signal)).known;
}

/**
 * Writes what `edit` returns for the known databases of a server; repeated when somebody else has written meanwhile.
 */
export async function editServer(
  vault: Vault,
  server: SourceName,
  edit: (before: ServerDatabases | undefined) => ServerDatabases,
  signal: AbortSignal,
): Promise<ServerDatabases> {
  for (let left = tries; ; left -= 1) {
    const { known, version } = await read(vault, server, signal).catch(ofNewVault);
    const own = edit(known);
    try {
      await writeJson(vault, serverKey(server), serverSchema.parse(own), { version }, signal);
      return own;
    } catch (error) {
      if (left === 1 || !isBackupError(error, 'object-exists')) throw error;
    }
  }
}

/**
 * A folder does not exist before the first write, so an unreachable one counts as empty here; the write then fails if
 * it really is unreachable.
 */
function ofNewVault(error: unknown): ServerRead {
  if (!isBackupError(error, 'vault-unreachable')) throw error;
  return { known: undefined, version: undefined };
}

async function read(vault: Vault, server: SourceName, signal: AbortSignal): Promise<ServerRead> {
  const key = serverKey(server);
  const found = await readJson(vault, key, signal);
  if (found?.document === undefined) return { known: undefined, version: found?.version };
  const { data } = serverSchema.safeParse(found.document);
  if (data?.name === server) return { known: data, version: found.version };
  throw new BackupError('vault-failed', `${vault.place}/${key} can't be understood`, {
    hint:
      'it lists the databases of a whole server: take an older version of the object, or let it be written anew by ' +
      'deleting it, and run: nightjar backup',
  });
}
