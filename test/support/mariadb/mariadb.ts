import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import type { Manifest, TableRows } from '../../../core/contract/manifest/manifest.ts';
import type { Login } from '../../../core/engines/login.ts';
import { loadRun } from '../../../core/engines/mariadb/programs.ts';
import { whileHeld } from '../../../core/pipeline/held.ts';
import { programInput } from '../../../core/pipeline/program.ts';
import type { DumpTally } from '../../../core/pipeline/rows/reader.ts';
import { mergeTallies } from '../../../core/pipeline/rows/tables.ts';
import type { Engine, PartNotes, Plan, PlannedPart, Target } from '../../../core/ports.ts';
import type { Tools } from '../../../core/tools.ts';
import { makePart } from '../parts.ts';
import type { DatabaseServer } from '../../servers/server.ts';

/** What was read by a plan: the text of every part, and what was counted in it. */
export type Copy = {
  plan: Plan;
  texts: Map<string, Buffer>;
  tables: TableRows[];
  sequences: Record<string, string>;
  exceptions: string[];
};

export const limit = () => AbortSignal.timeout(180_000);

export function loginTo(server: DatabaseServer, database: string, more: Partial<Login> = {}): Login {
  const tls: Login['tls'] = server.caFile === undefined ? { mode: 'off' } : { mode: 'verify', ca: server.caFile };
  return {
    host: server.host,
    port: server.port,
    user: server.user,
    password: server.password,
    database,
    tls,
    lockTimeoutMs: 1000,
    idleLimitMs: 30_000,
    parallel: 2,
    ...more,
  };
}

/** An administrator's connection, beside the engine. */
export async function connect(server: DatabaseServer): Promise<mysql.Connection> {
  const { host, port, user, password } = server;
  const ssl = server.caFile === undefined ? {} : { ssl: { ca: await readFile(server.caFile, 'utf8') } };
  return mysql.createConnection({
    host,
    port,
    user,
    password,
    ...ssl,
    multipleStatements: true,
    dateStrings: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
  });
}

/** Makes a database and loads fixtures into it, as the client does. */
export async function loadFixtures(
  tools: Tools,
  server: DatabaseServer,
  database: string,
  files: string[],
): Promise<void> {
  const connection = await connect(server);
  await connection.query(`CREATE DATABASE \`${database}\` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci`);
  await connection.end();
  for (const file of files) {
    const text = await readFile(join(import.meta.dirname, '../../fixtures/mariadb', file));
    await programInput(loadRun(tools, loginTo(server, database), 'SET autocommit = 1'), pieces(text), limit());
  }
}

/** Reads all parts of a plan, as a backup does; `between` is told of each chunk. */
export async function readAll(
  engine: Engine,
  between: (part: PlannedPart) => Promise<void> = async () => {},
): Promise<Copy> {
  const plan = await engine.plan({}, limit());
  const texts = new Map<string, Buffer>();
  const [tallies, notes] = [[] as DumpTally[], [] as PartNotes[]];
  for (const part of plan.parts) {
    const { text, tally, notes: noted } = await whileHeld(plan, () => makePart(engine, part, between), limit());
    texts.set(part.file, text);
    if (tally?.ended === false) throw new Error(`${part.file} has no end`);
    if (tally !== undefined) tallies.push(tally);
    notes.push(noted);
  }
  const { tables, sequences } = mergeTallies(tallies);
  const { tables: complete, exceptions } = await plan.confirm(
    tables.map(({ bytes: _, ...table }) => table),
    notes,
    limit(),
  );
  await plan.close();
  return { plan, texts, sequences, exceptions, tables: complete.toSorted((a, b) => (a.table < b.table ? -1 : 1)) };
}

export function manifestOf({ plan }: Copy): Manifest {
  return {
    source: 'shop',
    id: '20260101T000000Z-000000',
    database: plan.database,
    server: plan.server,
    parts: plan.parts.map(({ role, file }) => ({ role, file })),
  } as Manifest;
}

/** Loads what was read into the database of `engine`, as a restore does. */
export async function loadAll(engine: Engine, copy: Copy, { replace = false, owners = true } = {}): Promise<Target> {
  const target = await engine.target({ manifest: manifestOf(copy), catalog: copy.plan.catalog, owners }, limit());
  await target.prepare(replace, limit());
  for (const { part, load } of target.stages.flat()) await load(pieces(copy.texts.get(part.file)!), limit());
  return target;
}

/** A text in chunks, as a stream. */
export async function* pieces(text: Buffer, size = 64 * 1024): AsyncIterable<Uint8Array> {
  for (let at = 0; at < text.length; at += size) yield text.subarray(at, at + size);
}
