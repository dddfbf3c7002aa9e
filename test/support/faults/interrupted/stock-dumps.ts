import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { serverRoot } from '../../../servers/root.ts';
import type { DatabaseServer } from '../../../servers/server.ts';
import { stockDump } from '../../mariadb/stock-dump.ts';
import { layerTools } from '../../tools.ts';

const run = promisify(execFile);
const maxBuffer = 1024 ** 3;

/** All of a database as pg_dump prints it, but for the word against injections, which is another each time. */
export async function stockPgDump({ host, port, user, password }: DatabaseServer, database: string): Promise<string> {
  const { command, args, env } = (await layerTools()).program('pg_dump');
  const { stdout } = await run(command, [...args, `--host=${host}`, `--port=${port}`, `--username=${user}`, database], {
    env: { ...env, PGPASSWORD: password },
    maxBuffer,
  });
  return stdout.replaceAll(/^\\(un)?restrict .*\n/gm, '');
}

export async function stockMariadbDump(server: DatabaseServer, database: string): Promise<string> {
  return stockDump(await layerTools(), server, database);
}

/** By Debian's mysqldump. */
export async function stockMysqlDump(
  { host, port, user, password }: DatabaseServer,
  database: string,
): Promise<string> {
  const wanted = { name: 'mysql-client', suites: ['sid'], packages: ['mysql-client-core'] };
  const client = await serverRoot(wanted, () => {}, AbortSignal.timeout(600_000));
  const login = ['--no-defaults', `--host=${host}`, `--port=${port}`, `--user=${user}`];
  const what = ['--routines', '--triggers', '--events', '--order-by-primary', '--skip-dump-date', '--skip-comments'];
  const { stdout } = await run(join(client.path, 'usr/bin/mysqldump'), [...login, ...what, database], {
    env: { ...client.env, MYSQL_PWD: password ?? '' },
    maxBuffer,
  });
  return stdout;
}
