import type { Settings } from '../../contract/config/settings/settings.ts';
import type { SourceName } from '../../domain/keys.ts';
import { mapConcurrently } from '../../pipeline/concurrency.ts';
import type { Clock, Source } from '../../ports.ts';
import type { Store } from '../../store/store.ts';
import { engineExaminations } from './engine.ts';
import { examined, usualLimitMs } from './examine.ts';
import type { Course, Examined } from './examine.ts';
import { scheduleExaminations } from './schedule.ts';
import { signingExaminations } from './signing.ts';

type OneSourceDeps = {
  clock: Clock;
  store: Store;
  settings(name: string): Settings;
  source(name: string, options: object, signal: AbortSignal): Promise<Source>;
};

/**
 * Tries what a backup of one source needs, with the rights and from the network of the function that makes it: the
 * server, its rights in the vault, and the signing key. Tries nothing else, so that its role needs no further right.
 */
export async function examineSource(
  name: SourceName,
  deps: OneSourceDeps,
  signal: AbortSignal,
  limitMs = usualLimitMs,
): Promise<Examined[]> {
  const about = `source ${name}`;
  const courses: Course[] = [
    { about: 'vault', first: 'opened', open: async () => deps.store.examinations(deps.clock, name) },
    {
      about,
      first: 'login',
      open: async (stop) => engineExaminations((await deps.source(name, {}, stop)).engine, deps.clock),
    },
    { about, first: 'schedule', open: async () => scheduleExaminations(deps.settings(name)) },
    { about, first: 'signing', open: async () => signingExaminations(name, deps.settings(name), deps.store, true) },
  ];
  return (await mapConcurrently(courses.length, courses, (one, stop) => examined(one, limitMs, stop), signal)).flat();
}
