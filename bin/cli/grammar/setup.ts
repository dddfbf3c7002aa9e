import type { Command } from 'commander';
import { convertByNames, convertFor } from '../setup/convert.ts';
import type { ConvertFlags } from '../setup/convert.ts';
import { costCommand } from '../setup/cost.ts';
import { doctorCommand } from '../setup/doctor.ts';
import type { DoctorFlags } from '../setup/doctor.ts';
import type { InitFlags } from '../setup/init/answers.ts';
import { initCommand } from '../setup/init/init.ts';
import type { RequestTaker } from './asking.ts';
import { gathered } from './asking.ts';

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
  nightjar init main postgres://nightjar@db.internal --all-databases
  nightjar init app sqlite:./app.db
  nightjar init web image://robot@registry.example.com/shop/web:1.2`;

/** The verbs needed before the first backup, or that examine the whole setup. */
export function addSetup(program: Command, { asking, askingFirst, askingAlone }: RequestTaker): void {
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
    .option('--time-zone <zone>', 'TIME_ZONE of the settings, where USE_TZ is False')
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
    .option('--all-databases', 'every database of the server, found anew each night')
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
    .action((flags: { vault: boolean }) =>
      askingFirst((session, signal) => costCommand(flags, session, signal), undefined, true),
    );
}
