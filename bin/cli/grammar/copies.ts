import type { Command } from 'commander';
import { copyCommand } from '../commands/copies/copy.ts';
import { pullCommand } from '../commands/copies/pull.ts';
import { pushCommand } from '../commands/copies/push.ts';
import type { PullFlags } from '../commands/copies/pull.ts';
import { toldTogether } from '../told.ts';
import type { RequestTaker } from './asking.ts';

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

/** The verbs that bring backups into a vault and out of it. */
export function addCopies(program: Command, { asking, askingFirst }: RequestTaker): void {
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
}
