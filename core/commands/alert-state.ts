import { alertStateSchema } from '../contract/alert-state.ts';
import type { Alert } from '../contract/alert-state.ts';
import { isBackupError } from '../domain/errors.ts';
import { objectKey } from '../domain/keys.ts';
import type { Vault } from '../ports.ts';

/** What was told so far. `version` undefined: there is no such object yet, or it can't be read. */
export type AlertState = { open: Alert[]; version: string | undefined };

/** Sources are folders: none can have this name. */
const key = objectKey('alerts.json');

/** Reads what was told. Where there is nothing, or nothing that can be understood, nothing was told: rather twice than not at all. Throws where the vault can't be read. */
export async function readAlerts(vault: Vault, signal: AbortSignal): Promise<AlertState> {
  try {
    const { body, version } = await vault.read(key, signal);
    return { open: openOf(body), version };
  } catch (error) {
    if (isBackupError(error, 'object-missing')) return { open: [], version: undefined };
    throw error;
  }
}

/** Writes what was told, if nobody has written since it was read. Throws `object-exists` when somebody has. */
export async function writeAlerts({ open, version }: AlertState, vault: Vault, signal: AbortSignal): Promise<void> {
  const body = Buffer.from(JSON.stringify({ version: 1, open }, undefined, 1));
  if (version === undefined) await vault.putIfAbsent(key, body, {}, signal);
  else await vault.putIfUnchanged(key, body, version, signal);
}

function openOf(body: Uint8Array): Alert[] {
  try {
    return alertStateSchema.parse(JSON.parse(Buffer.from(body).toString())).open;
  } catch {
    return [];
  }
}
