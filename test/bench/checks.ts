import { backup } from '../../core/commands/backup.ts';
import { restore } from '../../core/commands/restore/restore.ts';
import { verify } from '../../core/commands/proof/verify.ts';
import type { SourceName } from '../../core/domain/keys.ts';
import { inspection } from '../../core/engines/index.ts';
import { mariadbEngine } from '../../core/engines/mariadb/index.ts';
import { readCatalog } from '../../core/engines/postgres/catalog/catalog.ts';
import { membersKind } from '../../core/engines/postgres/catalog/members.ts';
import { postgresEngine } from '../../core/engines/postgres/index.ts';
import { withSession } from '../../core/engines/postgres/session.ts';
import type { Engine } from '../../core/ports.ts';
import type { Tools } from '../../core/tools.ts';
import type { DatabaseServer } from '../servers/server.ts';
import { connect } from '../support/mariadb/mariadb.ts';
import { runSql } from '../support/postgres.ts';
import { folderScene } from '../support/vaults/vault.ts';
import type { FolderScene } from '../support/vaults/vault.ts';
import { childrenCpuMs } from './measure.ts';
import { loginOf } from './source.ts';
import type { EngineName } from './ways.ts';

type Setting = { tools: Tools; server: DatabaseServer };
/** What is done with a check and without: `after` is not measured. */
type Step = { name: string; work(): Promise<unknown>; after?: () => Promise<unknown> };

const [source, copy, extended] = ['shop', 'copy', 'extended'];
/** Extensions that want others, or a setting of the server, or are no longer there in each version. */
const notAlone = /^(adminpack|pg_stat_statements|old_snapshot|pg_tde)$/;

/**
 * What a backup's checks cost, each step once in a round and medians of `runs` rounds: CPU of this process and of the
 * programs that it starts; the server's own shows in the time alone.
 */
export async function checkCosts(
  engine: EngineName,
  setting: Setting,
  runs: number,
  signal: AbortSignal,
): Promise<string> {
  const scene = await folderScene();
  try {
    const steps = [
      ...(await stepsOfBackup(engine, setting, scene, signal)),
      ...(engine === 'postgres' ? await stepsOfCatalog(setting.server, signal) : []),
    ];
    const costs = steps.map(() => [] as { wallMs: number; cpuMs: number }[]);
    for (let round = 0; round < runs; round += 1)
      for (const [index, step] of steps.entries()) costs[index]!.push(await measured(step));
    const line = ({ name }: Step, index: number) =>
      `| ${name} | ${median(costs[index]!.map(({ wallMs }) => wallMs))} | ${median(costs[index]!.map(({ cpuMs }) => cpuMs))} |`;
    return ['| step | ms | CPU ms of clients |', '| --- | --- | --- |', ...steps.map(line)].join('\n');
  } finally {
    await scene.remove();
  }
}

async function stepsOfBackup(
  name: EngineName,
  { tools, server }: Setting,
  scene: FolderScene,
  signal: AbortSignal,
): Promise<Step[]> {
  const engineOf = (database: string): Engine => {
    const login = loginOf(server, database);
    return name === 'postgres' ? postgresEngine(login, tools) : mariadbEngine(login, tools);
  };
  const taking = () => backup(sourceOf(engineOf(source)), scene.deps(), signal);
  const manifest = await taking();
  const judged = await inspection(name);
  const restoring = (proof: boolean): Step => ({
    name: proof ? 'restore, proven' : 'restore, not proven',
    work: () =>
      restore(
        manifest,
        engineOf(copy),
        { replace: false, owners: true, proof },
        { ...scene.deps(), parallel: 2 },
        signal,
      ),
    after: () => drop(name, server, copy),
  });
  return [
    { name: 'backup into a folder', work: taking },
    { name: 'verify: sizes and SHA-256', work: () => verify(manifest, scene.deps(), signal) },
    {
      name: '… and the grammar of the parts',
      work: () => verify(manifest, { ...scene.deps(), inspect: judged.inspect }, signal),
    },
    {
      name: '… and rows counted, with their fingerprints',
      work: () => verify(manifest, { ...scene.deps(), ...judged }, signal),
    },
    restoring(false),
    restoring(true),
  ];
}

/** A catalog with the members of every extension that this server has to offer. */
async function stepsOfCatalog(server: DatabaseServer, signal: AbortSignal): Promise<Step[]> {
  await runSql(server, 'postgres', `create database ${extended}`);
  const offered = await runSql(server, extended, 'select name from pg_available_extensions order by name');
  for (const { name } of offered)
    if (!notAlone.test(String(name)))
      await runSql(server, extended, `create extension if not exists "${String(name)}" cascade`);
  const login = loginOf(server, extended);
  const all = await withSession(login, signal, (session) => readCatalog(session));
  const { [membersKind]: members = {}, ...without } = all;
  const count = Object.keys(members).length;
  return [
    {
      name: `catalog of ${count} extensions, without their members`,
      work: () => withSession(login, signal, (session) => readCatalog(session, without)),
    },
    { name: '… with them', work: () => withSession(login, signal, (session) => readCatalog(session, all)) },
  ];
}

function sourceOf(engine: Engine) {
  return {
    name: source as SourceName,
    engine,
    timeZone: 'UTC',
    retention: { last: 0, hourly: 0, daily: 7, weekly: 4, monthly: 12, yearly: 5, keepWithinMs: 0 },
    compressionLevel: 1,
    parallel: 2,
  };
}

async function drop(engine: EngineName, server: DatabaseServer, database: string): Promise<void> {
  if (engine === 'postgres') return void (await runSql(server, 'postgres', `drop database ${database} with (force)`));
  const admin = await connect(server);
  await admin.query(`DROP DATABASE ${database}`).finally(() => admin.end());
}

async function measured({ work, after }: Step): Promise<{ wallMs: number; cpuMs: number }> {
  const [own, children, start] = [process.cpuUsage(), await childrenCpuMs(), performance.now()];
  await work();
  const wallMs = performance.now() - start;
  const { user, system } = process.cpuUsage(own);
  const cpuMs = (user + system) / 1000 + (await childrenCpuMs()) - children;
  await after?.();
  return { wallMs, cpuMs };
}

function median(values: number[]): number {
  return Math.round(values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!);
}
