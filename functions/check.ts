import { check } from '../core/commands/check/check.ts';
import { watchedSources } from '../core/survey/watched.ts';
import { checkEventSchema } from '../core/contract/events/check.ts';
import type { CheckResult } from '../core/contract/events/check.ts';
import { readEvent } from '../core/contract/events/requests.ts';
import { checkResult } from '../core/domain/watch/check-result.ts';
import { collected } from '../core/domain/errors.ts';
import { lambdaHandler } from './host/host.ts';
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
      { ...nightjar, meter },
      signal,
    );
    if (checked.failures.length > 0) throw collected(checked.failures);
    return checkResult(checked);
  },
});
