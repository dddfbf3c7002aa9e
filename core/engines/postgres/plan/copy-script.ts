import type { Slice } from '../../../domain/parts/slices.ts';
import type { Login } from '../../login.ts';
import { quoteEcho, quoteLiteral } from '../identifier.ts';
import { sessionSettings } from '../session.ts';
import type { SnapshotUse } from './snapshot.ts';

/** Rows that one COPY reads: of a whole table, or of a range of its pages. `name`: as the server prints it. */
export type RowRange = { name: string; columns: string[]; slice: Slice };

/** The end of every whole data part: pg_dump's own marker, and ours. */
const endMarker = '-- PostgreSQL database dump complete';

export type CopyContext = { login: Login; under: SnapshotUse; encoding: string };
/** `print`: a line of the dump. `run`: statements without an answer. `ask`: one whose answer nobody needs. */
type CopyStep = { does: 'print' | 'run' | 'ask' | 'copy'; text: string };

/** Prints rows as pg_dump would, so that they are read, counted and restored in the same way. */
export function copySteps(pieces: RowRange[], { login, under, encoding }: CopyContext): CopyStep[] {
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
    run(...settings.map(([name, value]) => `set ${name} to ${quoteLiteral(value)}`)),
    { does: 'ask', text: under.join },
    run('begin isolation level repeatable read read only', `set transaction snapshot ${quoteLiteral(under.name)}`),
    ...head.map(print),
    ...pieces.flatMap(copyPiece),
    run('rollback'),
    print(endMarker),
  ];
}

/** The same as a script for psql. */
export function copyScript(pieces: RowRange[], context: CopyContext): string {
  return copySteps(pieces, context).map(scriptLine).join('');
}

function scriptLine({ does, text }: CopyStep): string {
  if (does === 'print') return `\\echo ${quoteEcho(text)}\n`;
  // which prints nothing
  if (does === 'ask') return `${text} \\gset\n`;
  return `${text};\n`;
}

function copyPiece({ name, columns, slice }: RowRange): CopyStep[] {
  const list = columns.join(', ');
  const from = slice.first > 0 ? [`ctid >= '(${slice.first},0)'::tid`] : [];
  const to = slice.end === undefined ? [] : [`ctid < '(${slice.end},0)'::tid`];
  const where = [...from, ...to].join(' and ');
  const rows = where === '' ? `${name} (${list})` : `(select ${list} from only ${name} where ${where})`;
  return [print(`COPY ${name} (${list}) FROM stdin;`), { does: 'copy', text: `copy ${rows} to stdout` }, print('\\.')];
}

function print(text: string): CopyStep {
  return { does: 'print', text };
}

function run(...statements: string[]): CopyStep {
  return { does: 'run', text: statements.join('; ') };
}
