import { discover } from '../core/commands/by-tag/discover.ts';
import type { DiscoverDeps } from '../core/commands/by-tag/discover.ts';
import { sourceElsewhere } from '../core/contract/config/config.ts';
import { byTagEventSchema } from '../core/contract/events/by-tag.ts';
import type { ByTagResult } from '../core/contract/events/by-tag.ts';
import { functionEnvironmentSchema, readEvent } from '../core/contract/events/requests.ts';
import type { Roster } from '../core/contract/memory/roster.ts';
import type { DueWork, TimedSource } from '../core/domain/by-tag/due.ts';
import { BackupError } from '../core/domain/errors.ts';
import type { SourceName } from '../core/domain/keys.ts';
import { engineOfRds } from '../core/engines/index.ts';
import type { AskAws } from './account/aws.ts';
import { rosterOwner } from './account/owner.ts';
import { lambdaHandler } from './host/host.ts';
import type { Invocation } from './host/host.ts';
import type { Occasion } from './host/identity.ts';

type StartedFunctions = Partial<Record<DueWork['job'], string>>;

/** Finds the databases of RDS that have the tag, and starts what is due for them: `{}`. Reaches no database. */
export const handler = lambdaHandler({
  verb: 'discovery',
  read: (event): Occasion => readEvent(byTagEventSchema, event, {}),
  async work(_, nightjar, signal): Promise<ByTagResult> {
    // loaded here because signing requests would slow down a cold start
    const [{ askAws }, { rdsDatabases }] = await Promise.all([
      import('./account/aws.ts'),
      import('./account/databases.ts'),
    ]);
    const ask = askAws(process.env);
    const { NIGHTJAR_STARTS: functions } = functionEnvironmentSchema.parse(process.env);
    const databases = (stop: AbortSignal) => rdsDatabases(ask, stop);
    return discover({ ...depsOf(nightjar), databases, start: starter(ask, functions) }, signal);
  },
});

function depsOf(nightjar: Invocation): Omit<DiscoverDeps, 'databases' | 'start'> {
  const { cloud, defaults } = nightjar.config;
  const byTag = cloud?.byTag;
  const usual = byTag?.schedule ?? defaults.schedule;
  if (byTag === undefined || usual === undefined)
    throw new BackupError('config-invalid', 'cloud.byTag is missing, or says of no time', {
      hint: 'write cloud.byTag with a schedule (docs/cloud.md), and deploy',
    });
  return {
    ...nightjar,
    byTag,
    usual,
    vpc: cloud?.networks[byTag.network]?.vpc,
    engineOf: engineOfRds,
    isSource: (written) => sourceElsewhere(written, nightjar.config) !== undefined,
    ...rosterOwner(nightjar.arn),
    timesOf: (roster) => roster.sources.flatMap((entry) => timesOf(entry, nightjar)),
  };
}

/** A source that is gone is no longer started, not even its rotation, so its backups stay. */
function timesOf({ name, gone, since, written }: Roster['sources'][number], nightjar: Invocation): TimedSource[] {
  const source = gone === undefined ? sourceElsewhere(written, nightjar.config) : undefined;
  if (source?.watch.schedule === undefined) return [];
  const { watch, timeZone, copies, cloud } = source;
  const { schedule = '' } = watch;
  return [
    {
      name: name as SourceName,
      schedule,
      timeZone,
      rotate: cloud.rotate,
      drill: cloud.drill,
      copied: copies.length > 0,
      drillEveryMs: watch.drillEveryMs,
      since: new Date(since),
    },
  ];
}

/** Lambda takes the event, and retries failures by itself (AWS Lambda API reference, Invoke). */
function starter(ask: AskAws, functions: StartedFunctions): DiscoverDeps['start'] {
  return async ({ job, source, at }, signal) => {
    const name = functions[job];
    if (name === undefined) throw new BackupError('internal', `no function is known for the ${job} of ${source}`);
    const event = { source, ...(job === 'backup' && { scheduled: at.toISOString() }) };
    const path = `/2015-03-31/functions/${encodeURIComponent(name)}/invocations`;
    const headers = { 'content-type': 'application/json', 'x-amz-invocation-type': 'Event' };
    await ask({ service: 'lambda', method: 'POST', path, headers, body: JSON.stringify(event) }, signal);
  };
}
