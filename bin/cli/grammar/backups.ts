import type { Command } from 'commander';
import { backupCommand } from '../commands/backup.ts';
import { listCommand } from '../commands/list.ts';
import { showCommand } from '../commands/show.ts';
import { toldTogether } from '../told.ts';
import { verifyCommand } from '../commands/proof/verify.ts';
import type { RequestTaker } from './asking.ts';

/** The verbs that make backups and look at them. */
export function addBackups(program: Command, { asking, askingFirst }: RequestTaker): void {
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
}
