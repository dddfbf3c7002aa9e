import { plural } from '../../../domain/units.ts';
import type { Clock, Examination, Observed } from '../../../ports.ts';
import type { Tools } from '../../../tools.ts';
import { observedServerClock, observedTls, reachable } from '../../examining.ts';
import { placeOf } from '../../login.ts';
import type { Login } from '../../login.ts';
import { requireReadable } from '../plan/readable.ts';
import { requireFinished } from '../restore/unfinished.ts';
import { explainDenied, requirePrivileges } from '../rights/privileges.ts';
import { withSession } from '../session.ts';
import type { MariadbSession } from '../session.ts';
import { readTables } from '../tables.ts';
import { observedReplica } from './replica.ts';

/** What a backup needs of a server, examined one by one: each with a session of its own. */
export function examinations(login: Login, tools: Tools, clock: Clock): Examination[] {
  const needs = [reachable];
  const asking = (what: string, look: (session: MariadbSession) => Promise<readonly Observed[]>): Examination => ({
    what,
    ...(what !== reachable && { needs }),
    look: (signal) => withSession(login, signal, look).catch((error: unknown) => explainDenied(error, login, signal)),
  });
  return [
    asking(reachable, async ({ server }) => [
      { outcome: 'fine', said: `${server.product} ${server.version} at ${placeOf('mariadb', login)}` },
    ]),
    { what: 'tls', needs, look: async () => [observedTls(login)] },
    asking('client', async ({ server }) => [
      {
        outcome: 'fine',
        said: `mariadb-dump ${tools.program('mariadb-dump').version} for ${server.product} ${server.version}`,
      },
    ]),
    asking('clock', (session) => observedServerClock(() => serverTime(session), clock)),
    asking('replica', observedReplica),
    asking('tables', (session) => observedTables(session, login)),
  ];
}

async function serverTime(session: MariadbSession): Promise<Date> {
  const [row] = await session.rows("SELECT DATE_FORMAT(UTC_TIMESTAMP(3), '%Y-%m-%dT%H:%i:%s.%f') AS now");
  return new Date(`${row?.['now']?.slice(0, 23)}Z`);
}

async function observedTables(session: MariadbSession, login: Login): Promise<Observed[]> {
  const warnings = await requirePrivileges(session, login);
  await requireFinished(session, placeOf('mariadb', login));
  await requireReadable(session, login);
  const tables = await readTables(session);
  const said = `${plural(tables.length, 'table')}, and every one of them can be read`;
  return [{ outcome: 'fine', said }, ...warnings.map((one): Observed => ({ outcome: 'warning', said: one }))];
}
