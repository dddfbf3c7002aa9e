import { Command } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import type { Verb } from '../../core/domain/messages/run.ts';
import { acceptCommand } from './commands/check/accept.ts';
import { backupCommand } from './commands/backup.ts';
import { checkCommand } from './commands/check/check.ts';
import { convertByNames, convertFor } from './setup/convert.ts';
import type { ConvertFlags } from './setup/convert.ts';
import { costCommand } from './setup/cost.ts';
import { doctorCommand } from './setup/doctor.ts';
import type { DoctorFlags } from './setup/doctor.ts';
import { buildLayer, showLayer, updateLayer, verifyLayer } from './setup/layer.ts';
import type { BuildFlags, WorkFolder } from './setup/layer.ts';
import { drillCommand } from './commands/proof/drill.ts';
import type { DrillFlags } from './commands/proof/drill.ts';
import { keyCheckCommand } from './setup/key-check.ts';
import { kmsKeyCommand, newIdentityCommand, newSigningKeyCommand } from './setup/key.ts';
import { listCommand } from './commands/list.ts';
import { digestCommand, notifyCommand } from './setup/notify.ts';
import type { CommandOutcome } from './text/output.ts';
import { pinCommand, unpinCommand } from './commands/pin.ts';
import { removeCommand } from './commands/remove.ts';
import { copyCommand } from './commands/copies/copy.ts';
import { pullCommand } from './commands/copies/pull.ts';
import { pushCommand } from './commands/copies/push.ts';
import type { PullFlags } from './commands/copies/pull.ts';
import { restoreCommand } from './commands/restore/restore.ts';
import type { RestoreFlags } from './commands/restore/flags.ts';
import { rotateCommand } from './commands/rotate.ts';
import type { RotateFlags } from './commands/rotate.ts';
import type { InitFlags } from './setup/init/answers.ts';
import { initCommand } from './setup/init/init.ts';
import { removeSchedule, showSchedule, testSchedule, writeSchedule } from './setup/schedule/schedule.ts';
import type { ScheduleFlags } from './setup/schedule/schedule.ts';
import { showCommand } from './commands/show.ts';
import { defaultConfiguration } from './session.ts';
import type { CommandSession } from './session.ts';
import { unlockCommand } from './commands/unlock.ts';
import { toldTogether } from './told.ts';
import { verifyCommand } from './commands/proof/verify.ts';

/** What a command line asks for: to be done once the configuration is read, or (`alone`) without one. */
export type Request = { config: string; json: boolean } & (
  | {
      /** What is told when it can't even begin. */
      verb?: Verb | undefined;
      /** The further vault to work in. */
      vault?: string | undefined;
      /** It looks at the rest, too, where the vault can't be opened. */
      patient?: boolean;
      work(session: CommandSession, signal: AbortSignal): Promise<CommandOutcome>;
    }
  | { alone(place: WorkFolder, signal: AbortSignal): Promise<CommandOutcome> }
);
type Work = Extract<Request, { work: unknown }>['work'];
type Alone = Extract<Request, { alone: unknown }>['alone'];

const exitCodeHelp = `
Exit codes:
  0         done
  1         failed
  2         bad usage or configuration
  3         damage found: in a part of a backup, or in a restored database
  4         a check found a source that is not as it must be
  5         restored with --keep-going, without what failed: not proven
  11        another run works on the source
  130, 143  stopped by SIGINT or SIGTERM, after cleaning up; a second one stops
            at once

Environment:
  NIGHTJAR_TOOLS  folder of the binary layer with the database clients; without
                  it they are taken from /opt, or fetched once and kept in
                  NIGHTJAR_CACHE (/var/cache/nightjar for root, else
                  ~/.cache/nightjar)
  NIGHTJAR_LAYER_NEWS
                  off: "check" does not say that the clients are old, and asks
                  no archive for fixes

Secrets are read from where nightjar.yaml says. Every key of that file is
explained in docs/configuration.md.`;

