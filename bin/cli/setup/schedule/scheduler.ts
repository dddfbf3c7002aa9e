import type { TimedJob } from './jobs.ts';

/**
 * How a job stands: `on` as it should be; `off`: it is written, and nothing starts it; `other`: another text is written
 * than should be; `absent`; `gone`: it is written, and not in the configuration any more.
 */
export type JobState = 'on' | 'off' | 'other' | 'absent' | 'gone';
/** `last`: how it ended last, where somebody remembers that. */
export type JobStands = { name: string; state: JobState; last?: string };
/** What a job's run was: `words`: what it said. */
export type TimedTrial = { ok: boolean; words: string[]; where: string };

/** Whoever starts jobs by the clock: systemd, or cron. */
export type Scheduler = {
  /** For messages: `timers of systemd (/etc/systemd/system)`. */
  readonly what: string;
  /** `systemd`, `cron`. */
  readonly by: string;
  /** What it can't do of these jobs, a sentence each with its remedy. */
  problems(jobs: readonly TimedJob[]): string[];
  /** What would be written: where, and the text. */
  texts(jobs: readonly TimedJob[]): Map<string, string>;
  stands(jobs: readonly TimedJob[], signal: AbortSignal): Promise<JobStands[]>;
  /** Writes and starts all of them, and removes what it has written before and is none of them. Done twice, it changes nothing. */
  write(jobs: readonly TimedJob[], signal: AbortSignal): Promise<void>;
  /** Removes all that it has written for this configuration; returns what that was. */
  remove(signal: AbortSignal): Promise<string[]>;
  /** Has everything tried in the way that its jobs are started. */
  test(signal: AbortSignal): Promise<TimedTrial>;
  /** What a person should know, and may have to do. */
  notes(signal: AbortSignal): Promise<string[]>;
};
