import { BackupError } from '../../domain/errors.ts';
import type { Bytes } from '../../domain/units.ts';
import { placeOf } from '../login.ts';
import type { Login } from '../login.ts';
import { isWhole } from './raw-text.ts';
import { readEverything } from './failures/rights.ts';
import { noPlace } from './session.ts';
import type { PostgresSession } from './session.ts';

/** A table whose rows belong in a backup. */
export type PostgresTable = {
  oid: string;
  /** `schema.table`, each part quoted if necessary, as the server prints it. */
  name: string;
  schema: string;
  table: string;
  /** The stored columns in order, quoted if necessary. */
  columns: string[];
  pages: number;
  bytes: Bytes;
  /**
   * False below a partition by hash, at any depth: only pg_dump knows when rows must be loaded through their root, and
   * then prints them under its name.
   */
  byOwnName: boolean;
  /** False for an unlogged table on a standby, which can't read it. */
  isHere: boolean;
};

/** The condition for what users made and other sessions see: over `pg_class c` and its `pg_namespace n`. */
export const ofUsers = `c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`;

/**
 * Every table with rows of its own, except those of extensions: pg_dump knows which of their rows belong in a backup.
 */
export async function readTables(session: PostgresSession): Promise<PostgresTable[]> {
  const rows = await session.rows<Omit<PostgresTable, 'pages' | 'bytes'> & { size: string; heap: string }>(`
    select c.oid::text, format('%I.%I', n.nspname, c.relname) as name, n.nspname as schema, c.relname as table,
      array(select quote_ident(attname) from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = '' order by attnum) as columns,
      coalesce(pg_table_size(c.oid), 0) as size, coalesce(pg_relation_size(c.oid), 0) / current_setting('block_size')::int as heap,
      not exists (select from pg_partition_ancestors(c.oid) a join pg_partitioned_table p on p.partrelid = a.relid where p.partstrat = 'h') as "byOwnName",
      not (c.relpersistence = 'u' and pg_is_in_recovery()) as "isHere"
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and ${ofUsers}
      and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
    order by 2`);
  return rows.map(({ size, heap, ...table }) => ({ ...table, bytes: Number(size), pages: Number(heap) }));
}

/** Throws `source-unsupported` for names that can't be written into a statement in UTF-8. */
export function requireWholeNames(names: string[], { encoding }: PostgresSession, login: Login): void {
  const broken = encoding === 'UTF8' ? [] : names.filter((name) => !isWhole(name));
  if (broken.length === 0) return;
  throw new BackupError(
    'source-unsupported',
    `${placeOf('postgres', login)}: ${broken.slice(0, 5).join(', ')} can’t be named in UTF-8; the database’s ` +
      `encoding is ${encoding}`,
    { hint: noPlace },
  );
}

/** Throws `privilege-missing` with everything that the role may not read. */
export async function requireReadable(session: PostgresSession, login: Login): Promise<void> {
  const denied = await session.rows<{ name: string }>(`
    select format('%I.%I', n.nspname, c.relname) as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'm', 'S') and ${ofUsers}
      and not (has_schema_privilege(n.oid, 'usage')
        and case c.relkind when 'S' then has_sequence_privilege(c.oid, 'select') else has_table_privilege(c.oid, 'select') end)
    order by 1`);
  if (denied.length === 0) return;
  const shown =
    denied
      .slice(0, 10)
      .map(({ name }) => name)
      .join(', ') + (denied.length > 10 ? `, and ${denied.length - 10} more` : '');
  const [role] = await session.rows<{ name: string }>('select current_user as name');
  const reader =
    role!.name === login.user
      ? 'the role'
      : `the role ${role!.name}, which ${login.user} becomes when it logs in (ALTER ROLE … SET role),`;
  throw new BackupError('privilege-missing', `${placeOf('postgres', login)}: ${reader} may not read ${shown}`, {
    hint: readEverything(role!.name),
  });
}
