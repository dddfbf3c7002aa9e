import { observedClock } from '../domain/time/clocks.ts';
import type { Clock, Observed } from '../ports.ts';
import type { Login } from './login.ts';

/** The name of the examination that all others of a server need. */
export const reachable = 'reachable';

/** What is known of TLS once a connection exists: its certificate was checked then. */
export function observedTls({ tls, host }: Login): Observed {
  if (tls.mode === 'verify') return { outcome: 'fine', said: `the certificate is good for ${host}` };
  if (/^(localhost|127(\.\d{1,3}){3}|::1|\/.*)$/i.test(host))
    return { outcome: 'fine', said: 'off, and the server is on this machine' };
  return {
    outcome: 'warning',
    said: `off: the password and every row go over the network to ${host} in plain text`,
    remedy: 'write tls: verify, or tls: { ca: ./authority.pem }, unless nobody can listen on the way',
  };
}

/** Compares the server's clock with ours. */
export async function observedServerClock(ask: () => Promise<Date>, clock: Clock): Promise<Observed[]> {
  const before = clock.now();
  const theirs = await ask();
  return [observedClock('the server', { theirs, before, after: clock.now() })];
}
