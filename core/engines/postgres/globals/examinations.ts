import type { Examination, Observed } from '../../../ports.ts';
import { observedTls, reachable } from '../../examining.ts';
import { placeOf } from '../../login.ts';
import type { Login } from '../../login.ts';
import { quoteIdentifier } from '../identifier.ts';
import { lookAtServer } from './reading.ts';

/** What a backup of the roles needs of a server. */
export function examinations(login: Login): Examination[] {
  const needs = [reachable];
  return [
    { what: reachable, look: async (signal) => [await observedServer(login, signal)] },
    { what: 'tls', needs, look: async () => [observedTls(login)] },
    { what: 'passwords', needs, look: async (signal) => [await observedPasswords(login, signal)] },
  ];
}

async function observedServer(login: Login, signal: AbortSignal): Promise<Observed> {
  const { version } = await lookAtServer(login, signal);
  return { outcome: 'fine', said: `PostgreSQL ${version} at ${placeOf('postgres', login)}` };
}

async function observedPasswords(login: Login, signal: AbortSignal): Promise<Observed> {
  const { recipe } = await lookAtServer(login, signal);
  if (recipe.passwords) return { outcome: 'fine', said: 'the hashes of passwords can be read, and come back' };
  return {
    outcome: 'warning',
    said: `${login.user} may not read the hashes of passwords: a restored role has none`,
    remedy: `GRANT pg_read_all_data TO ${quoteIdentifier(login.user)}; where the server forbids it, keep them elsewhere`,
  };
}
