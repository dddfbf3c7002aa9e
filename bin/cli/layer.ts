import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { BackupError } from '../../core/domain/errors.ts';

const lambdaPlace = '/opt';

/** The folder of the binary layer: NIGHTJAR_TOOLS, else /opt where it lies in Lambda, else the one that is built here (once; later runs find it in the cache). */
export async function findLayer(env: NodeJS.ProcessEnv, report: (line: string) => void, signal: AbortSignal): Promise<string> {
  if (env['NIGHTJAR_TOOLS']) return env['NIGHTJAR_TOOLS'];
  if (await access(join(lambdaPlace, 'nightjar/db-tools.json')).then(() => true, () => false)) return lambdaPlace;
  if (process.platform !== 'linux') {
    throw new BackupError('tools-missing', `the database clients run on Linux, not on ${process.platform}`, { hint: 'run Nightjar on Linux or in a Linux container' });
  }
  const { dbToolsLayer, pinRule } = await import('../../layers/db-tools/layer.ts');
  return dbToolsLayer(process.arch === 'arm64' ? 'arm64' : 'x86_64', pinRule(env), report, signal);
}
