import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqlite } from '../../../core/engines/sqlite/index.ts';
import { engineContract } from '../../contract/engine/engine-contract.ts';
import type { EngineUnderTest, Lines } from '../../contract/engine/engine-contract.ts';
import { sqliteShell } from '../../servers/databases/sqlite.ts';

/** With a rollback journal, and copied aside; the others are in WAL mode, and read where they are. */
const withJournal = ['stopped', 'early', 'proven', 'occupied'];

// read and changed by Debian's sqlite3, which is another build of SQLite
engineContract('SQLite', async () => {
  const { ask, opened } = await sqliteShell();
  const applications: ChildProcess[] = [];
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-sqlite-contract-'));
  const scratch = join(folder, 'scratch');
  const fileOf = (database: string) => (database.includes('/') ? database : join(folder, `${database}.db`));
  return {
    engine: (database) => openSqlite({ path: fileOf(database), scratch, waitMs: 10_000 }).engine,
    async make(database, tables) {
      const made = Object.entries(tables).map(
        ([table, rows]) => `create table "${table}" (line text); ${inserted(table, rows)}`,
      );
      const mode = withJournal.includes(database) ? 'delete' : 'wal';
      // who has a database open keeps its log
      const sql = `pragma journal_mode = ${mode}; begin; ${made.join('\n')} commit;`;
      if (mode === 'wal') applications.push(await opened(fileOf(database), sql));
      else await ask(fileOf(database), sql);
    },
    async add(database, rows) {
      const adding = Object.entries(rows).map(([table, row]) => inserted(table, [row]));
      await ask(fileOf(database), `.timeout 30000\nbegin immediate; ${adding.join('\n')} commit;`);
    },
    async rowsIn(database) {
      const file = fileOf(database);
      if (!existsSync(file)) return undefined;
      const tables = await ask(file, `select name from sqlite_schema where type = 'table'`);
      const found: Record<string, string[]> = {};
      for (const table of tables.split('\n').filter(Boolean))
        found[table] = JSON.parse(await ask(file, `select json_group_array(line) from "${table}"`)) as string[];
      return found;
    },
    async left() {
      const names = (await readdir(folder)).filter((name) => !/\.db(-wal|-shm)?$|^scratch$|\.before_/.test(name));
      return [...names, ...(existsSync(scratch) ? await readdir(scratch) : []), ...(await programs())];
    },
    async close() {
      for (const application of applications) application.kill();
      await rm(folder, { recursive: true });
    },
  } satisfies EngineUnderTest;
});

/** The processes of ours that have a database open. */
async function programs(): Promise<string[]> {
  const read = (pid: string, file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    if (!(await read(pid, 'cmdline')).includes('sqlite/program/main.ts')) continue;
    if ((await read(pid, 'status')).includes(`\nPPid:\t${process.pid}\n`)) found.push(`process ${pid}`);
  }
  return found;
}

function inserted(table: string, rows: Lines[string]): string {
  const literal = (row: string): string => `('${row.replaceAll("'", "''")}')`;
  return rows.length === 0 ? '' : `insert into "${table}" values ${rows.map(literal).join(', ')};`;
}
