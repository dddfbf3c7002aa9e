import { wholeServer } from '../config/sources/whole-servers.ts';
import type { SourceConfig } from '../config/sources/whole-servers.ts';
import type { SourceCloud } from './cloud.ts';

export type Sizing = { memoryMb: number; timeoutSeconds: number };

/** Longest time of a function (AWS Lambda quotas). */
const longestSeconds = 900;
/** Memory brings processors, 1769 MB one whole (AWS Lambda, configuring memory). Nightjar itself stays below 256 MB. */
const steps = [
  { bytes: 1e9, memoryMb: 512, timeoutSeconds: 300 },
  { bytes: 5e9, memoryMb: 1024, timeoutSeconds: 600 },
  { bytes: 20e9, memoryMb: 1769, timeoutSeconds: longestSeconds },
  { bytes: Number.POSITIVE_INFINITY, memoryMb: 3538, timeoutSeconds: longestSeconds },
] as const;
const unknown: Sizing = { memoryMb: 1024, timeoutSeconds: longestSeconds };

/** Memory and time of the function that backs up a source. */
export function sizingOf({ size, memory }: SourceCloud): Sizing {
  const step = size === undefined ? unknown : steps.find(({ bytes }) => size <= bytes)!;
  return { memoryMb: memory ?? step.memoryMb, timeoutSeconds: step.timeoutSeconds };
}

/** The same of a source or a whole server, whose databases share all the time that there is. */
export function backupSizingOf(source: Pick<SourceConfig, 'cloud' | 'engine' | 'at'>): Sizing {
  const sizing = sizingOf(source.cloud);
  return wholeServer(source) === undefined ? sizing : { ...sizing, timeoutSeconds: longestSeconds };
}

/** Of the one that restores it: somebody waits for it, and a server takes longer to write than to read. */
export function restoreSizingOf(source: SourceCloud): Sizing {
  return { ...sizingOf(source), timeoutSeconds: longestSeconds };
}

/** Of the functions that only read manifests. */
export const smallSizing: Sizing = { memoryMb: 512, timeoutSeconds: 300 };

/** Of the one that copies: as fast as the largest of these sources is backed up; what takes longer goes on next time. */
export function copySizingOf(sources: readonly SourceCloud[]): Sizing {
  const memoryMb = Math.max(steps[1].memoryMb, ...sources.map((one) => sizingOf(one).memoryMb));
  return { memoryMb, timeoutSeconds: longestSeconds };
}
