import { BackupError } from '../domain/errors.ts';
import type { ObjectKey, SourceName } from '../domain/keys.ts';
import type { Clock } from '../ports.ts';
import type { Vault } from '../vault.ts';
import { listSource, sourcesListed } from './backups/listing.ts';
import { madeBefore, newName } from './backups/made-before.ts';
import { backupIds, manifestDigest, missingBackup, readManifest, writeManifest } from './backups/manifests.ts';
import { hasToBeSigned, signer, signingRules } from './backups/signature.ts';
import type { SigningOf, Trust } from './backups/signature.ts';
import { receiveBackup } from './copying/receive.ts';
import { discardDamaged } from './copying/replace.ts';
import { storedBackup } from './copying/stored.ts';
import { freeLease } from './lease/hold.ts';
import { withHandedLease, withLease } from './lease/lease.ts';
import { leaseWritten, readLease } from './lease/state.ts';
import { withLinks } from './links/links.ts';
import { checkersOf } from './memory/checkers.ts';
import { addToLedgerIndex, readLedger, readLedgerIndex, writeLedger } from './memory/ledger.ts';
import { editOutbox, readOutbox } from './memory/outbox.ts';
import { readRoster, writeRoster } from './memory/roster.ts';
import { editServer, readServer } from './memory/servers.ts';
import { readCatalog, readPackedCatalog, tellCatalog } from './parts/catalog.ts';
import { afterReadingAgain, readWhole } from './parts/read-again.ts';
import { openPart } from './parts/reading.ts';
import type { IdentitiesOf, PartOpening } from './parts/reading.ts';
import { canShare, shareParts } from './parts/sharing.ts';
import { discardParts, storeParts } from './parts/storing.ts';
import { hasFailed, withFailureRecord } from './records/failure.ts';
import { pin, readPin, unpin } from './records/pin.ts';
import { withDamageRecord, withProofRecord } from './records/proof.ts';
import type { Recording } from './records/proof.ts';
import { isRemovalGenuine, recordRemoval } from './records/removal.ts';
import { carryOutOnce } from './records/request.ts';
import { recordStart } from './records/start.ts';
import { lockKept } from './rotation/lock.ts';
import { removeBackup } from './rotation/remove.ts';
import { retagKept } from './rotation/retag.ts';
import { lookForLeftovers, sweepLeftovers } from './rotation/sweep.ts';

/** Everything that Nightjar keeps in a vault, spoken of by name: users of a store know neither keys nor the vault. */
export type Store = ReturnType<typeof openStore>;

/** Opens the store in a vault. Reads nothing. The promise of each function stands above it in its own file. */
export function openStore(
  opened: Vault,
  identitiesOf: IdentitiesOf = noIdentities,
  signingOf: SigningOf = () => undefined,
) {
  const vault = withLinks(opened);
  /** Most functions of the store take the vault first. */
  const on = binding(vault);
  /** Keys of parts that were found damaged while they were read, for the functions that record it. */
  const damaged = new Set<ObjectKey>();
  /**
   * Functions that read the content of parts also take what decrypts it; those that read manifests, what they are
   * trusted by.
   */
  const reading = binding<PartOpening>({ vault, identitiesOf, damaged });
  const recording = binding<Recording>({ vault, damaged });
  const trusting = binding<Trust>({ vault, signingOf });
  const signing = binding(signingOf);
  return {
    /** The vault as people write it: `s3://bucket/prefix`, `/srv/backups`. */
    place: vault.place,
    /** Which promise is weaker here than elsewhere, in one sentence. */
    weaker: vault.weaker,

    listSource: on(listSource),
    sourcesListed: on(sourcesListed),
    backupIds: on(backupIds),
    madeBefore: trusting(madeBefore),
    newName,
    missingBackup: on(missingBackup),

    storeParts: on(storeParts),
    canShare: on(canShare),
    shareParts: on(shareParts),
    discardParts: on(discardParts),
    signer: signing(signer),
    writeManifest: on(writeManifest),
    manifestDigest,

    signingRules: signing(signingRules),
    hasToBeSigned: signing(hasToBeSigned),
    readManifest: trusting(readManifest),
    readCatalog: reading(readCatalog),
    readPackedCatalog: reading(readPackedCatalog),
    tellCatalog: reading(tellCatalog),
    openPart: reading(openPart),
    /** The same with these identities instead of the configured ones. */
    openedBy(identities: readonly string[]) {
      const by = binding<PartOpening>({ vault, identitiesOf: async () => identities, damaged });
      return { tellCatalog: by(tellCatalog), openPart: by(openPart) };
    },
    readWhole: reading(readWhole),
    afterReadingAgain: reading(afterReadingAgain),

    storedBackup: binding({ vault, signingOf, damaged })(storedBackup),
    receiveBackup: trusting(receiveBackup),
    discardDamaged: trusting(discardDamaged),

    recordStart: on(recordStart),
    withFailureRecord: on(withFailureRecord),
    hasFailed: on(hasFailed),
    withProofRecord: recording(withProofRecord),
    withDamageRecord: recording(withDamageRecord),
    carryOutOnce: on(carryOutOnce),
    pin: on(pin),
    unpin: on(unpin),
    readPin: on(readPin),
    recordRemoval: trusting(recordRemoval),
    isRemovalGenuine: trusting(isRemovalGenuine),

    withLease: on(withLease),
    withHandedLease: on(withHandedLease),
    readLease: on(readLease),
    leaseWritten: on(leaseWritten),
    freeLease: on(freeLease),

    readLedger: on(readLedger),
    writeLedger: on(writeLedger),
    readLedgerIndex: on(readLedgerIndex),
    addToLedgerIndex: on(addToLedgerIndex),
    readRoster: on(readRoster),
    writeRoster: on(writeRoster),
    readServer: on(readServer),
    editServer: on(editServer),
    checkersOf: on(checkersOf),
    readOutbox: on(readOutbox),
    editOutbox: on(editOutbox),

    removeBackup: on(removeBackup),
    retagKept: on(retagKept),
    lockKept: on(lockKept),
    lookForLeftovers: on(lookForLeftovers),
    sweepLeftovers: on(sweepLeftovers),

    /** What can be tried of the vault; loaded on demand, because no run needs it. */
    examinations: async (clock: Clock, of?: SourceName) =>
      (await import('./examine/vault.ts')).vaultExaminations(vault, clock, of),
  };
}

/** Binds the first argument of functions. */
function binding<First>(first: First) {
  return <Rest extends unknown[], R>(work: (first: First, ...rest: Rest) => R) =>
    (...rest: Rest): R =>
      work(first, ...rest);
}

const noIdentities: IdentitiesOf = (source) => Promise.reject(noIdentity(source));

/** The error when no identity is configured that decrypts the backups of a source. */
export function noIdentity(source: string): BackupError {
  return new BackupError('key-missing', `the backups of ${source} are encrypted, and no identity is configured`, {
    hint: `write where the identity is kept: sources.${source}.encryption.identity (docs/encryption.md)`,
  });
}
