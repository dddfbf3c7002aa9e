import { Cron } from 'croner';
import { BackupError } from '../../../../core/domain/errors.ts';
import type { TimedJob } from './jobs.ts';
import { must, say } from './machine.ts';
import type { JobStands, Scheduler } from './scheduler.ts';
import { wordsOf } from './starting.ts';
import type { Starting } from './starting.ts';
import { trial } from './units.ts';

/** The environment that cron gives to what it starts (cron(8)). */
const bare = { PATH: '/usr/bin:/bin', SHELL: '/bin/sh' };
const trialMs = 15 * 60_000;
const yearMs = 366 * 86_400_000;
const most = 1000;

/** Lines in the user's crontab, between two marker lines. */
export function crontab(starting: Starting, timeZone: string): Scheduler {
  const begin = `# nightjar schedule: begin (${starting.configuration})`;
  const end = `# nightjar schedule: end (${starting.configuration})`;

  const lineOf = (job: TimedJob) => `${job.cron.trim()} ${lineFor(job.args).replaceAll('%', '\\%')} >/dev/null`;
  const lineFor = (args: readonly string[]) => wordsOf(starting, args).map(word).join(' ');
  const block = (jobs: readonly TimedJob[]) =>
    [begin, ...jobs.flatMap((job) => [`# ${job.about}`, lineOf(job)]), end].join('\n');

  async function read(signal: AbortSignal): Promise<{ before: string[]; own: string[]; after: string[] }> {
    const said = await say('crontab', ['-l'], {}, signal);
    if (said.code !== 0 && !/no crontab/i.test(said.stderr))
      throw new BackupError('machine-failed', `crontab -l: ${said.stderr.trim()}`);
    const lines = said.code === 0 ? said.stdout.replace(/\n$/, '').split('\n') : [];
    const from = lines.indexOf(begin);
    const to = lines.indexOf(end);
    if (from < 0 && to < 0) return { before: lines, own: [], after: [] };
    if (from < 0 || to < from)
      throw new BackupError(
        'input-invalid',
        `the crontab has one of these lines and not the other: "${begin}", "${end}"`,
        {
          hint: 'crontab -e: take out what lies between them, and the line itself',
        },
      );
    return { before: lines.slice(0, from), own: lines.slice(from, to + 1), after: lines.slice(to + 1) };
  }
  const put = (lines: readonly string[], signal: AbortSignal) =>
    must('crontab', ['-'], { input: lines.length === 0 ? '' : `${lines.join('\n')}\n` }, signal);

  return {
    what: 'the crontab',
    by: 'cron',
    problems: (jobs) =>
      [
        ...Map.groupBy(
          jobs.filter((job) => !isSameClock(job, timeZone)),
          (job) => job.timeZone,
        ),
      ].map(
        ([zone, all]) =>
          `cron goes by the clock of this machine (${timeZone}), and these by ${zone}: ${all.map(({ name }) => name).join(', ')}; ` +
          'write timeZone as the machine has it, or set its clock, or let systemd start them',
      ),
    texts: (jobs) => new Map([['crontab', block(jobs)]]),
    async stands(jobs, signal) {
      const { own } = await read(signal);
      const planned = new Set(jobs.map(lineOf));
      const gone = own.filter((line) => !line.startsWith('#') && !planned.has(line));
      return [
        ...jobs.map((job): JobStands => ({ name: job.name, state: own.includes(lineOf(job)) ? 'on' : 'absent' })),
        ...gone.map((line): JobStands => ({ name: line, state: 'gone' })),
      ];
    },
    async write(jobs, signal) {
      const { before, own, after } = await read(signal);
      const wanted = block(jobs).split('\n');
      if (own.join('\n') !== wanted.join('\n')) await put([...before, ...wanted, ...after], signal);
    },
    async remove(signal) {
      const { before, own, after } = await read(signal);
      if (own.length > 0) await put([...before, ...after], signal);
      return own.filter((line) => !line.startsWith('#'));
    },
    async test(signal) {
      const line = lineFor(trial.args);
      const { HOME, LOGNAME } = process.env;
      const said = await say('/bin/sh', ['-c', line], { env: { ...bare, HOME, LOGNAME }, limit: trialMs }, signal);
      return { ok: said.code === 0, words: `${said.stdout}${said.stderr}`.trimEnd().split('\n'), where: line };
    },
    notes: () => Promise.resolve([]),
  };
}

/** Whether a schedule means the same moments on both clocks, for a year. */
function isSameClock({ cron, timeZone: own }: TimedJob, machine: string): boolean {
  if (own === machine) return true;
  const moments = (zone: string) =>
    new Cron(cron.trim(), { timezone: zone, mode: '5-part', stopAt: new Date(Date.now() + yearMs) })
      .nextRuns(most)
      .map((moment) => moment.getTime());
  return moments(own).join() === moments(machine).join();
}

/** A word for a POSIX shell. */
function word(value: string): string {
  return /^[\w./:=@%+-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
}
