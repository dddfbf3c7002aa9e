import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { DatabaseServer } from '../../servers/server.ts';
import { layerTools } from '../tools.ts';

/** The accounts as the stock client dumps them, but for root, whose password each server has of its own. */
export async function stockAccounts(server: DatabaseServer): Promise<string[]> {
  const lines = (await stockDump(server, ['--system=users', '--skip-comments'])).split('\n');
  // in the order in which the server happens to keep them
  return lines.filter((line) => line.trim() !== '' && !line.includes('root')).sort();
}

/** What the stock mariadb-dump says of a server. */
export async function stockDump(server: DatabaseServer, asked: readonly string[]): Promise<string> {
  const tools = await layerTools();
  const { command, args, env } = tools.program('mariadb-dump');
  const login = ['--host', server.host, '--port', String(server.port), '--user', server.user, '--skip-ssl'];
  const { stdout } = await promisify(execFile)(
    command,
    [...args, '--no-defaults', ...login, `--plugin-dir=${tools.mariadbPlugins}`, ...asked],
    { env: { ...env, MYSQL_PWD: server.password }, maxBuffer: 64 * 1024 * 1024 },
  );
  return stdout;
}
