import type { Command } from 'commander';
import { acceptCommand } from '../commands/check/accept.ts';
import { pinCommand, unpinCommand } from '../commands/pin.ts';
import { removeCommand } from '../commands/remove.ts';
import { unlockCommand } from '../commands/unlock.ts';
import type { RequestTaker } from './asking.ts';

const removeHelp = `
Rotation removes what the retention no longer keeps; this is for what has to go
before. Who, when and why is written into <source>/removals/ in the vault, so
that no check calls the backup lost. The last good backup always stays, and so
does a pinned one.`;

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

/** The verbs by which a person decides about backups. */
export function addKeeping(program: Command, { asking, askingFirst }: RequestTaker): void {
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
}
