import { functionEnvironmentSchema } from '../core/contract/events/requests.ts';
import { factsOf } from '../core/contract/config/sources/source-facts.ts';
import { check } from '../core/commands/check/check.ts';
import { watchedSources } from '../core/survey/watched.ts';
import { checkEventSchema } from '../core/contract/events/check.ts';
import type { CheckResult } from '../core/contract/events/check.ts';
import { readEvent } from '../core/contract/events/requests.ts';
import type { AccountLook } from '../core/domain/watch/account.ts';
import { checkResult } from '../core/domain/watch/check-result.ts';
import { collected } from '../core/domain/errors.ts';
import { lambdaHandler } from './host/host.ts';
import type { Invocation } from './host/host.ts';
import { cloudWatchMeter } from './host/metrics.ts';

/** Judges every source of the configuration, and tells what has changed: `{}`. */
export const handler = lambdaHandler({
  verb: 'check',
  read: (event) => readEvent(checkEventSchema, event, {}),
  async work(_, nightjar, signal): Promise<CheckResult> {
    const functionName = process.env['AWS_LAMBDA_FUNCTION_NAME'] ?? 'nightjar-check';
    const meter = cloudWatchMeter({ functionName, now: () => new Date(), write: (line) => process.stdout.write(line) });
    const checked = await check(
      watchedSources(nightjar.sourceNames, nightjar),
      { whole: true },
      { ...nightjar, meter, account: (stop) => lookedAtAccount(nightjar, stop) },
      signal,
    );
    if (checked.failures.length > 0) throw collected(checked.failures);
    return checkResult(checked);
  },
});

/** Loaded when the stack asks for a look: what signs requests is no small thing to read at a cold start. */
async function lookedAtAccount({ sourceNames, settings }: Invocation, signal: AbortSignal): Promise<AccountLook> {
  const { NIGHTJAR_SCHEDULES: schedules, NIGHTJAR_MUST_COVER: mustCover } = functionEnvironmentSchema.parse(
    process.env,
  );
  if (schedules.length === 0 && mustCover === undefined) return { judged: [], found: [], unseen: [] };
  const [{ lookAtAccount }, { askAws }] = await Promise.all([import('./account/look.ts'), import('./account/aws.ts')]);
  const hosts = sourceNames.flatMap((name) => {
    const source = settings(name);
    return [factsOf(source).server?.host ?? [], source.cloud.restoreHost ?? []].flat();
  });
  return lookAtAccount({ schedules, mustCover, hosts }, askAws(process.env), signal);
}
