import type { ProgramRun } from '../../pipeline/program.ts';
import type { Tools } from '../../tools.ts';
import { passwordOf, placeOf, refusedHint } from '../login.ts';
import type { Login } from '../login.ts';
import { explainWords, usualRefusal } from './failures/explain.ts';

/**
 * Options of both programs for `login`. They read no option file of the machine or the user; the password is passed in
 * the environment.
 */
function connection(login: Login, tools: Tools): string[] {
  const tls = login.tls.mode === 'off' ? ['--skip-ssl'] : [`--ssl-ca=${login.tls.ca}`, '--ssl-verify-server-cert'];
  return [
    '--no-defaults',
    `--host=${login.host}`,
    `--port=${login.port}`,
    '--protocol=tcp',
    `--user=${login.user}`,
    `--plugin-dir=${tools.mariadbPlugins}`,
    ...tls,
    '--default-character-set=utf8mb4',
    '--max-allowed-packet=1G',
  ];
}

/**
 * A start of mariadb-dump for these tables or, without names, for all. `--single-transaction` everywhere, because the
 * program locks tables without it.
 */
export function dumpRun(tools: Tools, login: Login, options: string[], tables: string[] = []): ProgramRun {
  return run(
    'mariadb-dump',
    tools,
    login,
    ['--single-transaction', '--no-tablespaces', '--skip-dump-date', ...options, '--', login.database, ...tables],
    false,
  );
}

/**
 * A start of the client that reads SQL and stops at the first error. `--binary-mode` keeps CR and NUL in strings and
 * accepts only the client commands DELIMITER and `\C`; `--sandbox` accepts none that reaches a file or a shell; and no
 * statement can send a file of this machine. `--comments` keeps comments in the bodies of routines. A failing statement
 * is not printed, because it contains data.
 */
export function loadRun(tools: Tools, login: Login, initCommand: string, more: string[] = []): ProgramRun {
  const options = [
    ...more,
    '--batch',
    '--binary-mode',
    '--sandbox',
    '--disable-named-commands',
    '--local-infile=0',
    '--comments',
    '--skip-print-query-on-error',
    '--skip-reconnect',
    `--init-command=${initCommand}`,
  ];
  return run('mariadb', tools, login, [...options, '--', login.database], true);
}

function run(
  name: 'mariadb' | 'mariadb-dump',
  tools: Tools,
  login: Login,
  options: string[],
  restoring: boolean,
): ProgramRun {
  return {
    program: tools.program(name),
    args: [...connection(login, tools), ...options],
    env: { HOME: '/nonexistent' },
    async secretEnv(signal) {
      const password = await passwordOf(login, signal);
      return password === undefined ? {} : { MYSQL_PWD: password };
    },
    idleLimitMs: login.idleLimitMs,
    explain: (words) => explainWords(words, placeOf('mariadb', login), restoring, refusedHint(login, usualRefusal)),
  };
}
