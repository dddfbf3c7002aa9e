import { join } from 'node:path';
import type { Tools } from '../../core/tools.ts';
import { serverRoot } from '../servers/root.ts';
import type { DatabaseServer, S3Server } from '../servers/server.ts';
import { connect } from '../support/mariadb/mariadb.ts';
import { runSql } from '../support/postgres.ts';
import { measure } from './measure.ts';
import type { Command, Cost } from './measure.ts';
import { nightjarCommand, shell } from './ways.ts';
import type { EngineName, Setting } from './ways.ts';

/** One way to get the database back, as `copy` on the same server. `proven`: what was restored is compared. */
type Way = { name: string; ours?: true; proven?: true; command: Command };
type Prepared = { dumps: readonly Command[]; ways: readonly Way[] };

const [source, copy] = ['shop', 'copy'];
/** How much longer than the fastest of the others ours may take. */
const required = { bare: 1, proven: 1.4 };

/**
 * What a restore costs, side by side: stock programs from a dump on this disk, ours from the store. Each way once in a
 * round, in turn; medians of `runs` rounds.
 */
export async function restoreCosts(
  engine: EngineName,
  setting: Setting & { store: S3Server },
  runs: number,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<string> {
  const stock = await (engine === 'postgres' ? postgresWays(setting) : mariadbWays(setting, signal));
  const ours = (args: readonly string[]) => nightjarCommand(engine, setting, setting.store, 'plain', args);
  const dumps = [...stock.dumps, await ours(['backup', source])];
  for (const command of dumps) await measure(command, signal);
  const ways: Way[] = [
    ...stock.ways,
    {
      name: 'nightjar restore --no-proof',
      ours: true,
      command: await ours(['restore', source, '--to', copy, '--no-proof']),
    },
    { name: 'nightjar restore', ours: true, proven: true, command: await ours(['restore', source, '--to', copy]) },
  ];
  const costs = new Map<Way, Cost[]>(ways.map((way) => [way, []]));
  for (let round = 0; round < runs; round += 1) {
    for (const way of [...ways.slice(round % ways.length), ...ways.slice(0, round % ways.length)]) {
      await empty(engine, setting.server, way.ours === true);
      const cost = await measure(way.command, signal);
      costs.get(way)!.push(cost);
      say(
        `  ${way.name.padEnd(28)} ${inSeconds(cost.wallMs).padStart(6)} s, CPU ${inSeconds(cost.cpuMs).padStart(6)} s`,
      );
    }
  }
  return report(ways, costs);
}

function postgresWays({ tools, server, folder, parallel }: Setting): Prepared {
  const env = { PGPASSWORD: server.password };
  const program = (name: 'pg_dump' | 'pg_restore' | 'psql', args: readonly string[], database: string): Command => {
    const { command, args: first } = tools.program(name, 18);
    const login = ['--host', server.host, '--port', String(server.port), '--username', server.user];
    return { program: command, args: [...first, ...login, '--dbname', database, ...args], env };
  };
  const jobs = `-j${parallel}`;
  const [archive, text] = [join(folder, 'shop.dir'), join(folder, 'shop.sql')];
  return {
    dumps: [program('pg_dump', ['-Fd', jobs, '-Z1', '-f', archive], source), program('pg_dump', ['-f', text], source)],
    ways: [
      { name: `pg_restore ${jobs}`, command: program('pg_restore', [jobs, '--exit-on-error', archive], copy) },
      { name: 'psql', command: program('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', text], copy) },
    ],
  };
}

async function mariadbWays({ tools, server, folder, parallel }: Setting, signal: AbortSignal): Promise<Prepared> {
  const env = { MYSQL_PWD: server.password };
  const login = ['--protocol=tcp', `--host=${server.host}`, `--port=${server.port}`, `--user=${server.user}`];
  const [text, files] = [join(folder, 'shop.mariadb.sql'), join(folder, 'shop.mydumper')];
  const run = (tool: 'mariadb-dump' | 'mariadb', args: readonly string[], pipe: string): Command => {
    const { command, args: first } = (tools as Tools).program(tool);
    const words = [command, ...first, '--no-defaults', '--skip-ssl', ...login, ...args];
    return { program: '/bin/sh', args: ['-c', `exec ${shell(words)} ${pipe} ${shell([text])}`], env };
  };
  const root = await serverRoot({ name: 'mydumper', suites: ['bookworm'], packages: ['mydumper'] }, () => {}, signal);
  const my = (name: 'mydumper' | 'myloader', args: readonly string[]): Command => ({
    program: join(root.path, 'usr/bin', name),
    args: [...login.slice(1), `--password=${server.password}`, `--threads=${parallel}`, ...args],
    env: root.env,
  });
  return {
    dumps: [
      run('mariadb-dump', ['--single-transaction', '--hex-blob', '--routines', '--events', source], '>'),
      my('mydumper', [`--database=${source}`, `--outputdir=${files}`, '--routines', '--events', '--triggers']),
    ],
    ways: [
      { name: 'mariadb', command: run('mariadb', [copy], '<') },
      {
        name: `myloader --threads=${parallel}`,
        command: my('myloader', [`--source-db=${source}`, `--database=${copy}`, `--directory=${files}`]),
      },
    ],
  };
}

/** Stock programs load into a database that is there, ours makes its own. */
async function empty(engine: EngineName, server: DatabaseServer, absent: boolean): Promise<void> {
  const [drop, make] = [`drop database if exists ${copy}`, `create database ${copy}`];
  if (engine === 'postgres') {
    await runSql(server, 'postgres', `${drop} with (force)`);
    if (!absent) await runSql(server, 'postgres', make);
    await runSql(server, 'postgres', 'checkpoint');
    return;
  }
  const admin = await connect(server);
  await admin.query(absent ? drop : `${drop}; ${make}`).finally(() => admin.end());
}

function report(ways: readonly Way[], costs: ReadonlyMap<Way, readonly Cost[]>): string {
  const middle = (way: Way, of: (cost: Cost) => number) => median(costs.get(way)!.map(of));
  const wall = (way: Way) => middle(way, ({ wallMs }) => wallMs);
  const fastest = Math.min(...ways.filter(({ ours }) => ours !== true).map(wall));
  const rows = ways.map((way) => {
    const cells = [
      inSeconds(wall(way)),
      (wall(way) / fastest).toFixed(2),
      inSeconds(middle(way, ({ cpuMs }) => cpuMs)),
      (middle(way, ({ peakBytes }) => peakBytes) / 1e6).toFixed(0),
      costs
        .get(way)!
        .map(({ wallMs }) => inSeconds(wallMs))
        .join(' '),
    ];
    return `| \`${way.name}\` | ${cells.join(' | ')} |`;
  });
  const verdicts = ways.flatMap((way) => {
    if (way.ours !== true) return [];
    const [most, is] = [way.proven ? required.proven : required.bare, wall(way) / fastest];
    return [
      `${is <= most ? 'met   ' : 'MISSED'} ${way.name}: at most ${most} times the fastest of the others: ${is.toFixed(2)}`,
    ];
  });
  const head = ['way', 'wall s', 'to the fastest stock', 'client CPU s', 'peak memory MB', 'runs, wall s'];
  return [`| ${head.join(' | ')} |`, `|${' --- |'.repeat(head.length)}`, ...rows, '', ...verdicts].join('\n');
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function inSeconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}
