import { chmod, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Cron } from 'croner';
import { CronExpressionParser } from 'cron-parser';
import { serviceText } from '../../../bin/cli/setup/schedule/units.ts';
import { onCalendar } from '../../../core/domain/time/on-calendar.ts';
import { startPostgres } from '../../servers/databases/postgres.ts';
import type { Ended } from '../../support/cli/command.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';
import { bootMachine } from '../../support/cli/systemd.ts';
import type { Machine } from '../../support/cli/systemd.ts';
import { layerRoot } from '../../support/tools.ts';

const launcher = fileURLToPath(new URL('../../../bin/nightjar', import.meta.url));
const bootMs = 20 * 60_000;
const minuteMs = 60_000;
let server: Awaited<ReturnType<typeof startPostgres>>;
let machine: Machine;
let folder = '';
let place = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-schedule-'));
  server = await startPostgres({ major: 18 });
  machine = await bootMachine(folder, AbortSignal.timeout(bootMs));
}, bootMs);
afterAll(async () => {
  await machine?.stop();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Blanks, `%`, `$` and quotes mean something to systemd, to cron or to a shell. */
beforeEach(async () => {
  place = await mkdtemp(join(folder, `it's 5% of "$HOME" `));
  await configure('schedule: "30 4 * * *"');
  await environment();
});

/** Nothing of one test is there in the next one. */
afterEach(async () => {
  const units = (await readdir(machine.units)).filter((name) => name.endsWith('.timer'));
  await systemctl('disable', '--now', ...units);
  await rm(machine.units, { recursive: true });
  await mkdir(machine.units);
  await systemctl('daemon-reload');
});

async function configure(ofShop: string, blog = ''): Promise<void> {
  const login = `host: ${server.host}, port: ${server.port}, user: ${server.user}, password: { env: SHOP_PASSWORD }`;
  const shop = `  shop:\n    postgres: { ${login}, database: postgres }\n    drillEvery: 8d\n    ${ofShop}\n`;
  await writeFile(join(place, 'nightjar.yaml'), `vault: ./backups\nsources:\n${shop}${blog}`);
}

async function environment(): Promise<void> {
  const file = join(place, 'nightjar.env');
  const quote = ['"', "'", '`'].find((one) => !server.password.includes(one));
  await writeFile(file, `SHOP_PASSWORD=${quote}${server.password}${quote}\nNIGHTJAR_TOOLS=${await layerRoot()}\n`);
  await chmod(file, 0o600);
}

function nightjar(...args: string[]): Promise<Ended> {
  return machine.run(process.execPath, [launcher, 'schedule', ...args], place);
}

const systemctl = (...args: string[]) => machine.run('systemctl', ['--user', ...args], place);

async function document(...args: string[]) {
  const { stdout } = await nightjar(...args, '--json');
  return JSON.parse(stdout) as { jobs: { name: string; state: string; last?: string }[] };
}

/** How many complete backups the vault has. */
async function backups(): Promise<number> {
  const { stdout } = await nightjarInProcess(['list', 'shop', '--json'], { cwd: place, env: { SHOP_PASSWORD: '?' } });
  return (JSON.parse(stdout) as { backups: unknown[] }).backups.length;
}

const states = async () =>
  Object.fromEntries((await document('show', '--user')).jobs.map(({ name, state }) => [name, state]));

const schedules: [string, string][] = [
  ['0 4 * * *', 'Europe/Amsterdam'],
  ['30 5 * * 1-5', 'America/New_York'],
  ['*/15 * * * *', 'UTC'],
  ['5 4 1,15 * 5', 'Asia/Tokyo'],
  ['0 0 L * *', 'UTC'],
  ['0 0 1,L * *', 'Asia/Kathmandu'],
  ['0 4 * * 1#1', 'Europe/Berlin'],
  ['0 4 * * 1#2,5L', 'Australia/Lord_Howe'],
  ['10,40 8-18/2 * 1-6 MON', 'Europe/London'],
  ['0 4 29 2 *', 'UTC'],
  ['0 5 * * 7', 'America/St_Johns'],
];

test('systemd starts a schedule at the moments that are meant, for a year', async () => {
  const from = new Date('2026-12-01T00:00:30Z');
  const all = schedules.map(([cron, timeZone]) => {
    const calendar = onCalendar(cron, timeZone);
    return { cron, timeZone, expressions: 'expressions' in calendar ? calendar.expressions : [] };
  });
  const ask =
    'for one in "$@"; do echo "== $one"; systemd-analyze calendar --base-time="2026-12-01 00:00:30 UTC" --iterations=300 "$one"; done';
  const { stdout } = await machine.run(
    'sh',
    ['-c', ask, 'sh', ...all.flatMap(({ expressions }) => expressions)],
    folder,
  );
  const answers = new Map(all.flatMap(({ expressions }) => expressions).map((one) => [one, momentsIn(stdout, one)]));

  for (const { cron, timeZone, expressions } of all) {
    const told = [...new Set(expressions.flatMap((one) => answers.get(one)!))].sort((a, b) => a - b);
    const meant = new Cron(cron, { timezone: timeZone, mode: '5-part' }).nextRuns(300, from).map((at) => at.getTime());
    const shown = Math.min(300, told.length, meant.length);
    expect({ cron, many: shown > 30 }).toEqual({ cron, many: true });
    expect({ cron, moments: told.slice(0, shown) }).toEqual({ cron, moments: meant.slice(0, shown) });
  }
});

/** What systemd-analyze says of one expression. */
function momentsIn(answers: string, expression: string): number[] {
  const answer = answers.split('== ').find((one) => one.startsWith(`${expression}\n`)) ?? '';
  const told = answer.matchAll(/: (?:\w{3} )?(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) UTC/g);
  return [...told].map(([, day, time]) => Date.parse(`${day}T${time}Z`));
}

test('a cron library reads each schedule as it is meant', () => {
  const from = new Date('2026-12-01T00:00:30Z');
  for (const [cron] of schedules.filter(([one]) => !/[#L]/.test(one))) {
    const other = CronExpressionParser.parse(cron, { tz: 'UTC', currentDate: from });
    const meant = new Cron(cron, { timezone: 'UTC', mode: '5-part' }).nextRuns(50, from).map((at) => at.getTime());
    expect(meant.map(() => other.next().toDate().getTime())).toEqual(meant);
  }
});

test('what systemd can not say is refused before anything is written', async () => {
  await configure('schedule: "0 4 15W * *"');

  const { code, stderr } = await nightjar('write', '--user');

  expect({ code, stderr }).toEqual({
    code: 2,
    stderr:
      'error: back up shop: systemd knows no weekday that is nearest to a day (15W, LW): name the day, and the ' +
      'schedule is 0 4 15W * *\n  hint: nothing was written\n',
  });
  expect(await readdir(machine.units)).toEqual([]);
});

test('a secret that a timer would lack, and a file that others may read, are told before anything is written', async () => {
  await writeFile(join(place, 'nightjar.env'), 'OTHER=1\n');
  const lacking = await nightjar('write', '--user');
  await environment();
  await chmod(join(place, 'nightjar.env'), 0o644);
  const open = await nightjar('write', '--user');

  expect([lacking.code, open.code]).toEqual([2, 2]);
  expect(lacking.stderr).toContain('nightjar.env does not set 1 secret of the configuration: SHOP_PASSWORD');
  expect(open.stderr).toContain('chmod 600 ');
  expect(await readdir(machine.units)).toEqual([]);
});

test(
  'systemd makes the backup that was missed, with the secrets of the file, and shows how each job ended',
  async () => {
    // not while this runs, at whatever time that is: it would be made twice
    const later = new Date(Date.now() + 10 * 60 * minuteMs);
    await configure(`schedule: "${later.getUTCMinutes()} ${later.getUTCHours()} * * *"`);
    // a timer that is written for the first time has missed nothing: systemd remembers by this file when it ran last
    const stamps = join(folder, 'data/systemd/timers');
    await mkdir(stamps, { recursive: true });
    await writeFile(join(stamps, 'stamp-nightjar-backup-shop.timer'), '');
    const before = new Date(Date.now() - 3 * 24 * 60 * minuteMs);
    await utimes(join(stamps, 'stamp-nightjar-backup-shop.timer'), before, before);

    const { code, stderr } = await nightjar('write', '--user');
    const units = (await readdir(machine.units)).filter((name) => name.startsWith('nightjar-'));
    const verified = await machine.run(
      'systemd-analyze',
      ['--user', 'verify', ...units.map((one) => join(machine.units, one))],
      place,
    );

    expect({ code, verified }).toEqual({ code: 0, verified: { code: 0, stdout: '', stderr: '' } });
    expect(stderr).toContain('loginctl enable-linger');
    expect(await states()).toEqual({ 'backup-shop': 'on', 'rotate-shop': 'on', 'drill-shop': 'on', check: 'on' });
    const ended = await untilEnded('backup-shop');
    expect(ended).toBe('done');
    expect(await backups()).toBe(1);
    // no drill has proven anything yet
    await systemctl('start', 'nightjar-check.service');
    expect(await untilEnded('check')).toBe('failed (4)');
  },
  2 * minuteMs,
);

test('a service of the system is one to systemd, and has a folder of its own that its user can lose', async () => {
  const configuration = join(place, 'nightjar.yaml');
  const starting = { node: process.execPath, program: launcher, configuration, folder: place, environment: undefined };
  const units = { starting, prefix: 'second', system: true, user: 'root' };
  const file = join(folder, 'second-backup-shop.service');
  await writeFile(file, serviceText(units, { about: 'back up shop', args: ['backup', 'shop'] }));

  const verified = await machine.run('systemd-analyze', ['--user', 'verify', file], place);

  expect(verified).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(await readFile(file, 'utf8')).toContain('\nCacheDirectory=second-keys\nCacheDirectoryMode=0700\n');
});

async function untilEnded(name: string): Promise<string> {
  const limit = Date.now() + minuteMs;
  for (let last: string | undefined; ; ) {
    last = (await document('show', '--user')).jobs.find((job) => job.name === name)?.last;
    if (last !== undefined || Date.now() > limit) return last ?? 'never';
  }
}

test('"test" runs the doctor as the timers run everything, and a failed run is shown with its exit code', async () => {
  await nightjar('write', '--user');
  expect(await nightjar('test', '--user')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('started by systemd, all that is needed works'),
  });
  await writeFile(join(place, 'nightjar.env'), 'SHOP_PASSWORD=wrong\n');

  const { code, stdout, stderr } = await nightjar('test', '--user');
  await systemctl('start', 'nightjar-backup-shop.service');

  expect(code).toBe(1);
  expect(stderr).toContain('started by systemd, not all that is needed works');
  expect(stdout).not.toContain(server.password);
  expect((await document('show', '--user')).jobs[0]).toMatchObject({ name: 'backup-shop', last: 'failed (1)' });
});

test('what the file says is what stands: a changed time, a new source, one that went; and nothing of others is touched', async () => {
  await writeFile(join(machine.units, 'nightjar-other.timer'), '[Timer]\nOnCalendar=daily\n');
  await nightjar('write', '--user');
  const blog = `  blog:\n    mariadb: { host: db, database: blog, user: app, password: { env: SHOP_PASSWORD } }\n    schedule: "5 4 * * *"\n`;
  await configure('schedule: "45 4 * * *"', blog);
  expect(await states()).toMatchObject({ 'backup-shop': 'other', 'backup-blog': 'absent' });
  await nightjar('write', '--user');
  expect(await states()).toMatchObject({ 'backup-shop': 'on', 'backup-blog': 'on' });
  const { stdout } = await systemctl('show', 'nightjar-backup-shop.timer', '--property=TimersCalendar');
  expect(stdout).toContain('04:45:00 UTC');
  await configure('schedule: "45 4 * * *"');
  expect(await states()).toMatchObject({ 'backup-blog': 'gone' });
  await nightjar('write', '--user');
  await systemctl('stop', 'nightjar-check.timer');
  expect(await states()).toEqual({ 'backup-shop': 'on', 'rotate-shop': 'on', 'drill-shop': 'on', check: 'off' });

  await nightjar('remove', '--user');

  expect((await readdir(machine.units)).filter((name) => name.startsWith('nightjar-'))).toEqual([
    'nightjar-other.timer',
  ]);
  expect((await systemctl('list-timers', '--all')).stdout).not.toContain('nightjar-backup');
});

test('units of another configuration are refused, and both stand side by side under two names', async () => {
  await nightjar('write', '--user');
  const first = place;
  place = await mkdtemp(join(folder, 'second-'));
  await configure('schedule: "30 4 * * *"');
  await environment();

  const refused = await nightjar('write', '--user');
  const named = await nightjar('write', '--user', '--name', 'second');

  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('--name <word>') });
  expect(named.code).toBe(0);
  await nightjar('remove', '--user', '--name', 'second');
  place = first;
  expect(new Set(Object.values(await states()))).toEqual(new Set(['on']));
});

test(
  'a crontab keeps the lines of others, and each line starts what it should when a shell reads it',
  async () => {
    const foreign = '# mine\nMAILTO=ops@acme.example\n7 7 * * * echo 100\\%\n';
    await machine.run('sh', ['-c', `printf '%s' "$1" | crontab -`, 'sh', foreign], place);
    const written = await nightjar('write', '--cron');
    const again = await nightjar('write', '--cron');
    const { stdout: crontab } = await machine.run('crontab', ['-l'], place);
    const tried = await nightjar('test', '--cron');
    const line = crontab.split('\n').find((one) => one.startsWith('30 4 '))!;
    // what cron does with a line: the five fields go, \% is %, and /bin/sh gets the rest (crontab(5))
    const command = line.replace(/^(\S+ ){5}/, '').replaceAll('\\%', '%');
    const run = await machine.run(
      'env',
      ['-i', 'PATH=/usr/bin:/bin', `HOME=${folder}`, '/bin/sh', '-c', command],
      folder,
    );
    const removed = await nightjar('remove', '--cron');

    expect([written.code, again.code, tried.code, run.code, removed.code]).toEqual([0, 0, 0, 0, 0]);
    expect(crontab.startsWith(foreign)).toBe(true);
    expect(crontab.match(/schedule: begin/g)).toHaveLength(1);
    expect(await backups()).toBe(1);
    expect((await machine.run('crontab', ['-l'], place)).stdout).toBe(foreign);
  },
  minuteMs,
);

test('cron goes by the clock of the machine: a source on another one is refused', async () => {
  await configure('schedule: "30 4 * * *"\n    timeZone: Europe/Amsterdam');

  expect(await nightjar('write', '--cron')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('and these by Europe/Amsterdam: backup-shop, rotate-shop, drill-shop'),
  });
});

test('--dry-run shows what would be written, and writes nothing', async () => {
  const { stdout } = await nightjar('write', '--user', '--dry-run');

  expect(stdout).toContain(`==> ${machine.units}/nightjar-backup-shop.timer\n`);
  expect(stdout).toContain('OnCalendar=*-*-* 04:30:00 UTC\n');
  expect(await readdir(machine.units)).not.toContain('nightjar-backup-shop.timer');
});
