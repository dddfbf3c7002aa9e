import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Manifest } from '../../../../contract/manifest/manifest.ts';
import { guarded } from '../../../../pipeline/guard.ts';
import { programOutput, programText } from '../../../../pipeline/program.ts';
import type { ProgramRun } from '../../../../pipeline/program.ts';
import { withoutEnd } from '../../../../pipeline/text-end.ts';
import type { BackupAsSql, ByteStream } from '../../../../ports.ts';
import type { Tools } from '../../../../tools.ts';
import { headOf } from '../../../sql-head.ts';
import { tooNew, withoutLines } from '../archive.ts';
import type { ArchiveSection } from '../archive.ts';
import { tellTimescale } from '../timescale.ts';
import { dataGrammar, ownerlessGrammar } from './data-grammar.ts';
import { newRestrictKey, restrictLines } from './restricted.ts';

/** pg_restore reads a file and prints; the reader of our output may take its time. */
const idleLimitMs = 600_000;
/** The end of a section that pg_restore prints, and of a part of rows. */
const sectionEnd = /\n(?:--\n)?-- PostgreSQL database dump complete\n[-\n]*$/;

/** How rows have to be read, whatever the database's own settings: as they were printed. */
const reading = ["lc_monetary = 'C'", 'array_nulls = on', 'standard_conforming_strings = on'];

/**
 * The text is one transaction, whose COMMIT is the last statement: psql loads all of it or, if it ends early, nothing.
 * No client command has any effect in it. What belongs to the database itself (encoding, settings, owner) is left out,
 * as in a pg_dump without -C.
 */
export async function* plainSql(backup: BackupAsSql, tools: Tools, signal: AbortSignal): ByteStream {
  const { manifest, open, owners } = backup;
  const key = newRestrictKey();
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-'));
  const file = join(folder, 'schema.pgdump');
  const section = (which: ArchiveSection) =>
    withoutEnd(printed(which, file, { ...backup, key, tools }, signal), sectionEnd, which);
  try {
    const schema = manifest.parts.filter(({ role }) => role === 'schema');
    for (const part of schema) await pipeline(open(part, signal), createWriteStream(file, { mode: 0o600 }));
    yield Buffer.from(
      `${headOf(manifest, ['load it into a new database: psql --no-psqlrc --dbname=NEW < this'])}${before(key)}`,
    );
    yield* section('pre-data');
    const list = await programText(reader(manifest, tools, ['--list', file]), signal);
    const timescale = /^\d+; \d+ \d+ EXTENSION - timescaledb /m.test(list);
    if (timescale) yield Buffer.from(`${tellTimescale('pre')};\n`);
    for (const part of manifest.parts.filter(({ role }) => role === 'data')) {
      const rows = guarded(open(part, signal), owners ? dataGrammar : ownerlessGrammar, part.file);
      yield* withoutEnd(rows, sectionEnd, part.file);
    }
    yield* section('post-data');
    if (timescale) yield Buffer.from(`${tellTimescale('post')};\n`);
    yield Buffer.from(`COMMIT;\n\\unrestrict ${key}\n--\n-- PostgreSQL database dump complete\n--\n`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function before(key: string): string {
  const settings = reading.map((setting) => `SET ${setting};\n`).join('');
  return `\\set ON_ERROR_STOP on\n\\restrict ${key}\nBEGIN READ WRITE;\n${settings}\n`;
}

/** A section of the archive in `file`, as the pg_restore of its own version prints it. */
function printed(
  section: ArchiveSection,
  file: string,
  { manifest, owners, tablespaces, key, tools }: BackupAsSql & { key: string; tools: Tools },
  signal: AbortSignal,
): ByteStream {
  const args = [
    `--section=${section}`,
    ...(owners ? [] : ['--no-owner', '--no-privileges']),
    ...(tablespaces ? [] : ['--no-tablespaces']),
    `--restrict-key=${key}`,
    '--file=-',
    file,
  ];
  const script = programOutput(reader(manifest, tools, args), signal);
  const isOlder = Number.parseInt(manifest.server.version, 10) < 17;
  return withoutLines(script, [...restrictLines(key), ...(isOlder ? [tooNew] : [])]);
}

function reader(manifest: Manifest, tools: Tools, args: string[]): ProgramRun {
  const program = tools.program('pg_restore', Number.parseInt(manifest.client.version, 10));
  return { program, args, env: { HOME: '/nonexistent' }, idleLimitMs };
}