const restoreHelp = `
Without --to, a new database is made beside the source's own, named after the
moment of the backup. The source's own database is only written to when --to
names it; as it holds something, --replace must then be said, too. To restore
on another server, give it an entry in nightjar.yaml and name that as --server.

A moment is a day (today, yesterday, 2026-11-20), with a time or all of it, on
the clock of the source (timeZone), or has an offset: 2026-11-20T14:00Z.

Examples:
  nightjar restore shop
      the newest backup, into a new database as shop_20261120_020000
  nightjar restore shop 20261120T020000Z-7f3a9c --to shop_before
      this one, into a new database of that name
  nightjar restore shop --at "yesterday 14:00"
      the newest good one that began until then
  nightjar restore shop latest-proven
      the newest that was restored and compared before, by a restore or a drill
  nightjar restore shop --server staging --to shop
      the newest, on the server of the source staging
  nightjar restore shop --to shop --replace --plan
      what that would make, rename and drop, what would make it fail, and the
      SQL that mends it; ends with 1 when it would fail
  nightjar restore shop --to shop --replace
      in place: what was there is kept as shop_before_<backup> until --drop-old
      or the next --replace that is proven, which keeps its own
  nightjar restore stage --server shop --to stage --into production
      onto a server whose source has rank: production, which has to be named
  nightjar restore shop --undo
      puts that back, and keeps what stood in its place
  nightjar restore shop --table orders --table 'sales.*'
      these tables alone and what they need, into a new database as
      shop_tables_20261120_020000; more: docs/restore-tables.md
  nightjar restore shop --keep-going
      what can be restored, and a list of what failed: exits with 5 then, and
      replaces nothing`;

const drillHelp = `
The scratch database has a name of its own, as shop_drill_3f09a1c72b44, on the
server of the source, or on the one that drill.server of nightjar.yaml names.
It is dropped whatever happens; one that a killed run has left is dropped by
the next. What drill.assert says is asked of it. Exits with 3 when the backup
is not what it should be. More: docs/drill.md

Examples:
  nightjar drill
      the newest good backup of each source that has drillEvery
  nightjar drill shop
      that of shop
  nightjar drill shop --backup 20261120T020000Z-7f3a9c
      this one`;

const checkHelp = `
States: fresh; stale (older than the limit); missed (a moment of the schedule
has no backup); never (no backup yet); lease-stuck (no run can begin); gone
(some that no rotation removed); damaged (parts gone or cut, or a verify or
drill that failed); other-database; unknown (the vault, or a backup in it, can't
be read, or can't be of its date); shrunk (far smaller than it was);
copy-behind (a further vault lacks what is new); overdue-drill (no proven backup
for too long); paused; unconfigured (backups of a source that is not in
nightjar.yaml). What does not end by itself: nightjar accept <source>.

Run it every hour or day. What is wrong is told once when it begins, once a day
while it lasts, and once when it is over, to whom "notify" names.`;

const rotateHelp = `
Removes the backups that the retention of nightjar.yaml no longer keeps, oldest
first, and what runs that died have left. Every decision has its reasons:
docs/rotation.md. The last good backup, the last that was proven and pinned
ones always stay.

Examples:
  nightjar rotate --dry-run
      every backup of every source, and why it stays or goes
  nightjar rotate shop --any-share
      also when more goes than rotation.maxShare allows at once`;

const removeHelp = `
Rotation removes what the retention no longer keeps; this is for what has to go
before. Who, when and why is written into <source>/removals/ in the vault, so
that no check calls the backup lost. The last good backup always stays, and so
does a pinned one.`;

const copyHelp = `
Which vaults: "copies" of nightjar.yaml. A backup is copied as it is stored, part
by part, with its manifest last; "nightjar backup" does it by itself. What a run
that was killed has brought is not brought again, and nothing is written over.
To look into a copy, or restore from it: nightjar restore shop --vault offsite.
Rotation of a copy is a run of its own: nightjar rotate --vault offsite.`;

