import { setTimeout as sleep } from 'node:timers/promises';

/** So long what a suite has closed may take to be gone. */
const patienceMs = 500;

/** What keeps this process from ending: sockets, servers, children, timers, counted by the names that Node has for them. */
export function openResources(): Map<string, number> {
  const open = new Map<string, number>();
  for (const name of process.getActiveResourcesInfo())
    if (/^(TCP|TLS|UDP|Process|Timeout|Message|FSEvent)/.test(name)) open.set(name, (open.get(name) ?? 0) + 1);
  return open;
}

/**
 * Names what a suite has left open: Jest would have to end its worker by force, and says then only that it had to. In a
 * worker alone, for Jest itself has timers where it runs suites in its own process.
 */
export async function tellLeftOpen(suite: string, before: ReadonlyMap<string, number>): Promise<void> {
  if (process.send === undefined) return;
  const more = () => [...openResources()].filter(([name, count]) => count > (before.get(name) ?? 0));
  for (const until = performance.now() + patienceMs; more().length > 0; )
    if (performance.now() > until) {
      const names = more().map(([name, count]) => `${name} ×${count - (before.get(name) ?? 0)}`);
      return void process.stderr.write(`${suite} has left open: ${names.join(', ')}\n`);
    } else await sleep(10);
}
