import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createGunzip } from 'node:zlib';
import { timeZone as timeZoneOf } from '../../../core/contract/config/fields.ts';
import { convert } from '../../../core/domain/django/convert.ts';
import type { Conversion, ConvertedRows } from '../../../core/domain/django/convert.ts';
import type { RowDialect } from '../../../core/domain/django/dialect.ts';
import { fixtureRows } from '../../../core/domain/django/fixture.ts';
import { namesFrom, namesOf } from '../../../core/domain/django/names.ts';
import type { Names } from '../../../core/domain/django/names.ts';
import { naturalByDjango } from '../../../core/domain/django/natural.ts';
import { abortError, BackupError, messageOf } from '../../../core/domain/errors.ts';
import { plural } from '../../../core/domain/units.ts';
import type { ByteStream } from '../../../core/ports.ts';
import type { CommandOutcome, Output } from '../text/output.ts';
import { aligned } from '../text/text.ts';
import type { CommandSession } from '../session.ts';
import type { WorkFolder } from './layer.ts';

/** `source`: whose database has the tables; otherwise `to` and `names` describe them. */
export type ConvertFlags = {
  source?: string;
  to?: string;
  names?: string;
  empty?: true;
  natural?: string[];
  timeZone?: string;
};
/** `nightjar convert --source`: takes names and types from a source's database. */
export async function convertFor(
  fixture: string,
  { source: name = '', ...flags }: ConvertFlags,
  { nightjar, out, cwd }: CommandSession,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const { engine, database } = await nightjar.source(name, {}, signal);
  const [dialect, layout] = await Promise.all([dialectFor(engine.name), engine.tables?.(signal) ?? []]);
  const where = `database ${database} of ${name}`;
  if (layout.length === 0) throw noTables(where);
  return convertFile(
    resolve(cwd, fixture),
    { names: namesOf(layout, where), dialect, ...optionsOf(flags) },
    out,
    signal,
  );
}

/** `nightjar convert --names`: takes names and types from a file that the project has written; reaches no server. */
export async function convertByNames(
  fixture: string,
  { to = '', names: file = '', ...flags }: ConvertFlags,
  { folder, cwd, out }: WorkFolder,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const [dialect, names] = await Promise.all([dialectFor(to), readNames(resolve(folder, file), file)]);
  return convertFile(resolve(cwd, fixture), { names, dialect, ...optionsOf(flags) }, out, signal);
}

async function dialectFor(engine: string): Promise<RowDialect> {
  const { dialectOf } = await import('../../../core/engines/index.ts');
  return dialectOf(engine);
}

async function readNames(path: string, file: string): Promise<Names> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new BackupError('input-invalid', `${path} can't be read: ${messageOf(cause)}`, { cause });
  });
  return namesFrom(text, file);
}

function optionsOf({ empty, natural = [], timeZone }: ConvertFlags): Omit<Conversion, 'names' | 'dialect'> {
  const zone = timeZoneOf.optional().safeParse(timeZone);
  if (!zone.success) throw new BackupError('input-invalid', `--time-zone: ${zone.error.issues[0]!.message}`);
  return {
    empty: empty === true,
    natural: new Map([...naturalByDjango, ...natural.map(naturalKey)]),
    timeZone: zone.data,
  };
}

function naturalKey(text: string): [string, string[]] {
  const [, model, fields] = /^([^.=]+\.[^.=]+)=(.+)$/.exec(text) ?? [];
  if (model !== undefined && fields !== undefined) return [model.toLowerCase(), fields.split(',')];
  throw new BackupError('input-invalid', `"${text}" is no natural key`, {
    hint: '--natural accounts.user=email, or several fields: --natural shop.item=slug,shop.name',
  });
}

/** Writes the SQL to stdout, and everything else to stderr. */
async function convertFile(
  fixture: string,
  conversion: Conversion,
  out: Output,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  let rows: ConvertedRows = new Map();
  async function* text(): ByteStream {
    const statements = convert(fixtureRows(bytesOf(fixture, signal)), conversion);
    try {
      for (;;) {
        const next = await statements.next();
        if (next.done === true) return void (rows = next.value);
        yield Buffer.from(`${next.value}\n`);
      }
    } catch (error) {
      // invalid SQL, so that a program that loads the stream ends with an error, too
      yield Buffer.from(`NOT WHOLE -- ${messageOf(error).replaceAll(/[^\x20-\x7e]/g, '?')}\n;\n`);
      throw error;
    }
  }
  await out.data(text());
  for (const line of aligned(
    [...rows].map(([name, count]) => [name, plural(count, 'row')]),
    [1],
  ))
    out.note(line);
  const total = [...rows.values()].reduce((sum, count) => sum + count, 0);
  out.note(`${plural(total, 'row')} for ${plural(rows.size, 'table')}, as one transaction: all or nothing`);
  return { document: {}, failures: [] };
}

/** A fixture as Django writes it, compressed or not. */
async function* bytesOf(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const file = createReadStream(path, { signal });
  const bytes = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  file.on('error', (error) => bytes.destroy(error));
  try {
    for await (const chunk of bytes as AsyncIterable<Uint8Array>) yield chunk;
  } catch (cause) {
    throw signal.aborted ? abortError(signal) : unread(path, cause);
  } finally {
    file.destroy();
  }
}

function unread(path: string, cause: unknown): unknown {
  if (cause instanceof BackupError) return cause;
  return new BackupError('input-invalid', `${path} can't be read: ${messageOf(cause)}`, { cause });
}

function noTables(where: string): BackupError {
  return new BackupError('input-invalid', `${where} has no tables to write rows for`, {
    hint: 'make them first: manage.py migrate, with that database in the project’s settings',
  });
}