const pullHelp = `
The folder has the layout of a vault, and is one: "vault: <folder>" in another
nightjar.yaml lists, verifies and restores what was brought. Encrypted backups
stay encrypted. Run it again to go on where it ended: parts that are there are
read and compared, and not brought again. Nothing is written over. How to
restore by hand from there: docs/restore-by-hand.md

Examples:
  nightjar pull shop --to /media/usb/backups
      all of the newest backup
  nightjar pull shop --to incident --parts 'data/*'
      its rows alone, as they are stored, and no manifest
  nightjar pull shop --sql > shop.sql
      for psql or mariadb; what is not whole ends with an exit code, and has no
      end marker`;

const pushHelp = `
The file: a custom archive or plain SQL of one database, by pg_dump, or by
mariadb-dump or mysqldump; packed by gzip or zstd or not at all. It is loaded
into a scratch database, backed up, restored once more and proven, and both are
dropped. A dump is a program, so it is loaded by a user that may do nothing
else: "adopt" of nightjar.yaml names one, and the SQL that makes it is told.
Owners, grants and definers are left out. More: docs/adopting.md

Examples:
  nightjar push shop dump-2019.sql.gz --at "2019-06-01 08:00"`;

const unlockHelp = `
For a lease that nobody can read, or that a wrong clock has dated far ahead:
backups of the source fail then with lease-stuck. Shows who wrote it and when,
asks, and watches whether a live run renews it. The lease of a run that died is
free by itself after five minutes, and that of a live one is never touched.`;

const acceptHelp = `
Some things do not end by waiting: a backup that holds less than the most there
was, one of another database or server, backups that are gone, a memory that is
lost. This shows them, and once it is confirmed, the newest good backup is the
measure, and rotation lets go of what it has held. Who and when is written into
<source>/ledger.json in the vault.`;

const doctorHelp = `
Reads secrets, logs in to every source, plans a backup and lets go of it, writes
one small object into each vault and removes it, compares clocks, and tries the
keys on the newest backup. No message is sent without --notify, no hook called.
A warning leaves the exit code 0. Every line, and what to do: docs/doctor.md`;

const costHelp = `
Goes by the newest backup of each source where the vault can be read, else by
cloud.size of the source, and by schedule and retention. Prices are in the
program, with their date: what AWS charges today is on its price pages.`;

const convertHelp = `
Names and types are read from the database of a source, where "manage.py
migrate" has made the tables; or from a file that the project writes
(docs/django.md), with --to. The SQL goes to stdout, and is one transaction: it
is loaded whole or not at all, by psql -f or mariadb <database> < shop.sql. The
tables must be empty, or --empty deletes what they hold first.

Examples:
  nightjar convert fixture.json --source shop > shop.sql
  nightjar convert fixture.json.gz --to postgres --names names.json > shop.sql
  nightjar convert fixture.json --source shop \\
      --natural accounts.user=email > shop.sql`;

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

const initHelp = `
Asks where a database is, writes nightjar.yaml (or one more source into it),
keeps the password in a file that you alone can read, tries everything, makes
the first backup, and proves it by a drill. What is said is not asked:

Examples:
  nightjar init
      asks for everything
  nightjar init shop postgres://nightjar@db.internal/shop
      asks for the password alone
  nightjar init blog mariadb://nightjar@db.internal/blog --password-file blog.pw
      asks nothing; the file holds the password
  nightjar init app sqlite:./app.db`;

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

/**
 * The command line's grammar; `ask` is called with what was asked for. Throws commander's own error for everything
 * else, help included.
 */
