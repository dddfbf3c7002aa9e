import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startPostgres } from '../../servers/databases/postgres.ts';
import { layerRoot } from '../tools.ts';
import { start } from './command.ts';
import type { Ended, Running } from './command.ts';
import { nightjarInProcess } from './in-process.ts';

/**
 * A PostgreSQL server with a small database `shop` and a large one `big`, a folder with a `nightjar.yaml` for them, and
 * the command line in it.
 */
export async function cliScene() {
  const server = await startPostgres({ major: 18 });
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-cli-'));
  const env = { SHOP_PASSWORD: server.password, NIGHTJAR_TOOLS: await layerRoot() };
  const login = `host: ${server.host}, port: ${server.port}, user: ${server.user}, password: { env: SHOP_PASSWORD }`;
  await writeFile(
    join(folder, 'nightjar.yaml'),
    `vault: ./backups\nsources:\n  shop:\n    postgres: { ${login}, database: shop }\n  big:\n    postgres: { ` +
      `${login}, database: big }\n`,
  );

  async function sql(database: string, text: string): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({
      host: server.host,
      port: server.port,
      user: server.user,
      password: server.password,
      database,
    });
    await client.connect();
    try {
      return ((await client.query(text)) as pg.QueryResult<Record<string, unknown>>).rows;
    } finally {
      await client.end();
    }
  }

  await sql('postgres', 'create database shop');
  await sql('postgres', 'create database big');
  await sql(
    'shop',
    'create table orders (id int primary key, note text); insert into orders select g, md5(g::text) from ' +
      'generate_series(1, 1000) g; create view late as select * from orders where id > 900',
  );
  return {
    server,
    folder,
    env,
    sql,
    run: (args: string[]): Promise<Ended> => nightjarInProcess(args, { cwd: folder, env }),
    start: (args: string[]): Running => start(args, { cwd: folder, env }),
    /** The document that --json prints, and the exit code. */
    async json(args: string[]): Promise<{ code: number | null; document: Record<string, never> }> {
      const { code, stdout, stderr } = await nightjarInProcess([...args, '--json'], { cwd: folder, env });
      if (stderr !== '') throw new Error(`--json wrote to stderr:\n${stderr}`);
      return { code, document: JSON.parse(stdout) };
    },
    /** Every object in the vault except leases, which are given back instead of deleted. */
    async objects(): Promise<string[]> {
      const entries = await readdir(join(folder, 'backups'), { recursive: true, withFileTypes: true }).catch(() => []);
      const files = entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + '/backups/'.length));
      return files.filter((file) => !file.endsWith('/lease.json')).sort();
    },
    /** Removes a source's backups. */
    forget: (source: string) => rm(join(folder, 'backups', source), { recursive: true, force: true }),
    async stop(): Promise<void> {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export type CliScene = Awaited<ReturnType<typeof cliScene>>;
