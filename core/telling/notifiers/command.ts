import { hostname } from 'node:os';
import { basename } from 'node:path';
import { feed } from '../../pipeline/feed.ts';
import type { Command } from '../../pipeline/feed.ts';
import type { Notifier } from '../../ports.ts';

/** A program of the user's: gets the message as JSON on standard input, and must exit with 0. */
export function commandNotifier(command: Command): Notifier {
  return {
    name: `command ${basename(command.program)}`,
    // the same program on another machine may tell somebody else
    address: async () => JSON.stringify([hostname(), command.program, ...command.args]),
    notify: (message, signal) => feed(command, message, 'notify-failed', signal),
  };
}
