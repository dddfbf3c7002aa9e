import { Command } from 'commander';
import packageJson from '../../../package.json' with { type: 'json' };
import type { Verb } from '../../../core/domain/messages/run.ts';
import { defaultConfiguration } from '../session.ts';
import type { Alone, Request, Work } from './asking.ts';
import { addBackups } from './backups.ts';
import { addRestores } from './restores.ts';
import { addUpkeep } from './upkeep.ts';
import { addCopies } from './copies.ts';
import { addKeeping } from './keeping.ts';
import { addSetup } from './setup.ts';
import { addMachine } from './machine.ts';

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

/**
 * The grammar of the command line; `ask` is called with what was asked for. Throws commander's own error for everything
 * else, including help.
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
  /** The same for work that only makes sense in the first vault. */
  const askingFirst = (work: Work, verb?: Verb, patient?: boolean) => {
    if (given().vault !== undefined) program.error('--vault is for what looks at backups, restores or removes them');
    asking(work, verb, patient);
  };
  const askingAlone = (alone: Alone) => ask({ ...given(), alone });

  for (const add of [addBackups, addRestores, addUpkeep, addCopies, addKeeping, addSetup, addMachine])
    add(program, { asking, askingFirst, askingAlone });
  return program;
}
