import { ledgerIndexSchema, ledgerSchema } from '../../contract/memory/ledger.ts';
import type { Ledger } from '../../contract/memory/ledger.ts';
import { BackupError, isBackupError } from '../../domain/errors.ts';
import { ledgerKey, objectKey } from '../../domain/keys.ts';
import type { ObjectKey, SourceName } from '../../domain/keys.ts';
import type { Vault } from '../../ports.ts';

/**
 * What is remembered of a source. `version` undefined: nothing lies there. `lost`: what lies there can't be understood.
 */
export type LedgerRead = { ledger?: Ledger; version: string | undefined; lost?: string };

/** Sources are folders: none can have this name. */
const indexKey = objectKey('ledger.json');
const attempts = 5;

/**
 * Reads what the vault remembers of a source. Throws where the vault can't be read, and `vault-failed` where a newer
 * Nightjar has written.
 */
export async function readLedger(source: SourceName, vault: Vault, signal: AbortSignal): Promise<LedgerRead> {
  const found = await readIfThere(ledgerKey(source), vault, signal);
  if (found === undefined) return { version: undefined };
  const document = jsonOf(found.body);
  if (typeof document === 'object' && document !== null && 'version' in document && Number(document.version) > 1) {
    throw new BackupError('vault-failed', `${vault.place}/${ledgerKey(source)} was written by a newer Nightjar`, {
      hint: 'use that one here, too',
    });
  }
  const parsed = ledgerSchema.safeParse(document);
  if (parsed.success) return { ledger: parsed.data, version: found.version };
  return { version: found.version, lost: `${vault.place}/${ledgerKey(source)} could not be understood` };
}

/**
 * Writes what is to be remembered, if nobody has written since it was read. Throws `object-exists` when somebody has.
 */
export async function writeLedger(
  source: SourceName,
  ledger: Ledger,
  { version }: Pick<LedgerRead, 'version'>,
  vault: Vault,
  signal: AbortSignal,
): Promise<void> {
  const body = Buffer.from(JSON.stringify(ledger));
  if (version === undefined) await vault.putIfAbsent(ledgerKey(source), body, {}, signal);
  else await vault.putIfUnchanged(ledgerKey(source), body, version, signal);
}

/** The sources that have, or had, a ledger. Where that can't be understood, none is missed. */
export async function readLedgerIndex(vault: Vault, signal: AbortSignal): Promise<Set<string>> {
  const found = await readIfThere(indexKey, vault, signal);
  return new Set(indexOf(found?.body));
}

/** Adds sources to the index; others that were written meanwhile stay. */
export async function addToLedgerIndex(names: readonly string[], vault: Vault, signal: AbortSignal): Promise<void> {
  for (let left = attempts; ; left -= 1) {
    const found = await readIfThere(indexKey, vault, signal);
    const sources = [...new Set([...indexOf(found?.body), ...names])].sort();
    const body = Buffer.from(JSON.stringify({ version: 1, sources }, undefined, 1));
    try {
      if (found === undefined) await vault.putIfAbsent(indexKey, body, {}, signal);
      else await vault.putIfUnchanged(indexKey, body, found.version, signal);
      return;
    } catch (error) {
      if (!isBackupError(error, 'object-exists') || left <= 1) throw error;
    }
  }
}

async function readIfThere(key: ObjectKey, vault: Vault, signal: AbortSignal) {
  return vault.read(key, signal).catch((error: unknown) => {
    if (!isBackupError(error, 'object-missing')) throw error;
    return undefined;
  });
}

function indexOf(body: Uint8Array | undefined): string[] {
  return ledgerIndexSchema.safeParse(body && jsonOf(body)).data?.sources ?? [];
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString());
  } catch {
    return undefined;
  }
}
