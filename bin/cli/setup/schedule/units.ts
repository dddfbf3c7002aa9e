import type { TimedJob } from './jobs.ts';
import { wordsOf } from './starting.ts';
import type { Starting } from './starting.ts';

/** The units of a set of timers: what starts them, and as which user. */
export type UnitsOf = { starting: Starting; prefix: string; system: boolean; user: string | undefined };

/** What `nightjar schedule test` starts: everything is tried as a timer would start it. */
export const trial: Pick<TimedJob, 'name' | 'about' | 'args'> = {
  name: 'doctor',
  about: 'try everything that the configuration needs',
  args: ['doctor'],
};

/** The first line of each of our files: only by it do we know what we may overwrite and remove. */
export function markOf({ configuration }: Starting): string {
  return `# Written by "nightjar schedule write" for ${configuration}`;
}

export function unitOf(prefix: string, { name }: Pick<TimedJob, 'name'>): string {
  return `${prefix}-${name}`;
}

/** A service that runs one job and ends. */
export function serviceText(
  { starting, prefix, system, user }: UnitsOf,
  job: Pick<TimedJob, 'about' | 'args'>,
): string {
  return text([
    ...head(starting),
    '[Unit]',
    `Description=Nightjar: ${plain(job.about)}`,
    ...(system ? ['Wants=network-online.target', 'After=network-online.target'] : []),
    '',
    '[Service]',
    'Type=oneshot',
    `ExecStart=${wordsOf(starting, job.args).map(word).join(' ')}`,
    `WorkingDirectory=${plain(starting.folder)}`,
    ...(user === undefined ? [] : [`User=${user}`]),
    '# stopped, it removes what it has begun, and says so',
    'KillMode=mixed',
    'TimeoutStopSec=2min',
    ...(system ? [...hardened, ...cache(prefix)] : modest),
  ]);
}

/** A timer that starts it. A run that was missed while the machine was off is made up for. */
export function timerText({ starting }: UnitsOf, job: TimedJob, expressions: readonly string[]): string {
  return text([
    ...head(starting),
    '[Unit]',
    `Description=Nightjar: when to ${plain(job.about)}`,
    '',
    '[Timer]',
    ...expressions.map((expression) => `OnCalendar=${expression}`),
    'AccuracySec=1s',
    'Persistent=true',
    '',
    '[Install]',
    'WantedBy=timers.target',
  ]);
}

function head(starting: Starting): string[] {
  return [markOf(starting), '# What is changed here is lost with the next one: systemctl edit keeps yours.', ''];
}

const modest = ['UMask=0077', 'NoNewPrivileges=yes', 'RestrictSUIDSGID=yes', 'LockPersonality=yes'];
/**
 * Without MemoryDenyWriteExecute, because Node makes executable memory. Address families: all that a database may
 * listen on.
 */
const hardened = [
  ...modest,
  'ProtectSystem=full',
  'PrivateTmp=yes',
  'PrivateDevices=yes',
  'ProtectClock=yes',
  'ProtectHostname=yes',
  'ProtectControlGroups=yes',
  'ProtectKernelLogs=yes',
  'ProtectKernelModules=yes',
  'ProtectKernelTunables=yes',
  'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK',
  'RestrictNamespaces=yes',
  'RestrictRealtime=yes',
  'SystemCallArchitectures=native',
];

/**
 * A cache folder for keys to lists, because the user may have no home; without those keys, encrypted backups of folders
 * store everything.
 */
function cache(prefix: string): string[] {
  return [`CacheDirectory=${prefix}-keys`, 'CacheDirectoryMode=0700'];
}

/** A word of a command line for systemd: quoted, and without expansion (systemd.service(5)). */
function word(value: string): string {
  const escaped = value.replace(/[\\"]/g, '\\$&').replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w./:=@+-]+$/.test(value) ? value : `"${escaped}"`;
}

/** A value that systemd takes literally, including blanks and quotes: only `%` is special. */
function plain(value: string): string {
  return value.replaceAll('%', '%%');
}

function text(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}
