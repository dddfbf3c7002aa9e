import type { Catalog } from '../../../ports.ts';
import { few } from './obstacles.ts';
import type { Obstacle } from './obstacles.ts';
import type { Rights } from '../rights/grants.ts';
import { partsOf } from './needs.ts';
import type { Needs } from './needs.ts';
import { accountOf, quoteName } from '../quoting.ts';
import { definerRights, grant, remedyFor } from '../failures/remedies.ts';
import type { Restorer } from '../failures/remedies.ts';
import type { MariadbSession } from '../session.ts';
import { isNamed } from '../exact-names.ts';

type What = { catalog: Catalog; owners: boolean; needs: Needs };

/**
 * What a rehearsal would show, as far as it can be queried or read in the definitions: for when there can be no
 * rehearsal.
 */
export async function findObstaclesUnrehearsed(
  session: MariadbSession,
  { catalog, owners, needs }: What,
  rights: Rights,
  restorer: Restorer,
): Promise<Obstacle[]> {
  const settings = await settingsOf(session);
  return [
    ...(owners ? foreignDefiners(catalog, rights, restorer) : []),
    ...untrustedCode(catalog, settings, rights, restorer),
    ...(await missingEngines(session, needs, settings, restorer)),
    ...(await missingCollations(session, needs, restorer)),
    ...keysDemanded(settings, needs, restorer),
    ...(await unreadable(session, needs, rights, restorer)),
  ];
}

/** What would keep the user from making existing objects of somebody else again. */
export async function remakingObstacles(
  session: MariadbSession,
  catalog: Catalog,
  rights: Rights,
  restorer: Restorer,
): Promise<Obstacle[]> {
  const settings = await settingsOf(session);
  return [...foreignDefiners(catalog, rights, restorer), ...untrustedCode(catalog, settings, rights, restorer)];
}

type SettingOf = (name: string) => string | undefined;

/** Variables that not every server has. */
async function settingsOf(session: MariadbSession): Promise<SettingOf> {
  const asked = [
    'log_bin',
    'log_bin_trust_function_creators',
    'disabled_storage_engines',
    'enforce_storage_engine',
    ...Object.keys(demands),
  ];
  const rows = await session.rows(
    `SHOW GLOBAL VARIABLES WHERE Variable_name IN (${asked.map((name) => `'${name}'`).join(', ')})`,
  );
  const found = new Map(rows.map((row) => [row['Variable_name'], row['Value'] ?? undefined]));
  return (name) => found.get(name);
}

function foreignDefiners(catalog: Catalog, rights: Rights, restorer: Restorer): Obstacle[] {
  const needed = definerRights(restorer.server).split(', ')[0]!;
  if (rights.has('SUPER') || rights.has(needed) || rights.has(needed.replaceAll('_', ' '))) return [];
  const others = Object.entries(catalog['definer'] ?? {}).filter(([, definer]) => accountOf(definer) !== restorer.user);
  const shown = others.map(([object, definer]) => `${object} (${accountOf(definer)})`);
  return named('ERROR 1227: the user may not make what belongs to others', shown, remedyFor(1227, restorer));
}

function untrustedCode(catalog: Catalog, settings: SettingOf, rights: Rights, restorer: Restorer): Obstacle[] {
  const isTold = settings('log_bin') === 'ON' && settings('log_bin_trust_function_creators') === 'OFF';
  if (!isTold || rights.has('SUPER') || rights.has('BINLOG ADMIN')) return [];
  const logged = ['trigger', 'function', 'package body'].flatMap((kind) => Object.keys(catalog[kind] ?? {}));
  return named(
    'ERROR 1419: the binary log is on, and without SUPER no trigger or function can be made',
    logged.map(quoteName),
    remedyFor(1419, restorer),
  );
}

/** Settings under which a server makes no table without a primary key, with the error number. */
const demands: Readonly<Record<string, number>> = { sql_require_primary_key: 3750, innodb_force_primary_key: 1173 };

function keysDemanded(settings: SettingOf, { keyless }: Needs, restorer: Restorer): Obstacle[] {
  return Object.entries(demands)
    .filter(([name]) => settings(name) === 'ON')
    .flatMap(([name, error]) =>
      named(
        `ERROR ${error}: this server makes no table without a primary key (${name})`,
        keyless,
        remedyFor(error, restorer),
      ),
    );
}

async function missingEngines(
  session: MariadbSession,
  { engines }: Needs,
  settings: SettingOf,
  restorer: Restorer,
): Promise<Obstacle[]> {
  const rows = await session.rows(
    "SELECT UPPER(ENGINE) AS name FROM information_schema.ENGINES WHERE SUPPORT IN ('YES', 'DEFAULT')",
  );
  const disabled = (settings('disabled_storage_engines') ?? '').toUpperCase().split(/\s*,\s*/);
  const enforced = settings('enforce_storage_engine')?.toUpperCase();
  const there = new Set(rows.map(({ name }) => name ?? '').filter((name) => !disabled.includes(name)));
  const isMade = (engine: string) =>
    there.has(engine) && (enforced === undefined || enforced === '' || enforced === engine);
  return [...engines]
    .filter(([engine]) => !isMade(engine))
    .flatMap(([engine, objects]) =>
      named(`this server makes no tables of the storage engine ${engine}`, objects, remedyFor(1286, restorer)),
    );
}

async function missingCollations(
  session: MariadbSession,
  { collations }: Needs,
  restorer: Restorer,
): Promise<Obstacle[]> {
  const rows = await session.rows('SELECT * FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY');
  const there = new Set(rows.flatMap((row) => [row['COLLATION_NAME'], row['FULL_COLLATION_NAME']]));
  return [...collations]
    .filter(([name]) => !there.has(name))
    .flatMap(([name, objects]) =>
      named(`ERROR 1273: this server has no collation ${name}`, objects, remedyFor(1273, restorer)),
    );
}

/** Tables of other databases that views read: whether they exist, and whether the user may read them. */
async function unreadable(
  session: MariadbSession,
  { read }: Needs,
  rights: Rights,
  restorer: Restorer,
): Promise<Obstacle[]> {
  const found: Obstacle[] = [];
  for (const [name, views] of read) {
    const { database, table } = partsOf(name);
    if (database === restorer.database) continue;
    if (!rights.has('SELECT', database, table))
      found.push(
        ...named(`ERROR 1142: the user may not read ${name}`, views, grant(restorer, 'SELECT, SHOW VIEW', name)),
      );
    else if (
      (
        await session.rows(
          `SELECT 1 FROM information_schema.TABLES WHERE ${isNamed('TABLE_SCHEMA', database)} AND ${isNamed('TABLE_NAME', table)}`,
        )
      ).length === 0
    ) {
      found.push(...named(`ERROR 1146: there is no ${name}`, views, 'restore that database first'));
    }
  }
  return found;
}

function named(what: string, objects: string[], remedy: string | undefined): Obstacle[] {
  return objects.length === 0 ? [] : [{ what: `${what}: ${few(objects)}`, remedy }];
}
