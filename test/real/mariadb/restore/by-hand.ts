import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { zstdCompressSync } from 'node:zlib';
import type { ManifestPart } from '../../../../core/contract/manifest/manifest.ts';
import type { Engine } from '../../../../core/ports.ts';
import type { Tools } from '../../../../core/tools.ts';
import type { DatabaseServer } from '../../../servers/server.ts';
import type { Copy } from '../../../support/mariadb/mariadb.ts';

/** Restores what was read by the commands of its manifest, which the shell runs with the stock client. */
export async function restoreByHand(
  engine: Engine,
  copy: Copy,
  database: string,
  server: DatabaseServer,
  tools: Tools,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-test-'));
  const files = copy.plan.parts.map(({ role, file }) => ({ role, file: `${file}.zst` })) as ManifestPart[];
  await mkdir(join(folder, 'data'));
  for (const [file, text] of copy.texts) await writeFile(join(folder, `${file}.zst`), zstdCompressSync(text));
  const login =
    `LOGIN="--host=${server.host} --port=${server.port} --user=${server.user} --skip-ssl ` +
    `--plugin-dir=${tools.mariadbPlugins}"`;
  const script = [
    'set -eu',
    ...(engine.restoreCommands(files, copy.plan) as string[]).map((command) =>
      command.startsWith('LOGIN=') ? login : command,
    ),
  ].join('\n');
  const env = { PATH: await stockPrograms(folder, tools), MYSQL_PWD: server.password, DB: database };
  await promisify(execFile)('sh', ['-c', script], { cwd: folder, env });
  await rm(folder, { recursive: true });
}

/** Where the shell finds `mariadb` and `zstd`: the layer's; `mysql`, which is not in it, is played by MariaDB's. */
async function stockPrograms(folder: string, tools: Tools): Promise<string> {
  const home = dirname(dirname(tools.mariadbPlugins));
  await writeFile(join(folder, 'mysql'), '#!/bin/sh\nexec mariadb "$@"\n', { mode: 0o755 });
  return [folder, join(home, 'mariadb/bin'), join(home, 'bin'), '/usr/bin', '/bin'].join(':');
}
