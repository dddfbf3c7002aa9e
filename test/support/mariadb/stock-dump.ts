import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Tools } from '../../../core/tools.ts';
import type { DatabaseServer } from '../../servers/server.ts';

const run = promisify(execFile);

/** All of a database as the stock mariadb-dump prints it, without the tables `ignored`. Latin1 text: bytes as characters. */
export async function stockDump(
  tools: Tools,
  { host, port, user, password }: DatabaseServer,
  database: string,
  ignored: readonly string[] = [],
): Promise<string> {
  const { command, args } = tools.program('mariadb-dump');
  const login = ['--skip-ssl', `--host=${host}`, `--port=${port}`, `--user=${user}`];
  const what = ['--routines', '--triggers', '--events', '--order-by-primary', '--skip-dump-date', '--skip-comments'];
  const without = ignored.map((table) => `--ignore-table=${database}.${table}`);
  const plugins = `--plugin-dir=${tools.mariadbPlugins}`;
  const { stdout } = await run(command, [...args, '--no-defaults', plugins, ...login, ...what, ...without, database], {
    env: { ...process.env, MYSQL_PWD: password ?? '' },
    encoding: 'latin1',
    maxBuffer: 1024 ** 3,
  });
  return stdout;
}
