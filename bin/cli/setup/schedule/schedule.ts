import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '../../../../core/config-file.ts';
import { BackupError } from '../../../../core/domain/errors.ts';
import { lostBackup } from '../../../../core/domain/time/clock-change.ts';
import { nextMoment } from '../../../../core/domain/time/schedule.ts';
import { aligned } from '../../text/text.ts';
import type { CommandOutcome } from '../../text/output.ts';
import type { WorkFolder } from '../layer.ts';
import { crontab } from './crontab.ts';
import { jobsOf } from './jobs.ts';
import type { TimedJob } from './jobs.ts';
import { isOnPath } from './machine.ts';
import type { JobStands, Scheduler } from './scheduler.ts';
import { startingOf, startingWith } from './starting.ts';
import type { Starting } from './starting.ts';
import { systemd } from './systemd.ts';

/** `user`: timers of the user's own systemd instead of the system's; `cron`: a crontab; `name`: the prefix of units. */
export type ScheduleFlags = { user?: true; cron?: true; name: string; dryRun?: true };

/** `lacking`: why the started jobs would fail, as far as it is known here. */
type Opened = { scheduler: Scheduler; jobs: TimedJob[]; without: string[]; lacking?: BackupError };

/** `nightjar schedule show`: what has to be started when, and whether something does so. */
export async function showSchedule(
  flags: ScheduleFlags,
  place: WorkFolder,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const opened = await openJobs(flags, place);
  const { document } = await shown(opened, place, signal);
  if (opened.lacking !== undefined) place.out.fail(opened.lacking);
  return { document, failures: [opened.lacking ?? []].flat() };
}

/** `nightjar schedule write`: has everything started at its times. */
export async function writeSchedule(
  flags: ScheduleFlags,
  place: WorkFolder,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const opened = await openJobs(flags, place);
  const { scheduler, jobs, lacking } = opened;
  const problems = [...scheduler.problems(jobs), ...(lacking === undefined ? [] : [lacking.message])];
  if (problems.length > 0)
    throw new BackupError('config-invalid', problems, {
      hint: `${lacking?.hint === undefined ? '' : `${lacking.hint}; `}nothing was written`,
    });
  if (flags.dryRun === true) return texts(scheduler.texts(jobs), place);
  await scheduler.write(jobs, signal);
  const outcome = await shown(opened, place, signal);
  for (const note of [...(await scheduler.notes(signal)), ...jobs.flatMap(lostNote)]) place.out.note(`note: ${note}`);
  place.out.note('try all of it as it will be started: nightjar schedule test');
  return outcome;
}

/** `nightjar schedule remove`: nothing is started any more. */
export async function removeSchedule(
  flags: ScheduleFlags,
  place: WorkFolder,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const scheduler = await openScheduler(flags, place, startingOf(place));
  const removed = await scheduler.remove(signal);
  place.out.say(
    removed.length === 0 ? `nothing of this configuration is in ${scheduler.what}` : `removed from ${scheduler.what}:`,
  );
  for (const name of removed) place.out.say(`  ${name}`);
  return { document: { removed }, failures: [] };
}

/** `nightjar schedule test`: runs the doctor in the way that jobs are started. */
export async function testSchedule(
  flags: ScheduleFlags,
  place: WorkFolder,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const { scheduler, lacking } = await openJobs(flags, place);
  if (lacking !== undefined) throw lacking;
  const { ok, words, where } = await scheduler.test(signal);
  for (const line of words) place.out.say(line);
  if (ok) {
    place.out.say(`started by ${scheduler.by}, all that is needed works`);
    return { document: { works: true, said: words }, failures: [] };
  }
  const failure = new BackupError('machine-failed', `started by ${scheduler.by}, not all that is needed works`, {
    hint: `what it said stands above, or is printed by: ${where}`,
  });
  place.out.fail(failure);
  return { document: { works: false, said: words }, failures: [failure] };
}

async function openJobs(flags: ScheduleFlags, place: WorkFolder): Promise<Opened> {
  const config = parseConfig(await textOf(place.configuration), place.configuration);
  const { jobs, without } = jobsOf(config);
  if (jobs.length === 1)
    throw new BackupError('config-invalid', 'no source has a schedule: there is nothing to start', {
      hint: 'write when backups are made, in defaults or in a source: schedule: "30 2 * * *"',
    });
  const { starting, lacking } = await startingWith(config, place);
  const scheduler = await openScheduler(flags, place, starting);
  return { scheduler, jobs, without, ...(lacking && { lacking }) };
}

