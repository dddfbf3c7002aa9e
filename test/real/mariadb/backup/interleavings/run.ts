import { join } from 'node:path';
import type mysql from 'mysql2/promise';
import { BackupError, isBackupError } from '../../../../../core/domain/errors.ts';
import { changedObjects, readCatalog } from '../../../../../core/engines/mariadb/catalog/catalog.ts';
import { mariadbEngine } from '../../../../../core/engines/mariadb/index.ts';
import { loadRun } from '../../../../../core/engines/mariadb/programs.ts';
import { withSession } from '../../../../../core/engines/mariadb/session.ts';
import { whileHeld } from '../../../../../core/pipeline/held.ts';
import { programInput } from '../../../../../core/pipeline/program.ts';
import type { DumpTally } from '../../../../../core/pipeline/rows/reader.ts';
import { mergeTallies } from '../../../../../core/pipeline/rows/tables.ts';
import type { PartNotes, Plan } from '../../../../../core/ports.ts';
import type { Tools } from '../../../../../core/tools.ts';
import type { DatabaseServer } from '../../../../servers/server.ts';
import { limit, loginTo, pieces } from '../../../../support/mariadb/mariadb.ts';
import { makePart } from '../../../../support/parts.ts';
import { pick, randomFrom, someDeed } from './deeds.ts';
import type { Deed, Random } from './deeds.ts';
import { differing, makeWorld, sameState, stateOf } from './world.ts';
import type { Product } from './world.ts';

/** A server that all cases share: `admin` does the deeds, `gate` holds the dump at a table. */
export type Place = {
  server: DatabaseServer;
  tools: Tools;
  product: Product;
  admin: mysql.Connection;
  second: mysql.Connection;
  gate: mysql.Connection;
};

/** What became of a case: `equal` to one moment, `refused` with a code, or `torn`, with what shows it. */
export type Outcome = { seed: number; end: 'equal' | 'refused' | 'torn'; what: string; deeds: string[] };

type Writer = { states: Map<string, string>[]; done: string[]; doAll(at: string): Promise<void> };

const batch = 25;
const steps = ['planned', 'schema', 'gate', 'data', 'after'] as const;
const refusals = ['source-changed', 'lock-timeout'];

/**
 * The cases from `first` on, a batch of worlds at a time: each is a second old when it is backed up, which spares the
 * backup a wait.
 */
export async function runCases(first: number, count: number, place: Place): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let from = first; from < first + count; from += batch) {
    const seeds = Array.from({ length: Math.min(batch, first + count - from) }, (_, index) => from + index);
    for (const seed of seeds) await makeWorld(place.admin, `src_${seed}`, place.product);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    for (const seed of seeds) outcomes.push(await runCase(seed, place));
  }
  return outcomes;
}

/**
 * One backup among deeds, all of it chosen by the seed; restored by the stock client, and judged by every state that
 * the writer saw.
 */
async function runCase(seed: number, place: Place): Promise<Outcome> {
  const random = randomFrom(seed);
  const [from, to] = [`src_${seed}`, `dst_${seed}`];
  const writer = await writerOf(place, from, random);
  const ended = (end: Outcome['end'], what: string): Outcome => ({ seed, end, what, deeds: writer.done });
  try {
    const { plan, text } = await backupAmong(writer, place, from, random);
    await restoreText(place, to, text);
    const restored = await stateOf(place.admin, to);
    const lost = changedObjects(plan.catalog, await withSession(loginTo(place.server, to), limit(), readCatalog));
    if (lost.length > 0) return ended('torn', `the proof would fail: ${lost.join(', ')}`);
    if (writer.states.some((state) => sameState(state, restored))) return ended('equal', '');
    const nearest = writer.states
      .map((state) => differing(state, restored))
      .toSorted((a, b) => a.length - b.length)[0]!;
    return ended('torn', `nearest moment differs in ${nearest.join(', ')}`);
  } catch (error) {
    return isBackupError(error) && refusals.includes(error.code)
      ? ended('refused', error.code)
      : ended('torn', String(error));
  } finally {
    await place.admin.query(`USE mysql; DROP DATABASE IF EXISTS ${from}; DROP DATABASE IF EXISTS ${to}`);
  }
}

/**
 * Deeds spread over the steps of the backup, those of a step one after the other or by two sessions in turns. After
 * each statement the whole database is read.
 */
