import { basename } from 'node:path';
import { feed } from '../../pipeline/feed.ts';
import type { Command } from '../../pipeline/feed.ts';
import type { Hook } from '../../ports.ts';

/** A program of the user's: gets the event as JSON on standard input, and must exit with 0. */
export function commandHook(command: Command, wants: Hook['wants']): Hook {
  return {
    name: `hook ${basename(command.program)}`,
    wants,
    call: (event, signal) => feed(command, event, 'hook-failed', signal),
  };
}
