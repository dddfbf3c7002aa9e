import type { HookConfig } from '../../contract/config/notify.ts';
import type { Command } from '../../pipeline/feed.ts';
import type { Hook } from '../../ports.ts';
import { commandHook } from './command.ts';
import { eventBusHook } from './event-bus.ts';

/** The hook that stands in the configuration. */
export function openHook({ eventBus, command, on }: HookConfig, commandOf: (line: readonly string[]) => Command): Hook {
  const wants: Hook['wants'] = (status) => on === undefined || on.includes(status);
  return eventBus === undefined ? commandHook(commandOf(command!), wants) : eventBusHook(eventBus, wants);
}
