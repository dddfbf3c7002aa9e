import type { Manifest } from '../../../contract/manifest/manifest.ts';
import { formatBytes } from '../../../domain/units.ts';
import type { Bytes } from '../../../domain/units.ts';
import type { Catalog } from '../../../ports.ts';
import { rightsOf } from '../rights/grants.ts';
import type { Rights } from '../rights/grants.ts';
import { missingToRead } from '../rights/privileges.ts';
import { quoteName } from '../quoting.ts';
import { grant } from '../failures/remedies.ts';
import type { Restorer } from '../failures/remedies.ts';
import type { TextRow, MariadbSession } from '../session.ts';
import { isNamed } from '../exact-names.ts';

/** Something that would make a load fail, and what to do about it. */
export type Obstacle = { what: string; remedy: string | undefined; code?: 'privilege-missing' };

/**
 * What is known of a backup before its first row is loaded. `longest`: its longest statement. `proof`: whether it is to
 * be proven.
 */
export type KnownBackup = { manifest: Manifest; catalog: Catalog; owners: boolean; proof: boolean; longest: Bytes };

/** Room for what surrounds a statement in its packet. */
const packetMargin = 512;

/** What this server would refuse whatever the definitions are: checks its settings and the user's rights. */
export async function findObstacles(
  session: MariadbSession,
  known: KnownBackup,
  restorer: Restorer,
): Promise<Obstacle[]> {
  const [settings = {}] = await session.rows('SELECT @@max_allowed_packet AS packet, @@read_only AS readOnly');
  const [superReadOnly] =
    session.server.product === 'MySQL' ? await session.rows('SELECT @@super_read_only AS readOnly') : [];
  const rights = await rightsOf(session);
  return [
    ...tooLong(known.longest, Number(settings['packet'])),
    ...readOnly(settings, superReadOnly, rights),
    ...missingRights(known.catalog, rights, restorer),
    ...(known.proof ? missingForProof(rights, restorer) : []),
    ...(await addedKeys(session)),
    ...(await keysOfOthers(session, restorer)),
  ];
}

/** Up to ten of them, and how many more there are. */
export function few(names: string[]): string {
  return names.length > 10 ? `${names.slice(0, 10).join(', ')}, and ${names.length - 10} more` : names.join(', ');
}

function tooLong(longest: Bytes, packet: Bytes): Obstacle[] {
  if (longest + packetMargin < packet) return [];
  const needed = 2 ** Math.ceil(Math.log2(longest + packetMargin + 1));
  return [
    {
      what:
        `the longest row of the backup is a statement of ${formatBytes(longest)}, and this server takes ` +
        `${formatBytes(packet)} (max_allowed_packet)`,
      remedy:
        needed > 1024 ** 3
          ? 'no server takes more than 1 GiB at once: restore that table by hand'
          : `SET GLOBAL max_allowed_packet = ${needed};`,
    },
  ];
}

function readOnly({ readOnly: global }: TextRow, superRow: TextRow | undefined, rights: Rights): Obstacle[] {
  const isOn = (value: string | null | undefined) =>
    value !== undefined && value !== null && !['0', 'OFF', 'NO_LOCK'].includes(value);
  if (isOn(superRow?.['readOnly']))
    return [
      {
        what: 'this server may not be written to (super_read_only)',
        remedy: 'restore into its primary, or: SET GLOBAL super_read_only = OFF;',
      },
    ];
  if (!isOn(global) || rights.has('SUPER') || rights.has('READ_ONLY ADMIN') || rights.has('CONNECTION_ADMIN'))
    return [];
  return [
    {
      what: 'this server may not be written to (read_only)',
      remedy: 'restore into its primary, or: SET GLOBAL read_only = OFF;',
    },
  ];
}

/** The rights that making an object of each kind takes. */
const rightsToMake: Record<string, string[]> = {
  table: ['ALTER', 'INDEX', 'REFERENCES'],
  view: ['CREATE VIEW', 'SHOW VIEW'],
  function: ['CREATE ROUTINE', 'ALTER ROUTINE', 'EXECUTE'],
  procedure: ['CREATE ROUTINE', 'ALTER ROUTINE', 'EXECUTE'],
  trigger: ['TRIGGER'],
  event: ['EVENT'],
};

/** The rights on the restorer's database that making these objects takes and the user lacks. */
export function missingRights(catalog: Catalog, rights: Rights, restorer: Restorer): Obstacle[] {
  const needed = new Set([
    'CREATE',
    'DROP',
    'SELECT',
    'INSERT',
    ...Object.entries(rightsToMake).flatMap(([kind, list]) => (catalog[kind] === undefined ? [] : list)),
  ]);
  const missing = [...needed].filter((right) => !rights.has(right, restorer.database));
  if (missing.length === 0) return [];
  return [
    {
      code: 'privilege-missing',
      what: `the user lacks ${missing.join(', ')} on ${quoteName(restorer.database)}`,
      remedy: grant(restorer, missing.join(', '), `${quoteName(restorer.database)}.*`),
    },
  ];
}

/**
 * A proof reads the restored database as a backup would: missing rights are reported while the old database is still
 * there.
 */
export function missingForProof(rights: Rights, restorer: Restorer): Obstacle[] {
  return missingToRead(rights, restorer.server, restorer.database).map(({ right, on }) => ({
    code: 'privilege-missing',
    what: `the user lacks ${right} on ${on}, which the proof takes`,
    remedy: grant(restorer, right, on),
  }));
}

/** MySQL can be configured to add a key to each table without one: no table would be what it was. */
async function addedKeys(session: MariadbSession): Promise<Obstacle[]> {
  if (session.server.product !== 'MySQL' || session.server.number < 80_030) return [];
  const [row] = await session.rows('SELECT @@sql_generate_invisible_primary_key AS added');
  return row?.['added'] === '1'
    ? [
        {
          what: 'this server adds a primary key to tables without one (sql_generate_invisible_primary_key)',
          remedy: 'SET GLOBAL sql_generate_invisible_primary_key = OFF;',
        },
      ]
    : [];
}

/** A foreign key of another database follows the table that it refers to when that is renamed. */
export async function keysOfOthers(session: MariadbSession, { database }: Restorer): Promise<Obstacle[]> {
  const keys = await session.rows(
    `SELECT CONSTRAINT_SCHEMA AS place, TABLE_NAME AS name, CONSTRAINT_NAME AS known FROM information_schema.REFERENTIAL_CONSTRAINTS
      WHERE ${isNamed('UNIQUE_CONSTRAINT_SCHEMA', database)} AND NOT ${isNamed('CONSTRAINT_SCHEMA', database)}`,
  );
  return keys.map(({ place, name, known }) => {
    const [table, key] = [`${quoteName(place ?? '')}.${quoteName(name ?? '')}`, quoteName(known ?? '')];
    return {
      what: `foreign key ${key} of ${table} refers to it, and would refer to what is replaced from then on`,
      remedy: `ALTER TABLE ${table} DROP FOREIGN KEY ${key}; (SHOW CREATE TABLE has what to add again after the restore)`,
    };
  });
}
