import { ledgerIndexSchema, ledgerSchema } from '../../contract/memory/ledger.ts';
import type { Ledger } from '../../contract/memory/ledger.ts';
import { BackupError, isBackupError } from '../../domain/errors.ts';
import { objectKey } from '../../domain/keys.ts';
import { ledgerKey } from '../../domain/layout/places.ts';
import type { SourceName } from '../../domain/keys.ts';
import type { Vault } from '../../vault.ts';
import { readJson, writeJson } from '../json.ts';
import type { JsonRead } from '../json.ts';

/** What is remembered of a source. `version` undefined: there is none yet. `lost`: it can't be understood. */
export type LedgerRead = { ledger?: Ledger; version: string | undefined; lost?: string };

/** The sources that have, or had, a ledger, with the last revision seen of each. */
export type LedgerIndex = ReadonlyMap<string, number>;

/** Sources are folders, so none can have this name. */
const indexKey = objectKey('ledger.json');
/** Each conflict means that another writer succeeded, so this many may write at the same moment. */
const attempts = 20;

/**
 * Reads what the vault remembers of a source. Throws if the vault can't be read, and `vault-failed` if a newer Nightjar
 * wrote it.
 */
export async function readLedger(vault: Vault, source: SourceName, signal: AbortSignal): Promise<LedgerRead> {
  const found = await readJson(vault, ledgerKey(source), signal);
  if (found === undefined) return { version: undefined };
  const { document } = found;
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
 * Writes the ledger as its next revision, unless somebody else has written since it was read; returns that revision.
 * Throws `object-exists` if somebody has.
 */
export async function writeLedger(
  vault: Vault,
  source: SourceName,
  ledger: Ledger,
  { version }: Pick<LedgerRead, 'version'>,
  signal: AbortSignal,
): Promise<number> {
  const revision = (ledger.revision ?? 0) + 1;
  await writeJson(vault, ledgerKey(source), { ...ledger, revision }, { version, compact: true }, signal);
  return revision;
}

/** Reads the index. If it can't be understood, it is empty, and no ledger is missed. */
export async function readLedgerIndex(vault: Vault, signal: AbortSignal): Promise<LedgerIndex> {
  return indexOf(await readJson(vault, indexKey, signal));
}

/** Adds what was seen of ledgers to the index; entries of other sources, and newer revisions, stay. */
export async function addToLedgerIndex(vault: Vault, seen: LedgerIndex, signal: AbortSignal): Promise<void> {
  for (let left = attempts; ; left -= 1) {
    const found = await readJson(vault, indexKey, signal);
    const index = new Map(indexOf(found));
    if ([...seen].every(([source, revision]) => (index.get(source) ?? -1) >= revision)) return;
    for (const [source, revision] of seen) index.set(source, Math.max(revision, index.get(source) ?? 0));
    const sources = [...index].sort();
    try {
      await writeJson(vault, indexKey, { version: 1, sources }, { version: found?.version }, signal);
      return;
    } catch (error) {
      if (!isBackupError(error, 'object-exists') || left <= 1) throw error;
    }
  }
}

function indexOf(found: JsonRead | undefined): LedgerIndex {
  const sources = ledgerIndexSchema.safeParse(found?.document).data?.sources ?? [];
  return new Map(sources.map((one) => (typeof one === 'string' ? [one, 0] : one)));
}
