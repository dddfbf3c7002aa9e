import { wholeServer } from '../config/sources/whole-servers.ts';
import type { SourceConfig } from '../config/sources/whole-servers.ts';
import type { SourceCloud } from './cloud.ts';

export type Sizing = { memoryMb: number; timeoutSeconds: number };

/** Longest run of a function (AWS Lambda quotas). */
const longestSeconds = 900;
/**
 * Processors come with memory, one whole one with 1769 MB (AWS Lambda, configuring memory). Nightjar itself stays below
 * 256 MB.
 */
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

/** The same for a source or a whole server, whose databases share all the available time. */
export function backupSizingOf(source: Pick<SourceConfig, 'cloud' | 'engine' | 'at'>): Sizing {
  const sizing = sizingOf(source.cloud);
  return wholeServer(source) === undefined ? sizing : { ...sizing, timeoutSeconds: longestSeconds };
}

/** For the function that restores it: somebody waits for it, and a server writes more slowly than it reads. */
export function restoreSizingOf(source: SourceCloud): Sizing {
  return { ...sizingOf(source), timeoutSeconds: longestSeconds };
}

/** For functions that only read manifests. */
export const smallSizing: Sizing = { memoryMb: 512, timeoutSeconds: 300 };

/**
 * For the function that copies: as fast as the backup of the largest of these sources; what takes longer continues next
 * time.
 */
export function copySizingOf(sources: readonly SourceCloud[]): Sizing {
  const memoryMb = Math.max(steps[1].memoryMb, ...sources.map((one) => sizingOf(one).memoryMb));
  return { memoryMb, timeoutSeconds: longestSeconds };
}
