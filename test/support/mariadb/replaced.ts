import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type mysql from 'mysql2/promise';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { mariadbEngine } from '../../../core/engines/mariadb/index.ts';
import { hasBegun, planUndo, takeBack, undo } from '../../../core/commands/restore/undo.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { layerRoot, layerTools } from '../tools.ts';
import { limit, loginTo } from './mariadb.ts';

const program = join(import.meta.dirname, '../../fixtures/programs/restore-live.ts');
/** Beside the tables: what a RENAME TABLE leaves behind. */
const old = `DROP DATABASE IF EXISTS live; CREATE DATABASE live; USE live; CREATE TABLE precious (i int PRIMARY KEY);
  CREATE TABLE a (id int PRIMARY KEY, note varchar(20)); CREATE VIEW v AS SELECT i FROM precious;
  INSERT INTO precious VALUES (1), (2); INSERT INTO a VALUES (1, 'old');
  CREATE DEFINER = app TRIGGER of_old BEFORE INSERT ON a FOR EACH ROW SET NEW.note = 'old';
  CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO SET @x = 1;
  CREATE PROCEDURE p() SELECT 'old'`;

type Killing = { server: DatabaseServer; admin: mysql.Connection; manifest: Manifest; folder: string; rounds: number };
/** `wrong`: what was neither of both. */
export type KilledOften = { old: number; fresh: number; wrong: string[] };

/**
 * Replaces the database `live` by a backup so many times, each time killed: at a random moment, or while the tables are
 * being exchanged. After each, all tables are the old ones, or all are the new ones; and `--undo`, or a further
 * replacement, leaves a whole database with all that tables do not bring.
 */
export async function replacedAndKilled({ server, admin, manifest, folder, rounds }: Killing): Promise<KilledOften> {
  const found: KilledOften = { old: 0, fresh: 0, wrong: [] };
  const [layer, tools] = [await layerRoot(), await layerTools()];
  for (let round = 0; round < rounds; round++) {
    await admin.query(old);
    const whole = await shape(admin);
    const child = spawn(
      process.execPath,
      [program, JSON.stringify({ manifest, folder, login: loginTo(server, 'live'), layer })],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await once(child.stdout, 'data'); // it begins
    const isOver = once(child, 'exit');
    const mark = [undefined, 'begun', 'renamed'][round % 3];
    if (mark === undefined) await sleep(((20261128 * (round + 1)) % 1997) + 1);
    else await reached(admin, mark, () => child.exitCode !== null).then(() => sleep((round * 37) % 160));
    child.kill('SIGKILL');
    await isOver;
    await idle(admin);

    const tables = await namesOf(admin, 'BASE TABLE');
    const isOld = tables === 'a,precious' && (await count(admin, 'live.precious')) === 2;
    const isFresh = tables === 'a,b' && (await count(admin, 'live.b')) === 2000;
    if (isOld) found.old += 1;
    else if (isFresh) found.fresh += 1;
    else found.wrong.push(`round ${round}: ${tables}`);
    const engine = mariadbEngine(loginTo(server, 'live'), tools);
    const begun = await hasBegun(engine, limit());
    const plan = await planUndo(engine, 'live', limit()).catch(() => undefined);
    if (isFresh !== (plan !== undefined)) found.wrong.push(`round ${round}: kept ${plan?.kept[0].name}, ${tables}`);
    const told: string[] = [];
    const ended = await isUnended(admin);
    if (plan !== undefined) await undo(engine, { ...plan, tell: (line) => told.push(line) }, limit());
    else if (begun) await takeBack(engine, limit());
    if (plan !== undefined && ended !== told.some((line) => line.endsWith('had died: it is ended')))
      found.wrong.push(`round ${round}: told ${told.join(', ')}`);
    const now = await shape(admin);
    if (now !== whole) found.wrong.push(`round ${round}: ${now}, and not ${whole}`);
    for (const name of await kept(admin)) await admin.query(`DROP DATABASE \`${name}\``);
  }
  return found;
}

/** Whether an exchange that died has left something to do. */
async function isUnended(admin: mysql.Connection): Promise<boolean> {
  const [rows] = await admin.query<mysql.RowDataPacket[]>(`SHOW TABLES FROM live LIKE 'nightjar\\_swap\\_renamed'`);
  return rows.length > 0;
}

/** Resolves once the exchange of the tables has begun, or is done, or all is over. */
async function reached(admin: mysql.Connection, mark: string, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const [rows] = await admin.query<mysql.RowDataPacket[]>(`SHOW TABLES FROM live LIKE 'nightjar\\_swap\\_${mark}'`);
    if (rows.length > 0) return;
    await sleep(2);
  }
}

/** What a server does for a client that is gone, it does to the end. */
async function idle(admin: mysql.Connection): Promise<void> {
  const going = async () =>
    (
      await admin.query<mysql.RowDataPacket[]>(
        "SELECT ID FROM information_schema.PROCESSLIST WHERE COMMAND = 'Query' AND ID <> connection_id()",
      )
    )[0].length > 0;
  while (await going()) await sleep(20);
}

async function namesOf(admin: mysql.Connection, type: string): Promise<string> {
  const [rows] = await admin.query<mysql.RowDataPacket[]>(
    "SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'live' AND TABLE_TYPE = ? AND " +
      "TABLE_NAME NOT LIKE 'nightjar\\_swap%' ORDER BY 1",
    [type],
  );
  return rows.map(({ name }) => name as string).join();
}

async function kept(admin: mysql.Connection): Promise<string[]> {
  const [rows] = await admin.query<mysql.RowDataPacket[]>(
    "SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE 'live\\_%'",
  );
  return rows.map(({ name }) => name as string);
}

async function count(admin: mysql.Connection, table: string): Promise<number> {
  const [rows] = await admin.query<mysql.RowDataPacket[]>(`SELECT count(*) AS n FROM ${table}`);
  return Number(rows[0]!['n']);
}

/** All of the database `live`, as the server shows it. */
async function shape(admin: mysql.Connection): Promise<string> {
  await admin.query('USE live');
  const shown: unknown[] = [];
  const [tables] = await admin.query<mysql.RowDataPacket[]>('SHOW FULL TABLES');
  for (const row of tables) {
    const [name, type] = Object.values(row) as [string, string];
    shown.push((await admin.query(`SHOW CREATE TABLE \`${name}\``))[0]);
    if (type === 'BASE TABLE') shown.push((await admin.query(`CHECKSUM TABLE \`${name}\` EXTENDED`))[0]);
  }
  for (const [list, kind, column] of [
    ['SHOW TRIGGERS', 'TRIGGER', 'Trigger'],
    ['SHOW EVENTS FROM live', 'EVENT', 'Name'],
    ["SHOW PROCEDURE STATUS WHERE Db = 'live'", 'PROCEDURE', 'Name'],
  ] as const) {
    const [rows] = await admin.query<mysql.RowDataPacket[]>(list);
    for (const row of rows) {
      const [[definition]] = await admin.query<mysql.RowDataPacket[]>(`SHOW CREATE ${kind} \`${row[column]}\``);
      const { Created: _, ...more } = definition!;
      shown.push(more);
    }
  }
  // MySQL keeps the end of a statement that came among others
  return JSON.stringify(shown).replaceAll(';",', '",');
}
