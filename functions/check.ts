import { functionEnvironmentSchema } from '../core/contract/events/requests.ts';
import { check } from '../core/commands/check/check.ts';
import { serversWithoutBackups, watchedSources } from '../core/survey/watched.ts';
import { checkEventSchema } from '../core/contract/events/check.ts';
import type { CheckEvent, CheckResult } from '../core/contract/events/check.ts';
import { readEvent } from '../core/contract/events/requests.ts';
import type { AccountLook } from '../core/domain/watch/account.ts';
import { checkResult } from '../core/domain/watch/check-result.ts';
import { BackupError, collected } from '../core/domain/errors.ts';
import type { SourceName } from '../core/domain/keys.ts';
import type { Occasion } from './host/identity.ts';
import { lambdaHandler } from './host/host.ts';
import type { Invocation } from './host/host.ts';
import { cloudWatchMeter } from './host/metrics.ts';

/** A further vault that hangs must leave the function, which has five minutes, time to report about the first one. */
const copiesWithinMs = 90_000;

/** Judges every source of the configuration, and reports what has changed: `{}`. */
export const handler = lambdaHandler({
  verb: 'check',
  read: (event): CheckEvent & Occasion => readEvent(checkEventSchema, event, {}),
  async work({ digest: isDigest }, nightjar, signal): Promise<CheckResult> {
    const looking: Looking = {
      ...nightjar,
      account: (stop: AbortSignal) => lookedAt(nightjar, isDigest, stop),
      copiesWithinMs,
    };
    if (isDigest) return digested(looking, signal);
    const functionName = process.env['AWS_LAMBDA_FUNCTION_NAME'] ?? 'nightjar-check';
    const meter = cloudWatchMeter({ functionName, now: () => new Date(), write: (line) => process.stdout.write(line) });
    const checked = await check(
      watchedSources(await watchedNames(nightjar, signal), nightjar),
      { whole: true },
      { ...looking, meter },
      signal,
    );
    if (checked.failures.length > 0) throw collected(checked.failures);
    return checkResult(checked);
  },
  failureOf: ({ untold }) => (untold === undefined ? undefined : new BackupError('notify-failed', untold)),
});

/** A server whose databases were never listed, and that has no backup, is reported as missing, under its own name. */
async function watchedNames(nightjar: Invocation, signal: AbortSignal): Promise<SourceName[]> {
  const { sourceNames, unlooked, recall, onServer, report } = nightjar;
  const note = (message: string) => report({ type: 'warning', message });
  const missed = await serversWithoutBackups(unlooked, { recall, note }, signal);
  return [...new Set([...sourceNames, ...unlooked.flatMap(onServer), ...missed])];
}

type Looking = Invocation & { account(stop: AbortSignal): Promise<AccountLook>; copiesWithinMs: number };

/** Loaded only when asked for: an hourly start does not need it. */
async function digested(nightjar: Looking, signal: AbortSignal): Promise<CheckResult> {
  const { digest, untoldOf } = await import('../core/commands/check/digest.ts');
  const { monthlyCosts } = await import('./account/costs.ts');
  const sources = watchedSources(await watchedNames(nightjar, signal), nightjar);
  const { checked, outcomes } = await digest(
    sources,
    { ...nightjar, ...monthlyCosts(nightjar.config, process.env['AWS_REGION'] ?? '') },
    signal,
  );
  return { ...checkResult(checked), ...untoldOf(outcomes) };
}

/**
 * Loaded only when the stack asks for a look, because signing requests would slow down a cold start. A digest names all
 * databases that are in no source, though nobody is alerted about them.
 */
async function lookedAt(nightjar: Invocation, isDigest: boolean, signal: AbortSignal): Promise<AccountLook> {
  const { NIGHTJAR_SCHEDULES: schedules, NIGHTJAR_MUST_COVER: asked } = functionEnvironmentSchema.parse(process.env);
  const mustCover = asked ?? (isDigest && nightjar.config.cloud?.digest !== undefined ? 'all' : undefined);
  if (schedules.length === 0 && mustCover === undefined) return { judged: [], found: [] };
  const { lookAround } = await import('./account/around.ts');
  return lookAround(nightjar, { schedules, mustCover }, signal);
}