async function writerOf({ admin, second, server, product }: Place, database: string, random: Random): Promise<Writer> {
  const planned = new Map<string, Deed[]>();
  const count = 1 + Math.floor(random() * 3);
  for (let i = 0; i < count; i += 1) {
    const at = random() < 0.5 ? 'gate' : pick(random, steps);
    planned.set(at, [...(planned.get(at) ?? []), someDeed(random, product)]);
  }
  const states = [await stateOf(admin, database)];
  const doOne = async (statement: Deed['statements'][number] | undefined, by: mysql.Connection) => {
    await by.query(`USE ${database}`);
    const work =
      typeof statement === 'function' ? statement(by, join(server.dataDir, database)) : by.query(statement ?? 'DO 1');
    await work.catch(() => by.query('ROLLBACK; UNLOCK TABLES')); // of what an earlier deed took away
  };
  const done: string[] = [];
  return {
    states,
    done,
    async doAll(at) {
      const deeds = (planned.get(at) ?? []).map(({ name, statements }, index) => ({
        name,
        by: index % 2 === 0 ? admin : second,
        left: [...statements],
      }));
      done.push(...deeds.map(({ name }) => `${at}: ${name}`));
      const inTurns = random() < 0.5;
      for (let [deed] = deeds; deed !== undefined; deed = inTurns ? pick(random, deeds) : deeds[0]) {
        await doOne(deed.left.shift(), deed.by);
        states.push(await stateOf(admin, database));
        if (deed.left.length === 0) deeds.splice(deeds.indexOf(deed), 1);
      }
    },
  };
}

async function backupAmong(
  writer: Writer,
  place: Place,
  database: string,
  random: Random,
): Promise<{ plan: Plan; text: Buffer[] }> {
  const engine = mariadbEngine(loginTo(place.server, database, { lockTimeoutMs: 5000 }), place.tools);
  const plan = await engine.plan({}, limit());
  await writer.doAll('planned');
  const texts = new Map<string, Buffer>();
  const order = random() < 0.5 ? plan.parts : plan.parts.toReversed();
  const [tallies, notes] = [[] as DumpTally[], [] as PartNotes[]];
  for (const part of order) {
    const held = part.role === 'data' ? holdAtGate(writer, place, database) : undefined;
    await held?.locked;
    const made = whileHeld(plan, () => makePart(engine, part), limit());
    const read = await made.finally(() => held?.release());
    if (read.tally?.ended === false) throw new BackupError('dump-cut', `${part.file} has no end`);
    await held?.done;
    texts.set(part.file, read.text);
    if (read.tally !== undefined) tallies.push(read.tally);
    notes.push(read.notes);
    await writer.doAll(part.role);
  }
  const tables = mergeTallies(tallies).tables.map(({ bytes: _, ...table }) => table);
  await plan.confirm(tables, notes, limit());
  await plan.close();
  return { plan, text: plan.parts.map(({ file }) => texts.get(file)!) };
}

/** Holds the dump at `m_gate` while the deeds of that step are done. */
function holdAtGate(writer: Writer, { gate }: Place, database: string) {
  let released = false;
  const locked = gate.query(`USE ${database}; LOCK TABLES m_gate WRITE`);
  const work = async () => {
    await locked;
    while (!released && !(await isWaiting(gate, database))) await new Promise((resolve) => setTimeout(resolve, 5));
    await writer.doAll('gate');
    await gate.query('UNLOCK TABLES');
  };
  const done = work();
  return { locked, done, release: () => (released = true) };
}

async function isWaiting(gate: mysql.Connection, database: string): Promise<boolean> {
  const [sessions] = await gate.query<mysql.RowDataPacket[]>('SHOW FULL PROCESSLIST');
  return sessions.some(
    ({ db, State, Info }) =>
      db === database && /^Waiting for .*lock/.test(State ?? '') && String(Info).includes('m_gate'),
  );
}

async function restoreText({ admin, server, tools }: Place, database: string, texts: Buffer[]): Promise<void> {
  await admin.query(`CREATE DATABASE ${database}`);
  const whole = Buffer.concat(texts.flatMap((text) => [text, Buffer.from('COMMIT;\n')]));
  await programInput(loadRun(tools, loginTo(server, database), 'SET autocommit = 0'), pieces(whole), limit());
}
