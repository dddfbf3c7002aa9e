import type { Command } from 'commander';
import { buildLayer, showLayer, updateLayer, verifyLayer } from '../setup/layer.ts';
import type { BuildFlags } from '../setup/layer.ts';
import { keyCheckCommand } from '../setup/key-check.ts';
import { kmsKeyCommand, newIdentityCommand, newSigningKeyCommand } from '../setup/key.ts';
import { digestCommand, notifyCommand } from '../setup/notify.ts';
import { removeSchedule, showSchedule, testSchedule, writeSchedule } from '../setup/schedule/schedule.ts';
import type { ScheduleFlags } from '../setup/schedule/schedule.ts';
import type { RequestTaker } from './asking.ts';

const keyHelp = `
A new private part goes into a file that you alone can read, never over another
one, and is not shown. "check" opens the newest backup of each source, and
verifies its signature: docs/encryption.md, docs/signing.md

Examples:
  nightjar key identity identity.txt
  nightjar key signing signing.pem
  nightjar key signing - | aws secretsmanager create-secret \\
      --name nightjar/signing --secret-string file:///dev/stdin
  nightjar key kms alias/nightjar/Nightjar-signing
  nightjar key check`;

const scheduleHelp = `
Backups begin as "schedule" says; rotations, copies and drills (of sources with
drillEvery) some hours later, and a check each hour. Written as timers of
systemd (root: of the system, run as the owner of nightjar.yaml; others: their
own), or into the crontab where there is no systemd. What stands there already
is kept, and what is no longer in nightjar.yaml is removed.

A timer has none of your environment: { env: NAME } is read from nightjar.env
beside nightjar.yaml, which nobody else may read. More: docs/schedule.md

Examples:
  nightjar schedule
      what has to be started when, whether something does, how it ended last
  nightjar schedule write --dry-run
      the units, or the lines of the crontab
  nightjar schedule test
      the doctor, started as everything is started`;

const layerHelp = `
The clients (pg_dump, psql, mariadb-dump and what they load) are Debian's
packages in exact versions: those that came with Nightjar, or those of
nightjar.lock.json beside nightjar.yaml, when that is not older. Only "update"
changes a version, and never to an older one. "check" tells when the versions
are old, or when Debian has a security fix for one.`;

/** The verbs for keys, schedules, programs and messages of this machine. */
export function addMachine(program: Command, { asking, askingFirst, askingAlone }: RequestTaker): void {
  const key = program
    .command('key')
    .description('make keys for encryption and signatures, and try them')
    .addHelpText('after', keyHelp);
  key
    .command('identity')
    .description('make an identity of age, which opens encrypted backups')
    .argument('<file>', 'where to write it; - for stdout')
    .action((file: string) => askingAlone((place) => newIdentityCommand(file, place)));
  key
    .command('signing')
    .description('make a key pair, with which backups are signed')
    .argument('<file>', 'where to write the private key; - for stdout')
    .action((file: string) => askingAlone((place) => newSigningKeyCommand(file, place)));
  key
    .command('kms')
    .description('show the public key of a key of AWS KMS, which signs and stays there')
    .argument('<key>', 'its ARN or alias')
    .action((name: string) => askingAlone((place, signal) => kmsKeyCommand(name, place, signal)));
  key
    .command('check')
    .description('try the keys of nightjar.yaml on the newest backup of each source')
    .argument('[source...]', 'names of nightjar.yaml')
    .action((sources: string[]) => asking((session, signal) => keyCheckCommand(sources, session, signal)));

  const schedule = program
    .command('schedule')
    .description('have backups started by the clock of this machine')
    .option('--user', 'timers of your own systemd, also for root')
    .option('--cron', 'the crontab, though there is systemd')
    .option('--name <word>', 'what the units begin with', 'nightjar')
    .addHelpText('after', scheduleHelp);
  const scheduling = (work: typeof showSchedule, flags: { dryRun?: true } = {}) =>
    askingAlone((place, signal) => work({ ...schedule.opts<ScheduleFlags>(), ...flags }, place, signal));
  schedule
    .command('show', { isDefault: true })
    .description('show what has to be started when, and whether something does')
    .action(() => scheduling(showSchedule));
  schedule
    .command('write')
    .description('have it started, and nothing else that was written before')
    .option('--dry-run', 'show what would be written, and write nothing')
    .action((flags: { dryRun?: true }) => scheduling(writeSchedule, flags));
  schedule
    .command('test')
    .description('try everything that is needed, started as it will be started')
    .action(() => scheduling(testSchedule));
  schedule
    .command('remove')
    .description('have nothing started any more')
    .action(() => scheduling(removeSchedule));

  const layer = program
    .command('layer')
    .description('look after the database clients that Nightjar brings along')
    .addHelpText('after', layerHelp);
  layer
    .command('show')
    .description('show what is pinned, how old that is, and what the cache has of it')
    .action(() => askingAlone(showLayer));
  layer
    .command('build')
    .description('make what is pinned: a folder, and a zip file for Lambda')
    .option('--arch <architecture>', "x86_64, arm64 or all; else this machine's")
    .action((flags: BuildFlags) => askingAlone((place, signal) => buildLayer(flags, place, signal)));
  layer
    .command('update')
    .description('pin the newest versions in nightjar.lock.json')
    .action(() => askingAlone(updateLayer));
  layer
    .command('verify')
    .description('compare every file in the cache with what was built')
    .action(() => askingAlone(verifyLayer));

  program
    .command('completion')
    .description('print what makes a shell complete commands and options')
    .argument('<shell>', 'bash, zsh or fish: source <(nightjar completion bash)')
    .action((shell: string) =>
      askingAlone(async ({ out }) => {
        const { completionScript } = await import('../shell/completion.ts');
        const script = completionScript(shell, program);
        for (const line of script.trimEnd().split('\n')) out.say(line);
        return { document: { script }, failures: [] };
      }),
    );

  program
    .command('notify')
    .description('send a test message to everybody who is told of failures')
    .option('--digest', 'tell them how everything stands instead; for a weekly timer', false)
    .action(({ digest }: { digest: boolean }) =>
      askingFirst((session, signal) => (digest ? digestCommand : notifyCommand)(session, signal)),
    );
}
