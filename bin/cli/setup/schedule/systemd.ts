import { mkdir, open, readFile, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BackupError } from '../../../../core/domain/errors.ts';
import { onCalendar } from '../../../../core/domain/time/on-calendar.ts';
import type { TimedJob } from './jobs.ts';
import { must, say } from './machine.ts';
import type { JobStands, Scheduler, TimedTrial } from './scheduler.ts';
import { markOf, serviceText, timerText, trial, unitOf } from './units.ts';
import type { UnitsOf } from './units.ts';

/** Longest trial, in milliseconds; the doctor has its own limits. */
const trialMs = 15 * 60_000;
const shownLines = 100;

/** Timers and services in a folder that systemd reads. `manager`: `--user`, or empty for the system's own. */
export function systemd(units: UnitsOf, folder: string, manager: readonly string[]): Scheduler {
  const systemctl = (args: readonly string[], signal: AbortSignal) =>
    must('systemctl', [...manager, ...args], {}, signal);
  const mark = markOf(units.starting);
  const timerOf = (job: Pick<TimedJob, 'name'>) => `${unitOf(units.prefix, job)}.timer`;

  function texts(jobs: readonly TimedJob[]): Map<string, string> {
    const files = jobs.flatMap((job): [string, string][] => {
      const calendar = onCalendar(job.cron, job.timeZone);
      if ('problem' in calendar) return [];
      const name = unitOf(units.prefix, job);
      return [
        [`${name}.service`, serviceText(units, job)],
        [`${name}.timer`, timerText(units, job, calendar.expressions)],
      ];
    });
    files.push([`${unitOf(units.prefix, trial)}.service`, serviceText(units, trial)]);
    return new Map(files.map(([name, text]) => [join(folder, name), text]));
  }

  /** Our existing files, with their content. */
  async function written(): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (const name of await readdir(folder).catch(noFolder)) {
      if (!/^[^.].*\.(service|timer)$/.test(name)) continue;
      const text = await readFile(join(folder, name), 'utf8').catch(() => '');
      if (text.split('\n', 1)[0] === mark) found.set(join(folder, name), text);
    }
    return found;
  }

  async function drop(paths: readonly string[], signal: AbortSignal): Promise<void> {
    const timers = paths.filter((path) => path.endsWith('.timer')).map(nameOf);
    if (timers.length > 0) await systemctl(['disable', '--now', ...timers], signal);
    for (const path of paths) await rm(path, { force: true });
  }

  return {
    what: `timers of systemd in ${folder}`,
    by: 'systemd',
    problems: (jobs) =>
      jobs.flatMap(({ about, cron, timeZone }) => {
        const calendar = onCalendar(cron, timeZone);
        return 'problem' in calendar ? [`${about}: ${calendar.problem}, and the schedule is ${cron}`] : [];
      }),
    texts,
    async stands(jobs, signal) {
      const is = await written();
      const planned = texts(jobs);
      const known = jobs.map(async (job): Promise<JobStands> => {
        const paths = [timerOf(job), `${unitOf(units.prefix, job)}.service`].map((name) => join(folder, name));
        if (!is.has(paths[0]!)) return { name: job.name, state: 'absent' };
        if (paths.some((path) => is.get(path) !== planned.get(path))) return { name: job.name, state: 'other' };
        const active = await say('systemctl', [...manager, 'is-active', '--quiet', timerOf(job)], {}, signal);
        return { name: job.name, state: active.code === 0 ? 'on' : 'off', ...(await lastOf(job, signal)) };
      });
      const gone = [...is.keys()].filter((path) => path.endsWith('.timer') && !planned.has(path));
      return [...(await Promise.all(known)), ...gone.map((path) => ({ name: jobIn(path), state: 'gone' as const }))];
    },
    async write(jobs, signal) {
      const [is, planned] = [await written(), texts(jobs)];
      await refuseForeign(planned, is);
      await mkdir(folder, { recursive: true });
      for (const [path, text] of planned) if (is.get(path) !== text) await replace(path, text);
      await drop(
        [...is.keys()].filter((path) => !planned.has(path)),
        signal,
      );
      await systemctl(['daemon-reload'], signal);
      const timers = [...planned.keys()].filter((path) => path.endsWith('.timer')).map(nameOf);
      await systemctl(['enable', ...timers], signal);
      // a running timer keeps the settings that it was started with
      await systemctl(['restart', ...timers], signal);
    },
    async remove(signal) {
      const paths = [...(await written()).keys()];
      await drop(paths, signal);
      await systemctl(['daemon-reload'], signal);
      return paths.map(nameOf);
    },
    async test(signal): Promise<TimedTrial> {
      const unit = `${unitOf(units.prefix, trial)}.service`;
      if (!(await written()).has(join(folder, unit))) throw notWritten();
      const since = Math.floor(Date.now() / 1000);
      const said = await say('systemctl', [...manager, 'start', unit], { limit: trialMs }, signal);
      const journal = ['journalctl', ...manager, '--unit', unit];
      const [program = '', ...args] = journal;
      const lines = await say(
        program,
        [...args, '--since', `@${since}`, '--output', 'cat', '--no-pager'],
        {},
        signal,
      ).then(
        ({ stdout }) => stdout.trimEnd().split('\n').slice(-shownLines),
        () => [],
      );
      return { ok: said.code === 0, words: lines, where: journal.join(' ') };
    },
    async notes(signal) {
      if (units.system) return [];
      const linger = await say(
        'loginctl',
        ['show-user', String(process.getuid?.()), '--property=Linger', '--value'],
        {},
        signal,
      ).then(
        ({ stdout }) => stdout.trim(),
        () => '',
      );
      return linger === 'yes'
        ? []
        : ['timers of a user run while that user is logged in: loginctl enable-linger lets them run always'];
    },
  };

  async function lastOf(job: TimedJob, signal: AbortSignal): Promise<{ last?: string }> {
    const asked = [
      'show',
      `${unitOf(units.prefix, job)}.service`,
      '--property=Result,ExecMainStatus,ExecMainExitTimestamp',
    ];
    const { stdout } = await say('systemctl', [...manager, ...asked], {}, signal);
    const value = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(stdout)?.[1] ?? '';
    if (value('ExecMainExitTimestamp') === '') return {};
    return { last: value('Result') === 'success' ? 'done' : `failed (${value('ExecMainStatus')})` };
  }

  async function refuseForeign(planned: ReadonlyMap<string, string>, is: ReadonlyMap<string, string>): Promise<void> {
    for (const path of planned.keys()) {
      if (is.has(path)) continue;
      const first = await readFile(path, 'utf8').then(
        (text) => text.split('\n', 1)[0],
        () => undefined,
      );
      if (first !== undefined)
        throw new BackupError('input-invalid', `${path} is there, and not of this configuration: ${first}`, {
          hint: 'give these timers another name: nightjar schedule write --name <word>',
        });
    }
  }

  function jobIn(path: string): string {
    return nameOf(path)
      .replace(/\.timer$/, '')
      .slice(units.prefix.length + 1);
  }
}

function notWritten(): BackupError {
  return new BackupError('input-invalid', 'nothing is written yet that could be tested', {
    hint: 'nightjar schedule write',
  });
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function noFolder(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}

/** Leaves the old text or the new one, whatever happens. */
async function replace(path: string, text: string): Promise<void> {
  const beside = `${path}.new`;
  const file = await open(beside, 'w', 0o644);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, path);
}
