import type { Command } from 'commander';
import { drillCommand } from '../commands/proof/drill.ts';
import type { DrillFlags } from '../commands/proof/drill.ts';
import { restoreCommand } from '../commands/restore/restore.ts';
import type { RestoreFlags } from '../commands/restore/flags.ts';
import { toldTogether } from '../told.ts';
import type { RequestTaker } from './asking.ts';
import { gathered } from './asking.ts';

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

/** The verbs that restore backups. */
export function addRestores(program: Command, { asking }: RequestTaker): void {
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
    .option('--plan', 'say what would be done and what would make it fail; change nothing')
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
}
