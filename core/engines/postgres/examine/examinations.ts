import { BackupError } from '../../../domain/errors.ts';
import { firstOf } from '../../../domain/lines.ts';
import { plural } from '../../../domain/units.ts';
import type { Clock, Examination, Observed } from '../../../ports.ts';
import type { Tools } from '../../../tools.ts';
import { observedServerClock, observedTls, reachable } from '../../examining.ts';
import { placeOf } from '../../login.ts';
import type { Login } from '../../login.ts';
import { rightsRemedy } from '../failures/rights.ts';
import { openSession, withSession } from '../session.ts';
import type { PostgresSession } from '../session.ts';
import { ofUsers, readTables, requireReadable } from '../tables.ts';
import { observedStandby } from './standby.ts';

/** What a backup needs of a server, examined one by one: each with a session of its own, in no transaction. */
export function examinations(login: Login, tools: Tools, clock: Clock): Examination[] {
  const needs = [reachable];
  const asking = (what: string, look: (session: PostgresSession) => Promise<readonly Observed[]>): Examination => ({
    what,
    needs,
    look: (signal) => withSession(login, signal, look),
  });
  return [
    { what: reachable, look: async (signal) => [await observedServer(login, signal)] },
    { what: 'tls', needs, look: async () => [observedTls(login)] },
    { what: 'client', needs, look: async (signal) => [await observedClient(login, tools, signal)] },
    asking('clock', (session) => observedServerClock(() => serverTime(session), clock)),
    asking('standby', observedStandby),
    asking('tables', async (session) => [await observedTables(session, login)]),
  ];
}

async function observedServer(login: Login, signal: AbortSignal): Promise<Observed> {
  const { serverVersion, close } = await openSession(login, signal);
  await close();
  return { outcome: 'fine', said: `PostgreSQL ${serverVersion} at ${placeOf('postgres', login)}` };
}

async function observedClient(login: Login, tools: Tools, signal: AbortSignal): Promise<Observed> {
  const { serverMajor, serverVersion, close } = await openSession(login, signal);
  await close();
  const { version } = tools.program('pg_dump', serverMajor);
  return { outcome: 'fine', said: `pg_dump ${version} is not older than the server (${serverVersion})` };
}

async function serverTime(session: PostgresSession): Promise<Date> {
  const [row] = await session.rows<{ now: Date }>('select clock_timestamp() as now');
  return row!.now;
}

async function observedTables(session: PostgresSession, login: Login): Promise<Observed> {
  await requireReadable(session, login);
  await requireAllRows(session, login);
  const tables = await readTables(session);
  return { outcome: 'fine', said: `${plural(tables.length, 'table')}, and every one of them can be read` };
}

/** Throws `privilege-missing` if row security would hide rows from the role. */
async function requireAllRows(session: PostgresSession, login: Login): Promise<void> {
  const hidden = await session.rows<{ name: string }>(`
    select format('%I.%I', n.nspname, c.relname) as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and ${ofUsers} and c.relrowsecurity and row_security_active(c.oid) order by 1`);
  if (hidden.length === 0) return;
  const names = hidden.map(({ name }) => name);
  const words = `row-level security hides rows of ${firstOf(names, 5)}`;
  throw new BackupError('privilege-missing', `${placeOf('postgres', login)}: ${words}`, {
    hint: rightsRemedy(words, login.user),
  });
}
