import { copyDocument, copyInto } from '../core/commands/copy-source.ts';
import type { CopyOutcome } from '../core/commands/copy-source.ts';
import { copyEventSchema, readEvent } from '../core/contract/events/requests.ts';
import type { CopyResult } from '../core/contract/events/requests.ts';
import { abortError, BackupError, collected, isBackupError, messageOf } from '../core/domain/errors.ts';
import type { SourceName } from '../core/domain/keys.ts';
import { plural } from '../core/domain/units.ts';
import { mapConcurrently } from '../core/pipeline/concurrency.ts';
import { memoryOf } from '../core/survey/watched.ts';
import { lambdaHandler } from './host/host.ts';
import type { Invocation } from './host/host.ts';
import { otherHolder } from './host/identity.ts';
import { everDatabases, fromAnother } from './host/on-server.ts';

/** A vault that is slow, or needs much, must not delay the others. */
const vaultsAtOnce = 2;

/** Copies to the further vaults of one source the backups that they should have: `{ "source": "shop" }`. */
export const handler = lambdaHandler({
  verb: 'copy',
  read: (event) => readEvent(copyEventSchema, event, { source: 'shop' }),
  onServer: async (server, nightjar) => ({
    sources: fromAnother(everDatabases(server, nightjar), nightjar.clock.now()),
    failures: [],
  }),
  async work({ source: name }, nightjar, signal): Promise<CopyResult> {
    const source = name as SourceName;
    const settings = nightjar.settings(name);
    const deps = { ...nightjar, from: nightjar.store };
    const copies = await mapConcurrently(
      vaultsAtOnce,
      settings.copies,
      (copy) => copyInto(source, copy, memoryOf(settings), deps, signal),
      signal,
    );
    return resultOf(source, copies, nightjar, signal);
  },
});

/** If another run is at work on the source in a vault, that is no failure: that run copies what is missing. */
function resultOf(
  source: SourceName,
  copies: readonly CopyOutcome[],
  { identity, seconds }: Invocation,
  signal: AbortSignal,
): CopyResult {
  if (signal.aborted) throw unfinished(copies, signal);
  const failures = copies.flatMap((one) => one.failures);
  const wrong = failures.filter((error) => otherHolder(error, identity) === undefined);
  if (wrong.length > 0) throw collected(wrong);
  const [held] = failures;
  if (held !== undefined)
    return { status: 'skipped', source, heldBy: otherHolder(held, identity)!, why: messageOf(held) };
  const { copies: done } = copyDocument(source, copies);
  const told = done.map(({ vault, place = '', copied, removed }) => ({ vault, place, copied, removed }));
  return { status: 'copied', source, copies: told, seconds: seconds() };
}

/** What was copied stays, also of an incomplete backup: the next attempt continues there. */
function unfinished(copies: readonly CopyOutcome[], signal: AbortSignal): BackupError {
  const stopped = abortError(signal);
  if (!isBackupError(stopped, 'deadline')) return stopped;
  const brought = copies.flatMap(({ copied = [] }) => copied.filter(({ state }) => state === 'copied'));
  return new BackupError(
    'deadline',
    `${stopped.message}; ${plural(brought.length, 'backup')} copied in this run, and the next goes on from there`,
    {
      hint:
        'nothing to do while copies catch up; where it is so each night, give the function more memory ' +
        '(cloud.memory of the largest source that is copied), or copy from the command line',
    },
  );
}
