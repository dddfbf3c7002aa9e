import type { Slice } from '../../../domain/parts/slices.ts';
import type { Login } from '../../login.ts';
import { quoteEcho, quoteLiteral } from '../identifier.ts';
import { sessionSettings } from '../session.ts';
import type { SnapshotUse } from './snapshot.ts';

/** Rows that one COPY reads: of a whole table, or of a range of its pages. `name`: as the server prints it. */
export type RowRange = { name: string; columns: string[]; slice: Slice };

/** The end of every whole data part: pg_dump's own marker, and ours. */
const endMarker = '-- PostgreSQL database dump complete';

/** A psql script that prints rows as pg_dump would, so that they are read, counted and restored in the same way. */
export function copyScript(
  pieces: RowRange[],
  { login, under, encoding }: { login: Login; under: SnapshotUse; encoding: string },
): string {
  const settings = Object.entries({
    ...sessionSettings({ ...login, lockTimeoutMs: under.waitMs }, under.serverMajor),
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
    `${under.join} \\gset`, // which prints nothing
    'begin isolation level repeatable read read only;',
    `set transaction snapshot ${quoteLiteral(under.name)};`,
    ...head.map(print),
    ...pieces.flatMap(copyPiece),
    'rollback;',
    print(endMarker),
    '',
  ].join('\n');
}

function copyPiece({ name, columns, slice }: RowRange): string[] {
  const list = columns.join(', ');
  const from = slice.first > 0 ? [`ctid >= '(${slice.first},0)'::tid`] : [];
  const to = slice.end === undefined ? [] : [`ctid < '(${slice.end},0)'::tid`];
  const where = [...from, ...to].join(' and ');
  const rows = where === '' ? `${name} (${list})` : `(select ${list} from only ${name} where ${where})`;
  return [print(`COPY ${name} (${list}) FROM stdin;`), `copy ${rows} to stdout;`, print('\\.')];
}

function print(line: string): string {
  return `\\echo ${quoteEcho(line)}`;
}
