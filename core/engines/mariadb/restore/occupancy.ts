import type { Catalog, Target } from '../../../ports.ts';
import type { Login } from '../../login.ts';
import { holdings, readCatalog } from '../catalog/catalog.ts';
import { quoteName } from '../quoting.ts';
import { withSession } from '../session.ts';
import type { Server } from '../session.ts';
import { isUnknown } from '../failures/number.ts';
import { isClaimed, marks } from './unfinished.ts';
import { isNamed } from '../exact-names.ts';

/**
 * What is at the target of a restore. `unfinished`: what a killed restore of ours left, which counts as empty. `atWork`:
 * another restore is filling it.
 */
export type Occupancy = {
  state: Target['state'];
  holds: string;
  unfinished: boolean;
  atWork: boolean;
  notes: string[];
  server: Server;
  user: string;
};

const looks = 3;

/**
 * Looks at the database of `login`. `catalog`: of the backup that is to be restored there; `ours`: we hold the claim on
 * it.
 */
export async function inspectTarget(
  login: Login,
  catalog: Catalog,
  signal: AbortSignal,
  ours = false,
): Promise<Occupancy> {
  for (let left = looks; ; left -= 1) {
    const found = await lookAt(login, catalog, signal, ours).catch((error: unknown) => {
      // another run has ended between two statements of ours
      if (left <= 1 || !isUnknown(error)) throw error;
    });
    if (found !== undefined) return found;
  }
}

async function lookAt(login: Login, catalog: Catalog, signal: AbortSignal, ours: boolean): Promise<Occupancy> {
  const { server, user, exists, claimed } = await withSession(
    login,
    signal,
    async (session) => {
      const [row] = await session.rows('SELECT CURRENT_USER() AS user');
      const databases = await session.rows(
        `SELECT 1 AS found FROM information_schema.SCHEMATA WHERE ${isNamed('SCHEMA_NAME', login.database)}`,
      );
      return {
        server: session.server,
        user: row?.['user'] ?? '',
        exists: databases.length > 0,
        claimed: !ours && (await isClaimed(session, login.database)),
      };
    },
    null,
  );
  const at = { unfinished: false, atWork: false, notes: [], server, user };
  if (!exists) return { ...at, state: 'absent', holds: '' };
  return withSession(login, signal, async (session): Promise<Occupancy> => {
    // code that can't be read is found again, and reported, if something is to be replaced
    const there = await readCatalog(session, undefined, { unreadable: () => {} });
    const holds = holdings(there);
    if (holds === '') return { ...at, state: 'empty', holds };
    if (there['table']?.[marks.restore] === undefined) return { ...at, state: 'occupied', holds };
    if (claimed) return { ...at, state: 'occupied', atWork: true, holds: `${holds}, of a restore that is at work` };
    const others = strangers(there, catalog);
    if (others.length > 0)
      return {
        ...at,
        state: 'occupied',
        holds: `${holds}, of a restore that was interrupted and of somebody else (${others.slice(0, 5).join(', ')})`,
      };
    const [row] = await session.rows(`SELECT backup FROM ${quoteName(marks.restore)}`);
    const note =
      `database ${login.database} holds a part of a restore that was interrupted ` +
      `(${row?.['backup'] ?? 'of no known backup'}): it is emptied first`;
    return { ...at, state: 'empty', holds: '', unfinished: true, notes: [note] };
  });
}

/** Tables and views that this backup lacks: somebody else's. */
function strangers(there: Catalog, catalog: Catalog): string[] {
  const ours = new Set(['table', 'view', 'sequence'].flatMap((kind) => Object.keys(catalog[kind] ?? {})));
  return ['table', 'view', 'sequence']
    .flatMap((kind) => Object.keys(there[kind] ?? {}))
    .filter((name) => !ours.has(name) && name !== marks.restore);
}
