import type { TimedJob } from './jobs.ts';

/**
 * The state of a job. `on`: as it should be; `off`: written, but nothing starts it; `other`: written with another text
 * than it should have; `absent`; `gone`: written, but no longer configured.
 */
export type JobState = 'on' | 'off' | 'other' | 'absent' | 'gone';
/** `last`: how its last run ended, if that is recorded. */
export type JobStands = { name: string; state: JobState; last?: string };
/** The result of a trial. `words`: what it printed. */
export type TimedTrial = { ok: boolean; words: string[]; where: string };

/** What starts jobs by the clock: systemd, or cron. */
export type Scheduler = {
  /** For messages: `timers of systemd (/etc/systemd/system)`. */
  readonly what: string;
  /** `systemd`, `cron`. */
  readonly by: string;
  /** What it can't do for these jobs, a sentence each with its remedy. */
  problems(jobs: readonly TimedJob[]): string[];
  /** What would be written: where, and the text. */
  texts(jobs: readonly TimedJob[]): Map<string, string>;
  stands(jobs: readonly TimedJob[], signal: AbortSignal): Promise<JobStands[]>;
  /**
   * Writes and starts all jobs, and removes those it has written before that are no longer among them. Doing it twice
   * changes nothing.
   */
  write(jobs: readonly TimedJob[], signal: AbortSignal): Promise<void>;
  /** Removes everything that it has written for this configuration; returns what that was. */
  remove(signal: AbortSignal): Promise<string[]>;
  /** Tries everything in the way that its jobs are started. */
  test(signal: AbortSignal): Promise<TimedTrial>;
  /** What a person should know, and may have to do. */
  notes(signal: AbortSignal): Promise<string[]>;
};
