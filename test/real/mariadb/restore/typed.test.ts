import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { backup } from '../../../../core/commands/backup.ts';
import { proofSentence, prove } from '../../../../core/commands/proof/prove.ts';
import { restore } from '../../../../core/commands/restore/restore.ts';
import type { Source } from '../../../../core/ports.ts';
import type { Manifest } from '../../../../core/contract/manifest/manifest.ts';
import type { SourceName } from '../../../../core/domain/keys.ts';
import { mariadbEngine } from '../../../../core/engines/mariadb/index.ts';
import { dumpRun } from '../../../../core/engines/mariadb/programs.ts';
import { programOutput } from '../../../../core/pipeline/program.ts';
import type { Tools } from '../../../../core/tools.ts';
import { startMariadb } from '../../../servers/databases/mariadb.ts';
import { startMysql } from '../../../servers/databases/mysql.ts';
import { startLimitMs } from '../../../servers/server.ts';
import type { DatabaseServer } from '../../../servers/server.ts';
import { layerTools } from '../../../support/tools.ts';
import { folderScene, limit } from '../../../support/vaults/vault.ts';
import type { FolderScene } from '../../../support/vaults/vault.ts';
import { connect, loginTo } from '../../../support/mariadb/mariadb.ts';
import { typedDefinitions } from './typed-definitions.ts';

type Name = 'MariaDB 10.11' | 'MariaDB 11.8' | 'MySQL';
const starts: Record<Name, () => Promise<DatabaseServer>> = {
  'MariaDB 10.11': () => startMariadb({ series: '10.11' }),
  'MariaDB 11.8': () => startMariadb({ series: '11.8' }),
  MySQL: () => startMysql(),
};
const names = Object.keys(starts) as Name[];
const servers = new Map<Name, DatabaseServer>();
const backups = new Map<Name, Manifest>();
let tools: Tools;
let scene: FolderScene;

const typedFor = (name: Name) => typedDefinitions[name === 'MySQL' ? 'MySQL' : 'MariaDB'];
const engine = (on: Name, database: string) => mariadbEngine(loginTo(servers.get(on)!, database), tools);
const source = (on: Name): Source => ({
  name: 'typed' as SourceName,
  engine: engine(on, 'typed'),
  timeZone: 'UTC',
  retention: { count: 9 },
  compressionLevel: 1,
  parallel: 2,
});
const options = { replace: false, owners: true, proof: true };
const deps = () => ({ ...scene.deps(), parallel: 2 });

beforeAll(async () => {
  [tools, scene] = [await layerTools(), await folderScene()];
  for (const name of names) {
    servers.set(name, await starts[name]());
    const admin = await connect(servers.get(name)!);
    await admin.query('CREATE DATABASE typed CHARACTER SET utf8mb4; USE typed');
    for (const { create } of typedFor(name)) await admin.query(create);
    await admin.end();
    backups.set(name, await backup(source(name), scene.deps(), limit()));
  }
}, startLimitMs);
afterAll(async () => {
  for (const server of servers.values()) await server.stop();
  await scene?.remove();
});

/** What the stock program prints of all definitions. */
async function definitionsOf(on: Name, database: string): Promise<string> {
  const run = dumpRun(tools, loginTo(servers.get(on)!, database), [
    '--no-data',
    '--routines',
    '--triggers',
    '--events',
    '--skip-comments',
  ]);
  return Buffer.concat(await Array.fromAsync(programOutput(run, limit())))
    .toString()
    .replaceAll(`\`${database}\``, '`db`');
}

test.each(names)(
  'definitions typed by a person are proven after a restore on %s, under another name and the same, and ' +
    'mariadb-dump prints both alike',
  async (name) => {
    const before = await definitionsOf(name, 'typed');
    const copied = await restore(backups.get(name)!, engine(name, 'typed_copy'), options, deps(), limit());
    const inPlace = await restore(
      backups.get(name)!,
      engine(name, 'typed'),
      { ...options, replace: true },
      deps(),
      limit(),
    );

    expect([copied.proof?.differences, inPlace.proof?.differences]).toEqual([[], []]);
    expect(await definitionsOf(name, 'typed_copy')).toBe(before);
    expect(await definitionsOf(name, 'typed')).toBe(before);
  },
  120_000,
);

test('from MariaDB 10.11 into 11.8 they are proven by name, and the sentence says so', async () => {
  const { proof } = await restore(
    backups.get('MariaDB 10.11')!,
    engine('MariaDB 11.8', 'typed_moved'),
    options,
    deps(),
    limit(),
  );

  expect(proof?.differences).toEqual([]);
  expect(proofSentence(proof!)).toMatch(/\d+ by name alone: the servers’ versions differ/);
});

test.each(names)('each definition changed in a copy on %s is found by the proof, by its name', async (name) => {
  await restore(backups.get(name)!, engine(name, 'typed_changed'), { ...options, proof: false }, deps(), limit());
  const { catalog } = await engine(name, 'typed_copy').plan({}, limit());
  const admin = await connect(servers.get(name)!);
  await admin.query('USE typed_changed');
  for (const { change } of typedFor(name)) await admin.query(change);
  await admin.end();

  const { differences } = await prove(
    engine(name, 'typed_changed'),
    { manifest: backups.get(name)!, catalog, owners: true },
    deps(),
    limit(),
  );

  const missed = typedFor(name)
    .filter(({ named }) => !differences.some((line) => line.startsWith(`${named} is `)))
    .map(({ named }) => named);
  expect(missed).toEqual([]);
});

test.each(names)(
  'on %s a column that the server computes is no column for rows, and one with a default is',
  async (on) => {
    const connection = await connect(servers.get(on)!);
    await connection.query('CREATE DATABASE computed');
    await connection.query(
      'CREATE TABLE computed.t (id INT PRIMARY KEY, made VARCHAR(36) DEFAULT (UUID()), ' +
        'seen TIMESTAMP DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, ' +
        'twice INT AS (id * 2) VIRTUAL, thrice INT AS (id * 3) STORED)',
    );
    await connection.end();
    const [table] = await engine(on, 'computed').tables!(limit());

    expect(table!.columns.filter((one) => one.computed === true).map(({ name }) => name)).toEqual(['twice', 'thrice']);
    expect(table!.columns).toHaveLength(5);
  },
);
