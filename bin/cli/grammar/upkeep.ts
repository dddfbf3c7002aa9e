import type { Command } from 'commander';
import { checkCommand } from '../commands/check/check.ts';
import { rotateCommand } from '../commands/rotate.ts';
import type { RotateFlags } from '../commands/rotate.ts';
import { toldTogether } from '../told.ts';
import type { RequestTaker } from './asking.ts';

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

/** The verbs that judge and remove backups. */
export function addUpkeep(program: Command, { asking, askingFirst }: RequestTaker): void {
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
}
