import type { Manifest } from '../../contract/manifest.ts';
import { formatBytes } from '../../domain/units.ts';
import type { Bytes } from '../../domain/units.ts';
import type { Catalog } from '../../ports.ts';
import { parseGrants } from './grants.ts';
import type { Rights } from './grants.ts';
import { quoteName, unquoteName } from './quoting.ts';
import { definerRights, grant, remedyFor } from './remedies.ts';
import type { Restorer } from './remedies.ts';
import type { Row, Session } from './session.ts';

/** Something that would make a load fail, and what to do about it. */
export type Obstacle = { what: string; remedy: string | undefined };

/** What is known of a backup before its first row is loaded. `longest`: its longest statement. */
export type Known = { manifest: Manifest; catalog: Catalog; owners: boolean; longest: Bytes };

/** Room for what stands around a statement in its packet. */
const packetMargin = 512;

/** What this server would refuse whatever the definitions are: asked of its settings and of the user's rights. */
export async function findObstacles(session: Session, known: Known, restorer: Restorer): Promise<Obstacle[]> {
  const [settings = {}] = await session.rows('SELECT @@max_allowed_packet AS packet, @@read_only AS readOnly');
  const [superReadOnly] = session.server.product === 'MySQL' ? await session.rows('SELECT @@super_read_only AS readOnly') : [];
  const rights = await rightsOf(session);
  return [
    ...tooLong(known.longest, Number(settings['packet'])),
    ...readOnly(settings, superReadOnly, rights),
    ...missingRights(known.catalog, rights, restorer),
    ...await addedKeys(session),
    ...await keysOfOthers(session, restorer),
  ];
}

/** What a rehearsal would show: asked where there can be none. */
export async function findObstaclesUnrehearsed(session: Session, { catalog, owners }: Known, restorer: Restorer): Promise<Obstacle[]> {
  const rights = await rightsOf(session);
  const [settings = {}] = await session.rows('SELECT @@log_bin AS logged, @@log_bin_trust_function_creators AS trusted');
  const logged = ['trigger', 'function', 'package body'].flatMap((kind) => Object.keys(catalog[kind] ?? {}));
  const mayLog = rights.has('SUPER') || rights.has('BINLOG ADMIN');
  return [
    ...(owners ? foreignDefiners(catalog, rights, restorer) : []),
    ...(settings['logged'] === '1' && settings['trusted'] === '0' && logged.length > 0 && !mayLog
      ? [{ what: `ERROR 1419: the binary log is on, and without SUPER no trigger or function can be made: ${few(logged.map(quoteName))}`, remedy: remedyFor(1419, restorer) }]
      : []),
  ];
}

/** Up to ten of them, and how many more there are. */
export function few(names: string[]): string {
  return names.length > 10 ? `${names.slice(0, 10).join(', ')}, and ${names.length - 10} more` : names.join(', ');
}

async function rightsOf(session: Session): Promise<Rights> {
  return parseGrants((await session.rows('SHOW GRANTS')).map((row) => Object.values(row)[0] ?? ''));
}

function tooLong(longest: Bytes, packet: Bytes): Obstacle[] {
  if (longest + packetMargin < packet) return [];
  const needed = 2 ** Math.ceil(Math.log2(longest + packetMargin + 1));
  return [{
    what: `the longest row of the backup is a statement of ${formatBytes(longest)}, and this server takes ${formatBytes(packet)} (max_allowed_packet)`,
    remedy: needed > 1024 ** 3 ? 'no server takes more than 1 GiB at once: restore that table by hand' : `SET GLOBAL max_allowed_packet = ${needed};`,
  }];
}

function readOnly({ readOnly: global }: Row, superRow: Row | undefined, rights: Rights): Obstacle[] {
  const isOn = (value: string | null | undefined) => value !== undefined && value !== null && !['0', 'OFF', 'NO_LOCK'].includes(value);
  if (isOn(superRow?.['readOnly'])) return [{ what: 'this server may not be written to (super_read_only)', remedy: 'restore into its primary, or: SET GLOBAL super_read_only = OFF;' }];
  if (!isOn(global) || rights.has('SUPER') || rights.has('READ_ONLY ADMIN') || rights.has('CONNECTION_ADMIN')) return [];
  return [{ what: 'this server may not be written to (read_only)', remedy: 'restore into its primary, or: SET GLOBAL read_only = OFF;' }];
}

