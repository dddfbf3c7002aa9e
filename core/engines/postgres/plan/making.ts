import { BackupError, messageOf } from '../../../domain/errors.ts';
import { programOutput } from '../../../pipeline/program.ts';
import { postgresReader } from '../../../pipeline/rows/postgres.ts';
import type { DumpReader } from '../../../pipeline/rows/reader.ts';
import type { ByteStream, OpenedPart } from '../../../ports.ts';
import type { Tools } from '../../../tools.ts';
import type { Login } from '../../login.ts';
import { nameKey, quoteIdentifier } from '../identifier.ts';
import { namePattern } from '../name-pattern.ts';
import { postgresRead } from '../programs.ts';
import type { PostgresTable } from '../tables.ts';
import { copiedOut } from './copied-out.ts';
import { copyScript } from './copy-script.ts';
import type { RowRange } from './copy-script.ts';
import { readIdentities } from './identity.ts';
import type { Scope } from './identity.ts';
import { requireSame } from './same.ts';
import { withinSnapshot } from './snapshot.ts';
import type { SnapshotUse } from './snapshot.ts';
import { restorable } from './head.ts';
import { withoutTransactions } from './without-transactions.ts';

export type TableName = Pick<PostgresTable, 'name' | 'schema' | 'table'>;

/**
 * What is needed to make a part, under a snapshot that another process may hold. `bySession`: a session of ours reads
 * its rows, for a reader that keeps nothing of them.
 */
export type PostgresRecipe = { under: SnapshotUse; encoding: string } & (
  | { print: 'definitions' }
  | { print: 'rest'; without: TableName[] }
  | { print: 'rows'; pieces: RowRange[]; bySession?: true }
);

type PostgresMaking = { login: Login; tools: Tools; recipe: PostgresRecipe };

/** Prints the part of this name by its recipe. */
export function openPart(
  file: string,
  context: PostgresMaking,
  signal: AbortSignal,
): Pick<OpenedPart, 'content' | 'reader'> {
  const { recipe } = context;
  if (recipe.print === 'rows')
    return {
      content: recipe.bySession
        ? copiedOut(recipe.pieces, { ...context, ...recipe }, signal)
        : copied(recipe.pieces, context, signal),
      reader: holding(postgresReader(), recipe.pieces, file),
    };
  if (recipe.print === 'rest')
    return {
      content: sameBehind('numbers', rest(recipe.without, context, signal), context, signal),
      reader: sparing(postgresReader(), recipe.without),
    };
  const args = ['--format=custom', '--section=pre-data', '--section=post-data'];
  return { content: sameBehind('definitions', dumped(context, args, signal), context, signal) };
}

/**
 * Checks after the content that what the part is printed from, beside rows, still is what it was at the snapshot's
 * moment.
 */
async function* sameBehind(
  scope: Scope,
  content: ByteStream,
  { login, recipe }: PostgresMaking,
  signal: AbortSignal,
): ByteStream {
  yield* content;
  await withinSnapshot(login, recipe.under, signal, async (session) => {
    const before = await readIdentities(session, scope);
    await session.rows('commit'); // from here on it sees the present
    requireSame(before, await readIdentities(session, scope), login);
  });
}

function rest(without: TableName[], context: PostgresMaking, signal: AbortSignal): ByteStream {
  const args = ['--format=plain', '--section=data', ...excludeData(without)];
  return withoutTransactions(restorable(dumped(context, args, signal)));
}

function copied(pieces: RowRange[], { login, tools, recipe }: PostgresMaking, signal: AbortSignal): ByteStream {
  const { under, encoding } = recipe;
  const args = ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', '--file=-'];
  const run = postgresRead(tools, 'psql', under.serverMajor, login, args);
  return programOutput({ ...run, script: copyScript(pieces, { login, under, encoding }) }, signal);
}

/**
 * The output of pg_dump. It joins the backup's other sessions through its encoding option, because libpq sends that
 * value to the server in quotes, unchanged, before anything else; there is no other way to make it hold a lock. If a
 * libpq checks the value, pg_dump does not join; then nobody may be waiting for one of our locks while it begins.
 */
async function* dumped(context: PostgresMaking, args: string[], signal: AbortSignal): ByteStream {
  const { encoding, under } = context.recipe;
  try {
    yield* programOutput(
      dumpRun(context, [`--encoding=${encoding}';${under.join};set client_encoding to'${encoding}`, ...args]),
      signal,
    );
  } catch (error) {
    if (!messageOf(error).includes('invalid client encoding')) throw error;
    yield* programOutput(dumpRun(context, [`--encoding=${encoding}`, ...args]), signal);
  }
}

function dumpRun({ login, tools, recipe }: PostgresMaking, args: string[]) {
  return postgresRead(tools, 'pg_dump', recipe.under.serverMajor, login, [
    `--snapshot=${recipe.under.name}`,
    `--lock-wait-timeout=${recipe.under.waitMs}`,
    ...args,
  ]);
}

/**
 * pg_dump queries the server once for each pattern, so plain names are combined: `shop.(customer(s|_notes)|orders)`.
 * Other names are quoted, so that nothing in them is special.
 */
function excludeData(tables: readonly TableName[]): string[] {
  const isPlain = ({ schema, table }: TableName) => /^[a-z_][a-z0-9_]*$/.test(schema) && /^[a-z0-9_]+$/.test(table);
  const bySchema = Map.groupBy(tables.filter(isPlain), ({ schema }) => schema);
  const together = [...bySchema].flatMap(([schema, those]) =>
    Array.from(
      { length: Math.ceil(those.length / 1000) },
      (_, chunk) =>
        `${schema}.${namePattern(those.slice(chunk * 1000, chunk * 1000 + 1000).map(({ table }) => table))}`,
    ),
  );
  const alone = tables
    .filter((table) => !isPlain(table))
    .map(({ schema, table }) => `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`);
  return [...together, ...alone].map((pattern) => `--exclude-table-data=${pattern}`);
}

/** A reader whose dump must hold exactly the tables of these pieces. */
function holding(reader: DumpReader, pieces: RowRange[], file: string): DumpReader {
  return checkedAtEnd(reader, (seen) => {
    const expected = new Set(pieces.map(({ name }) => nameKey(name)));
    const missing = [...expected].filter((key) => !seen.has(key)).map(nameOf);
    const added = [...seen].filter((key) => !expected.has(key)).map(nameOf);
    if (missing.length + added.length === 0) return;
    throw new BackupError(
      'dump-cut',
      `${file} lacks the tables [${missing.join(', ')}] and holds [${added.join(', ')}] that it should not, ` +
        'though psql said that it succeeded',
    );
  });
}

/** A reader whose dump must hold none of these tables: their rows are in other parts and would be restored twice. */
function sparing(reader: DumpReader, excluded: readonly TableName[]): DumpReader {
  return checkedAtEnd(reader, (seen) => {
    const twice = excluded.filter(({ name }) => seen.has(nameKey(name)));
    if (twice.length > 0)
      throw new BackupError(
        'dump-failed',
        `pg_dump printed ${twice.map(({ name }) => name).join(', ')}, though it was told to leave that out`,
      );
  });
}

function checkedAtEnd(reader: DumpReader, check: (seen: Set<string>) => void): DumpReader {
  return {
    ...reader,
    end() {
      const tally = reader.end();
      if (tally.ended) check(new Set(tally.tables.map(({ table }) => nameKey(table))));
      return tally;
    },
  };
}

function nameOf(key: string): string {
  return (JSON.parse(key) as string[]).join('.');
}
