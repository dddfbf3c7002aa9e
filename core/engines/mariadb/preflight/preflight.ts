import { BackupError } from '../../../domain/errors.ts';
import type { Login } from '../../login.ts';
import { rightsOf } from '../rights/grants.ts';
import type { Needs } from './needs.ts';
import { few, findObstacles } from './obstacles.ts';
import type { KnownBackup, Obstacle } from './obstacles.ts';
import type { Rehearsal } from './rehearsal.ts';
import { remedyFor } from '../failures/remedies.ts';
import type { Restorer } from '../failures/remedies.ts';
import { otherServer } from '../restore/loader.ts';
import { withSession } from '../session.ts';
import { findObstaclesUnrehearsed } from './unrehearsed.ts';

/** `needs`: of the definitions, if they were not tried. */
type PreflightOptions = {
  login: Login;
  known: KnownBackup;
  restorer: Restorer;
  rehearsed: Rehearsal;
  needs(): Promise<Needs>;
};

/**
 * Throws everything at once, with SQL that fixes it, that would make the load fail after the old database was dropped.
 */
export async function requireLoadable(
  { login, known, restorer, rehearsed, needs }: PreflightOptions,
  signal: AbortSignal,
): Promise<void> {
  const obstacles = await withSession(
    login,
    signal,
    async (session) => [
      ...(await findObstacles(session, known, restorer)),
      ...('notHeld' in rehearsed
        ? await findObstaclesUnrehearsed(session, { ...known, needs: await needs() }, await rightsOf(session), restorer)
        : rehearsalObstacles(rehearsed, known, restorer)),
    ],
    null,
  );
  if (obstacles.length === 0) return;
  const remedies = [...new Set(obstacles.flatMap(({ remedy }) => remedy ?? []))];
  throw new BackupError(
    'restore-failed',
    `${login.database} is as it was, for this server would not take the backup: ` +
      `${obstacles.map(({ what }) => what).join('; ')}`,
    {
      hint: remedies.length === 0 ? 'restore into a new database (--to) to see more of it' : remedies.join(' '),
    },
  );
}

/** One obstacle for each distinct error of the server, with the objects that had it. */
export function rehearsalObstacles(
  { refused, different }: Exclude<Rehearsal, { notHeld: string }>,
  { manifest }: KnownBackup,
  restorer: Restorer,
): Obstacle[] {
  const said = Map.groupBy(refused, ({ error }) => error);
  return [
    ...[...said].map(([error, objects]) => ({
      what: `${error}: ${few(objects.map(({ object }) => object))}`,
      remedy:
        objects[0]!.remedy ?? remedyFor(objects[0]!.number, restorer, error) ?? otherServer(manifest.server, restorer),
    })),
    ...(different.length === 0
      ? []
      : [
          {
            what: `it makes something else than was backed up of ${few(different)}`,
            remedy:
              'compare SHOW CREATE of a restored copy (restore with --to): a storage engine or a setting of the ' +
              'source is missing here',
          },
        ]),
  ];
}
