import type { Settings } from '../../contract/config/settings/settings.ts';
import type { SourceName } from '../../domain/keys.ts';
import { testMessage } from '../../domain/messages/run.ts';
import type { Notice } from '../../domain/tools/notices.ts';
import { mapConcurrently } from '../../pipeline/concurrency.ts';
import type { Clock, Examination, Notifier } from '../../ports.ts';
import type { Store } from '../../store/store.ts';
import { examined, usualLimitMs } from './examine.ts';
import type { Course, Examined } from './examine.ts';
import type { ExaminedDeps } from './restore.ts';
import { sourceCourses } from './source.ts';

export type DoctorDeps = ExaminedDeps & {
  vault(name: string, signal: AbortSignal): Promise<Store>;
  settings(name: string): Settings;
  notifiers: readonly Notifier[];
  toolsNotices(signal: AbortSignal): Promise<Notice[] | undefined>;
  /** Called when the examinations of one subject are over: how many subjects are done, of how many. */
  progress?(done: number, all: number): void;
  limitMs?: number;
};

/** In parallel; few, because one server may have the databases of many sources. */
const atOnce = 6;

/**
 * Tries everything that these sources and the notifiers need. `notify`: sends each notifier a test message. Problems
 * are results, never thrown. Leaves nothing behind, except one small object in a vault where we may not delete.
 */
export async function doctor(
  sources: readonly SourceName[],
  { notify }: { notify: boolean },
  deps: DoctorDeps,
  signal: AbortSignal,
): Promise<Examined[]> {
  const { limitMs = usualLimitMs, progress = () => {} } = deps;
  const further = [...new Set(sources.flatMap((name) => deps.settings(name).copies.map(({ vault }) => vault)))];
  const courses: Course[] = [
    vaultCourse('vault', async () => deps.store, deps.clock),
    ...further.map((name) => vaultCourse(`vault ${name}`, (stop) => deps.vault(name, stop), deps.clock)),
    ...sources.flatMap((name) => sourceCourses(name, deps)),
    ...deps.notifiers.map((one) => notifierCourse(one, notify, deps)),
    { about: 'database clients', first: 'age', open: async () => [toolsExamination(deps)] },
  ];
  let done = 0;
  const work = async (course: Course, stop: AbortSignal) => {
    const found = await examined(course, limitMs, stop);
    progress((done += 1), courses.length);
    return found;
  };
  return (await mapConcurrently(atOnce, courses, work, signal)).flat();
}

function vaultCourse(about: string, open: (signal: AbortSignal) => Promise<Store>, clock: Clock): Course {
  return { about, first: 'opened', open: async (signal) => (await open(signal)).examinations(clock) };
}

function notifierCourse(one: Notifier, isSent: boolean, { store, clock }: DoctorDeps): Course {
  const address: Examination = {
    what: 'address',
    async look(signal) {
      if (one.address === undefined) return [];
      await one.address(signal);
      return [{ outcome: 'fine', said: 'it can be read' }];
    },
  };
  const delivery: Examination = {
    what: 'delivery',
    needs: ['address'],
    async look(signal) {
      if (!isSent) return [{ outcome: 'not tried', said: 'with --notify, a test message is sent' }];
      await one.notify(testMessage(store.place, clock.now()), signal);
      return [{ outcome: 'fine', said: 'a test message was taken' }];
    },
  };
  return { about: `notifier ${one.name}`, first: 'address', open: async () => [address, delivery] };
}

function toolsExamination({ toolsNotices }: DoctorDeps): Examination {
  return {
    what: 'age',
    async look(signal) {
      const notices = await toolsNotices(signal);
      if (notices === undefined) return [];
      if (notices.length === 0) return [{ outcome: 'fine', said: 'nothing newer is known to be needed' }];
      return notices.map(({ text, hint }) => ({ outcome: 'warning', said: text, remedy: hint }));
    },
  };
}
