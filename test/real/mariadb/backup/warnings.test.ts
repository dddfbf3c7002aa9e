import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { backup } from '../../../../core/commands/backup.ts';
import { restore } from '../../../../core/commands/restore/restore.ts';
import type { RunEvent, Source } from '../../../../core/ports.ts';
import type { SourceName } from '../../../../core/domain/keys.ts';
import { mariadbEngine } from '../../../../core/engines/mariadb/index.ts';
import type { Tools } from '../../../../core/tools.ts';
import { startMariadb } from '../../../servers/databases/mariadb.ts';
import { startLimitMs } from '../../../servers/server.ts';
import type { DatabaseServer } from '../../../servers/server.ts';
import { layerTools } from '../../../support/tools.ts';
import { folderScene, limit } from '../../../support/vaults/vault.ts';
import type { FolderScene } from '../../../support/vaults/vault.ts';
import { connect, loginTo } from '../../../support/mariadb/mariadb.ts';

let server: DatabaseServer;
let scene: FolderScene;
let tools: Tools;

beforeAll(async () => {
  [server, tools, scene] = [await startMariadb({ series: '11.8' }), await layerTools(), await folderScene()];
  const admin = await connect(server);
  await admin.query(
    'create database shop; create table shop.t (id int primary key); insert into shop.t values (1), (2)',
  );
  await admin.end();
}, startLimitMs);

afterAll(async () => {
  await server?.stop();
  await scene?.remove();
});

/** The real programs, which say something at their end, and succeed. */
const warning: Tools = {
  get mariadbPlugins() {
    return tools.mariadbPlugins;
  },
  get certificates() {
    return tools.certificates;
  },
  program(name, major) {
    const real = tools.program(name, major);
    return {
      ...real,
      command: '/bin/sh',
      args: ['-c', `"$@" || exit; echo "Warning: $PWD of ${name} $MYSQL_PWD" >&2`, 'sh', real.command, ...real.args],
    };
  },
};

const source = (database: string): Source => ({
  name: 'shop' as SourceName,
  engine: mariadbEngine(loginTo(server, database), warning),
  timeZone: 'UTC',
  retention: { count: 1 },
  compressionLevel: 1,
  parallel: 2,
});

test('what mariadb-dump and mariadb say though they succeed is told once each, without the password', async () => {
  const told: string[] = [];
  const report = (event: RunEvent) => void (event.type === 'warning' && told.push(event.message));

  const manifest = await backup(source('shop'), scene.deps(), limit());
  await restore(
    manifest,
    source('copy').engine,
    { replace: false, owners: true, proof: false },
    { ...scene.deps(), report, parallel: 2 },
    limit(),
  );

  expect(manifest.warnings).toEqual([expect.stringMatching(/^mariadb-dump said: Warning: .* of mariadb-dump \*\*\*$/)]);
  expect(told).toEqual([
    `told when it was backed up: ${manifest.warnings[0]}`,
    expect.stringMatching(/^mariadb said: Warning: .* of mariadb \*\*\*$/),
  ]);
});