async function openScheduler(
  { user, cron, name, dryRun }: ScheduleFlags,
  { configuration }: WorkFolder,
  starting: Starting,
): Promise<Scheduler> {
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(name))
    throw new BackupError('input-invalid', `--name ${name}: expected small letters, digits and -`);
  const booted = existsSync('/run/systemd/system') && (await isOnPath('systemctl'));
  if (cron === true || !booted) {
    if (dryRun !== true && !(await isOnPath('crontab'))) throw nobody(booted);
    return crontab(starting, new Intl.DateTimeFormat().resolvedOptions().timeZone);
  }
  const system = user !== true && process.getuid?.() === 0;
  const units = { starting, prefix: name, system, user: system ? await ownerOf(configuration) : undefined };
  return system ? systemd(units, '/etc/systemd/system', []) : systemd(units, userUnits(), ['--user']);
}

/** Jobs run as the owner of the configuration, not as root; undefined if root owns it. */
async function ownerOf(file: string): Promise<string | undefined> {
  const { uid } = await stat(file);
  return uid === 0 ? undefined : String(uid);
}

function userUnits(): string {
  return join(process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'systemd/user');
}

function nobody(booted: boolean): BackupError {
  return new BackupError('machine-failed', `there is no ${booted ? '' : 'systemd and no '}crontab on this machine`, {
    hint: 'install cron; or start by what there is what these lines say: nightjar schedule write --cron --dry-run',
  });
}

async function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: unknown) => {
    throw new BackupError('config-invalid', `there is no configuration ${path}`, {
      hint: 'name it with --config',
      cause,
    });
  });
}

const states: Record<JobStands['state'], string> = {
  on: 'on',
  off: 'off: nothing starts it',
  other: 'written otherwise',
  absent: 'not written',
  gone: 'no longer in the file',
};

async function shown(
  { scheduler, jobs, without }: Opened,
  { out }: WorkFolder,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const stands = await scheduler.stands(jobs, signal);
  const now = new Date();
  const all = stands.map((stand) => {
    const job = jobs.find(({ name }) => name === stand.name);
    const next = job && nextMoment({ cron: job.cron, timeZone: job.timeZone, windowMs: 0 }, now);
    return { ...stand, ...(job && { about: job.about, schedule: job.cron, timeZone: job.timeZone }), next };
  });
  const rows = all.map(({ about = '', name, next, timeZone, state, last = '' }) => [
    about || name,
    next === undefined ? '' : localTime(next, timeZone!),
    [states[state], ...(last === '' ? [] : [`last ${last}`])].join(', '),
  ]);
  out.say(`${scheduler.what}:`);
  for (const line of aligned([['', 'next', ''], ...rows])) out.say(`  ${line}`.trimEnd());
  for (const name of without) out.say(`  ${name}: it has no schedule, and is not backed up by itself`);
  const wanting = all.some(({ state }) => state !== 'on');
  if (wanting) out.note('to have all of it started: nightjar schedule write');
  const document = {
    by: scheduler.what,
    jobs: all.map(({ next, ...job }) => ({ ...job, ...(next && { next: next.toISOString() }) })),
    without,
  };
  return { document, failures: [] };
}

function texts(files: ReadonlyMap<string, string>, { out }: WorkFolder): CommandOutcome {
  for (const [path, text] of files) {
    out.say(`==> ${path}`);
    for (const line of text.split('\n')) out.say(line);
  }
  return { document: { files: Object.fromEntries(files) }, failures: [] };
}

/** A warning about a schedule whose moment is skipped when the clock is put forward. */
function lostNote({ about, cron, timeZone }: TimedJob): string[] {
  const lost = lostBackup(cron, timeZone);
  if (lost === undefined) return [];
  return [
    `${about}: there is no ${lost.moment} in ${timeZone} on ${lost.day}, and nothing starts then; ${lost.to} or later is never left out`,
  ];
}

/** `Mon 30 Nov 02:30`, with the time zone unless it is UTC. */
function localTime(moment: Date, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    day: '2-digit',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
  }).formatToParts(moment);
  const part = (type: string) => parts.find((one) => one.type === type)?.value ?? '';
  return `${part('weekday')} ${part('day')} ${part('month')} ${part('hour')}:${part('minute')} ${timeZone}`;
}
