import { rosterSchema } from '../../contract/memory/roster.ts';
import type { Roster } from '../../contract/memory/roster.ts';
import { BackupError } from '../../domain/errors.ts';
import { objectKey } from '../../domain/keys.ts';
import type { Vault } from '../../vault.ts';
import { readJson, writeJson } from '../json.ts';

/** A roster as it was read, and the version that a write replaces. */
export type RosterRead = { roster: Roster | undefined; version: string | undefined };

/** Sources are folders, so none can have this name. */
const rosterKey = objectKey('roster.json');

/**
 * Reads the sources found by their tag; undefined if nobody has looked yet. Throws if the vault can't be read, and
 * `vault-failed` if the roster can't be understood: forgetting sources would mean forgetting to miss them.
 */
export async function readRoster(vault: Vault, signal: AbortSignal): Promise<RosterRead> {
  const found = await readJson(vault, rosterKey, signal);
  if (found === undefined) return { roster: undefined, version: undefined };
  const read = rosterSchema.safeParse(found.document);
  if (read.success) return { roster: read.data, version: found.version };
  throw new BackupError('vault-failed', `${vault.place}/${rosterKey} can't be understood`, {
    hint: 'it lists the databases found by their tag: take an older version of the object, or let it be written anew by deleting it',
  });
}

/**
 * Writes the roster unless somebody else has written since it was read; returns its version. Throws `object-exists` if
 * somebody has.
 */
export async function writeRoster(
  vault: Vault,
  roster: Roster,
  { version }: Pick<RosterRead, 'version'>,
  signal: AbortSignal,
): Promise<string> {
  return writeJson(vault, rosterKey, rosterSchema.parse(roster), { version }, signal);
}
