import type { Bytes } from '../../../../core/domain/units.ts';
import { nameOf, peakResidentOf, residentOf } from './process-tree.ts';

export type MemoryWatch = {
  /** Settles when the processes together have taken more than the limit; never, if they don't. */
  exceeded: Promise<void>;
  stop(): { peakMemory: Bytes; peakNodeMemory: Bytes };
};

/** Often enough to catch a leak, and seldom enough to cost nothing beside the work. */
const everyMs = 100;

/** Watches the memory of all `processes` together. */
export function watchMemory(processes: () => number[], limit: Bytes): MemoryWatch {
  const exceeded = Promise.withResolvers<void>();
  let peakMemory = 0;
  let peakNodeMemory = 0;
  function look(): void {
    const pids = processes();
    peakMemory = Math.max(
      peakMemory,
      pids.reduce((sum, pid) => sum + residentOf(pid), 0),
    );
    peakNodeMemory = Math.max(peakNodeMemory, ...pids.filter((pid) => nodeNames.test(nameOf(pid))).map(peakResidentOf));
    if (peakMemory > limit) exceeded.resolve();
  }
  const timer = setInterval(look, everyMs);
  return {
    exceeded: exceeded.promise,
    stop() {
      clearInterval(timer);
      look();
      return { peakMemory, peakNodeMemory };
    },
  };
}

/** Node names its main thread. */
const nodeNames = /^(node|MainThread|node-MainThread)$/;