export function nightjarProgram(ask: (asked: Request) => void): Command {
  const program = new Command('nightjar')
    .description(
      'Backups that prove themselves: PostgreSQL, MariaDB, MySQL, SQLite, folders and images, into a folder or S3.',
    )
    .version(packageJson.version)
    .option('-c, --config <file>', 'the configuration', defaultConfiguration)
    .option('--vault <name>', 'work in this further vault instead of the first one')
    .option('--json', 'print one JSON document on stdout instead of text')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .addHelpText('after', exitCodeHelp);
  const given = () => ({ json: false, ...program.opts<{ config: string; json?: true; vault?: string }>() });
  const asking = (work: Work, verb?: Verb, patient = false) => ask({ ...given(), verb, work, patient });
  /** The same for work that is the first vault's alone. */
  const askingFirst = (work: Work, verb?: Verb, patient?: boolean) => {
    if (given().vault !== undefined) program.error('--vault is for what looks at backups, restores or removes them');
    asking(work, verb, patient);
  };
  const askingAlone = (alone: Alone) => ask({ ...given(), alone });

  program
    .command('backup')
    .description('back up the named sources, or all of them')
    .argument('[source...]', 'names of nightjar.yaml')
    .action((sources: string[]) =>
      askingFirst(
        (session, signal) => toldTogether((one) => backupCommand(sources, one, signal), session, signal),
        'backup',
      ),
    );

  program
    .command('list')
    .description('list the complete backups, oldest first')
    .argument('[source]', 'one source instead of all')
    .action((source: string | undefined) => asking((session, signal) => listCommand(source, session, signal)));

  program
    .command('show')
    .description('show one backup: its parts, its tables, what it is worth')
    .argument('<source>', 'whose backup')
    .argument('[id]', 'which backup', 'latest')
    .action((source: string, id: string) => asking((session, signal) => showCommand(source, id, session, signal)));

  program
    .command('verify')
    .description('read a backup again, and name every damaged part')
    .argument('[source]', 'one source instead of all')
    .argument('[id]', 'one backup instead of the newest')
    .option('--all', 'every backup instead of the newest')
    .action((source: string | undefined, id: string | undefined, flags: { all?: true }) =>
      asking(
        (session, signal) =>
          toldTogether((one) => verifyCommand(source, id, { all: flags.all === true }, one, signal), session, signal),
        'verify',
      ),
    );

  program
    .command('restore')
    .description('restore a backup into a new database, and prove it equal')
    .argument('<source>', 'whose backup')
    .argument('[id]', 'which backup: its id, or latest-proven', 'latest')
    .option('--at <moment>', 'the newest good one until then, as "yesterday 14:00"')
    .option('--to <place>', 'the database, or path of a file, to restore into')
    .option('--server <source>', 'restore on the server of this source, as its user')
    .option('--into <rank>', 'the rank of that server, where the file has one: production')
    .option('--table <name>', 'only this table and what it needs; as often as you like', gathered)
    .option(
      '--path <pattern>',
      'of a folder: only what this pattern of .gitignore means; as often as you like',
      gathered,
    )
    .option('--schema-only', 'definitions alone, and no row')
    .option('--plan', 'say what would be done and what would make it fail; write nothing')
    .option('--replace', 'in the place of what is there; the backup is verified before')
    .option('--undo', 'put back what the last --replace has kept')
    .option('--drop-old', 'with --replace: keep nothing; alone: drop what is kept')
    .option('--yes', 'do not ask before replacing, undoing or dropping')
    .option('--no-owner', 'leave out who owns what, and who may do what')
    .option('--no-tablespaces', 'put everything into the default tablespace')
    .option('--keep-going', 'go on without what fails, list it, and keep the rest')
    .option('--no-proof', 'do not compare the result with the backup')
    .option('--events', 'let events run (MariaDB, MySQL), also in a copy')
    .option('--no-events', 'let none run, also in place')
    .addHelpText('after', restoreHelp)
    .action((source: string, id: string, flags: RestoreFlags) =>
      asking((session, signal) => restoreCommand(source, id, flags, session, signal), 'restore'),
    );

  program
    .command('drill')
    .description('restore a backup into a scratch database, prove it equal, and drop it')
    .argument('[source...]', 'names of nightjar.yaml; else those with drillEvery')
    .option('--backup <id>', 'which backup: its id, or latest-proven', 'latest')
    .option('--no-owner', 'leave out who owns what, and who may do what')
    .option('--no-tablespaces', 'put everything into the default tablespace')
    .addHelpText('after', drillHelp)
    .action((sources: string[], flags: DrillFlags) =>
      asking(
        (session, signal) => toldTogether((one) => drillCommand(sources, flags, one, signal), session, signal),
        'drill',
      ),
    );

  program
    .command('check')
    .description('judge whether every backup is fresh, and tell what changed')
    .argument('[source...]', 'names of nightjar.yaml')
    .option('--no-tell', 'only look: no message, no hook')
    .addHelpText('after', checkHelp)
    .action((sources: string[], flags: { tell: boolean }) =>
      askingFirst((session, signal) => checkCommand(sources, flags, session, signal), 'check'),
    );

  program
    .command('rotate')
    .description('remove the backups that nothing keeps any more')
    .argument('[source...]', 'names of nightjar.yaml')
    .option('--dry-run', 'say what would happen and why, and change nothing')
    .option('--any-share', 'remove more at once than rotation.maxShare allows')
    .addHelpText('after', rotateHelp)
    .action((sources: string[], flags: RotateFlags) =>
      asking(
        (session, signal) => toldTogether((one) => rotateCommand(sources, flags, one, signal), session, signal),
        flags.dryRun === true ? undefined : 'rotation',
      ),
    );

  program
    .command('pull')
    .description('bring a backup to disk, as it is stored or as SQL')
    .argument('<source>', 'whose backup')
    .argument('[id]', 'which backup', 'latest')
    .option('--to <folder>', 'the folder; made if it is not there')
    .option('--parts <pattern>', "with --to: these parts alone, as 'data/*'")
    .option('--sql', 'one text of SQL on stdout, decrypted and decompressed')
    .option('--no-owner', 'with --sql: leave out who owns what, and who may do what')
    .option('--no-tablespaces', 'with --sql: all goes into the default tablespace')
    .option('--events', 'with --sql: events run where it is loaded (MariaDB, MySQL)')
    .addHelpText('after', pullHelp)
    .action((source: string, id: string, flags: PullFlags) =>
      asking((session, signal) => pullCommand(source, id, flags, session, signal)),
    );

  program
    .command('push')
    .description('adopt a dump that somebody else has made as a backup of the past')
    .argument('<source>', 'whose backup it becomes')
    .argument('<file>', 'the dump')
    .option('--at <moment>', 'of when it is, as "2019-06-01 08:00" (required)')
    .addHelpText('after', pushHelp)
    .action((source: string, file: string, flags: { at?: string }) =>
      askingFirst((session, signal) => pushCommand(source, file, flags, session, signal)),
    );

  program
    .command('copy')
    .description('bring further vaults the backups that they should have')
    .argument('[source...]', 'names of nightjar.yaml; else those with copies')
    .addHelpText('after', copyHelp)
    .action((sources: string[]) =>
      askingFirst(
        (session, signal) => toldTogether((one) => copyCommand(sources, one, signal), session, signal),
        'copy',
      ),
    );

  program
    .command('pin')
    .description('keep a backup whatever the retention says')
    .argument('<source>', 'whose backup')
    .argument('<id>', 'which backup')
    .option('--reason <text>', 'why, for whoever wonders later (required)')
    .action((source: string, id: string, flags: { reason?: string }) =>
      asking((session, signal) => pinCommand(source, id, flags, session, signal)),
    );

  program
    .command('unpin')
    .description('let the retention decide about a backup again')
    .argument('<source>', 'whose backup')
    .argument('<id>', 'which backup')
    .action((source: string, id: string) => asking((session, signal) => unpinCommand(source, id, session, signal)));

  program
    .command('remove')
    .description('remove one backup for good')
    .argument('<source>', 'whose backup')
    .argument('<id>', 'which backup')
    .option('--reason <text>', 'why, for whoever wonders later (required)')
    .option('--yes', 'do not ask before it is removed')
    .addHelpText('after', removeHelp)
    .action((source: string, id: string, flags: { reason?: string; yes?: true }) =>
      asking((session, signal) => removeCommand(source, id, flags, session, signal)),
    );

  program
    .command('accept')
    .description('make what a check tells of a source the usual from now on')
    .argument('<source>', 'whose backups')
    .option('--yes', 'do not ask before it is written')
    .addHelpText('after', acceptHelp)
    .action((source: string, flags: { yes?: true }) =>
      askingFirst((session, signal) => acceptCommand(source, flags, session, signal)),
    );

  program
    .command('unlock')
    .description('free a lease that keeps every run out of a source')
    .argument('<source>', 'whose lease')
    .option('--yes', 'do not ask before freeing it')
    .addHelpText('after', unlockHelp)
    .action((source: string, flags: { yes?: true }) =>
      asking((session, signal) => unlockCommand(source, flags, session, signal)),
    );

  program
    .command('doctor')
    .description('try everything that the configuration needs, and say what to mend')
    .argument('[source...]', 'names of nightjar.yaml')
    .option('--notify', 'send a test message to everybody who is told')
    .addHelpText('after', doctorHelp)
    .action((sources: string[], flags: DoctorFlags) =>
      askingFirst((session, signal) => doctorCommand(sources, flags, session, signal), undefined, true),
    );

  program
    .command('convert')
    .description('write a fixture of Django (dumpdata) as SQL that loads')
    .argument('<fixture>', 'what "manage.py dumpdata" has written: .json or .json.gz')
    .option('--source <name>', 'the source whose database has the tables')
    .option('--to <engine>', 'with --names: postgres or mariadb')
    .option('--names <file>', 'what tables and columns are called')
    .option('--empty', 'delete what the tables hold first')
    .option('--natural <model=fields>', 'what names a row of a model, as accounts.user=email', gathered)
    .addHelpText('after', convertHelp)
    .action((fixture: string, flags: ConvertFlags) => {
      const given = [flags.source, flags.to, flags.names].map((flag) => flag !== undefined).join();
      if (given === 'true,false,false')
        asking((session, signal) => convertFor(fixture, flags, session, signal), undefined, true);
      else if (given === 'false,true,true')
        askingAlone((place, signal) => convertByNames(fixture, flags, place, signal));
      else program.error('convert needs --source, or both --to and --names');
    });

  program
    .command('init')
    .description('write nightjar.yaml, make the first backup, and prove it')
    .argument('[source]', 'a name for it')
    .argument('[place]', 'where it is, as postgres://user@host:port/database')
    .option('--password-file <file>', 'where its password is')
    .option('--keep-in <place>', 'the vault: a folder, or s3://bucket/prefix')
    .option('--schedule <cron>', 'when backups begin')
    .option('--time-zone <zone>', 'of the schedule, and of its days; else that of this machine')
    .option('--no-proof', 'write the file, and nothing else')
    .addHelpText('after', initHelp)
    .action((source: string | undefined, place: string | undefined, flags: InitFlags) =>
      askingAlone((work, signal) => initCommand(source, place, flags, work, signal)),
    );

  program
    .command('cost')
    .description('estimate what a month on AWS will cost')
    .option('--no-vault', 'go by the sizes in nightjar.yaml alone, and ask nobody')
    .addHelpText('after', costHelp)
    .action((flags: { vault: boolean }) => askingFirst((session, signal) => costCommand(flags, session, signal)));

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
        const { completionScript } = await import('./shell/completion.ts');
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
  return program;
}

/** An option that may be given several times. */
function gathered(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}
