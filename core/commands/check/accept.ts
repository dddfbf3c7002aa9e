import { word } from '../../domain/messages/text.ts';
import { ledgerSchema } from '../../contract/memory/ledger.ts';
import { accepted, acceptableOf } from '../../domain/verdict/acceptance.ts';
import type { Acceptable } from '../../domain/verdict/acceptance.ts';
import { BackupError, isBackupError } from '../../domain/errors.ts';
import type { SourceName } from '../../domain/keys.ts';
import { contentOf } from '../../domain/verdict/ledger.ts';
import type { SourceRules } from '../../domain/verdict/verdict.ts';
import type { Clock } from '../../ports.ts';
import type { Store } from '../../store/store.ts';
import { survey } from '../../survey/survey.ts';

type AcceptDeps = { store: Store; clock: Clock };

/** What would be accepted, and how to do it; valid only while nobody else writes. */
export type Acceptance = { what: Acceptable[]; accept(by: string, signal: AbortSignal): Promise<void> };

/**
 * Finds what a check reports about a source until a person accepts it. Changes nothing until `accept` is called, which
 * throws `object-exists` if another check has written since. Throws `backup-missing` if no backup is left.
 */
export async function acceptanceOf(
  source: SourceName,
  memory: SourceRules,
  { store, clock }: AcceptDeps,
  signal: AbortSignal,
): Promise<Acceptance> {
  const revision = (await store.readLedgerIndex(signal)).get(source);
  const { verdict, ledger, before } = await survey(
    await store.listSource(source, signal),
    { memory, at: clock.now(), revision },
    store,
    signal,
  );
  const what = acceptableOf(verdict);
  if (what.length > 0 && verdict.backups.length === 0) {
    throw new BackupError(
      'backup-missing',
      `${source} has no backup: there is none that could be what is usual from now on`,
      { hint: `make one first: nightjar backup ${word(source)}` },
    );
  }
  return {
    what,
    async accept(by, stop) {
      const { newest } = verdict;
      const content =
        newest === undefined || newest.full
          ? undefined
          : contentOf((await store.readManifest(source, newest.id, stop)).manifest);
      const next = ledgerSchema.parse(accepted(ledger, verdict, content, { at: clock.now().toISOString(), by }));
      const written = await store.writeLedger(source, next, before, stop).catch((cause: unknown) => {
        if (!isBackupError(cause, 'object-exists')) throw cause;
        throw new BackupError(
          'object-exists',
          `somebody else, a check or another accept, has written what is remembered of ${source} meanwhile: ` +
            'nothing was accepted',
          { hint: `look again: nightjar accept ${word(source)}`, cause },
        );
      });
      await store.addToLedgerIndex(new Map([[source, written]]), stop);
    },
  };
}
