import type { Slice } from '../../../domain/slices.ts';
import type { Bytes } from '../../../domain/units.ts';
import type { Login } from '../../login.ts';
import { quoteEcho, quoteLiteral } from '../identifier.ts';
import { sessionSettings } from '../session.ts';
import type { Snapshot } from './snapshot.ts';
import type { PostgresTable } from '../tables.ts';

/** Rows that one COPY reads: of a whole table, or of a range of its pages. */
export type RowRange = { table: PostgresTable; columns: string[]; slice: Slice; bytes: Bytes };

/** What stands at the end of every whole data part: pg_dump's own marker, and ours. */
const endMarker = '-- PostgreSQL database dump complete';

/**
 * A script for psql that prints rows as pg_dump would print them, so that they are read, counted and restored in the
 * same way.
 */
export function copyScript(
  pieces: RowRange[],
  { login, snapshot, encoding }: { login: Login; snapshot: Snapshot; encoding: string },
): string {
  const { overtaking, serverMajor } = snapshot;
  const settings = Object.entries({
    ...sessionSettings({ ...login, lockTimeoutMs: overtaking.waitMs }, serverMajor),
    client_encoding: encoding,
  });
  const head = [
    `SET client_encoding = ${quoteLiteral(encoding)};`,
    'SET standard_conforming_strings = on;',
    `SELECT pg_catalog.set_config('search_path', '', false);`,
    'SET xmloption = content;',
    'SET statement_timeout = 0;',
    'SET row_security = off;',
  ];
  return [
    ...settings.map(([name, value]) => `set ${name} to ${quoteLiteral(value)};`),
    `${overtaking.join} \\gset`, // which prints nothing
    'begin isolation level repeatable read read only;',
    `set transaction snapshot ${quoteLiteral(snapshot.name)};`,
    ...head.map(print),
    ...pieces.flatMap(copyPiece),
    'rollback;',
    print(endMarker),
    '',
  ].join('\n');
}

function copyPiece({ table, columns, slice }: RowRange): string[] {
  const list = columns.join(', ');
  const from = slice.first > 0 ? [`ctid >= '(${slice.first},0)'::tid`] : [];
  const to = slice.end === undefined ? [] : [`ctid < '(${slice.end},0)'::tid`];
  const where = [...from, ...to].join(' and ');
  const rows = where === '' ? `${table.name} (${list})` : `(select ${list} from only ${table.name} where ${where})`;
  return [print(`COPY ${table.name} (${list}) FROM stdin;`), `copy ${rows} to stdout;`, print('\\.')];
}

function print(line: string): string {
  return `\\echo ${quoteEcho(line)}`;
}
