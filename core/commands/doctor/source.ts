import type { Settings } from '../../contract/config/settings.ts';
import type { SourceName } from '../../domain/keys.ts';
import { formatBytes, plural } from '../../domain/units.ts';
import type { Clock, Engine, Examination, Observed, Source } from '../../ports.ts';
import type { Store } from '../../store/store.ts';
import { memoryOf } from '../../survey/watched.ts';
import { checkKeys } from '../check-keys.ts';
import { unless } from './examine.ts';
import type { Course } from './examine.ts';
import { scheduleExaminations } from './schedule.ts';

type SourceDeps = {
  clock: Clock;
  store: Store;
  settings(name: string): Settings;
  source(name: string, options: object, signal: AbortSignal): Promise<Source>;
};

/** Everything of one source: what it is on, when it is backed up, and its keys. */
export function sourceCourses(name: SourceName, deps: SourceDeps): Course[] {
  const about = `source ${name}`;
  const settings = deps.settings(name);
  return [
    {
      about,
      first: 'login',
      open: async (signal) => engineExaminations((await deps.source(name, {}, signal)).engine, deps.clock),
    },
    { about, first: 'schedule', open: async () => scheduleExaminations(settings) },
    { about, first: 'keys', open: async () => keyExaminations(name, settings, deps) },
  ];
}

/** What the engine can look at one by one, and then whether a backup could begin. */
function engineExaminations(engine: Engine, clock: Clock): Examination[] {
  const own = engine.examinations?.(clock) ?? [];
  return [
    ...own,
    { what: 'backup', needs: own.map(({ what }) => what), look: (signal) => observedPlan(engine, signal) },
  ];
}

/** Plans a backup as a run does, and lets go of it. */
async function observedPlan(engine: Engine, signal: AbortSignal): Promise<Observed[]> {
  const plan = await engine.plan({}, signal);
  try {
    const bytes = plan.parts.reduce((sum, { estimatedBytes }) => sum + estimatedBytes, 0);
    const said = `could begin: ${plural(plan.parts.length, 'part')}, about ${formatBytes(bytes)} before compression`;
    return [{ outcome: 'fine', said }, ...plan.warnings.map((one): Observed => ({ outcome: 'warning', said: one }))];
  } finally {
    await plan.close();
  }
}

function keyExaminations(name: SourceName, settings: Settings, deps: SourceDeps): Examination[] {
  const { encryption, signing } = settings;
  const isEncrypted = encryption.recipients.length > 0 || encryption.identity !== undefined;
  if (!isEncrypted && signing.publicKeys.length === 0) return [];
  if (isEncrypted && encryption.identity === undefined) return [{ what: 'keys', look: async () => [noIdentityHere] }];
  const look = (signal: AbortSignal) =>
    unless('backup-missing', 'there is no backup yet to try the keys on', async () => {
      const { id, content, signature, signs } = await checkKeys(name, memoryOf(settings), deps, signal);
      const opened = content === 'opened' ? ['the identity opens it'] : [];
      const signed = signature === 'genuine' ? ['its signature is genuine'] : [];
      const ours = signs ? ['new ones can be signed here'] : [];
      return [
        { outcome: 'fine', said: `${id}: ${[...opened, ...signed, ...ours].join(', ') || 'from before the keys'}` },
      ];
    });
  return [{ what: 'keys', look }];
}

const noIdentityHere: Observed = {
  outcome: 'not tried',
  said: 'no identity is configured here: whoever restores proves theirs with nightjar key check',
};
