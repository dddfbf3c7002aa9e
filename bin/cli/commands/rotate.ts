import { rotate } from '../../../core/commands/rotate.ts';
import type { Rotation } from '../../../core/commands/rotate.ts';
import { collected } from '../../../core/domain/errors.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import { failureDocument } from '../text/failure.ts';
import { configured } from '../names.ts';
import type { CommandOutcome } from '../text/output.ts';
import { rotationDocument, rotationLines } from '../text/backups/rotation-text.ts';
import type { CommandSession } from '../session.ts';
import { told } from '../told.ts';

/** As commander gives them. */
export type RotateFlags = { dryRun?: true; anyShare?: true };

/**
 * `nightjar rotate`: removes what the retention of each named source no longer keeps, and says why for each backup; a
 * failure doesn't stop the other sources.
 */
export async function rotateCommand(
  names: string[],
  flags: RotateFlags,
  session: CommandSession,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const results: object[] = [];
  const failures: unknown[] = [];
  for (const source of configured(names, session.nightjar)) {
    const { result, failure } = await rotateOne(source, flags, session, signal);
    results.push(result);
    if (failure !== undefined) failures.push(failure);
    if (signal.aborted) break;
  }
  return { document: { dryRun: flags.dryRun === true, results }, failures };
}

async function rotateOne(
  source: SourceName,
  { dryRun, anyShare }: RotateFlags,
  session: CommandSession,
  signal: AbortSignal,
): Promise<{ result: object; failure?: unknown }> {
  const { nightjar, out } = session;
  const policy = nightjar.settings(source);
  const options = { dryRun: dryRun === true, anyShare: anyShare === true };
  let done: Rotation | undefined;
  async function work(): Promise<Rotation> {
    done = await rotate(source, policy, options, nightjar, signal);
    for (const line of rotationLines(done, options)) out.say(line);
    if (done.failures.length > 0) throw collected(done.failures);
    return done;
  }
  try {
    // a dry run is no run: nobody is notified of it
    if (options.dryRun) await work();
    else await told({ verb: 'rotation', source }, work, rotationDocument, session, signal);
    return { result: rotationDocument(done!) };
  } catch (error) {
    out.fail(error);
    return {
      result: {
        ...(done === undefined ? { source, status: 'failed' } : rotationDocument(done)),
        error: failureDocument(error),
      },
      failure: error,
    };
  }
}