/** Kinds of the catalog, and the rights that making one of them takes. */
const rightsToMake: Record<string, string[]> = {
  table: ['ALTER', 'INDEX', 'REFERENCES'],
  view: ['CREATE VIEW', 'SHOW VIEW'],
  function: ['CREATE ROUTINE', 'ALTER ROUTINE', 'EXECUTE'],
  procedure: ['CREATE ROUTINE', 'ALTER ROUTINE', 'EXECUTE'],
  trigger: ['TRIGGER'],
  event: ['EVENT'],
};

function missingRights(catalog: Catalog, rights: Rights, restorer: Restorer): Obstacle[] {
  const needed = new Set(['CREATE', 'DROP', 'SELECT', 'INSERT', ...Object.entries(rightsToMake).flatMap(([kind, list]) => (catalog[kind] === undefined ? [] : list))]);
  const missing = [...needed].filter((right) => !rights.has(right, restorer.database));
  if (missing.length === 0) return [];
  return [{ what: `the user lacks ${missing.join(', ')} on ${quoteName(restorer.database)}`, remedy: grant(restorer, missing.join(', '), `${quoteName(restorer.database)}.*`) }];
}

/** MySQL adds a key to each table without one, where it is told to: no table would be what it was. */
async function addedKeys(session: Session): Promise<Obstacle[]> {
  if (session.server.product !== 'MySQL' || session.server.number < 80_030) return [];
  const [row] = await session.rows('SELECT @@sql_generate_invisible_primary_key AS added');
  return row?.['added'] === '1' ? [{ what: 'this server adds a primary key to tables without one (sql_generate_invisible_primary_key)', remedy: 'SET GLOBAL sql_generate_invisible_primary_key = OFF;' }] : [];
}

/** At a foreign key of another database the drop of this one stops, and MariaDB has dropped other tables by then. */
async function keysOfOthers(session: Session, { database }: Restorer): Promise<Obstacle[]> {
  const keys = await session.rows(
    `SELECT CONSTRAINT_SCHEMA AS place, TABLE_NAME AS name, CONSTRAINT_NAME AS known FROM information_schema.REFERENTIAL_CONSTRAINTS
      WHERE UNIQUE_CONSTRAINT_SCHEMA = ? AND CONSTRAINT_SCHEMA <> ?`, [database, database]);
  return keys.map(({ place, name, known }) => {
    const [table, key] = [`${quoteName(place ?? '')}.${quoteName(name ?? '')}`, quoteName(known ?? '')];
    return { what: `foreign key ${key} of ${table} refers to it, and it can't be dropped`, remedy: `ALTER TABLE ${table} DROP FOREIGN KEY ${key}; (SHOW CREATE TABLE has what to add again after the restore)` };
  });
}

function foreignDefiners(catalog: Catalog, rights: Rights, restorer: Restorer): Obstacle[] {
  const needed = definerRights(restorer.server).split(', ')[0]!;
  if (rights.has('SUPER') || rights.has(needed) || rights.has(needed.replaceAll('_', ' '))) return [];
  const others = Object.entries(catalog['definer'] ?? {}).filter(([, definer]) => accountOf(definer) !== restorer.user);
  if (others.length === 0) return [];
  return [{ what: `ERROR 1227: the user may not make what belongs to others: ${few(others.map(([object, definer]) => `${object} (${accountOf(definer)})`))}`, remedy: remedyFor(1227, restorer) }];
}

/** `` `app`@`%` `` as CURRENT_USER() says it. */
function accountOf(definer: string): string {
  return (definer.match(/`(?:[^`]|``)*`|"(?:[^"]|"")*"/g) ?? []).map(unquoteName).join('@');
}
