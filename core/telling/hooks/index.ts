import type { RunEnded } from '../../contract/events/run-ended.ts';
import type { HookConfig } from '../../contract/config/notify.ts';
import type { Command } from '../../pipeline/feed.ts';
import type { Hook, SecretReference } from '../../ports.ts';
import { commandHook } from './command.ts';
import { eventBusHook } from './event-bus.ts';
import { heartbeatHook } from './heartbeat.ts';

export type HookDeps = {
  /** Reads a secret when a hook is called, not before. */
  secret(reference: SecretReference, signal: AbortSignal): Promise<string>;
  /** A program of the configuration, ready to be started. */
  command(line: readonly string[]): Command;
};

/** The hook that the configuration describes. */
export function openHook({ eventBus, command, heartbeat, on }: HookConfig, deps: HookDeps): Hook {
  if (heartbeat !== undefined) return heartbeatHook((signal) => deps.secret(heartbeat, signal));
  const wants = ({ status }: RunEnded): boolean => on === undefined || on.includes(status);
  return eventBus === undefined ? commandHook(deps.command(command!), wants) : eventBusHook(eventBus, wants);
}
